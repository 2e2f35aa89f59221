"""Claims to an agency and back: one transaction each, files and sending by the outbox after it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import BillingError
from cms_billing.core.texts import amount_text
from cms_billing.faktura.archive import pdf_filename
from cms_billing.faktura.models import Customer, Document, Issuer, LedgerEntry
from cms_billing.faktura.services import Problem

from .. import hindrances, reasons
from ..collection import columns
from ..collection.exceptions import CannotHandOver, CannotRecall
from ..collection.facts import facts_of
from ..models import (
    Agency,
    Case,
    CaseStep,
    ClaimChange,
    DunningPolicy,
    HandOver,
    HandOverClaim,
    HandOverFile,
)
from ..plans import OPEN_ITEMS_LOCKED
from ..rules import Decision, Step

State = Case.State
# Claims in one file.
LARGEST = 1000


@dataclass(frozen=True)
class HandedOver:
    """``hand_over`` is None where nothing was fit to go; ``problems`` say why claims stayed."""

    hand_over: HandOver | None
    problems: Sequence[Problem]


@transaction.atomic
def hand_over(*, case_ids: Collection[int], agency_id: int, today: date, user: Any = None) -> HandedOver:
    """Hand the claims of cases over to an agency: frozen rows, one number, and the file as work to be done.

    Claims that something stands against stay, each with its reason. From the commit on nobody here writes letters for
    the others or collects them. Raises CannotHandOver for an agency that is out of use.
    """
    agency = Agency.objects.select_related("issuer").get(pk=agency_id)
    if not agency.is_active:
        raise CannotHandOver(_("%(agency)s is not in use any more.") % {"agency": agency})
    cases = _locked_cases(case_ids, agency.issuer)
    obstacles = obstacles_of(cases, agency, today=today)
    fitting = [case for case in cases if case.pk not in obstacles][:LARGEST]
    problems = [_problem(case, obstacles[case.pk]) for case in cases if case.pk in obstacles]
    rows, refused = _rows(fitting, agency, today=today)
    problems += refused
    if not rows:
        return HandedOver(None, problems)
    made = _written(rows, agency, today=today, user=user)
    return HandedOver(made, problems)


def obstacles_of(cases: Sequence[Case], agency: Agency, *, today: date) -> dict[int, str]:
    """Why cases cannot go to the agency, by case. A constant number of statements."""
    documents = [case.document_id for case in cases]
    hindered = hindrances.of_documents(documents, today=today)
    away = set(
        HandOverClaim.objects.at_agency().filter(document__in=documents).values_list("document_id", flat=True)
    )
    found = {}
    for case in cases:
        reason = _own_obstacle(case, agency, is_away=case.document_id in away)
        hindrance = hindered.get(case.document_id)
        if not reason and hindrance is not None:
            decision = Decision(Step.NONE, hindrance.reason, case.level, hindrance.until, hindrance.detail)
            reason = reasons.sentence(decision)
        if reason:
            found[case.pk] = reason
    return found


def _own_obstacle(case: Case, agency: Agency, *, is_away: bool) -> str:
    if is_away:
        return _("It is at an agency already; recall it first.")
    if case.state != State.READY_FOR_COLLECTION:
        return _("The case is “%(state)s”, not ready for collection.") % {"state": case.get_state_display()}
    open_amount = case.open_amount
    if open_amount.minor <= 0:
        return _("Nothing is owed any more.")
    if open_amount.currency == agency.currency and open_amount.minor < agency.minimum_minor:
        return _("%(agency)s takes claims from %(minimum)s on.") % {
            "agency": agency,
            "minimum": amount_text(agency.minimum),
        }
    return ""


def _locked_cases(case_ids: Collection[int], issuer: Issuer) -> list[Case]:
    """Customers first, then what they owe: nothing is paid, charged or written to them meanwhile."""
    mine = Case.objects.filter(pk__in=list(case_ids), issuer=issuer)
    customers = Customer.objects.filter(pk__in=mine.values("customer")).order_by("pk")
    list(customers.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    items = OPEN_ITEMS_LOCKED.filter(document__in=mine.values("document")).order_by("pk")
    list(items.values_list("pk", flat=True))
    return list(mine.select_related("customer", "issuer", "document__open_item").order_by("pk"))


def _problem(case: Case, reason: str) -> Problem:
    return Problem(Case._meta.label, case.pk, str(case), reason)


Row = tuple[Case, dict[str, Any], list[int]]


def _rows(cases: Sequence[Case], agency: Agency, *, today: date) -> tuple[list[Row], list[Problem]]:
    """What the file will say of each; a claim that the agency's encoding cannot write stays here."""
    if not cases:
        return [], []
    known = facts_of(cases, agency.issuer)
    keys = columns.allowed(list(columns.COLUMNS), birth_date=agency.with_birth_date, bank=agency.with_bank)
    chosen = [key for key, _heading in agency.chosen_columns()]
    papers = _paper_names([pk for _facts, papers in known.values() for pk in papers])
    rows, problems = [], []
    for case in cases:
        facts, own = known[case.pk]
        facts = {key: value for key, value in facts.items() if key in keys}
        facts |= {
            "hand_over_day": today.isoformat(),
            "client_number": agency.client_number,
            "documents": " | ".join(papers[pk] for pk in own),
        }
        try:
            columns.row(facts, chosen, agency.csv_format)
        except BillingError as error:
            problems.append(_problem(case, str(error)))
        else:
            rows.append((case, facts, own))
    return rows, problems


