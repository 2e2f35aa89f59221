"""The dry run: what a day would bring, with amounts, by the same rules as the run; reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.dunning import services as dunning
from cms_billing.faktura import services as faktura
from cms_billing.faktura.models import Booking, Customer, Issuer
from cms_billing.faktura.services.assembling import BookingRow, rows_of
from cms_billing.faktura.services.billing import due_bookings
from cms_billing.memberships import services as memberships
from cms_billing.memberships.services.booking import bookings_for, read_due_lines
from cms_billing.payments.services import chargeable_amounts, chargeable_items


@dataclass(frozen=True)
class Planned:
    """One thing a step would do (or, with a ``problem``, why it would not)."""

    step: str
    label: str
    amount: Money | None = None
    problem: str = ""


def preview(issuer: Issuer, *, today: date) -> Iterator[Planned]:
    """Step by step in the order of the run. What one step would do is taken into account by the next."""
    booked: list[BookingRow] = []
    yield from _book(issuer, today, booked)
    yield from _issue(issuer, today, booked)
    yield from _finalise(issuer, today)
    yield from _collect(issuer, today)
    for planned in dunning.preview(issuer=issuer, today=today):
        yield Planned("dun", planned.label, planned.amount, planned.skipped_because)


def _book(issuer: Issuer, today: date, booked: list[BookingRow]) -> Iterator[Planned]:
    for line in read_due_lines(memberships.due_lines(issuer, today=today).order_by("pk")):
        try:
            bookings = bookings_for(line, issuer=issuer, today=today)
        except BillingError as error:
            yield Planned("book", line.contract_number, problem=str(error))
            continue
        for booking in bookings:
            booked.append(_as_row(booking))
            label = (
                f"{line.contract_number} {booking.description} {booking.period_start}–{booking.period_end}"
            )
            yield Planned("book", label, booking.unit_price * booking.quantity)


def _issue(issuer: Issuer, today: date, booked: list[BookingRow]) -> Iterator[Planned]:
    if not issuer.invoice_daily:
        return
    rows = rows_of(due_bookings(issuer, today=today)) + booked
    by_customer: dict[int, list[BookingRow]] = defaultdict(list)
    for row in rows:
        by_customer[row.customer_id].append(row)
    customers = Customer.objects.filter(issuer=issuer).in_bulk(list(by_customer))
    drafts, problems = faktura.drafts_of(issuer, customers, rows, today=today)
    for draft in drafts:
        gross = Money(draft.totals().total.gross, draft.currency)
        yield Planned("issue", str(customers[draft.customer_id]), gross)
    for problem in problems:
        yield Planned("issue", problem.label, problem=problem.reason)


def _finalise(issuer: Issuer, today: date) -> Iterator[Planned]:
    for document in faktura.drafts_to_finalise(issuer, today=today).select_related("customer"):
        yield Planned("finalise", f"{document.customer} {document}", document.gross)


def _collect(issuer: Issuer, today: date) -> Iterator[Planned]:
    items = chargeable_items(issuer, today=today).select_related("document", "customer").order_by("pk")
    rows = items.iterator(chunk_size=billing_settings().chunk_size)
    while chunk := list(islice(rows, billing_settings().chunk_size)):
        amounts = chargeable_amounts(chunk, today=today)
        for item in chunk:
            if item.pk in amounts:
                amount = Money(amounts[item.pk], item.currency)
                yield Planned("collect", f"{item.customer} {item.document.number}", amount)


def _as_row(booking: Booking) -> BookingRow:
    values = {name: getattr(booking, name) for name in BookingRow._fields if name != "id"}
    return BookingRow(id=0, **values)
