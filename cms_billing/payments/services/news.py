"""What a provider says of a payment becomes what we believe. Every way news come in ends in ``take_news``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Sum

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.services import Problem

from ..credentials import provider_of
from ..models import Payment, PaymentMethod, Refund
from ..providers import Notice, Status
from ..selectors import COUNTED
from ..signals import payment_failed, tell_payment_changed
from .asking import ask_about
from .methods import end_method
from .notices import announce_refusal
from .plans import explain, plan_after_refusal
from .receiving import charge_back, lock_payment, settle_payment

UNDER_WAY = (Payment.State.CREATED, Payment.State.PENDING)


@transaction.atomic
def take_news(*, payment_id: int, notice: Notice, asked_at: datetime, today: date) -> None:
    """Record what the provider said when it was asked. Nothing is booked twice.

    A success wins over a failure whenever it comes. Once the money has been here, only newer news move it: two workers
    who asked at different moments cannot undo a chargeback, or a dispute that was won.
    """
    payment = lock_payment(payment_id)
    is_newest = payment.asked_at is None or asked_at >= payment.asked_at
    _remember(payment, notice, asked_at=asked_at if is_newest else None)
    has_been_here = payment.state in (Payment.State.SETTLED, Payment.State.CHARGED_BACK)
    match notice.status:
        # What was paid back came in before; the money that left is in our refunds, or waits on the to-do list.
        case Status.SETTLED | Status.REFUNDED if is_newest or not has_been_here:
            settle_payment(payment_id=payment.pk, day=today)
        case Status.CHARGED_BACK if is_newest or not has_been_here:
            if not has_been_here:
                settle_payment(payment_id=payment.pk, day=today)
            charge_back(
                payment_id=payment.pk,
                day=today,
                so_far=notice.charged_back,
                reason=notice.reason,
                code=notice.code,
                advice=notice.advice,
            )
        case Status.PENDING if payment.state == Payment.State.CREATED:
            payment.state = Payment.State.PENDING
            payment.save(update_fields=["state"])
            tell_payment_changed(payment.pk)
        case Status.FAILED if payment.state in UNDER_WAY:
            _fail(payment, notice, today=today)
    if is_newest:
        _compare_refunds(payment, notice)


def _compare_refunds(payment: Payment, notice: Notice) -> None:
    """What the provider has paid back above our refunds was made at its own dashboard: a person has to enter it."""
    told = notice.refunded
    if told is None:
        if notice.status is not Status.REFUNDED:
            return
        told = payment.amount
    ours = payment.refunds.filter(way=Refund.Way.PROVIDER, state__in=COUNTED)
    elsewhere = max(0, told.minor - (ours.aggregate(s=Sum("amount_minor"))["s"] or 0))
    if elsewhere != payment.refunded_elsewhere_minor:
        Payment.objects.filter(pk=payment.pk).update(refunded_elsewhere_minor=elsewhere)


def _remember(payment: Payment, notice: Notice, *, asked_at: datetime | None) -> None:
    if asked_at is not None:
        payment.asked_at = asked_at
    payment.reference = payment.reference or notice.reference
    payment.save(update_fields=["asked_at", "reference"])


def _fail(payment: Payment, notice: Notice, *, today: date) -> None:
    refusal = explain(payment.provider, notice.code, notice.advice, final=notice.final, today=today)
    payment.state, payment.reason = Payment.State.FAILED, notice.reason[:200]
    payment.refusal_code, payment.refusal_advice = notice.code[:80], notice.advice[:80]
    payment.save(update_fields=["state", "reason", "refusal_code", "refusal_advice"])
    if refusal.ends_the_method and payment.method_id is not None:
        method = PaymentMethod.objects.get(pk=payment.method_id)
        if method.state == PaymentMethod.State.USABLE:
            end_method(method, by=PaymentMethod.RevokedBy.REFUSAL, reason=refusal.editor_text)
    announce_refusal(payment, plan_after_refusal(payment, refusal, today=today))
    tell_payment_changed(payment.pk)
    tell = partial(payment_failed.send_robust, sender=Payment, payment_id=payment.pk, day=today)
    transaction.on_commit(tell, robust=True)


@dataclass(frozen=True)
class LookedUp:
    """One chunk of look-ups. ``last_payment`` is where the next chunk goes on; None: nothing was left."""

    looked_up: int
    problems: Sequence[Problem]
    last_payment: int | None


def look_up_pending(
    *, issuer: Issuer, now: datetime, older_than: timedelta, after_payment: int = 0, limit: int | None = None
) -> LookedUp:
    """Ask the provider about payments pending for long: the webhook that would have told us may never come.

    One query finds the chunk; each answer is recorded in a transaction of its own, after the call. A provider that
    does not answer leaves a problem and stops nobody else.
    """
    pending = Payment.objects.filter(
        issuer=issuer, state=Payment.State.PENDING, pk__gt=after_payment, created_at__lte=now - older_than
    ).order_by("pk")[: limit or billing_settings().chunk_size]
    problems, last = [], None
    count = 0
    for payment in pending:
        last = payment.pk
        try:
            count += resync(payment, today=clock.local_day(now, issuer))
        except Exception as error:
            reason = str(error) or type(error).__name__
            problems.append(Problem(Payment._meta.label, payment.pk, str(payment), reason))
    return LookedUp(count, problems, last)


def resync(payment: Payment, *, today: date) -> bool:
    """Ask the provider again, whatever we believe; returns whether it knows the payment. Not inside a transaction."""
    asked_at = clock.now()
    notice = ask_about(payment, provider_of(payment))
    if notice is None:
        return False
    take_news(payment_id=payment.pk, notice=notice, asked_at=asked_at, today=today)
    return True
