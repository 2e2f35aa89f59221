"""What is owed on documents, part by part: read from the ledger, one query for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry
from cms_billing.payments.models import Payment

from . import apportioning
from .apportioning import Account, Posting
from .models import Charge

_KIND = LedgerEntry.Kind
# What is claimed on a document, or given up; everything else is money.
_PARTS = {
    _KIND.INVOICE: apportioning.PRINCIPAL,
    _KIND.CREDIT: apportioning.PRINCIPAL,
    _KIND.CANCELLATION: apportioning.PRINCIPAL,
    _KIND.WRITE_OFF: apportioning.PRINCIPAL,
    _KIND.INTEREST: apportioning.INTEREST,
}
_CHARGES = {
    Charge.Kind.FEE: apportioning.FEES,
    Charge.Kind.FLAT: apportioning.FLAT,
    Charge.Kind.INTEREST: apportioning.INTEREST,
    Charge.Kind.COLLECTION: apportioning.COLLECTION,
}


@dataclass(frozen=True)
class Breakdown:
    """A document's parts in minor units: what was claimed, what came in, and what is open of each (§ 367 BGB).

    ``principal`` is the invoice; ``credits`` are credit notes, cancellation and write-offs, ``payments`` what came in
    less what went back, both positive. The charges are net of what was waived. ``return_fees``: what the bank took for
    payments that came back. Open parts add up to ``open_minor``.
    """

    currency: str
    principal: int = 0
    credits: int = 0
    payments: int = 0
    return_fees: int = 0
    fees: int = 0
    flat: int = 0
    collection_costs: int = 0
    interest: int = 0
    principal_open: int = 0
    return_fees_open: int = 0
    fees_open: int = 0
    flat_open: int = 0
    collection_costs_open: int = 0
    interest_open: int = 0
    # (day, principal open at its end), for interest.
    principal_by_day: tuple[tuple[date, int], ...] = ()

    @property
    def costs_open(self) -> int:
        """What § 367 BGB calls costs."""
        return self.return_fees_open + self.fees_open + self.flat_open + self.collection_costs_open

    @property
    def charges(self) -> int:
        """Everything claimed beside the invoice: the open item's ``charges_minor``."""
        return self.return_fees + self.fees + self.flat + self.collection_costs + self.interest

    @property
    def open_minor(self) -> int:
        return self.principal_open + self.costs_open + self.interest_open

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)


class _Row(NamedTuple):
    document_id: int
    kind: str
    minor: int
    currency: str
    day: date
    charge: str | None
    related_id: int | None
    payment_id: int | None
    appropriation: str | None


_COLUMNS = (
    "document_id",
    "kind",
    "amount_minor",
    "currency",
    "booked_on",
    "dunning_charge__kind",
    "related_document_id",
    "allocation__payment_id",
    "allocation__payment__appropriation",
)


def breakdown(document_ids: Collection[int]) -> dict[int, Breakdown]:
    """By document; one without a ledger entry is left out. One query."""
    entries = LedgerEntry.objects.filter(document__in=document_ids).order_by("pk").values_list(*_COLUMNS)
    rows: dict[int, list[_Row]] = defaultdict(list)
    for values in entries:
        row = _Row(*values)
        rows[row.document_id].append(row)
    return {document_id: _breakdown(found) for document_id, found in rows.items()}


def breakdown_of(document_id: int, currency: str) -> Breakdown:
    return breakdown([document_id]).get(document_id) or Breakdown(currency)


def _breakdown(rows: list[_Row]) -> Breakdown:
    account: Account = apportioning.apportion(map(_posting, rows))
    claimed, left = account.claimed, account.open
    invoiced = sum(row.minor for row in rows if row.kind == _KIND.INVOICE)
    return Breakdown(
        currency=rows[0].currency,
        principal=invoiced,
        credits=invoiced - claimed[apportioning.PRINCIPAL],
        payments=sum(claimed.values()) - account.open_minor,
        return_fees=claimed[apportioning.RETURN_FEES],
        fees=claimed[apportioning.FEES],
        flat=claimed[apportioning.FLAT],
        collection_costs=claimed[apportioning.COLLECTION],
        interest=claimed[apportioning.INTEREST],
        principal_open=left[apportioning.PRINCIPAL],
        return_fees_open=left[apportioning.RETURN_FEES],
        fees_open=left[apportioning.FEES],
        flat_open=left[apportioning.FLAT],
        collection_costs_open=left[apportioning.COLLECTION],
        interest_open=left[apportioning.INTEREST],
        principal_by_day=tuple(account.principal),
    )


def _posting(row: _Row) -> Posting:
    first = row.appropriation == Payment.Appropriation.PRINCIPAL
    return Posting(row.day, row.minor, _part(row), principal_first=first, payment=row.payment_id)


def _part(row: _Row) -> str:
    if row.charge:
        return _CHARGES[Charge.Kind(row.charge)]
    if row.kind == _KIND.FEE:
        # A fee that is no charge of a case and names no letter is what the bank took for a returned payment.
        return apportioning.FEES if row.related_id else apportioning.RETURN_FEES
    return _PARTS.get(_KIND(row.kind), "")
