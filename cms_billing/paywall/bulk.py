"""Rules of many pages at once: from the explorer and from the list of rules."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin import messages
from wagtail.admin.views.pages.bulk_actions.page_bulk_action import PageBulkAction

from cms_billing.core.admin import BillingBulkAction
from cms_billing.memberships.models import Plan

from .models import AccessRule
from .rule_changes import PLANS, REMOVE, TEASER, Change, change_rule, change_rules
from .rule_form import TermsForm
from .rule_map import current_rules
from .terms import Preview
from .texts import covered_by

CHANGES = [
    (PLANS, gettext_lazy("close the pages to all but members of these plans")),
    (TEASER, gettext_lazy("choose what others see")),
    (REMOVE, gettext_lazy("remove the rules: the pages follow the sections above them")),
]
SHOWN_WITH: dict[str, dict[str, list[Any]]] = {
    "plans": {"change": [PLANS]},
    "preview": {"change": [TEASER]},
    "preview_amount": {"change": [TEASER], "preview": [Preview.BLOCKS, Preview.PERCENT]},
    "teaser_text": {"change": [TEASER], "preview": [Preview.TEXT]},
}


class ChangeForm(TermsForm):
    """What to do with all of them. Everything else that their rules say stays."""

    change = forms.ChoiceField(
        label=gettext_lazy("Change"), choices=CHANGES, widget=forms.RadioSelect, initial=PLANS
    )
    plans = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Plans"),
        queryset=Plan.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ["change", "plans", "preview", "preview_amount", "teaser_text"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if name not in self.field_order]:
            del self.fields[name]
        self.fields["plans"].queryset = Plan.objects.filter(is_active=True).select_related("issuer")  # type: ignore[attr-defined]
        self.fields["preview"].required = False
        self.fields["preview"].choices = [  # type: ignore[attr-defined]
            choice for choice in AccessRule.Shows.choices if choice[0] != Preview.SECTION
        ]

    def says_terms(self, cleaned: dict[str, Any]) -> bool:
        return cleaned.get("change") == TEASER

    def check_days(self, cleaned: dict[str, Any]) -> None:
        return

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("change") == PLANS and not cleaned.get("plans"):
            self.add_error("plans", _("Choose at least one plan: otherwise nobody could read the pages."))
        if cleaned.get("change") == TEASER and not cleaned.get("preview"):
            self.add_error("preview", _("Choose what others see."))
        return cleaned

    def what(self) -> Change:
        given = self.cleaned_data
        if given["change"] != TEASER:
            return Change(given["change"], plans=list(given["plans"]))
        preview = Preview(given["preview"])
        counted = preview in (Preview.BLOCKS, Preview.PERCENT)
        return Change(
            TEASER,
            preview={
                "preview": preview,
                "preview_amount": given["preview_amount"] if counted else None,
                "teaser_text": given["teaser_text"],
            },
        )

    def parts(self) -> list[tuple[Any, str, bool]]:
        """Each field with what has to be chosen for it to be shown, and whether it is."""
        return [
            (field, json.dumps(said) if (said := SHOWN_WITH.get(field.name)) else "", self._shown(said))
            for field in self
        ]

    def _shown(self, said: dict[str, list[Any]] | None) -> bool:
        return all(str(self[name].value()) in map(str, values) for name, values in (said or {}).items())


class PaywallBulkAction(PageBulkAction):
    """In the explorer and in the search of pages. Pages that one may not publish are named, and left alone."""

    display_name = gettext_lazy("Paywall")
    action_type = "paywall"
    aria_label = gettext_lazy("Change the paywall rules of the selected pages")
    template_name = "cms_billing/paywall/admin/bulk.html"
    action_priority = 60
    form_class = ChangeForm

    def check_perm(self, page: Any) -> bool:
        return not page.is_root() and page.permissions_for_user(self.request.user).can_publish()

    def object_context(self, obj: Any) -> dict[str, Any]:
        """Without looking up each page's class: the titles are enough here."""
        rule = current_rules().rule_for(obj.path)
        return {"item": obj, "says": covered_by(rule, page_id=obj.pk)}

    def get_execution_context(self) -> dict[str, Any]:
        self.problems: list[Any] = []
        change = self.cleaned_form.what() if self.cleaned_form else None
        return {**super().get_execution_context(), "change": change, "problems": self.problems}

    @classmethod
    def execute_action(
        cls, objects: Any, user: Any = None, change: Any = None, problems: Any = None, **kwargs: Any
    ) -> tuple[int, int]:
        done, left = change_rules(objects, change, user=user)
        problems.extend(left)
        return len(done), 0

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str | None:
        for problem in self.problems:
            messages.warning(self.request, problem.reason)
        return said_done(num_parent_objects) if num_parent_objects else None


class ChangeRulesAction(BillingBulkAction):
    """The same from the list of rules, whose rows are those of pages that one may publish."""

    display_name = gettext_lazy("Change")
    action_label = gettext_lazy("Change the rules")
    aria_label = gettext_lazy("Change the selected rules")
    action_type = "change_rules"
    permission = "cms_billing_paywall.view_accessrule"
    explanation = gettext_lazy("Everything else that the rules say stays. It takes effect at once.")
    form_class = ChangeForm
    template_name = "cms_billing/paywall/admin/bulk_rules.html"

    def detailed(self, rows: Any) -> Any:
        return rows.select_related("page").prefetch_related("plans")

    def note(self, row: AccessRule) -> str:
        return str(covered_by(row.facts(), page_id=row.page_id))

    def perform(self, row: AccessRule, form: Any) -> None:
        change_rule(row.page, form.what(), user=self.request.user)

    def success_message(self, count: int) -> str:
        return said_done(count)

    def _url(self, row: AccessRule) -> str:
        from .viewsets import rule_url

        return rule_url(row)


def said_done(count: int) -> str:
    return ngettext(
        "The rule of one page is changed.", "The rules of %(count)s pages are changed.", count
    ) % {"count": count}
