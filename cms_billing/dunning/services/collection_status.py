"""Status files of agencies: read and matched first, applied when a person has looked at them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry
from cms_billing.faktura.services import Entry, WriteOffReason, post_entries, write_off
from cms_billing.payments.models import Payment
from cms_billing.payments.services import record_payment

from ..collection.exceptions import BadStatusFile, CannotRecall
from ..collection.status_csv import Headings, Line, read
from ..models import (
    Agency,
    CaseStep,
    Charge,
    ClaimChange,
    ClaimStatus,
    HandOverClaim,
    StatusFile,
    StatusLine,
)
from .collection import lock_claim, note_steps
from .collection_reports import KINDS

# What agencies here commonly write; an agency's own words come first.
USUAL_WORDS = {
    "in bearbeitung": ClaimStatus.IN_PROGRESS,
    "laufend": ClaimStatus.IN_PROGRESS,
    "in progress": ClaimStatus.IN_PROGRESS,
    "bezahlt": ClaimStatus.PAID,
    "teilzahlung": ClaimStatus.PAID,
    "paid": ClaimStatus.PAID,
    "uneinbringlich": ClaimStatus.UNCOLLECTABLE,
    "uncollectable": ClaimStatus.UNCOLLECTABLE,
    "abgeschlossen": ClaimStatus.CLOSED,
    "erledigt": ClaimStatus.CLOSED,
    "closed": ClaimStatus.CLOSED,
}


@transaction.atomic
def read_status_file(*, agency_id: int, name: str, data: bytes, today: date, user: Any = None) -> StatusFile:
    """Read a file and match its lines with claims; changes nothing yet. Raises BadStatusFile, also for a file that
    came in before."""
    agency = Agency.objects.select_related("issuer").get(pk=agency_id)
    lines = read(data, headings_of(agency), currency=agency.currency)
    digest = hashlib.sha256(data).hexdigest()
    try:
        with transaction.atomic():
            file = StatusFile.objects.create(
                issuer_id=agency.issuer_id, agency=agency, name=name[:200], sha256=digest, user=user
            )
    except IntegrityError as error:
        raise BadStatusFile(_("This file came in before; its lines are there already.")) from error
    words = {row.word.strip().casefold(): row.status for row in agency.status_words.all()}
    claims = _claims_named(agency, lines)
    StatusLine.objects.bulk_create(_matched(file, lines, claims, {**USUAL_WORDS, **words}, today=today))
    log(instance=file, action="cms_billing.read_status_file", user=user, data={"lines": len(lines)})
    return file


def headings_of(agency: Agency) -> Headings:
    return Headings(
        agency.status_hand_over,
        agency.status_document,
        agency.status_status,
        agency.status_paid,
        agency.status_costs,
        agency.status_date,
        agency.status_note,
    )


def _claims_named(agency: Agency, lines: Sequence[Line]) -> dict[tuple[str, str], list[HandOverClaim]]:
    """This agency's claims by hand-over and document number."""
    found: dict[tuple[str, str], list[HandOverClaim]] = {}
    claims = HandOverClaim.objects.filter(
        hand_over__agency=agency, document__number__in={line.document for line in lines}
    )
    for claim in claims.select_related("hand_over", "document"):
        found.setdefault((claim.hand_over.reference, claim.document.number), []).append(claim)
    return found


def _matched(
    file: StatusFile,
    lines: Sequence[Line],
    claims: Mapping[tuple[str, str], list[HandOverClaim]],
    words: Mapping[str, str],
    *,
    today: date,
) -> list[StatusLine]:
    rows = []
    seen: set[tuple[str, str]] = set()
    for line in lines:
        key = (line.hand_over, line.document)
        known = claims.get(key, [])
        status = words.get(line.word.strip().casefold(), "")
        problem = line.problem or _problem(line, known, status, today=today)
        if not problem and key in seen:
            problem = _("The claim stands in the file twice; only its first line counts.")
        seen.add(key)
        rows.append(
            StatusLine(
                file=file,
                line=line.line,
                hand_over=line.hand_over,
                document=line.document,
                word=line.word,
                claim=known[0] if len(known) == 1 else None,
                status=status,
                paid_minor=line.paid_minor,
                costs_minor=line.costs_minor,
                currency=known[0].currency if len(known) == 1 else file.agency.currency,
                day=line.day,
                note=line.note,
                problem=problem[:255],
            )
        )
    return rows


def _problem(line: Line, known: Sequence[HandOverClaim], status: str, *, today: date) -> str:
    if not known:
        return _("No claim of this hand-over has this document number.")
    if len(known) > 1:
        return _("Several claims have these numbers.")
    if known[0].recalled_on is not None:
        return _("The claim has been recalled.")
    if not status:
        return _("Nobody has said what “%(word)s” means. Add it to the agency's words.") % {"word": line.word}
    if line.day is not None and line.day > today:
        return _("The day lies in the future.")
    if line.paid_minor and status != ClaimStatus.PAID:
        return _("An amount is named, but the status is not “%(paid)s”.") % {"paid": ClaimStatus.PAID.label}
    if status == ClaimStatus.PAID and not line.paid_minor:
        return _("The status is “%(paid)s”, but no amount is named.") % {"paid": ClaimStatus.PAID.label}
    return ""


