"""What Stripe paid out to the bank, and of what it was made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ..values import PayoutLine, PayoutLineKind, PayoutNotice
from .amounts import from_stripe
from .client import Api
from .notices import at, id_of

# A bank may send a payout back within five business days: the payout changes, and is read again.
MAY_CHANGE = timedelta(days=10)
# https://docs.stripe.com/reports/balance-transaction-types
_KINDS = {
    "charge": PayoutLineKind.PAYMENT,
    "payment": PayoutLineKind.PAYMENT,
    "refund": PayoutLineKind.REFUND,
    "payment_refund": PayoutLineKind.REFUND,
    "refund_failure": PayoutLineKind.REFUND,
    "payment_failure_refund": PayoutLineKind.CHARGEBACK,
    "payment_reversal": PayoutLineKind.CHARGEBACK,
    "stripe_fee": PayoutLineKind.FEE,
    "stripe_fx_fee": PayoutLineKind.FEE,
    "tax_fee": PayoutLineKind.FEE,
}


def payouts(api: Api, *, since: date) -> Iterator[PayoutNotice]:
    start = datetime.combine(since - MAY_CHANGE, time.min, tzinfo=UTC)
    params = {"created": {"gte": int(start.timestamp())}, "limit": 100}
    newest_first = list(api.read_all(lambda v1: v1.payouts.list(params)))
    for payout in reversed(newest_first):
        is_paid = payout.status == "paid"
        yield PayoutNotice(
            reference=payout.id,
            amount=from_stripe(payout.amount, payout.currency),
            paid_on=_day(payout.arrival_date) if is_paid else None,
            paid=is_paid,
            lines=_lines(api, payout),
        )


def _lines(api: Api, payout: Any) -> list[PayoutLine]:
    """Stripe cannot say of what a payout was made that somebody started by hand."""
    if not payout.automatic:
        return []
    params = {"payout": payout.id, "limit": 100, "expand": ["data.source"]}
    movements = api.read_all(lambda v1: v1.balance_transactions.list(params))
    return [_line(movement) for movement in movements if movement.type != "payout"]


def _line(movement: Any) -> PayoutLine:
    source = at(movement, "source")
    is_dispute = at(source, "object") == "dispute"
    kind = _KINDS.get(movement.type, PayoutLineKind.OTHER)
    return PayoutLine(
        kind=PayoutLineKind.CHARGEBACK if is_dispute else kind,
        reference=movement.id,
        gross=from_stripe(movement.amount, movement.currency),
        fee=from_stripe(-movement.fee, movement.currency),
        net=from_stripe(movement.net, movement.currency),
        payment_reference=id_of(at(source, "payment_intent")),
        refund_reference=source.id if at(source, "object") == "refund" else "",
        booked_on=_day(movement.created),
        description=at(movement, "description") or "",
    )


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
