"""What the form of a draft comes to, and what a customer has to be put on it. Reads only."""

from __future__ import annotations

from typing import Any

from django.utils.formats import localize_input
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.admin import date_text, money_text
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money

from ..drafts import Draft
from ..models import Booking, Customer, Document, DocumentKind, Issuer, TaxRate
from ..selectors import left_to_credit, open_deposits
from ..services import check_lawful, draft_of, with_rates
from .draft_forms import BaseLineFormSet, DraftForm, LineForm, booking_initial, draft_from

# Bookings of one customer that the form offers; a run takes the rest.
OFFERED = 100


def totals_context(form: DraftForm, lines: BaseLineFormSet, *, before: Document | None) -> dict[str, Any]:
    """Tax groups, totals, each line's amount by its prefix, and what is not counted because it is not right yet."""
    if not form.is_bound:
        return _stored_totals(before, lines) if before else no_totals()
    form.is_valid()
    counted, hints = [], []
    for number, line in enumerate(lines.filled(), start=1):
        if line.is_valid():
            counted.append(line)
        else:
            hints.append(_("Line %(n)s is not counted yet: %(why)s") % {"n": number, "why": _why(line)})
    customer = form.cleaned_data.get("customer")
    issuer = customer.issuer if customer else None
    try:
        draft = _draft_so_far(form, counted, before=before, issuer=issuer)
    except BillingError as error:
        return {**no_totals(), "hints": [*hints, str(error)]}
    if customer is not None:
        hints += _unlawful(customer)
    return {**totals_of_draft(draft, [str(line.prefix) for line in counted]), "hints": hints}


def _draft_so_far(
    form: DraftForm, counted: list[LineForm], *, before: Document | None, issuer: Issuer | None
) -> Draft:
    """With what is missing filled in: without a customer the rates are those of a German issuer today."""
    place = issuer or Issuer(country="DE")
    today = clock.today(place)
    if issuer is None or form.errors:
        draft = Draft(
            kind=DocumentKind.INVOICE,
            customer_id=0,
            currency=form.currency_typed(),
            prices_include_tax=form["prices"].value() != "without",
            lines=tuple(line.line() for line in counted),
        )
    else:
        draft = draft_from(form, counted, before=before)
    return with_rates(draft, place, today=today)


def _why(form: Any) -> str:
    names = {name: str(field.label) for name, field in form.fields.items()}
    return " ".join(
        f"{names.get(name, '')}: {error}" for name, errors in form.errors.items() for error in errors
    )


def _unlawful(customer: Customer) -> list[str]:
    try:
        check_lawful(customer.issuer, customer)
    except BillingError as error:
        return [str(error)]
    return []


def no_totals() -> dict[str, Any]:
    return {"groups": [], "lines": {}, "deductions": [], "hints": [], "total": None}


def totals_of_draft(draft: Draft, prefixes: list[str]) -> dict[str, Any]:
    totals, currency = draft.totals(), draft.currency
    by_prices = "gross" if draft.prices_include_tax else "net"
    amounts = [money_text(Money(getattr(line, by_prices), currency)) for line in totals.lines]
    notices = {(line.tax_code, line.tax_percent): line.tax_notice for line in draft.lines}
    return {
        "lines": dict(zip(prefixes, amounts, strict=False)),
        "deductions": [
            (line.description, amount)
            for line, amount in zip(draft.lines, amounts, strict=True)
            if line.deducts_id is not None
        ],
        "groups": [
            {
                "label": f"{TaxRate.Code(group.tax_code).label} {group.tax_percent.normalize() + 0:f} %",
                "net": money_text(Money(group.amounts.net, currency)),
                "tax": money_text(Money(group.amounts.tax, currency)),
                "notice": notices[group.tax_code, group.tax_percent],
            }
            for group in totals.groups
        ],
        "net": money_text(Money(totals.total.net, currency)),
        "tax": money_text(Money(totals.total.tax, currency)),
        "total": money_text(Money(totals.total.gross, currency)),
        "is_negative": totals.total.gross < 0,
        "hints": [],
    }


def _stored_totals(document: Document, lines: BaseLineFormSet) -> dict[str, Any]:
    draft = draft_of(document)
    charged = [str(form.prefix) for form in lines.forms]
    return {**totals_of_draft(draft, charged), "hints": _unlawful(document.customer)}


def offers_of(customer: Customer | None, *, before: Document | None) -> dict[str, Any]:
    if customer is None:
        return {"customer": None}
    open_bookings = Booking.objects.filter(customer=customer, state=Booking.State.OPEN)
    mine = Booking.objects.filter(document_lines__document=before) if before else Booking.objects.none()
    bookings = [*mine.order_by("due_on", "pk"), *open_bookings.order_by("due_on", "pk")[: OFFERED + 1]]
    deposits = list(open_deposits(customer.pk))
    if before and before.customer_id == customer.pk:
        taken = Document.objects.filter(deductions__document=before).distinct()
        deposits = [*taken.order_by("issued_on", "pk"), *deposits]
    return {
        "customer": customer,
        "issuer": customer.issuer,
        "bookings": [_booking_offer(booking) for booking in bookings[: OFFERED + 1]],
        "more": len(bookings) > OFFERED + 1,
        "deposits": [_deposit_offer(deposit) for deposit in deposits],
        "is_small": customer.issuer.small_business,
    }


def _booking_offer(booking: Booking) -> dict[str, Any]:
    initial = booking_initial(booking)
    for name in ("service_start", "service_end"):
        initial[name] = f"{initial[name]:%Y-%m-%d}"
    initial["unit_price"] = localize_input(initial["unit_price"].amount)
    initial["quantity"] = localize_input(initial["quantity"])
    return {
        "pk": booking.pk,
        "text": booking.description,
        "due_on": date_text(booking.due_on),
        "price": money_text(booking.unit_price),
        "quantity": initial["quantity"],
        "fits": {"currency": booking.currency, "prices": "with" if booking.prices_include_tax else "without"},
        "line": initial,
    }


def _deposit_offer(deposit: Document) -> dict[str, Any]:
    left = sum(line.amounts.gross for line in left_to_credit(deposit))
    return {
        "pk": str(deposit.pk),
        "text": str(deposit),
        "date": date_text(deposit.issued_on),
        "amount": money_text(Money(left, deposit.currency)),
    }