def discard_status_file(*, file_id: int, user: Any = None) -> None:
    """Forget a file that nobody applied, so that it can come in again once headings or words are corrected."""
    with transaction.atomic():
        file = StatusFile.objects.select_for_update(no_key=True).get(pk=file_id)
        if file.state != StatusFile.State.READ or file.lines.exclude(applied_at=None).exists():
            raise BadStatusFile(_("%(file)s has been applied.") % {"file": file})
        log(
            instance=file.agency,
            action="cms_billing.discard_status_file",
            user=user,
            data={"file": str(file)},
        )
        file.delete()


def apply_status_file(*, file_id: int, way: str, today: date, user: Any = None) -> int:
    """Apply each line in a transaction of its own; one that fails keeps its reason and stops no other.

    ``way``: how money that was paid at the agency comes to us (``Payment.Way``). Returns how many were applied; applied
    a second time, a line changes nothing. Raises BadStatusFile for a file that is done.
    """
    file = StatusFile.objects.select_related("agency").get(pk=file_id)
    if file.state == StatusFile.State.APPLIED:
        raise BadStatusFile(_("%(file)s has been applied.") % {"file": file})
    done = 0
    for pk in file.lines.filter(applied_at=None, problem="").values_list("pk", flat=True):
        try:
            done += apply_status_line(line_id=pk, way=way, today=today, user=user)
        except BillingError as error:
            StatusLine.objects.filter(pk=pk).update(problem=str(error)[:255])
    StatusFile.objects.filter(pk=file.pk).update(state=StatusFile.State.APPLIED)
    log(instance=file, action="cms_billing.apply_status_file", user=user, data={"lines": done})
    return done


@transaction.atomic
def apply_status_line(*, line_id: int, way: str, today: date, user: Any = None) -> bool:
    """Status, payment and costs of one line, all or nothing. False: it was applied before."""
    claim_id = StatusLine.objects.values_list("claim_id", flat=True).get(pk=line_id)
    claim = lock_claim(claim_id)
    line = StatusLine.objects.select_for_update(no_key=True, of=("self",)).get(pk=line_id)
    if line.applied_at is not None:
        return False
    if claim.recalled_on is not None:
        raise CannotRecall(_("The claim has been recalled."))
    day = line.day or today
    # Costs first: what was paid covers them before the claim (§ 367 BGB).
    if line.costs_minor:
        _take_costs(claim, Money(line.costs_minor, line.currency), day=today)
    if line.paid_minor:
        _receive(claim, line, way=way, day=day, today=today, user=user)
    claim.status, claim.status_on, claim.status_note = line.status, day, line.note
    claim.save(update_fields=["status", "status_on", "status_note"])
    said = f"{claim.get_status_display()} {line.note}".strip()
    note_steps([claim.case], CaseStep.Kind.AGENCY, said, user=user)
    line.applied_at = clock.now()
    line.save(update_fields=["applied_at"])
    return True


def _receive(
    claim: HandOverClaim, line: StatusLine, *, way: str, day: date, today: date, user: Any
) -> Payment:
    newest = (
        LedgerEntry.objects.filter(document=claim.document_id).order_by("-pk").values_list("pk", flat=True)
    )
    before = newest.first() or 0
    payment = record_payment(
        customer_id=claim.customer_id,
        amount=Money(line.paid_minor, line.currency),
        received_on=day,
        way=way,
        today=today,
        documents=[claim.document],
        note=_("Paid at %(agency)s") % {"agency": claim.hand_over.agency},
        user=user,
    )
    known_to_agency(claim, above=before)
    return payment


def _take_costs(claim: HandOverClaim, costs: Money, *, day: date) -> None:
    """What the agency costs; on the claim itself only where its record says so."""
    HandOverClaim.objects.filter(pk=claim.pk).update(costs_minor=claim.costs_minor + costs.minor)
    if not claim.hand_over.agency.book_costs or claim.document.open_item.open_minor <= 0:
        return
    newest = (
        LedgerEntry.objects.filter(document=claim.document_id).order_by("-pk").values_list("pk", flat=True)
    )
    before = newest.first() or 0
    note = _("Costs of %(agency)s") % {"agency": claim.hand_over.agency}
    [entry] = post_entries(
        issuer_id=claim.issuer_id,
        customer_id=claim.customer_id,
        entries=[Entry(LedgerEntry.Kind.FEE, costs, claim.document_id, note=note)],
        booked_on=day,
    )
    Charge.objects.create(
        case=claim.case,
        kind=Charge.Kind.COLLECTION,
        amount_minor=costs.minor,
        currency=costs.currency,
        booked_on=day,
        ledger_entry=entry,
    )
    known_to_agency(claim, above=before)


def known_to_agency(claim: HandOverClaim, *, above: int) -> None:
    """Entries on the claim that the agency itself told us of: no report repeats them."""
    for entry in LedgerEntry.objects.filter(document=claim.document_id, pk__gt=above):
        ClaimChange.objects.create(
            issuer_id=claim.issuer_id,
            claim=claim,
            kind=KINDS[LedgerEntry.Kind(entry.kind)],
            ledger_entry=entry,
            day=entry.booked_on,
            amount_minor=entry.amount_minor,
            currency=entry.currency,
            note=entry.note,
            from_agency=True,
        )


@transaction.atomic
def write_off_claim(
    *, claim_id: int, note: str, today: date, limited: bool, user: Any = None
) -> HandOverClaim:
    """Give up what is still open of a claim the agency could not collect; its case closes, the agency is told.

    Raises CannotWriteOff.
    """
    claim = lock_claim(claim_id)
    write_off(
        document_id=claim.document_id,
        amount=claim.document.open_item.open_amount,
        reason=WriteOffReason.UNCOLLECTABLE,
        note=note,
        today=today,
        limited=limited,
        user=user,
    )
    return claim
