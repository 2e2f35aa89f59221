"""Differences between a provider's books and ours: found once, and gone by themselves or settled by a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from .. import exceptions as errors
from ..models import Payment, Payout, PayoutLine, ProviderAccount, ProviderDifference

Kind = ProviderDifference.Kind


@dataclass(frozen=True)
class Found:
    """A difference; ``kind`` and ``subject`` name it within the account. Amounts in minor units."""

    kind: str
    subject: str
    reference: str = ""
    payment: int | None = None
    refund: int | None = None
    theirs: int | None = None
    ours: int | None = None
    currency: str = ""


def find_for_payout(*, payout: Payout, found: Sequence[Found], now: datetime) -> None:
    """Those of a payout are these now: new ones are written, those that are no more are deleted."""
    before = payout.differences.all()
    names = {(difference.kind, difference.subject) for difference in before}
    _write(payout.account, [one for one in found if (one.kind, one.subject) not in names], now, payout)
    still = {(one.kind, one.subject) for one in found}
    _gone([d.pk for d in before if d.settled_at is None and (d.kind, d.subject) not in still])


@transaction.atomic
def find_for_payments(*, account: ProviderAccount, payments: QuerySet[Payment], now: datetime) -> int:
    """``payments`` are in no payout: write those that are new, and let go those that meanwhile are in one."""
    lines = PayoutLine.objects.filter(payment=OuterRef("payment"), kind=PayoutLine.Kind.PAYMENT)
    open_ones: Any = account.differences.filter(kind=Kind.NOT_PAID_OUT)
    gone = open_ones.open().filter(Exists(lines) | ~_is_received())
    _gone(list(gone.values_list("pk", flat=True)))
    known = open_ones.filter(payment=OuterRef("pk"))
    new = payments.filter(~Exists(known)).order_by("pk")
    found = [
        Found(
            Kind.NOT_PAID_OUT,
            subject=f"payment:{payment.pk}",
            reference=payment.reference,
            payment=payment.pk,
            ours=payment.amount_minor,
            currency=payment.currency,
        )
        for payment in new.only("reference", "amount_minor", "currency")[:1000]
    ]
    _write(account, found, now, None)
    return open_ones.open().count()


def _is_received() -> Exists:
    received = Payment.objects.filter(pk=OuterRef("payment"), state=Payment.State.SETTLED)
    return Exists(received)


def find_for_day(*, account: ProviderAccount, found: Iterable[Found], now: datetime) -> int:
    """What a comparison of a day found; returns how many of them nobody has settled."""
    found = list(found)
    _write(account, found, now, None)
    subjects = [one.subject for one in found]
    open_ones: Any = account.differences.all()
    return open_ones.open().filter(subject__in=subjects).count()


def no_longer_differs(*, account: ProviderAccount, subjects: Sequence[str]) -> None:
    """A later look found nothing wrong with these."""
    open_ones: Any = account.differences.filter(subject__in=subjects)
    _gone(list(open_ones.open().values_list("pk", flat=True)))


def _write(account: ProviderAccount, found: Sequence[Found], now: datetime, payout: Payout | None) -> None:
    ProviderDifference.objects.bulk_create(
        [
            ProviderDifference(
                issuer_id=account.issuer_id,
                account=account,
                kind=one.kind,
                subject=one.subject,
                reference=one.reference[:120],
                payout=payout,
                payment_id=one.payment,
                refund_id=one.refund,
                theirs_minor=one.theirs,
                ours_minor=one.ours,
                currency=one.currency,
                found_at=now,
            )
            for one in found
        ],
        ignore_conflicts=True,
        batch_size=500,
    )


def _gone(pks: Sequence[int]) -> None:
    """The books agree by now. Found again, it is a new difference; what a person has settled stays settled."""
    ProviderDifference.objects.filter(pk__in=pks, settled_at=None).delete()


@transaction.atomic
def settle_difference(*, difference_id: int, note: str, user: Any, now: datetime) -> ProviderDifference:
    """A person says how it was settled. Raises AlreadySettled."""
    difference = ProviderDifference.objects.select_for_update(no_key=True).get(pk=difference_id)
    if difference.settled_at is not None:
        raise errors.already_settled()
    difference.settled_at, difference.settled_by, difference.note = now, user, note
    difference.save(update_fields=["settled_at", "settled_by", "note"])
    return difference