def _paper_names(ids: Collection[int]) -> dict[int, str]:
    numbers = Document.objects.filter(pk__in=set(ids)).values_list("pk", "number")
    return {pk: pdf_filename(number) for pk, number in numbers}


def _written(rows: Sequence[Row], agency: Agency, *, today: date, user: Any) -> HandOver:
    made = new_hand_over(agency, HandOver.Kind.CLAIMS, today=today, user=user)
    documents = [case.document_id for case, _facts, _papers in rows]
    newest = LedgerEntry.objects.filter(document__in=documents).order_by().values("document")
    last = dict(newest.values_list("document").annotate(last=Max("pk")))
    claims = [
        HandOverClaim(
            issuer_id=agency.issuer_id,
            hand_over=made,
            position=position,
            case=case,
            document_id=case.document_id,
            customer_id=case.customer_id,
            currency=case.document.currency,
            total_minor=facts["total"],
            facts={**facts, "hand_over": made.reference},
            papers=papers,
            last_entry=last.get(case.document_id, 0),
            status_on=today,
        )
        for position, (case, facts, papers) in enumerate(rows, start=1)
    ]
    HandOverClaim.objects.bulk_create(claims)
    for claim in claims:
        made.totals[claim.currency] = made.totals.get(claim.currency, 0) + claim.total_minor
    finish_hand_over(made, rows=len(claims), user=user)
    cases = [case for case, _facts, _papers in rows]
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(state=State.HANDED_OVER)
    note_steps(cases, CaseStep.Kind.HANDED_OVER, f"{agency}: {made.reference}", user=user)
    return made


def new_hand_over(agency: Agency, kind: HandOver.Kind, *, today: date, user: Any = None) -> HandOver:
    """The next number of the issuer, taken in the caller's transaction; the format as it is now."""
    Issuer.objects.select_for_update(no_key=True).get(pk=agency.issuer_id)
    last = HandOver.objects.filter(issuer=agency.issuer_id).aggregate(n=Max("number"))["n"] or 0
    return HandOver.objects.create(
        issuer_id=agency.issuer_id,
        agency=agency,
        kind=kind,
        number=last + 1,
        day=today,
        user=user,
        format={
            "csv": agency.csv_format.as_dict(),
            "columns": agency.chosen_columns(),
            "client_number": agency.client_number,
            "creditor": agency.issuer.legal_name or agency.issuer.name,
        },
    )


def finish_hand_over(made: HandOver, *, rows: int, user: Any = None) -> None:
    """Its rows are written: the file is work for after the commit."""
    made.rows = rows
    made.save(update_fields=["rows", "totals"])
    file = HandOverFile.objects.create(issuer_id=made.issuer_id, hand_over=made, name=f"{made.reference}.zip")
    outbox.hint(file)
    data = {"rows": rows, "totals": made.totals, "agency": str(made.agency)}
    log(instance=made, action="cms_billing.hand_over", user=user, data=data)


def note_steps(cases: Sequence[Case], kind: str, reason: str, *, user: Any = None) -> None:
    now = clock.now()
    CaseStep.objects.bulk_create(
        CaseStep(case=case, at=now, kind=kind, level=case.level, reason=reason[:255], user=user)
        for case in cases
    )


