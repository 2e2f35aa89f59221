"""What happened to claims at an agency since they were handed over: told once, in the next report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from cms_billing.faktura.models import Issuer, LedgerEntry

from ..models import Agency, ClaimChange, HandOver, HandOverClaim
from .collection import finish_hand_over, new_hand_over

Kind, Entry = ClaimChange.Kind, LedgerEntry.Kind
KINDS = {
    Entry.PAYMENT: Kind.PAYMENT,
    Entry.CREDIT: Kind.CREDIT,
    Entry.CANCELLATION: Kind.CANCELLATION,
    Entry.CHARGEBACK: Kind.CHARGEBACK,
    Entry.FEE: Kind.CHARGE,
    Entry.INTEREST: Kind.CHARGE,
    Entry.REFUND: Kind.REFUND,
    Entry.WRITE_OFF: Kind.WRITE_OFF,
    Entry.TRANSFER: Kind.TRANSFER,
}
# Rows in one report; what is left goes into another one the same day.
LARGEST = 2000


def report_changes(*, issuer: Issuer, today: date) -> list[HandOver]:
    """One report an agency that has to be told something, each in its own transaction; more where it is very much."""
    made = []
    for agency in Agency.objects.filter(issuer=issuer).order_by("pk"):
        while report := report_to(agency_id=agency.pk, today=today):
            made.append(report)
    return made


@transaction.atomic
def report_to(*, agency_id: int, today: date, user: Any = None) -> HandOver | None:
    """The next report for an agency; None where there is nothing to tell. Two at once tell nothing twice: the agency
    is locked, and the database keeps an entry from being told a second time."""
    agency = (
        Agency.objects.select_for_update(no_key=True, of=("self",)).select_related("issuer").get(pk=agency_id)
    )
    _note_new(agency)
    waiting = ClaimChange.objects.filter(report=None, from_agency=False, claim__hand_over__agency=agency)
    changes = list(waiting.order_by("pk")[:LARGEST])
    if not changes:
        return None
    report = new_hand_over(agency, HandOver.Kind.REPORT, today=today, user=user)
    ClaimChange.objects.filter(pk__in=[change.pk for change in changes]).update(report=report)
    for change in changes:
        report.totals[change.currency] = report.totals.get(change.currency, 0) + change.amount_minor
    finish_hand_over(report, rows=len(changes), user=user)
    return report


def unreported_entries(agency: Agency) -> QuerySet[LedgerEntry]:
    """Entries on claims the agency has that were posted after the hand-over and not told yet."""
    claims = HandOverClaim.objects.at_agency().filter(
        hand_over__agency=agency, document=OuterRef("document"), last_entry__lt=OuterRef("pk")
    )
    told = ClaimChange.objects.filter(
        claim__recalled_on=None, claim__document=OuterRef("document"), ledger_entry=OuterRef("pk")
    )
    return LedgerEntry.objects.filter(Exists(claims), ~Exists(told), issuer=agency.issuer_id).order_by("pk")


def _note_new(agency: Agency) -> None:
    entries = list(unreported_entries(agency)[:LARGEST])
    claims = HandOverClaim.objects.at_agency().filter(document__in={entry.document_id for entry in entries})
    by_document = {claim.document_id: claim for claim in claims}
    left = _open_after(entries)
    ClaimChange.objects.bulk_create(
        ClaimChange(
            issuer_id=agency.issuer_id,
            claim=by_document[entry.document_id],
            kind=KINDS[Entry(entry.kind)],
            ledger_entry=entry,
            day=entry.booked_on,
            amount_minor=entry.amount_minor,
            open_minor=left[entry.pk],
            currency=entry.currency,
            note=entry.note,
        )
        for entry in entries
        if entry.document_id in by_document
    )


def _open_after(entries: Sequence[LedgerEntry]) -> dict[int, int]:
    """What each document was owed right after each of its entries."""
    if not entries:
        return {}
    documents = {entry.document_id for entry in entries}
    rows = LedgerEntry.objects.filter(document__in=documents, pk__lte=entries[-1].pk).order_by()
    owed = dict(rows.values_list("document_id").annotate(s=Sum("amount_minor")))
    by_document: dict[Any, list[LedgerEntry]] = defaultdict(list)
    # Told or not: all entries between the first and the last of these count.
    for row in rows.filter(pk__gte=entries[0].pk).order_by("-pk"):
        by_document[row.document_id].append(row)
    found = {}
    for document_id, newest_first in by_document.items():
        left = owed[document_id]
        for row in newest_first:
            found[row.pk] = left
            left -= row.amount_minor
    return found
