"""Posting: ledger entries and the open items they add up to, always together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from django.db import transaction
from django.db.models import F, OuterRef, Subquery, Sum
from django.dispatch import Signal

from cms_billing.core.bulk import insert_rows
from cms_billing.core.money import Money

from ..models import Document, LedgerEntry, OpenItem
from ..signals import document_paid_in_part, document_reopened, document_settled


@dataclass(frozen=True)
class Entry:
    """One row to post. Positive: the customer owes more. ``document_id`` None: on account."""

    kind: str
    amount: Money
    document_id: int | None = None
    related_document_id: int | None = None
    note: str = ""


@transaction.atomic
def post_entries(
    *, issuer_id: int, customer_id: int, entries: Sequence[Entry], booked_on: date
) -> list[LedgerEntry]:
    """Append the entries and move the open items; announces after commit what was settled or reopened.

    Open items are locked in the order of their ids, so two postings never wait for each other in a circle.
    """
    rows = LedgerEntry.objects.bulk_create(
        LedgerEntry(
            issuer_id=issuer_id,
            customer_id=customer_id,
            document_id=entry.document_id,
            related_document_id=entry.related_document_id,
            kind=entry.kind,
            amount_minor=entry.amount.minor,
            currency=entry.amount.currency,
            booked_on=booked_on,
            note=entry.note[:200],
        )
        for entry in entries
    )
    changes: dict[int, int] = {}
    charges: dict[int, int] = {}
    for entry in entries:
        if entry.document_id is not None:
            changes[entry.document_id] = changes.get(entry.document_id, 0) + entry.amount.minor
            if entry.kind in LedgerEntry.CHARGES:
                charges[entry.document_id] = charges.get(entry.document_id, 0) + entry.amount.minor
    _move_open_items(changes, charges, booked_on=booked_on)
    return rows


def _move_open_items(changes: dict[int, int], charges: dict[int, int], *, booked_on: date) -> None:
    items = OpenItem.objects.select_for_update(no_key=True).filter(pk__in=changes).order_by("pk")
    for item in items:
        before, item.open_minor = item.open_minor, item.open_minor + changes[item.pk]
        item.charges_minor += charges.get(item.pk, 0)
        settled = item.open_minor <= 0
        item.settled_on = (item.settled_on or booked_on) if settled else None
        item.save(update_fields=["open_minor", "charges_minor", "settled_on"])
        fell = charges.get(item.pk, 0) - changes[item.pk]
        if before > 0 and settled:
            _tell(document_settled, item, day=booked_on)
        elif before <= 0 and not settled:
            _tell(document_reopened, item, day=booked_on)
        elif not settled and fell > 0:
            _tell(document_paid_in_part, item, day=booked_on, amount_minor=fell)


def _tell(news: Signal, item: OpenItem, *, day: date, **more: object) -> None:
    facts = {"document_id": item.pk, "customer_id": item.customer_id, "day": day, **more}
    transaction.on_commit(partial(news.send_robust, sender=Document, **facts), robust=True)


@dataclass(frozen=True)
class Fee:
    """A fee or interest on a claim that is still owed; ``related_document_id`` is the letter that asks for it."""

    customer_id: int
    document_id: int
    amount: Money
    related_document_id: int | None = None
    kind: str = LedgerEntry.Kind.FEE
    note: str = ""


@transaction.atomic
def post_fees(*, issuer_id: int, fees: Sequence[Fee], booked_on: date) -> list[LedgerEntry]:
    """Post charges of many customers in a few statements; their customers and open items are locked by the caller.

    The claims are owed before and after, so nothing is settled or reopened and there is nothing to announce. Returns
    the entries in the order of the fees.
    """
    rows = [
        LedgerEntry(
            issuer_id=issuer_id,
            customer_id=fee.customer_id,
            document_id=fee.document_id,
            related_document_id=fee.related_document_id,
            kind=fee.kind,
            amount_minor=fee.amount.minor,
            currency=fee.amount.currency,
            booked_on=booked_on,
            note=fee.note[:200],
        )
        for fee in fees
    ]
    if rows:
        insert_rows(LedgerEntry, rows, with_keys=True)
        _raise_open_items(rows)
    return rows


def _raise_open_items(rows: Sequence[LedgerEntry]) -> None:
    """By what was just posted: one statement, however many different amounts."""
    posted = (
        LedgerEntry.objects.filter(document=OuterRef("pk"), pk__gte=min(row.pk for row in rows))
        .order_by()
        .values("document")
        .annotate(s=Sum("amount_minor"))
        .values("s")
    )
    OpenItem.objects.filter(pk__in={row.document_id for row in rows}).update(
        open_minor=F("open_minor") + Subquery(posted), charges_minor=F("charges_minor") + Subquery(posted)
    )


def account_balance(*, customer_id: int, currency: str) -> Money:
    """What the customer owes in all: the sum of every entry. Negative: a credit balance."""
    amount = LedgerEntry.objects.filter(customer_id=customer_id, currency=currency).aggregate(
        s=Sum("amount_minor")
    )["s"]
    return Money(amount or 0, currency)
