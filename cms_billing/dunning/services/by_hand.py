"""What a person decides about a case or a customer. Every step is kept in the case's timeline and in Wagtail's log."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Customer

from .. import rules
from ..exceptions import CannotDun, NothingToWaive, ReasonMissing, WrongStep
from ..models import Case, CaseStep
from ..plans import OPEN_ITEMS_LOCKED, Claim, active_procedures, plans_for
from ..reasons import sentence
from ..rules import Step
from .run import carry_out
from .waivers import waivable, waive

State, Kind = Case.State, CaseStep.Kind


@transaction.atomic
def stop_case(*, case_id: int, reason: str, user: Any = None) -> Case:
    """No more letters and no lock for this claim until it is resumed. Raises WrongStep, ReasonMissing."""
    case = _locked_case(case_id)
    _go(case, State.STOPPED)
    case.lock_scope = ""
    case.save(update_fields=["state", "lock_scope"])
    _note(case, Kind.STOPPED, "cms_billing.stop_dunning", user=user, reason=_said(reason))
    return case


@transaction.atomic
def resume_case(*, case_id: int, today: date, user: Any = None) -> Case:
    """Go on with a stopped case, or take one back that waits for collection: at its level, locked as that level locks.

    The next letter waits its full time from today. Raises WrongStep.
    """
    case = _locked_case(case_id)
    if case.state == State.CLOSED:
        raise WrongStep(case=case, state=case.get_state_display(), wanted=State.OPEN.label)
    _go(case, State.OPEN)
    procedure = active_procedures(case.issuer).get(case.customer.kind)
    level = procedure.facts.level(case.level) if procedure else None
    case.lock_scope = rules.scope_locked(case.announced_scope, level)
    case.waiting_since = today
    case.save(update_fields=["state", "lock_scope", "waiting_since"])
    _note(case, Kind.RESUMED, "cms_billing.resume_dunning", user=user)
    return case


@transaction.atomic
def take_next_step(*, case_id: int, today: date, user: Any = None) -> Case:
    """The next letter now (or ready for collection after the last), without its waiting days.

    Everything else that stands against a letter still does: CannotDun says what. What else is due for the customer
    today goes into the same letter.
    """
    case = _locked_case(case_id)
    plans = plans_for(
        case.issuer,
        [case.customer],
        active_procedures(case.issuer),
        today=today,
        items=OPEN_ITEMS_LOCKED,
        by_hand=case.document_id,
    )
    claim = next((c for plan in plans for c in plan.claims if c.item.document_id == case.document_id), None)
    _possible(case, claim)
    _documents, problems = carry_out(case.issuer, plans, today=today, user_id=user.pk if user else None)
    if problems:
        raise CannotDun(document=case.document, reason=problems[0].reason)
    case.refresh_from_db()
    log(instance=case, action="cms_billing.dun_now", user=user, data={"level": case.level})
    return case


def _possible(case: Case, claim: Claim | None) -> None:
    if claim is None:
        nothing = rules.Decision(Step.NONE, rules.Reason.NOTHING_OWED)
        raise CannotDun(document=case.document, reason=sentence(nothing))
    if claim.decision.step is Step.NONE:
        raise CannotDun(document=case.document, reason=sentence(claim.decision))


@transaction.atomic
def waive_charges(
    *, case_id: int, today: date, kinds: Collection[str] = (), reason: str, user: Any = None
) -> Money:
    """Take charges off the document, as far as they are still owed: all, or these kinds of ``Charge``.

    Returns how much. What had been paid for them pays for the rest of the claim. Raises NothingToWaive, ReasonMissing.
    """
    case = _locked_case(case_id)
    said = _said(reason)
    waived = waive(case, waivable(case, kinds), today=today, note=said)
    if waived.minor <= 0:
        raise NothingToWaive(document=case.document)
    _note(case, Kind.FEE_WAIVED, "cms_billing.waive_fee", user=user, reason=f"{amount_text(waived)} {said}")
    return waived


def _locked_case(case_id: int) -> Case:
    """The case, with its customer locked first: the customer is the lock of everything on the account."""
    customer_id = Case.objects.values_list("customer_id", flat=True).get(pk=case_id)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    case = Case.objects.select_related("issuer", "document__open_item").get(pk=case_id)
    case.customer = customer
    return case


def _go(case: Case, state: Case.State) -> None:
    if state not in Case.TRANSITIONS[Case.State(case.state)]:
        raise WrongStep(case=case, state=case.get_state_display(), wanted=state.label)
    case.state = state


def _said(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing
    return reason.strip()


def _note(case: Case, kind: str, action: str, *, user: Any, reason: str = "") -> None:
    CaseStep.objects.create(case=case, kind=kind, level=case.level, reason=reason[:255], user=user)
    log(instance=case, action=action, user=user, data={"reason": reason})
