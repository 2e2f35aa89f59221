"""The form for the rule of one page, in groups that show only what the choice above them leaves open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput
from wagtail.models import Page

from cms_billing.memberships.models import Plan

from .models import AccessRule
from .models.access_rules import LEVELS
from .rules import Rule
from .terms import OpensTo, Preview, RuleTerms

INHERIT = "inherit"
MOST_BLOCKS, MOST_PERCENT = 50, 90
CLOSES_AT = [
    ("", gettext_lazy("as the dunning procedure locks (or the section above says)")),
    ("0", gettext_lazy("never because of arrears")),
    ("1", gettext_lazy("from the first reminder on")),
    ("2", gettext_lazy("from the second reminder on")),
    ("3", gettext_lazy("from the third reminder on")),
][: LEVELS + 2]


@dataclass(frozen=True)
class Part:
    """A field, or a group of them, with what has to be chosen for it to be shown (``w-rules`` of Wagtail's admin)."""

    fields: list[Any]
    heading: Any = ""
    note: Any = ""
    shown_with: str = ""
    shown: bool = True


def _whole_number(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=0, max_value=32767, **options)


class TermsForm(forms.Form):
    """What a rule says beside whom it lets in."""

    preview = forms.ChoiceField(
        label=gettext_lazy("What others see"),
        choices=AccessRule.Shows.choices,
        widget=forms.RadioSelect,
        initial=Preview.PAGE,
    )
    preview_amount = forms.IntegerField(
        label=gettext_lazy("How many blocks, or how many percent"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Never the whole text: of a text in one block at most half is shown."),
    )
    teaser_text = forms.CharField(
        label=gettext_lazy("Teaser text"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    free_until = forms.DateField(
        label=gettext_lazy("Free until"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Everybody may read up to and with this day."),
    )
    free_from = forms.DateField(
        label=gettext_lazy("Free from"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Everybody may read from this day on."),
    )
    quota = _whole_number(
        label=gettext_lazy("Free pages a month"),
        help_text=gettext_lazy("So many closed pages of this section each visitor may read free in a month."),
    )
    gifts = _whole_number(
        label=gettext_lazy("Gift links a month"),
        help_text=gettext_lazy("So many pages of this section a member may give away in a month."),
    )
    opens_on = forms.DateField(
        label=gettext_lazy("For members from"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Before that day members see the teaser, too."),
    )
    opens_after_days = _whole_number(
        label=gettext_lazy("Days after the contract's start"),
        help_text=gettext_lazy("For lessons that open one after the other. Of both the later day counts."),
    )
    closes_at = forms.TypedChoiceField(
        label=gettext_lazy("Closed to members in arrears"),
        choices=CLOSES_AT,
        required=False,
        coerce=int,
        empty_value=None,
        help_text=gettext_lazy("What is paid stays open."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.says_terms(cleaned):
            self.check_preview(cleaned)
            self.check_days(cleaned)
        return cleaned

    def says_terms(self, cleaned: dict[str, Any]) -> bool:
        return True

    def check_preview(self, cleaned: dict[str, Any]) -> None:
        preview, amount = cleaned.get("preview"), cleaned.get("preview_amount") or 0
        if preview == Preview.TEXT and not cleaned.get("teaser_text", "").strip():
            self.add_error("teaser_text", _("Write what others see, or choose another preview."))
        if preview == Preview.BLOCKS and not 1 <= amount <= MOST_BLOCKS:
            self.add_error("preview_amount", _("Say how many blocks, from 1 to %s.") % MOST_BLOCKS)
        if preview == Preview.PERCENT and not 1 <= amount <= MOST_PERCENT:
            self.add_error(
                "preview_amount", _("Say how much of the text, from 1 to %s percent.") % MOST_PERCENT
            )

    def check_days(self, cleaned: dict[str, Any]) -> None:
        until, start = cleaned.get("free_until"), cleaned.get("free_from")
        if until and start and start <= until + timedelta(days=1):
            self.add_error(
                "free_from",
                _("Choose a later day, or the page would be free all the time: it is until %s.") % until,
            )

    def terms_for(self, opens_to: str) -> RuleTerms:
        given = self.cleaned_data
        names = ("closes_at", "free_until", "free_from", "quota", "gifts", "opens_on", "opens_after_days")
        preview = Preview(given["preview"])
        counted = preview in (Preview.BLOCKS, Preview.PERCENT)
        return RuleTerms(
            opens_to=OpensTo(opens_to),
            preview=preview,
            preview_amount=given["preview_amount"] if counted else None,
            teaser_text=given["teaser_text"],
            **{name: given[name] for name in names},
        )


class RuleForm(TermsForm):
    """The rule of one page, or none: then it follows the section above."""

    opens_to = forms.ChoiceField(label=gettext_lazy("Open to"), widget=forms.RadioSelect)
    plans = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Plans"),
        queryset=Plan.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("For members with a plan: any one of these opens the page."),
    )

    def __init__(
        self,
        *args: Any,
        page: Page,
        rule: AccessRule | None,
        above: Rule | None,
        said_above: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.above = above
        inherit = _("follow the section above (%(above)s)") % {"above": said_above}
        self.fields["opens_to"].choices = [(INHERIT, inherit), *AccessRule.Opens.choices]  # type: ignore[attr-defined]
        self.fields["plans"].queryset = plans_for(page, rule)  # type: ignore[attr-defined]
        self.initial.setdefault("opens_to", INHERIT)
        if rule:
            plans = list(rule.plans.values_list("pk", flat=True))
            self.initial.update(vars(rule.rule_terms), plans=plans)

    def says_terms(self, cleaned: dict[str, Any]) -> bool:
        return cleaned.get("opens_to") in (OpensTo.PLANS, OpensTo.SECTION)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        opens_to = cleaned.get("opens_to")
        if opens_to == OpensTo.PLANS and not cleaned.get("plans"):
            self.add_error("plans", _("Choose at least one plan: otherwise nobody could read the page."))
        if opens_to == OpensTo.PLANS and cleaned.get("preview") == Preview.SECTION:
            self.add_error(
                "preview", _("Choose what others see: this rule does not follow the section above.")
            )
        if opens_to == OpensTo.SECTION and (self.above is None or self.above.opens_to is not OpensTo.PLANS):
            self.add_error("opens_to", _("There is no closed section above that this page could follow."))
        return cleaned

    def terms(self) -> RuleTerms:
        opens_to = self.cleaned_data["opens_to"]
        if opens_to == OpensTo.EVERYONE:
            return RuleTerms(opens_to=OpensTo.EVERYONE)
        return self.terms_for(opens_to)

    def parts(self) -> list[Part]:
        """The groups, in the order in which one decides."""
        closed = [OpensTo.PLANS, OpensTo.SECTION]
        return [
            Part([self.only("opens_to"), self.only("plans", opens_to=[OpensTo.PLANS])], _("Who may read")),
            self.group(_("What others see"), *self.preview_parts(), opens_to=closed),
            self.group(
                _("Free for everybody"),
                *map(self.only, ("free_until", "free_from", "quota", "gifts")),
                opens_to=closed,
            ),
            self.group(
                _("When members may read"), *map(self.only, ("opens_on", "opens_after_days")), opens_to=closed
            ),
            self.group(_("Arrears"), self.only("closes_at"), opens_to=closed),
        ]

    def preview_parts(self) -> list[Part]:
        return [
            self.only("preview"),
            self.only("preview_amount", preview=[Preview.BLOCKS, Preview.PERCENT]),
            self.only("teaser_text", preview=[Preview.TEXT]),
        ]

    def only(self, name: str, **chosen: list[Any]) -> Part:
        return self._part([self[name]], "", chosen)

    def group(self, heading: Any, *parts: Part, **chosen: list[Any]) -> Part:
        return self._part(list(parts), heading, chosen)

    def _part(self, fields: list[Any], heading: Any, chosen: dict[str, list[Any]]) -> Part:
        shown = all(str(self[name].value()) in map(str, values) for name, values in chosen.items())
        rules = json.dumps({name: [str(value) for value in values] for name, values in chosen.items()})
        return Part(fields, heading, shown_with=rules if chosen else "", shown=shown)


def plans_for(page: Page, rule: AccessRule | None) -> Any:
    """Plans of issuers who sell on the page's site (or on no particular one), and those chosen already."""
    site = page.get_site()
    here = Q(issuer__sites=None) | Q(issuer__sites=site) if site else Q()
    on_sale = Plan.objects.filter(here, is_active=True)
    chosen = rule.plans.values("pk") if rule else Plan.objects.none().values("pk")
    return Plan.objects.filter(Q(pk__in=on_sale.values("pk")) | Q(pk__in=chosen)).select_related("issuer")
