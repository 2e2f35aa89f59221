"""Blocks and disputes: set, approved by a second person where the issuer wants one, lifted, or over by their date."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.texts import day_text
from cms_billing.faktura.models import Customer, Document, DocumentLine, Issuer

from .. import exceptions as errors
from ..models import Case, CaseStep, DunningPolicy, Hold

State, Kind = Hold.State, Hold.Kind


@transaction.atomic
def set_hold(
    *,
    customer_id: int,
    reason: str,
    today: date,
    kind: str = Kind.BLOCK,
    until: date | None = None,
    contract_reference: str = "",
    document_id: int | None = None,
    user: Any = None,
) -> Hold:
    """No letters for the customer, one contract or one document through ``until`` (None: until lifted).

    A dispute stands at once; a block waits for a second person where the issuer's policy says so. What is locked stays
    locked. Raises ReasonMissing, WrongHold.
    """
    if not reason.strip():
        raise errors.ReasonMissing
    customer = _lock_customer(customer_id)
    if until is not None and until < today:
        raise errors.has_passed(until)
    _belongs(customer, contract_reference, document_id)
    hold = Hold.objects.create(
        issuer_id=customer.issuer_id,
        customer=customer,
        contract_reference=contract_reference,
        document_id=document_id,
        kind=kind,
        state=State.WAITING if kind == Kind.BLOCK and wants_four_eyes(customer.issuer_id) else State.STANDING,
        reason=reason.strip()[:200],
        until=until,
        created_by=user,
    )
    if hold.state == State.STANDING:
        _note([hold], CaseStep.Kind.HELD, user=user)
    _log(hold, "cms_billing.set_hold", user=user)
    return hold


@transaction.atomic
def approve_hold(*, hold_id: int, today: date, user: Any) -> Hold:
    """The second pair of eyes. Raises WrongHold for whoever set it, for one that does not wait or whose day is over."""
    hold = _locked_hold(hold_id)
    _wait(hold)
    if user is None or user.pk == hold.created_by_id:
        raise errors.own_hold(hold)
    if hold.until is not None and hold.until < today:
        raise errors.has_passed(hold.until)
    _decide(hold, State.STANDING, user=user)
    _note([hold], CaseStep.Kind.HELD, user=user)
    _log(hold, "cms_billing.approve_hold", user=user)
    return hold


@transaction.atomic
def refuse_hold(*, hold_id: int, reason: str, user: Any = None) -> Hold:
    """It never stands; whoever set it may take it back by this as well. Raises WrongHold, ReasonMissing."""
    if not reason.strip():
        raise errors.ReasonMissing
    hold = _locked_hold(hold_id)
    _wait(hold)
    _decide(hold, State.REFUSED, user=user, note=reason)
    _log(hold, "cms_billing.refuse_hold", user=user)
    return hold


@transaction.atomic
def lift_hold(*, hold_id: int, reason: str = "", user: Any = None) -> Hold:
    """Letters go on: what has become due meanwhile is due in the next run, one level at a time. Raises WrongHold."""
    hold = _locked_hold(hold_id)
    if hold.state != State.STANDING:
        raise errors.not_standing(hold)
    _decide(hold, State.LIFTED, user=user, note=reason)
    _note([hold], CaseStep.Kind.RELEASED, user=user)
    _log(hold, "cms_billing.lift_hold", user=user)
    return hold


@transaction.atomic
def end_holds(*, issuer: Issuer, today: date) -> int:
    """Those whose day is over, a chunk at a time; returns how many. The rule looks at the day itself and waits for
    nobody: this is for the timeline and the lists."""
    over = Hold.objects.filter(issuer=issuer, state__in=[State.STANDING, State.WAITING], until__lt=today)
    rows = over.order_by("pk").select_for_update(skip_locked=True, no_key=True, of=("self",))
    holds = list(rows[: billing_settings().chunk_size])
    _note([hold for hold in holds if hold.state == State.STANDING], CaseStep.Kind.RELEASED)
    Hold.objects.filter(pk__in=[hold.pk for hold in holds]).update(
        state=State.EXPIRED, decided_at=clock.now()
    )
    return len(holds)


def wants_four_eyes(issuer_id: int) -> bool:
    return DunningPolicy.objects.filter(issuer=issuer_id, four_eyes=True).exists()


def cases_of(holds: Collection[Hold]) -> QuerySet[Case]:
    """The live cases that these holds touch."""
    mine = Hold.objects.filter(pk__in=[hold.pk for hold in holds], customer=OuterRef("customer"))
    lines = DocumentLine.objects.filter(
        document=OuterRef(OuterRef("document")), contract_reference=OuterRef("contract_reference")
    )
    touching = (
        Exists(mine.filter(document=None, contract_reference=""))
        | Exists(mine.filter(document=OuterRef("document")))
        | Exists(mine.exclude(contract_reference="").filter(Exists(lines)))
    )
    return Case.objects.live().filter(touching, customer__in=[hold.customer_id for hold in holds])


def _note(holds: Collection[Hold], kind: str, *, user: Any = None) -> None:
    """In the timeline of each live case; three statements at most, whatever the number of holds."""
    if not holds:
        return
    reason = next(iter(holds)).reason if len(holds) == 1 else ""
    now = clock.now()
    CaseStep.objects.bulk_create(
        CaseStep(case_id=pk, at=now, kind=kind, level=level, reason=reason, user=user)
        for pk, level in cases_of(holds).order_by("pk").values_list("pk", "level")
    )


def _decide(hold: Hold, state: str, *, user: Any, note: str = "") -> None:
    hold.state, hold.note = state, note.strip()[:200]
    hold.decided_at, hold.decided_by = clock.now(), user
    hold.save(update_fields=["state", "note", "decided_at", "decided_by"])


def _wait(hold: Hold) -> None:
    if hold.state != State.WAITING:
        raise errors.does_not_wait(hold)


def _belongs(customer: Customer, contract_reference: str, document_id: int | None) -> None:
    documents = Document.objects.filter(customer=customer)
    if document_id is not None and not documents.filter(pk=document_id).exists():
        raise errors.foreign_hold(customer)
    lines = DocumentLine.objects.filter(document__in=documents, contract_reference=contract_reference)
    if contract_reference and not lines.exists():
        raise errors.foreign_hold(customer)


def _locked_hold(hold_id: int) -> Hold:
    """With its customer locked first: the customer is the lock of everything on the account."""
    _lock_customer(Hold.objects.values_list("customer_id", flat=True).get(pk=hold_id))
    return (
        Hold.objects.select_for_update(no_key=True, of=("self",)).select_related("customer").get(pk=hold_id)
    )


def _lock_customer(customer_id: int) -> Customer:
    return Customer.objects.select_for_update(no_key=True).get(pk=customer_id)


def _log(hold: Hold, action: str, *, user: Any) -> None:
    data = {
        "reason": hold.reason,
        "note": hold.note,
        "until": day_text(hold.until) if hold.until else "",
        "customer": str(hold.customer),
    }
    log(instance=hold, action=action, user=user, data=data)
