"""From bookings to drafts, as values: nothing is written here. The dry run shows the drafts that the run issues."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from cms_billing.core.exceptions import BillingError

from .. import rules
from ..drafts import Draft, DraftLine
from ..exceptions import InvoiceNotLawful, NoTaxRate
from ..models import Booking, Customer, DocumentKind, Grouping, Issuer, TaxRate

BOOKING_FIELDS = [
    "id",
    "customer_id",
    "period_start",
    "period_end",
    "due_on",
    "invoice_group",
    "contract_reference",
    "description",
    "quantity",
    "unit_price_minor",
    "currency",
    "prices_include_tax",
    "tax_code",
    "details",
]
# Printed where an issuer shows no VAT under § 19 UStG.
SMALL_BUSINESS_NOTICE = "Steuerfrei nach § 19 UStG (Kleinunternehmer)."


class BookingRow(NamedTuple):
    id: int
    customer_id: int
    period_start: date
    period_end: date
    due_on: date
    invoice_group: str
    contract_reference: str
    description: str
    quantity: Decimal
    unit_price_minor: int
    currency: str
    prices_include_tax: bool
    tax_code: str
    details: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Problem:
    """Something that could not be done: the row (``app.Model`` and id), what it is called, and why."""

    subject: str
    subject_id: int
    label: str
    reason: str


def rows_of(bookings: QuerySet[Booking]) -> list[BookingRow]:
    return [BookingRow(*values) for values in bookings.order_by("id").values_list(*BOOKING_FIELDS)]


def drafts_of(
    issuer: Issuer,
    customers: Mapping[int, Customer],
    bookings: Sequence[BookingRow],
    *,
    today: date,
    invoice_run_id: int | None = None,
) -> tuple[list[Draft], list[Problem]]:
    """The invoices these bookings come to, and what stands in the way of the others."""
    groups: dict[tuple[object, ...], list[BookingRow]] = defaultdict(list)
    for row in bookings:
        groups[_shared_by(row, customers[row.customer_id].grouping or issuer.grouping)].append(row)
    rates = tax_rates(issuer.country)
    drafts, problems = [], []
    for members in groups.values():
        customer = customers[members[0].customer_id]
        try:
            draft = _draft(issuer, customer, members, rates, today=today)
            drafts.append(replace(draft, invoice_run_id=invoice_run_id) if invoice_run_id else draft)
        except BillingError as error:
            problems.append(Problem(Customer._meta.label, customer.pk, str(customer), str(error)))
    drafts.sort(key=lambda draft: draft.customer_id)
    return drafts, problems


def _shared_by(row: BookingRow, grouping: str) -> tuple[object, ...]:
    """What bookings on one invoice have in common."""
    if grouping == Grouping.CUSTOMER:
        return (row.customer_id, row.currency, row.prices_include_tax)
    return (row.customer_id, row.invoice_group, row.due_on, row.currency, row.prices_include_tax)


def tax_rates(country: str) -> list[rules.Rate]:
    return [
        rules.Rate(r.code, r.percent, r.valid_from, r.notice) for r in TaxRate.objects.filter(country=country)
    ]


def _draft(
    issuer: Issuer,
    customer: Customer,
    bookings: Sequence[BookingRow],
    rates: Sequence[rules.Rate],
    *,
    today: date,
) -> Draft:
    check_lawful(issuer, customer)
    first = bookings[0]
    return Draft(
        kind=DocumentKind.INVOICE,
        customer_id=customer.pk,
        currency=first.currency,
        prices_include_tax=first.prices_include_tax,
        lines=tuple(_line(issuer, row, rates) for row in bookings),
        due_on=payable_by(issuer, today=today),
    )


def payable_by(issuer: Issuer, *, today: date) -> date:
    return today + datetime.timedelta(days=issuer.payment_days)


def check_lawful(issuer: Issuer, customer: Customer) -> None:
    """Raises InvoiceNotLawful, which names what the law asks for and the data do not say."""
    if missing := rules.missing_on_invoice(_facts(issuer), _facts(customer)):
        raise InvoiceNotLawful(customer=customer, missing=missing)


def _line(issuer: Issuer, row: BookingRow, rates: Sequence[rules.Rate]) -> DraftLine:
    rate = rate_of(issuer, row.tax_code, rates, day=row.period_end)
    return DraftLine(
        description=row.description,
        unit_price_minor=row.unit_price_minor,
        tax_code=rate.code,
        tax_percent=rate.percent,
        tax_notice=rate.notice,
        quantity=row.quantity,
        service_start=row.period_start,
        service_end=row.period_end,
        booking_id=row.id,
        contract_reference=row.contract_reference,
        details=row.details,
    )


def rate_of(issuer: Issuer, code: str, rates: Sequence[rules.Rate], *, day: date) -> rules.Rate:
    """The rate in force on the day the service ends (§ 27 (1) UStG: the time of supply decides). Raises NoTaxRate."""
    if issuer.small_business:
        return rules.Rate(TaxRate.Code.EXEMPT, Decimal(0), day, SMALL_BUSINESS_NOTICE)
    try:
        return rules.rate_on(rates, code=code, day=day)
    except rules.NoRate as error:
        raise NoTaxRate(code=code, country=issuer.country, day=day) from error


def with_rates(
    draft: Draft, issuer: Issuer, *, today: date, rates: Sequence[rules.Rate] | None = None
) -> Draft:
    """The draft with the rates of its tax codes; lines whose amounts are given keep theirs. Raises NoTaxRate.

    ``rates``: ``tax_rates`` of the issuer's country, where many drafts share them.
    """
    rates = tax_rates(issuer.country) if rates is None else rates
    return replace(draft, lines=tuple(_rated(line, issuer, rates, today=today) for line in draft.lines))


def _rated(line: DraftLine, issuer: Issuer, rates: Sequence[rules.Rate], *, today: date) -> DraftLine:
    if line.amounts is not None:
        return line
    rate = rate_of(issuer, line.tax_code, rates, day=line.service_end or today)
    return replace(line, tax_code=rate.code, tax_percent=rate.percent, tax_notice=rate.notice)


def _facts(party: Issuer | Customer) -> dict[str, str]:
    names = ("legal_name", "name", "street", "postal_code", "city", "country", "tax_number", "vat_id")
    return {name: getattr(party, name) for name in names if hasattr(party, name)}
