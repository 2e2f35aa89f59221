"""Refunds of the fake provider: part of ``providers.FakeProvider``, with the tricks that tests play on it.

What it does with a refund is said by ``FakeBehaviour`` rows for ``refund`` (any), ``refund:<reference of the charge>``
or the idempotency key:

=====================  =================================================================================
none, ``succeed``      paid at once
``fail-soft``          accepted and failed
``refuse``             refused for good, nothing happens (as for more than is left of the charge)
``pending-3``          paid after 3 days of the site's clock; ``pending``: never
``pending-3-fail``     fails after 3 days
``return-5``           paid, and sent back by the bank 5 days later
``timeout-before``     the first answer is lost before anything happened
``timeout-after``      the first answer is lost after the refund was made
``down``               refuses to talk
=====================  =================================================================================
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, Sum

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    OutcomeUnknown,
    ProviderDown,
    RefundNotice,
    RefundRequest,
    RefundStatus,
)

from .models import FakeBehaviour, FakeCharge, FakeRefund, FakeWebhook

ANY = "refund"
_BEHAVIOUR = re.compile(
    r"(?P<name>succeed|fail-soft|refuse|pending|return|timeout-before|timeout-after|down)"
    r"(-(?P<days>\d+))?(?P<fails>-fail)?$"
)
Status = FakeRefund.Status


@dataclass(frozen=True)
class _Behaviour:
    name: str = "succeed"
    days: int | None = None
    fails: bool = False

    @classmethod
    def read(cls, text: str) -> _Behaviour:
        found = _BEHAVIOUR.match(text)
        if found is None:
            raise ValueError(f"The fake provider knows no refund behaviour {text!r}.")
        return cls(found["name"], int(found["days"]) if found["days"] else None, bool(found["fails"]))


def refund(request: RefundRequest) -> RefundNotice:
    with transaction.atomic(durable=True):
        known = FakeRefund.objects.filter(idempotency_key=request.idempotency_key).first()
        answer = _same_again(known, request) if known else _execute(request)
    if isinstance(answer, Exception):
        raise answer
    return answer


def look_up(*, reference: str, idempotency_key: uuid.UUID | None) -> RefundNotice | None:
    with transaction.atomic(durable=True):
        wanted = Q(reference=reference) if reference else Q(idempotency_key=idempotency_key)
        found = FakeRefund.objects.select_for_update().filter(wanted).first()
        if found is None:
            return None
        let_time_pass(found)
        return _notice(found)


def refunded(charge: FakeCharge) -> Money:
    """Paid back of a charge, or about to be."""
    rows = charge.refunds.exclude(status=Status.FAILED)
    return Money(rows.aggregate(s=Sum("amount_minor"))["s"] or 0, charge.currency)


def refund_at_the_dashboard(charge: FakeCharge, amount: Money) -> FakeRefund:
    """Somebody pays back there, and we did not ask for it."""
    return _enter(charge, amount, _Behaviour(), uuid.uuid4(), "dashboard")


def pay_out_now(row: FakeRefund) -> None:
    become(row, Status.PAID)


def fail_refund_now(row: FakeRefund, *, reason: str = "card closed") -> None:
    """Also after it had been paid: the bank sends it back."""
    become(row, Status.FAILED, reason)


def _same_again(known: FakeRefund, request: RefundRequest) -> RefundNotice | Exception:
    if known.amount != request.amount:
        return PermanentFailure("This idempotency key was used for another amount.")
    FakeRefund.objects.filter(pk=known.pk).update(requests=F("requests") + 1)
    let_time_pass(known)
    return _notice(known)


def _execute(request: RefundRequest) -> RefundNotice | Exception:
    charge = FakeCharge.objects.select_for_update().filter(reference=request.payment_reference).first()
    behaviour = _take_behaviour(request)
    if behaviour.name == "down":
        return ProviderDown("The test provider is down.")
    if behaviour.name == "timeout-before":
        FakeBehaviour.objects.create(method_reference=str(request.idempotency_key), behaviour="succeed")
        return OutcomeUnknown("The test provider did not answer.")
    if behaviour.name == "refuse" or charge is None or charge.status != FakeCharge.Status.SETTLED:
        return PermanentFailure("The test provider refuses this refund.")
    left = charge.amount_minor - charge.charged_back_minor - refunded(charge).minor
    if request.amount.currency != charge.currency or request.amount.minor > left:
        return PermanentFailure("The refund is more than is left of the charge.")
    row = _enter(charge, request.amount, behaviour, request.idempotency_key, request.description)
    if behaviour.name == "timeout-after":
        return OutcomeUnknown("The test provider did not answer.")
    return _notice(row)


def _take_behaviour(request: RefundRequest) -> _Behaviour:
    names = [str(request.idempotency_key), f"{ANY}:{request.payment_reference}", ANY]
    scripts = FakeBehaviour.objects.select_for_update().filter(method_reference__in=names, times__gt=0)
    script = min(scripts, key=lambda script: (names.index(script.method_reference), script.pk), default=None)
    if script is None:
        return _Behaviour()
    script.times -= 1
    script.save(update_fields=["times"])
    return _Behaviour.read(script.behaviour)


def _enter(
    charge: FakeCharge, amount: Money, behaviour: _Behaviour, key: uuid.UUID, description: str
) -> FakeRefund:
    then = clock.today() + timedelta(days=behaviour.days) if behaviour.days is not None else None
    row = FakeRefund(
        charge=charge, idempotency_key=key, amount_minor=amount.minor, description=description[:120]
    )
    match behaviour.name:
        case "fail-soft":
            become(row, Status.FAILED, "not possible for this card")
        case "pending":
            row.fails_on, row.pays_on = (then, None) if behaviour.fails else (None, then)
            become(row, Status.PENDING)
        case _:
            row.fails_on = then if behaviour.name == "return" else None
            become(row, Status.PAID)
    return row


def let_time_pass(row: FakeRefund) -> None:
    today = clock.today()
    if row.pays_on and row.pays_on <= today:
        row.pays_on = None
        become(row, Status.PAID)
    if row.fails_on and row.fails_on <= today:
        row.fails_on = None
        become(row, Status.FAILED, "account closed")


def let_time_pass_for_all() -> None:
    today = clock.today()
    for row in FakeRefund.objects.select_for_update().filter(Q(pays_on__lte=today) | Q(fails_on__lte=today)):
        let_time_pass(row)


def become(row: FakeRefund, status: FakeRefund.Status, reason: str = "") -> None:
    row.status, row.reason = status, reason
    at = clock.now().isoformat()
    row.history = [*row.history, {"at": at, "status": str(status.value), "reason": reason}]
    row.save()
    FakeWebhook.objects.create(charge=row.charge, refund=row, status=status)


def _notice(row: FakeRefund) -> RefundNotice:
    return RefundNotice(
        reference=row.reference,
        status=RefundStatus(row.status),
        reason=row.reason,
        idempotency_key=row.idempotency_key,
    )
