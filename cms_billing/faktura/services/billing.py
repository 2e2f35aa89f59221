"""From bookings to invoices."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError

from .. import rules
from ..drafts import Draft, DraftLine
from ..exceptions import InvoiceNotLawful, NoTaxRate
from ..models import Booking, Customer, Document, DocumentKind, Issuer, TaxRate
from .issuing import issue_drafts

_BOOKING_FIELDS = [
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


@dataclass(frozen=True)
class Problem:
    """Something that could not be done: the row (``app.Model`` and id), what it is called, and why."""

    subject: str
    subject_id: int
    label: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """What one chunk did. ``last_customer`` is where the next chunk goes on; None: nothing was left to take."""

    done: list[Document]
    problems: list[Problem]
    last_customer: int | None


def customers_to_bill(issuer: Issuer, *, today: date) -> QuerySet[Customer]:
    """Customers with bookings that are due and have no invoice yet."""
    due = Booking.objects.filter(customer=OuterRef("pk"), state=Booking.State.OPEN, due_on__lte=today)
    return Customer.objects.filter(Exists(due), issuer=issuer)


@transaction.atomic
def issue_next_invoices(
    *, issuer: Issuer, today: date, after_customer: int = 0, wait: bool = False, limit: int | None = None
) -> Batch:
    """Invoice the due bookings of the next customers, a chunk in one transaction.

    Customers another worker holds are skipped; with ``wait`` they are waited for, which is how a worker makes sure that
    nothing is left before it goes on. Bookings that cannot become a lawful invoice come back as problems and stay open.
    """
    candidates = _next_to_bill(
        issuer, today=today, after=after_customer, limit=limit or billing_settings().chunk_size
    )
    if not candidates:
        return Batch([], [], None)
    customers = list(
        Customer.objects.filter(pk__in=candidates)
        .order_by("pk")
        .select_for_update(skip_locked=not wait, no_key=True)
    )
    drafts, problems = drafts_for(issuer, customers, today=today)
    return Batch(_issue(issuer, customers, drafts, today=today), problems, candidates[-1])


def _next_to_bill(issuer: Issuer, *, today: date, after: int, limit: int) -> list[int]:
    """Ids of customers, in the order of the index of open bookings: as quick for the last chunk as for the first."""
    due = Booking.objects.filter(
        issuer=issuer, state=Booking.State.OPEN, due_on__lte=today, customer__gt=after
    )
    return list(due.order_by("customer_id").values_list("customer_id", flat=True).distinct()[:limit])


@transaction.atomic
def issue_group(*, customer_id: int, invoice_group: str, today: date) -> Batch:
    """Invoice one group of a customer's bookings at once, such as an order just placed.

    A group that comes to nothing gets no invoice: its bookings are void. What stands in the way of a lawful invoice
    comes back as a problem; the bookings stay open for the daily run.
    """
    customer = (
        Customer.objects.select_related("issuer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=customer_id)
    )
    group = Booking.objects.filter(
        customer=customer, invoice_group=invoice_group, state=Booking.State.OPEN, due_on__lte=today
    )
    rows = [BookingRow(*values) for values in group.order_by("id").values_list(*_BOOKING_FIELDS)]
    if not any(row.quantity * row.unit_price_minor for row in rows):
        group.update(state=Booking.State.VOID)
        return Batch([], [], None)
    drafts, problems = drafts_of(customer.issuer, {customer.pk: customer}, rows, today=today)
    documents = _issue(customer.issuer, [customer], drafts, today=today)
    return Batch(documents, problems, customer.pk)


def _issue(
    issuer: Issuer, customers: Sequence[Customer], drafts: Sequence[Draft], *, today: date
) -> list[Document]:
    documents = issue_drafts(
        issuer=issuer,
        kind=DocumentKind.INVOICE,
        drafts=drafts,
        customers={customer.pk: customer for customer in customers},
        today=today,
    )
    billed = [line.booking_id for draft in drafts for line in draft.lines if line.booking_id is not None]
    Booking.objects.filter(pk__in=billed).update(state=Booking.State.BILLED)
    return documents


def drafts_for(
    issuer: Issuer, customers: Sequence[Customer], *, today: date
) -> tuple[list[Draft], list[Problem]]:
    """The invoices that would be issued today for these customers, and what stands in the way of the others.

    Reads only: the dry run shows the same drafts that the run issues.
    """
    rows = Booking.objects.filter(
        customer__in=customers, state=Booking.State.OPEN, due_on__lte=today
    ).order_by("id")
    bookings = [BookingRow(*values) for values in rows.values_list(*_BOOKING_FIELDS)]
    return drafts_of(issuer, {customer.pk: customer for customer in customers}, bookings, today=today)


def drafts_of(
    issuer: Issuer, customers: dict[int, Customer], bookings: Sequence[BookingRow], *, today: date
) -> tuple[list[Draft], list[Problem]]:
    groups: dict[tuple[object, ...], list[BookingRow]] = defaultdict(list)
    for row in bookings:
        key = (row.customer_id, row.invoice_group, row.due_on, row.currency, row.prices_include_tax)
        groups[key].append(row)
    rates = tax_rates(issuer.country)
    drafts, problems = [], []
    for members in groups.values():
        customer = customers[members[0].customer_id]
        try:
            drafts.append(_draft(issuer, customer, members, rates, today=today))
        except BillingError as error:
            problems.append(Problem(Customer._meta.label, customer.pk, str(customer), str(error)))
    drafts.sort(key=lambda draft: draft.customer_id)
    return drafts, problems


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
    missing = rules.missing_on_invoice(_facts(issuer), _facts(customer))
    if missing:
        raise InvoiceNotLawful(customer=customer, missing=missing)
    first = bookings[0]
    return Draft(
        kind=DocumentKind.INVOICE,
        customer_id=customer.pk,
        currency=first.currency,
        prices_include_tax=first.prices_include_tax,
        lines=tuple(_line(issuer, row, rates) for row in bookings),
        due_on=today + datetime.timedelta(days=issuer.payment_days),
    )


def _line(issuer: Issuer, row: BookingRow, rates: Sequence[rules.Rate]) -> DraftLine:
    rate = _rate(issuer, row, rates)
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
    )


def _rate(issuer: Issuer, row: BookingRow, rates: Sequence[rules.Rate]) -> rules.Rate:
    """The rate in force when the service period ends (§ 27 (1) UStG: the time of supply decides)."""
    if issuer.small_business:
        return rules.Rate(TaxRate.Code.EXEMPT, Decimal(0), row.period_end, SMALL_BUSINESS_NOTICE)
    try:
        return rules.rate_on(rates, code=row.tax_code, day=row.period_end)
    except rules.NoRate as error:
        raise NoTaxRate(code=row.tax_code, country=issuer.country, day=row.period_end) from error


def _facts(party: Issuer | Customer) -> dict[str, str]:
    names = ("legal_name", "name", "street", "postal_code", "city", "country", "tax_number", "vat_id")
    return {name: getattr(party, name) for name in names if hasattr(party, name)}


__all__ = [
    "Batch",
    "Problem",
    "customers_to_bill",
    "drafts_for",
    "drafts_of",
    "issue_group",
    "issue_next_invoices",
]