@transaction.atomic
def hand_over_next(*, issuer: Issuer, today: date, after_case: int = 0) -> tuple[HandedOver, int | None]:
    """What goes alone in the daily run: to the default agency, where nobody has to release it.

    Returns what went and the case to go on after (None: the end).
    """
    policy = DunningPolicy.objects.filter(issuer=issuer).first()
    agency = Agency.objects.active().filter(issuer=issuer, is_default=True).first()
    if policy is None or policy.release_collection or agency is None:
        return HandedOver(None, []), None
    waiting = Case.objects.standing().filter(issuer=issuer, state=State.READY_FOR_COLLECTION)
    ids = list(waiting.filter(pk__gt=after_case).order_by("pk").values_list("pk", flat=True)[:LARGEST])
    if not ids:
        return HandedOver(None, []), None
    return hand_over(case_ids=ids, agency_id=agency.pk, today=today), ids[-1]


@transaction.atomic
def recall_claim(
    *, claim_id: int, reason: str, today: date, state: str = State.STOPPED, user: Any = None
) -> HandOverClaim:
    """Take a claim back from its agency, which is told in the next report. Its case is stopped, or goes on (``state``).

    Raises CannotRecall.
    """
    if not reason.strip():
        raise CannotRecall(_("Say why, so that whoever looks at it later knows."))
    if state not in (State.OPEN, State.STOPPED):
        raise ValueError(state)
    claim = lock_claim(claim_id)
    if claim.recalled_on is not None:
        raise CannotRecall(_("%(claim)s has been recalled already.") % {"claim": claim})
    claim.recalled_on, claim.recall_reason = today, reason.strip()[:255]
    claim.save(update_fields=["recalled_on", "recall_reason"])
    ClaimChange.objects.create(
        issuer_id=claim.issuer_id,
        claim=claim,
        kind=ClaimChange.Kind.RECALL,
        day=today,
        open_minor=claim.document.open_item.open_minor,
        currency=claim.currency,
        note=claim.recall_reason,
    )
    case = claim.case
    if case.state == State.HANDED_OVER:
        case.state, case.waiting_since = State(state), today
        case.lock_scope = case.lock_scope if state == State.OPEN else ""
        case.save(update_fields=["state", "waiting_since", "lock_scope"])
    note_steps([case], CaseStep.Kind.RECALLED, claim.recall_reason, user=user)
    log(instance=claim.hand_over, action="cms_billing.recall_claim", user=user, data={"claim": str(claim)})
    return claim


def lock_claim(claim_id: int) -> HandOverClaim:
    """The claim, its customer locked first."""
    customer_id = HandOverClaim.objects.values_list("customer_id", flat=True).get(pk=claim_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    related = ("hand_over__agency__issuer", "case__customer", "document__open_item", "customer")
    return HandOverClaim.objects.select_related(*related).get(pk=claim_id)


@transaction.atomic
def back_to_agency(*, document_ids: Collection[int]) -> int:
    """Cases that were opened again while their claim is at an agency (a payment came back): they are the agency's.

    Returns how many.
    """
    away = HandOverClaim.objects.at_agency().filter(document__in=list(document_ids))
    customers = Customer.objects.filter(pk__in=away.values("customer")).order_by("pk")
    list(customers.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    cases = list(
        Case.objects.filter(document__in=away.values("document"), state=State.OPEN).select_related("document")
    )
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(state=State.HANDED_OVER)
    note_steps(cases, CaseStep.Kind.HANDED_OVER, _("Owed again; it is still at the agency."))
    return len(cases)


def send_hand_over_again(*, hand_over_id: int, user: Any = None) -> HandOver:
    """The stored file once more, on the agency's way of today. Raises CannotHandOver."""
    from .collection_files import add_sending

    with transaction.atomic():
        made = HandOver.objects.select_related("agency__issuer", "file").get(pk=hand_over_id)
        if not made.file.sha256:
            raise CannotHandOver(_("The file of %(hand_over)s is not made yet.") % {"hand_over": made})
        if not add_sending(made, is_first=False):
            raise CannotHandOver(_("%(agency)s gets its files by download.") % {"agency": made.agency})
        log(instance=made, action="cms_billing.send_hand_over", user=user)
    return made
