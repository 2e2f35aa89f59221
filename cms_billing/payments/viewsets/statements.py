"""On the page of an issuer: up to which day its bank statements have been looked through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import Action, ActionView, Fact, date_text
from cms_billing.faktura.models import Issuer

from ..models import StatementDay
from ..selectors import statements_through
from ..services import note_statements

RECORD = "cms_billing_payments.record_payment"


class StatementsForm(forms.Form):
    through = forms.DateField(
        label=gettext_lazy("Looked through up to"),
        widget=AdminDateInput,
        help_text=gettext_lazy("The day of the last statement whose payments have all been entered."),
    )


class StatementsView(ActionView):
    model = Issuer
    permission = RECORD
    page_title = gettext_lazy("Bank statements looked through")
    action_label = gettext_lazy("Save")
    explanation = gettext_lazy(
        "Dunning procedures that wait for the bank statement send no letter before the statement of the day before "
        "has been looked through."
    )
    form_class = StatementsForm

    def get_initial(self) -> dict[str, Any]:
        return {"through": clock.today(self.object) - timedelta(days=1)}

    def perform(self, form: forms.Form) -> str:
        noted = note_statements(
            issuer=self.object,
            through=form.cleaned_data["through"],
            today=clock.today(self.object),
            user=self.request.user,
        )
        return _("Bank statements are looked through up to %(day)s.") % {"day": date_text(noted.through)}


def issuer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Bank statements looked through"),
            "billing_statements",
            "calendar-check",
            RECORD,
            priority=20,
        )
    ]


def facts_of_issuer(request: Any, issuer: Issuer) -> Iterable[Fact]:
    if StatementDay.objects.filter(issuer=issuer).exists():
        yield Fact(_("Bank statements looked through"), date_text(statements_through(issuer.pk)))


def admin_urls() -> list[Any]:
    back = {"index_url_name": "billing-issuer:index", "inspect_url_name": "billing-issuer:inspect"}
    return [path("billing/statements/<int:pk>/", StatementsView.as_view(**back), name="billing_statements")]
