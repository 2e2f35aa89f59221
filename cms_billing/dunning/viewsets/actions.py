"""The buttons of a case: each a page that says what happens, and calls one service."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core import clock
from cms_billing.core.admin import ActionView, money_text
from cms_billing.core.money import Money

from ..exceptions import NothingToWaive
from ..models import Case, Charge
from ..services import (
    resume_case,
    stop_case,
    take_next_step,
    waive_charges,
)
from ..services.waivers import RETURN_FEE, waivable

DECIDE = "cms_billing_dunning.decide_case"


def charges_left(case: Case) -> list[tuple[str, Money]]:
    """What is still owed of fees and interest and could be waived, by kind."""
    currency = case.document.currency
    return [(kind, Money(minor, currency)) for kind, minor in waivable(case)]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("For your colleagues.")
    )


class CaseActionView(ActionView):
    model = Case
    permission = "cms_billing_dunning.decide_case"

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "document__open_item")


class StopView(CaseActionView):
    page_title = gettext_lazy("Stop the case")
    action_label = gettext_lazy("Stop")
    explanation = gettext_lazy(
        "No more letters go out for this document, and what it has locked opens at once. The document stays owed."
    )
    form_class = ReasonForm

    def perform(self, form: forms.Form) -> str:
        case = stop_case(case_id=self.object.pk, reason=form.cleaned_data["reason"], user=self.request.user)
        return _("%(case)s is stopped.") % {"case": case}


class ResumeView(CaseActionView):
    page_title = gettext_lazy("Resume the case")
    action_label = gettext_lazy("Resume")
    explanation = gettext_lazy(
        "The case goes on at its level; if that level locks, the content is locked again at once. The next letter "
        "waits its full time from today."
    )

    def perform(self, form: forms.Form) -> str:
        case = resume_case(
            case_id=self.object.pk, today=clock.today(self.object.issuer), user=self.request.user
        )
        return _("%(case)s goes on.") % {"case": case}


class NextStepView(CaseActionView):
    page_title = gettext_lazy("Next step now")
    action_label = gettext_lazy("Take the step")
    explanation = gettext_lazy(
        "The next letter goes out without waiting for its day; after the last level the case becomes ready for "
        "collection. What else is due for this customer today goes into the same letter."
    )
    is_dangerous = True

    def perform(self, form: forms.Form) -> str:
        case = take_next_step(
            case_id=self.object.pk, today=clock.today(self.object.issuer), user=self.request.user
        )
        return _("%(case)s: level %(level)s, %(state)s.") % {
            "case": case,
            "level": case.level,
            "state": case.get_state_display(),
        }


class WaiveForm(ReasonForm):
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("What"), widget=forms.CheckboxSelectMultiple, required=False
    )
    field_order = ("kinds", "reason")

    def __init__(self, *args: Any, left: list[tuple[str, Money]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds: Any = self.fields["kinds"]
        kinds.choices = [(kind, f"{kind_text(kind)}: {money_text(amount)}") for kind, amount in left]
        kinds.initial = [kind for kind, _amount in left]

    def clean_kinds(self) -> list[str]:
        if not self.cleaned_data["kinds"]:
            raise forms.ValidationError(_("Choose what to waive."))
        return self.cleaned_data["kinds"]


def kind_text(kind: str) -> str:
    if kind == RETURN_FEE:
        return _("fee for a returned payment")
    return str(Charge.Kind(kind).label)


class WaiveChargesView(CaseActionView):
    permission = "cms_billing_dunning.waive_fee"
    page_title = gettext_lazy("Waive fees and interest")
    action_label = gettext_lazy("Waive")
    explanation = gettext_lazy(
        "What you choose is taken off the document, as far as it is still owed. It is not claimed again."
    )
    form_class = WaiveForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "left": charges_left(self.object)}

    def obstacle(self) -> str:
        if charges_left(self.object):
            return ""
        return str(NothingToWaive(document=self.object.document))

    def perform(self, form: forms.Form) -> str:
        waived = waive_charges(
            case_id=self.object.pk,
            today=clock.today(self.object.issuer),
            kinds=form.cleaned_data["kinds"],
            reason=form.cleaned_data["reason"],
            user=self.request.user,
        )
        return _("%(amount)s waived.") % {"amount": money_text(waived)}
