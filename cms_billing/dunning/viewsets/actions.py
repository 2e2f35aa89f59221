"""The buttons of a case: each a page that says what happens, and calls one service."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core import clock
from cms_billing.core.admin import ActionView, money_text
from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry

from ..models import Case
from ..services import (
    resume_case,
    stop_case,
    take_next_step,
    waive_fee,
)

DECIDE = "cms_billing_dunning.decide_case"


def fee_left(case: Case) -> Money:
    """The dunning fees on the document that are still owed."""
    fees = LedgerEntry.objects.filter(document=case.document_id, kind=LedgerEntry.Kind.FEE)
    charged = fees.aggregate(s=Sum("amount_minor"))["s"] or 0
    return Money(min(charged, max(case.document.open_item.open_minor, 0)), case.document.currency)


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


class WaiveFeeView(CaseActionView):
    permission = "cms_billing_dunning.waive_fee"
    page_title = gettext_lazy("Waive the fee")
    action_label = gettext_lazy("Waive")
    explanation = gettext_lazy("The dunning fees that are still owed are taken off the document.")
    form_class = ReasonForm

    def perform(self, form: forms.Form) -> str:
        waived = waive_fee(
            case_id=self.object.pk,
            today=clock.today(self.object.issuer),
            reason=form.cleaned_data["reason"],
            user=self.request.user,
        )
        return _("%(amount)s waived.") % {"amount": money_text(waived)}
