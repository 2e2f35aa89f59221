from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput, AdminPageChooser
from wagtail.models import Page

from cms_billing.faktura.models import Customer
from cms_billing.memberships.models import Plan

from .models import AccessRule
from .terms import OpensTo, Preview, RuleTerms

INHERIT = "inherit"
OPENS = [choice for choice in AccessRule.Opens.choices if choice[0] != OpensTo.SECTION]
SHOWS = [
    (value, label)
    for value, label in AccessRule.Shows.choices
    if value in (Preview.PAGE, Preview.TEXT, Preview.TITLE)
]


class RuleForm(forms.Form):
    """The rule of one page, or none: then it follows the section above."""

    opens_to = forms.ChoiceField(label=gettext_lazy("Open to"), widget=forms.RadioSelect)
    plans = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Plans"),
        queryset=Plan.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("For members with a plan: any one of these opens the page."),
    )
    preview = forms.ChoiceField(
        label=gettext_lazy("What others see"),
        choices=SHOWS,
        widget=forms.RadioSelect,
        initial=Preview.PAGE,
    )
    teaser_text = forms.CharField(
        label=gettext_lazy("Teaser text"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, page: Page, rule: AccessRule | None, above: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inherit = _("follow the section above (%(above)s)") % {"above": above}
        self.fields["opens_to"].choices = [(INHERIT, inherit), *OPENS]  # type: ignore[attr-defined]
        self.fields["plans"].queryset = plans_for(page, rule)  # type: ignore[attr-defined]
        self.initial.setdefault("opens_to", INHERIT)
        if rule:
            self.initial.update(
                opens_to=rule.opens_to,
                plans=list(rule.plans.values_list("pk", flat=True)),
                preview=rule.preview,
                teaser_text=rule.teaser_text,
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("opens_to") == OpensTo.PLANS and not cleaned.get("plans"):
            self.add_error("plans", _("Choose at least one plan: otherwise nobody could read the page."))
        if cleaned.get("preview") == Preview.TEXT and not cleaned.get("teaser_text", "").strip():
            self.add_error("teaser_text", _("Write what others see, or choose another preview."))
        return cleaned

    def terms(self) -> RuleTerms:
        given = self.cleaned_data
        return RuleTerms(
            opens_to=OpensTo(given["opens_to"]),
            preview=Preview(given["preview"]),
            teaser_text=given["teaser_text"],
        )


def plans_for(page: Page, rule: AccessRule | None) -> Any:
    """Plans of issuers who sell on the page's site (or on no particular one), and those chosen already."""
    site = page.get_site()
    here = Q(issuer__sites=None) | Q(issuer__sites=site) if site else Q()
    on_sale = Plan.objects.filter(here, is_active=True)
    chosen = rule.plans.values("pk") if rule else Plan.objects.none().values("pk")
    return Plan.objects.filter(Q(pk__in=on_sale.values("pk")) | Q(pk__in=chosen)).select_related("issuer")


class ExplainForm(forms.Form):
    """Which page, for whom, on which day."""

    page = forms.ModelChoiceField(
        label=gettext_lazy("Page"), queryset=Page.objects.all(), widget=AdminPageChooser
    )
    who = forms.CharField(
        label=gettext_lazy("Person"),
        required=False,
        help_text=gettext_lazy(
            "E-mail address, user name or customer number. Empty: a guest who is not logged in."
        ),
    )
    day = forms.DateField(
        label=gettext_lazy("On"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Empty: today."),
    )

    def __init__(self, *args: Any, asker: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asker = asker

    def clean_who(self) -> Any:
        """The user asked about, or None for a guest. Only people whose customer records the asker may see."""
        text = self.cleaned_data["who"].strip()
        if not text:
            return None
        found = list(people_visible_to(self.asker, text)[:2])
        if len(found) > 1:
            raise forms.ValidationError(_("Several people are called so. Use the customer number."))
        if not found:
            raise forms.ValidationError(_("There is nobody with this name, address or number."))
        return found[0]

    def clean_day(self) -> date | None:
        return self.cleaned_data["day"]


def people_visible_to(asker: Any, text: str) -> Any:
    users = get_user_model()._default_manager.all()
    named = (
        Q(**{f"{get_user_model().USERNAME_FIELD}__iexact": text})
        | Q(email__iexact=text)
        | Q(billing_customers__number=text)
    )
    if not asker.is_superuser:
        users = users.filter(billing_customers__in=Customer.objects.visible_to(asker))
    return users.filter(named).distinct()
