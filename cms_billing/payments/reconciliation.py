"""Which movement of a payout is which payment or refund of ours, and where the two books differ. Pure rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Reason(Enum):
    """Why a movement, or a payout, is a difference."""

    UNKNOWN_PAYMENT = "unknown_payment"
    UNKNOWN_REFUND = "unknown_refund"
    OTHER_AMOUNT = "other_amount"
    PAID_TWICE = "paid_twice"
    SUM_DIFFERS = "sum_differs"


@dataclass(frozen=True)
class Movement:
    """A line of a payout; ``gross`` in minor units, signed from our side."""

    position: int
    kind: str
    reference: str
    gross: int
    currency: str
    payment_reference: str = ""
    refund_reference: str = ""


@dataclass(frozen=True)
class Known:
    """A payment or refund of ours; ``amount`` in minor units, positive."""

    pk: int
    amount: int
    currency: str


@dataclass(frozen=True)
class Match:
    """What a movement is. ``reason`` is None where both books agree; ``ours`` is our amount in minor units, signed."""

    position: int
    payment: int | None = None
    refund: int | None = None
    reason: Reason | None = None
    ours: int | None = None


def match_movements(
    movements: Sequence[Movement],
    *,
    payments: Mapping[str, Known],
    refunds: Mapping[str, Known],
    paid_out: Collection[int] = (),
    given_back: Collection[int] = (),
) -> list[Match]:
    """One match a movement, in their order.

    ``payments`` and ``refunds`` are ours by the provider's reference, ``paid_out`` and ``given_back`` those that an
    earlier payout had. A payment is paid out once, and taken back by refunds and chargebacks; a refund is taken once.
    Fees and other movements match nothing and differ from nothing. Amounts of another currency than ours cannot be
    compared: the provider has exchanged them.
    """
    seen_payments, seen_refunds = set(paid_out), set(given_back)
    matches = []
    for movement in movements:
        if movement.kind == "payment":
            match = _payment(movement, payments, seen_payments)
        elif movement.kind == "refund":
            match = _refund(movement, payments, refunds, seen_refunds)
        elif movement.kind == "chargeback":
            match = _chargeback(movement, payments)
        else:
            match = Match(movement.position, payment=_pk(_find(movement, payments)))
        matches.append(match)
    return matches


def _payment(movement: Movement, payments: Mapping[str, Known], seen: set[int]) -> Match:
    found = _find(movement, payments)
    if found is None:
        return Match(movement.position, reason=Reason.UNKNOWN_PAYMENT)
    if found.pk in seen:
        return Match(movement.position, found.pk, reason=Reason.PAID_TWICE, ours=found.amount)
    seen.add(found.pk)
    reason = None if _is(movement, found, found.amount) else Reason.OTHER_AMOUNT
    return Match(movement.position, found.pk, reason=reason, ours=found.amount)


def _refund(
    movement: Movement, payments: Mapping[str, Known], refunds: Mapping[str, Known], seen: set[int]
) -> Match:
    payment = payments.get(movement.payment_reference)
    found = refunds.get(movement.refund_reference) or refunds.get(movement.reference)
    if found is None:
        return Match(movement.position, _pk(payment), reason=Reason.UNKNOWN_REFUND)
    if movement.gross > 0:
        # A refund that came back to the provider.
        return Match(movement.position, _pk(payment), found.pk, ours=-found.amount)
    if found.pk in seen:
        return Match(movement.position, _pk(payment), found.pk, Reason.PAID_TWICE, -found.amount)
    seen.add(found.pk)
    reason = None if _is(movement, found, -found.amount) else Reason.OTHER_AMOUNT
    return Match(movement.position, _pk(payment), found.pk, reason, -found.amount)


def _chargeback(movement: Movement, payments: Mapping[str, Known]) -> Match:
    """Part of a payment may come back, and what was disputed may be won: no more than the payment either way."""
    found = _find(movement, payments)
    if found is None:
        return Match(movement.position, reason=Reason.UNKNOWN_PAYMENT)
    too_much = movement.currency == found.currency and abs(movement.gross) > found.amount
    reason = Reason.OTHER_AMOUNT if too_much else None
    return Match(movement.position, found.pk, reason=reason, ours=-found.amount)


def _find(movement: Movement, known: Mapping[str, Known]) -> Known | None:
    return known.get(movement.payment_reference) or known.get(movement.reference)


def _is(movement: Movement, found: Known, amount: int) -> bool:
    return movement.currency != found.currency or movement.gross == amount


def _pk(found: Known | None) -> int | None:
    return found.pk if found else None


def adds_up(*, amount: int, nets: Sequence[int]) -> bool:
    """Whether a payout is the sum of its movements. One whose movements are not told (yet) is believed."""
    return not nets or sum(nets) == amount
