"""From bookings to invoices, or to drafts where the issuer wants to look at them first."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from cms_billing.core.conf import billing_settings

from ..drafts import Draft
from ..models import Booking, Customer, Document, DocumentKind, Issuer
from .assembling import Problem, drafts_of, rows_of
from .drafting import booking_ids, write_drafts
from .issuing import issue_drafts


@dataclass(frozen=True)
class Batch:
    """What one chunk did, with how many customers. ``last_customer`` is where the next chunk goes on; None: nothing was
    left to take."""

    done: list[Document]
    problems: list[Problem]
    last_customer: int | None
    customers: int = 0


def due_bookings(issuer: Issuer, *, today: date) -> QuerySet[Booking]:
    """What the daily run invoices: nothing where the issuer leaves it to invoice runs."""
    due = Booking.objects.filter(issuer=issuer, state=Booking.State.OPEN, due_on__lte=today)
    return due if issuer.invoice_daily else due.none()


def customers_to_bill(issuer: Issuer, *, today: date) -> QuerySet[Customer]:
    """Customers with bookings that are due and have no invoice yet."""
    due = due_bookings(issuer, today=today).filter(customer=OuterRef("pk"))
    return Customer.objects.filter(Exists(due), issuer=issuer)


@transaction.atomic
def issue_next_invoices(
    *, issuer: Issuer, today: date, after_customer: int = 0, wait: bool = False, limit: int | None = None
) -> Batch:
    """Invoice the due bookings of the next customers, a chunk in one transaction.

    Customers another worker holds are skipped; with ``wait`` they are waited for, which is how a worker makes sure that
    nothing is left before it goes on. Bookings that cannot become a lawful invoice come back as problems and stay open.
    Where the issuer has days as a draft, drafts are written that issue themselves then.
    """
    return bill_next(
        issuer=issuer,
        bookings=due_bookings(issuer, today=today),
        today=today,
        as_drafts=issuer.draft_days > 0,
        after_customer=after_customer,
        wait=wait,
        limit=limit,
    )


@transaction.atomic
def bill_next(
    *,
    issuer: Issuer,
    bookings: QuerySet[Booking],
    today: date,
    as_drafts: bool,
    after_customer: int = 0,
    wait: bool = False,
    limit: int | None = None,
    invoice_run_id: int | None = None,
) -> Batch:
    """Bill those of the open ``bookings`` that belong to the next customers; see ``issue_next_invoices``."""
    candidates = _next_to_bill(bookings, after=after_customer, limit=limit or billing_settings().chunk_size)
    if not candidates:
        return Batch([], [], None)
    customers = list(
        Customer.objects.filter(pk__in=candidates)
        .order_by("pk")
        .select_for_update(skip_locked=not wait, no_key=True)
    )
    by_id = {customer.pk: customer for customer in customers}
    rows = rows_of(bookings.filter(customer__in=customers))
    drafts, problems = drafts_of(issuer, by_id, rows, today=today, invoice_run_id=invoice_run_id)
    write = _draft if as_drafts else _issue
    return Batch(write(issuer, customers, drafts, today=today), problems, candidates[-1], len(customers))


def _next_to_bill(bookings: QuerySet[Booking], *, after: int, limit: int) -> list[int]:
    """Ids of customers, in the order of the index of open bookings: as quick for the last chunk as for the first."""
    due = bookings.filter(customer__gt=after).order_by("customer_id")
    return list(due.values_list("customer_id", flat=True).distinct()[:limit])


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
    rows = rows_of(group)
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
    Booking.objects.filter(pk__in=booking_ids(drafts)).update(state=Booking.State.BILLED)
    return documents


def _draft(
    issuer: Issuer, customers: Sequence[Customer], drafts: Sequence[Draft], *, today: date
) -> list[Document]:
    # The days to pay begin when the draft is issued.
    return write_drafts(
        issuer=issuer,
        drafts=[replace(draft, due_on=None) for draft in drafts],
        customers={customer.pk: customer for customer in customers},
        finalise_on=today + datetime.timedelta(days=issuer.draft_days) if issuer.draft_days else None,
    )


def drafts_for(
    issuer: Issuer, customers: Sequence[Customer], *, today: date
) -> tuple[list[Draft], list[Problem]]:
    """The invoices that would be issued today for these customers, and what stands in the way of the others.

    Reads only: the dry run shows the same drafts that the run issues.
    """
    rows = rows_of(due_bookings(issuer, today=today).filter(customer__in=customers))
    return drafts_of(issuer, {customer.pk: customer for customer in customers}, rows, today=today)
