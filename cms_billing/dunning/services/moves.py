"""What a person does with a case beside its course: start it, move it, note something, enter that money went back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Sum

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import OpenItem
from cms_billing.payments.models import Payment
from cms_billing.payments.services import charge_back

from .. import rules
from ..exceptions import CannotDun, InDunningAlready, NotPaidByIt, WrongLevel, WrongStep
from ..models import Case, CaseStep
from ..plans import ActiveProcedure, active_procedures
from ..reasons import sentence
from ..rules import LevelFacts, ProcedureFacts, Reason, Step
from .by_hand import _locked_case, _note, _said
from .cases import lock_customer_of, open_case, reopen_case

State, Kind = Case.State, CaseStep.Kind


@transaction.atomic
def start_case(*, document_id: int, first_level: int, reason: str, today: date, user: Any = None) -> Case:
    """Take an overdue document into dunning now; its first letter is that of ``first_level``, on the day it is due.

    A case that a payment had closed goes on as a new one would. What was never announced stays open, whatever the
    level. Raises ReasonMissing, CannotDun, InDunningAlready, WrongLevel.
    """
    reason = _said(reason)
    customer = lock_customer_of(document_id)
    item = OpenItem.objects.select_related("document", "issuer").get(pk=document_id)
    _is_overdue(item, today=today)
    if Case.objects.live().filter(document=document_id).exists():
        raise InDunningAlready(document=item.document)
    procedure = _procedure(item.issuer, customer.kind, document=item.document)
    _known(first_level, procedure.facts, lowest=1)
    case = reopen_case(document_id=document_id, day=today) or open_case(
        item, first_level=first_level, opened_on=today, waiting_since=item.due_on
    )
    case.announced_scope, case.lock_scope = scopes_at(
        procedure.facts, level=first_level - 1, announced=case.announced_scope
    )
    case.level, case.first_level = first_level - 1, first_level
    case.save(update_fields=["level", "first_level", "announced_scope", "lock_scope"])
    _note(case, Kind.MOVED, "cms_billing.start_dunning", user=user, reason=reason)
    return case


@transaction.atomic
def move_case(*, case_id: int, level: int, reason: str, today: date, user: Any = None) -> Case:
    """Go on as if the last letter had been that of ``level`` (0: none yet), waiting its full time from today.

    What the level locks is locked only as far as letters had announced it before; downwards, announcements that the
    lower level does not make are void. A case that waits for collection goes on with letters. Raises ReasonMissing,
    WrongStep, WrongLevel, CannotDun.
    """
    reason = _said(reason)
    case = _locked_case(case_id)
    if case.state not in (State.OPEN, State.READY_FOR_COLLECTION):
        raise WrongStep(case=case, state=case.get_state_display(), wanted=State.OPEN.label)
    procedure = _procedure(case.issuer, case.customer.kind, document=case.document)
    _known(level, procedure.facts, lowest=0)
    if level == case.level and case.state == State.OPEN:
        raise WrongLevel.same(level)
    before = case.level
    case.announced_scope, case.lock_scope = scopes_at(
        procedure.facts, level=level, announced=case.announced_scope
    )
    case.level, case.state, case.waiting_since = level, State.OPEN, today
    case.save(update_fields=["level", "state", "waiting_since", "announced_scope", "lock_scope"])
    said = f"{before} → {level}: {reason}"
    _note(case, Kind.MOVED, "cms_billing.move_dunning", user=user, reason=said)
    return case


def scopes_at(procedure: ProcedureFacts, *, level: int, announced: str) -> tuple[str, str]:
    """``(announced, locked)`` of a case that is put on a level: never more than letters have announced before."""
    facts, following = procedure.level(level), procedure.after(level)
    made_there = rules.wider(_scope(facts), _scope(following))
    kept = min(announced, made_there, key=rules.SCOPES.index)
    return kept, rules.scope_locked(kept, facts)


def _scope(level: LevelFacts | None) -> str:
    return level.lock_scope if level else ""


@transaction.atomic
def add_note(*, case_id: int, text: str, user: Any = None) -> CaseStep:
    """Something for colleagues in the timeline, of closed cases too. Raises ReasonMissing for an empty one."""
    text = _said(text)
    case = _locked_case(case_id)
    _note(case, Kind.NOTE, "cms_billing.note_dunning", user=user, reason=text)
    return case.steps.latest("pk")


@transaction.atomic
def enter_chargeback(
    *,
    case_id: int,
    payment_id: int,
    day: date,
    reason: str,
    amount: Money | None = None,
    fee: Money | None = None,
    user: Any = None,
) -> Case:
    """A payment for the case's document went back: the document is owed again, and reminders go on.

    ``amount``: what went back now; None: all that the payment still holds. ``fee``: what the bank took, claimed from
    the customer; None: the fee of the account at the provider, where it has one. Raises ReasonMissing, NotPaidByIt,
    ImplausiblePayment.
    """
    reason = _said(reason)
    case = _locked_case(case_id)
    payment = _payment_of(case, payment_id)
    held = payment.allocations.aggregate(s=Sum("amount_minor"))["s"] or 0
    gone = payment.amount_minor - held + (held if amount is None else amount.minor)
    charge_back(
        payment_id=payment.pk,
        day=day,
        so_far=Money(gone, payment.currency),
        reason=reason,
        fee=fee,
        user=user,
    )
    went = amount or Money(held, payment.currency)
    said = f"{amount_text(went)}: {reason}"
    _note(case, Kind.CAME_BACK, "cms_billing.came_back", user=user, reason=said)
    return case


def payments_of(case: Case) -> Any:
    """Received payments that settle something of the case's document, the latest first."""
    settled = Payment.objects.filter(state=Payment.State.SETTLED, allocations__document=case.document_id)
    return settled.distinct().order_by("-pk")


def _payment_of(case: Case, payment_id: int) -> Payment:
    payment = payments_of(case).filter(pk=payment_id).first()
    if payment is None:
        raise NotPaidByIt(document=case.document)
    return payment


def _is_overdue(item: OpenItem, *, today: date) -> None:
    if item.open_minor <= 0:
        nothing = rules.Decision(Step.NONE, Reason.NOTHING_OWED)
        raise CannotDun(document=item.document, reason=sentence(nothing))
    if item.due_on >= today:
        not_due = rules.Decision(Step.NONE, Reason.NOT_DUE, until=item.due_on)
        raise CannotDun(document=item.document, reason=sentence(not_due))


def _procedure(issuer: Any, kind: str, *, document: Any) -> ActiveProcedure:
    procedure = active_procedures(issuer).get(kind)
    if procedure is None or not procedure.facts.levels:
        none = rules.Decision(Step.NONE, Reason.NO_PROCEDURE)
        raise CannotDun(document=document, reason=sentence(none))
    return procedure


def _known(level: int, procedure: ProcedureFacts, *, lowest: int) -> None:
    highest = procedure.levels[-1].number
    if not lowest <= level <= highest:
        raise WrongLevel.unknown(level, lowest=lowest, highest=highest)
