"""Account statements: the account of a time, looked at first, then issued as a document."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    DateColumn,
    MoneyColumn,
    Section,
    TableSection,
    money_text,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money

from ..models import Customer, Document, LedgerEntry
from ..services import (
    issue_statement,
    statement_of,
)
from .previewed import PreviewedActionView, currencies_of

STATEMENT = "cms_billing_faktura.issue_statement"
PREVIEWED = 50


class StatementForm(forms.Form):
    since = forms.DateField(label=pgettext_lazy("period", "From"), widget=AdminDateInput)
    until = forms.DateField(label=pgettext_lazy("period", "To"), widget=AdminDateInput)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))

    def __init__(self, *args: Any, currencies: list[str], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        currency: Any = self.fields["currency"]
        currency.choices = [(code, code) for code in currencies]
        if len(currencies) == 1:
            self.fields["currency"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if until and until > self.today:
            self.add_error("until", _("That day is still to come."))
        elif since and until and until < since:
            self.add_error("until", _("A statement ends after it has begun."))
        return data


class StatementView(PreviewedActionView):
    model = Customer
    permission = STATEMENT
    page_title = gettext_lazy("Account statement")
    action_label = gettext_lazy("Issue the statement")
    form_class = StatementForm
    issued: Document | None = None

    @property
    def explanation(self) -> str:
        if self.object.email:
            return _("The statement gets a number, is archived and goes to %(to)s.") % {
                "to": self.object.email
            }
        return _("The statement gets a number and is archived; the customer has no e-mail address: print it.")

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def today(self) -> date:
        return clock.today(self.object.issuer)

    def get_form_kwargs(self) -> dict[str, Any]:
        currencies = currencies_of(self.object) or [self.object.issuer.currency]
        return {**super().get_form_kwargs(), "currencies": currencies, "today": self.today()}

    def get_initial(self) -> dict[str, Any]:
        """The year so far; in January, the year before."""
        today = self.today()
        if today.month == 1:
            since, until = date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)
        else:
            since, until = date(today.year, 1, 1), today
        currencies = currencies_of(self.object) or [self.object.issuer.currency]
        return {"since": since, "until": until, "currency": currencies[0]}

    def preview(self, form: Any) -> Section | None:
        if form.is_bound and form.errors:
            return None
        values = form.cleaned_data if form.is_bound else self.get_initial()
        try:
            statement = statement_of(self.object, **values)
        except BillingError:
            return None
        currency = values["currency"]
        kinds = dict(LedgerEntry.Kind.choices)

        def amount(name: str) -> Any:
            return lambda row: Money(row[name], currency)

        entries = statement["entries"]
        opening = Money(statement["opening_minor"], currency)
        closing = Money(statement["closing_minor"], currency)
        note = _("Balance before: %(opening)s; at the end: %(closing)s.") % {
            "opening": money_text(opening),
            "closing": money_text(closing),
        }
        if len(entries) > PREVIEWED:
            note += " " + _("The last %(n)s of %(all)s entries are shown.") % {
                "n": PREVIEWED,
                "all": len(entries),
            }
        return TableSection(
            _("What the statement will say"),
            [
                DateColumn("date", label=_("Date"), accessor=lambda row: date.fromisoformat(row["date"])),
                Column("kind", label=_("Entry"), accessor=lambda row: kinds.get(row["kind"], row["kind"])),
                Column("number", label=pgettext("billing", "Document"), accessor=lambda row: row["number"]),
                MoneyColumn("amount", label=_("Amount"), accessor=amount("amount_minor")),
                MoneyColumn("balance", label=_("Balance"), accessor=amount("balance_minor")),
            ],
            entries[-PREVIEWED:],
            note=note,
            empty=_("Nothing was booked in this time."),
        )

    def perform(self, form: forms.Form) -> str:
        self.issued = issue_statement(
            customer_id=self.object.pk, **form.cleaned_data, today=self.today(), user=self.request.user
        )
        return _("%(document)s is issued; its PDF is being made.") % {"document": self.issued}

    def back_url(self) -> str:
        if self.issued is not None and self.request.user.has_perm("cms_billing_faktura.view_document"):
            return reverse("billing-document:inspect", args=[self.issued.pk])
        return super().back_url()
