"""Giving up charges: negative ledger entries and charges, kind by kind."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry
from cms_billing.faktura.services import Entry, post_entries

from ..apportioning import spread_waiver
from ..breakdowns import breakdown_of
from ..models import Case, Charge

# What the bank took for a returned payment is a charge as well, but none that a letter claimed.
RETURN_FEE = "return_fee"
# In this order: real costs are given up last.
KINDS: tuple[str, ...] = (
    Charge.Kind.INTEREST,
    Charge.Kind.FLAT,
    Charge.Kind.FEE,
    Charge.Kind.COLLECTION,
    RETURN_FEE,
)


def waivable(case: Case, kinds: Collection[str] = ()) -> list[tuple[str, int]]:
    """What would be waived of each kind (all kinds where none is named), in minor units; never more than is owed."""
    owed = breakdown_of(case.document_id, case.document.currency)
    claimed = {
        Charge.Kind.INTEREST: owed.interest,
        Charge.Kind.FLAT: owed.flat,
        Charge.Kind.FEE: owed.fees,
        Charge.Kind.COLLECTION: owed.collection_costs,
        RETURN_FEE: owed.return_fees,
    }
    wanted = [(str(kind), claimed[kind]) for kind in KINDS if not kinds or kind in kinds]
    return spread_waiver(max(owed.open_minor, 0), wanted)


def waive(case: Case, parts: Collection[tuple[str, int]], *, today: date, note: str) -> Money:
    """Post the waiver of these parts; returns their sum. The customer is locked; a settled document is announced."""
    currency = case.document.currency
    entries = [
        Entry(
            LedgerEntry.Kind.INTEREST if kind == Charge.Kind.INTEREST else LedgerEntry.Kind.FEE,
            Money(-minor, currency),
            case.document_id,
            note=note,
        )
        for kind, minor in parts
    ]
    rows = post_entries(
        issuer_id=case.issuer_id, customer_id=case.customer_id, entries=entries, booked_on=today
    )
    Charge.objects.bulk_create(
        Charge(
            case=case,
            kind=kind,
            amount_minor=-minor,
            currency=currency,
            booked_on=today,
            ledger_entry=row,
        )
        for (kind, minor), row in zip(parts, rows, strict=True)
        if kind != RETURN_FEE
    )
    return Money(sum(minor for _kind, minor in parts), currency)
