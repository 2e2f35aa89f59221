"""The form people write an invoice with, and the draft it comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.forms import MoneyField, NumberField
from cms_billing.core.money import Money

from ..drafts import Draft, DraftLine
from ..line_details import details_text, parse_details
from ..models import Booking, Customer, Document, DocumentKind, DocumentLine, TaxRate
from ..services import deposit_lines, draft_of
from ..validators import validate_currency
from .customer_chooser import CustomerChooser, choosable

INVOICE, DEPOSIT, PRO_FORMA = "invoice", "deposit", "pro_forma"
WITH_TAX, WITHOUT_TAX = "with", "without"
# Each line is a dozen inputs; Django refuses a form of more than DATA_UPLOAD_MAX_NUMBER_FIELDS.
MAX_LINES = 500


class DraftForm(forms.Form):
    """Everything about a draft but its lines."""

    customer: forms.ModelChoiceField = forms.ModelChoiceField(
        label=gettext_lazy("Customer"), queryset=Customer.objects.none(), widget=CustomerChooser
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        initial=INVOICE,
        choices=[
            (INVOICE, gettext_lazy("Invoice")),
            (DEPOSIT, gettext_lazy("Deposit invoice")),
            (PRO_FORMA, gettext_lazy("Pro forma invoice")),
        ],
    )
    prices = forms.ChoiceField(
        label=gettext_lazy("Prices"),
        initial=WITH_TAX,
        choices=[
            (WITH_TAX, gettext_lazy("include tax")),
            (WITHOUT_TAX, gettext_lazy("without tax, which is added")),
        ],
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        required=False,
        max_length=3,
        help_text=gettext_lazy("Such as EUR. Empty: the issuer's."),
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due on"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Empty: the issuer's days to pay after the date of the invoice."),
    )
    finalise_on = forms.DateField(
        label=gettext_lazy("Issued by itself on"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Empty: it stays a draft until somebody issues it."),
    )
    intro = forms.CharField(
        label=gettext_lazy("Text above the lines"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Of this document only. Empty: the issuer's text."),
    )
    closing = forms.CharField(
        label=gettext_lazy("Text below the total"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Of this document only. Empty: the issuer's text."),
    )
    deposits: forms.ModelMultipleChoiceField = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Deposits taken off"), queryset=Document.objects.none(), required=False
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        customers = choosable(user)
        self.fields["customer"].queryset = customers  # type: ignore[attr-defined]
        self.fields["customer"].widget.rows = customers
        self.fields["deposits"].queryset = Document.objects.visible_to(user).filter(  # type: ignore[attr-defined]
            is_deposit=True, state=Document.State.ISSUED
        )

    def clean_currency(self) -> str:
        currency = self.cleaned_data["currency"].strip().upper()
        if currency:
            validate_currency(currency)
        return currency

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        customer = data.get("customer")
        if customer is not None and not data.get("currency") and "currency" not in self.errors:
            data["currency"] = customer.issuer.currency
        day = data.get("finalise_on")
        if customer is not None and day is not None and day < clock.today(customer.issuer):
            self.add_error("finalise_on", _("That day has passed."))
        if data.get("kind") != INVOICE and data.get("deposits"):
            self.add_error("kind", _("Only an invoice takes deposits off."))
        return data

    def currency_typed(self) -> str:
        """The currency of amounts in the lines, before and after cleaning; a usable one in any case."""
        self.is_valid()
        return self.cleaned_data.get("currency") or str(self.initial.get("currency") or "") or "EUR"


# What makes a row of the form a line.
CONTENT = frozenset({"description", "unit_price", "contract_reference", "details", "booking"})


class LineForm(forms.Form):
    description = forms.CharField(label=gettext_lazy("Description"), max_length=255)
    quantity = NumberField(label=gettext_lazy("Quantity"), max_digits=12, decimal_places=3, initial=1)
    unit_price = MoneyField(label=gettext_lazy("Unit price"), minimum=None)
    tax_code = forms.ChoiceField(
        label=gettext_lazy("Tax"), choices=TaxRate.Code.choices, initial=TaxRate.Code.STANDARD
    )
    service_start = forms.DateField(label=pgettext_lazy("service period", "Service from"), required=False)
    service_end = forms.DateField(label=pgettext_lazy("service period", "Service to"), required=False)
    contract_reference = forms.CharField(label=gettext_lazy("Contract number"), max_length=32, required=False)
    details = forms.CharField(
        label=gettext_lazy("Details"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "A row each: date; text; quantity; amount. Only the text is needed; rows of a spreadsheet can be pasted."
        ),
    )
    booking = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, currency: str = "EUR", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["unit_price"].currency = currency  # type: ignore[attr-defined]
        for name in ("quantity", "unit_price"):
            self.fields[name].widget = forms.TextInput(
                attrs={"inputmode": "decimal", "autocomplete": "off", "class": "billing-number"}
            )
            self.fields[name].widget.is_localized = True
        for name in ("service_start", "service_end"):
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})

    def has_changed(self) -> bool:
        """A row is one when it says what is sold or what it costs; the rest is filled in beforehand."""
        return bool(CONTENT.intersection(self.changed_data))

    def clean_quantity(self) -> Any:
        quantity = self.cleaned_data["quantity"]
        if quantity <= 0:
            raise ValidationError(_("Write more than 0; a discount is a line with a negative unit price."))
        return quantity

    def clean_details(self) -> list[dict[str, Any]] | None:
        return parse_details(self.cleaned_data["details"], self.currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("service_start"), data.get("service_end")
        if start and end and end < start:
            self.add_error("service_end", _("The service cannot end before it has begun."))
        data["service_start"], data["service_end"] = start or end, end or start
        return data

    def line(self) -> DraftLine:
        """The rate is looked up later (``services.with_rates``)."""
        data = self.cleaned_data
        return DraftLine(
            description=data["description"],
            unit_price_minor=data["unit_price"].minor,
            tax_code=data["tax_code"],
            tax_percent=Decimal(0),
            quantity=data["quantity"].normalize() + 0,
            service_start=data["service_start"],
            service_end=data["service_end"],
            booking_id=data["booking"],
            contract_reference=data["contract_reference"],
            details=data["details"],
        )


class BaseLineFormSet(forms.BaseFormSet):
    """Lines in the order people have put them; rows without any content are left out."""

    def initial_form_count(self) -> int:
        """Lines are written anew as they stand: none of them is known beforehand once the form is sent."""
        return 0 if self.is_bound else super().initial_form_count()

    def in_order(self) -> list[LineForm]:
        """All that are not removed, as they stand on the page."""
        kept = [form for form in self.forms if not self._is_removed(form)]
        return sorted(kept, key=lambda form: (_order(form), self.forms.index(form)))

    def filled(self) -> list[LineForm]:
        return [form for form in self.in_order() if form.has_changed()]

    def _is_removed(self, form: forms.Form) -> bool:
        return bool(form["DELETE"].data) if self.is_bound else False

    def removed(self) -> list[LineForm]:
        return [form for form in self.forms if self._is_removed(form)]


def _order(form: forms.Form) -> int:
    """Before cleaning, too: a row that is wrong stays where it is."""
    value = str(form["ORDER"].data or "") if form.is_bound else ""
    return int(value) if value.isdecimal() and len(value) < 10 else 10**6


LineFormSet: Any = forms.formset_factory(
    LineForm,
    formset=BaseLineFormSet,
    extra=1,
    can_order=True,
    can_delete=True,
    max_num=MAX_LINES,
    validate_max=True,
    absolute_max=MAX_LINES + 1,
)


def draft_from(form: DraftForm, lines: Iterable[LineForm], *, before: Document | None = None) -> Draft:
    """What the form says, with what only the draft ``before`` knows. Raises WrongDeposit."""
    data = form.cleaned_data
    kept = draft_of(before) if before else None
    prices_include_tax = data["prices"] == WITH_TAX
    extra = {
        **(kept.extra if kept else {}),
        "intro": data["intro"].strip(),
        "closing": data["closing"].strip(),
    }
    draft = Draft(
        kind=DocumentKind.PRO_FORMA if data["kind"] == PRO_FORMA else DocumentKind.INVOICE,
        customer_id=data["customer"].pk,
        currency=data["currency"],
        prices_include_tax=prices_include_tax,
        due_on=data["due_on"],
        is_deposit=data["kind"] == DEPOSIT,
        extra={name: value for name, value in extra.items() if value != ""},
        lines=(
            *(line.line() for line in lines),
            *deposit_lines(
                customer_id=data["customer"].pk,
                deposits=data["deposits"],
                prices_include_tax=prices_include_tax,
                by=before,
            ),
        ),
    )
    if kept is None:
        return draft
    return replace(draft, based_on_id=kept.based_on_id, invoice_run_id=kept.invoice_run_id)


def initial_of(document: Document) -> dict[str, Any]:
    """A draft as its form shows it."""
    kind = DEPOSIT if document.is_deposit else INVOICE
    return {
        "customer": document.customer_id,
        "kind": PRO_FORMA if document.kind == DocumentKind.PRO_FORMA else kind,
        "prices": WITH_TAX if document.prices_include_tax else WITHOUT_TAX,
        "currency": document.currency,
        "due_on": document.due_on,
        "finalise_on": document.finalise_on,
        "intro": document.extra.get("intro", ""),
        "closing": document.extra.get("closing", ""),
        "deposits": [line.deducts_id for line in document.lines.all() if line.deducts_id],
    }


def line_initials(document: Document) -> list[dict[str, Any]]:
    return [
        {
            **_written(line, document.currency),
            "service_start": line.service_start,
            "service_end": line.service_end,
            "booking": line.booking_id,
        }
        for line in document.lines.all()
        if not line.deducts_id
    ]


def booking_initial(booking: Booking) -> dict[str, Any]:
    return {
        **_written(booking, booking.currency),
        "service_start": booking.period_start,
        "service_end": booking.period_end,
        "booking": booking.pk,
    }


def _written(row: DocumentLine | Booking, currency: str) -> dict[str, Any]:
    return {
        "description": row.description,
        "quantity": row.quantity.normalize() + 0,
        "unit_price": Money(row.unit_price_minor, currency),
        "tax_code": row.tax_code,
        "contract_reference": row.contract_reference,
        "details": details_text(row.details, currency),
    }
