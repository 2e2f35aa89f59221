"""Settlements: what Mollie sent to the bank account, and of what it was made.

Mollie tells its fees not for each payment but summed up for each method and month of a settlement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _
from mollie.api.error import ResponseError

from cms_billing.core.money import Money, exponent

from ..values import Account, PayoutLine, PayoutLineKind, PayoutNotice
from . import problems
from .amounts import money_of
from .client import LIST_LIMIT, MollieClient, every
from .references import moment

# A settlement may have been made so many days before it is paid out.
_LONGEST_WAY = timedelta(days=45)
_NEVER_MOVED = frozenset({"open", "canceled", "expired"})
_STATUSES = frozenset({"open", "pending", "paidout", "failed"})


def payouts(api: MollieClient, *, since: date) -> Iterable[PayoutNotice]:
    """Oldest first. Settlements of live money are none of a test account's."""
    try:
        for settlement in reversed(list(_recent(api, since))):
            payments = list(every(settlement.payments.list(limit=LIST_LIMIT)))
            if not payments or any(one.get("mode") == _mode(api.account) for one in payments):
                yield _notice(settlement, payments)
    except ResponseError as refusal:
        raise problems.request_refused(str(refusal)) from None


def payments_between(api: MollieClient, *, start: datetime, end: datetime) -> Iterable[str]:
    """Only those with which something happened: pages that nobody paid on are left out."""
    try:
        for payment in every(api.payments.list(limit=LIST_LIMIT)):
            made = moment(payment["createdAt"])
            if made is not None and made < start:
                return
            if (made is None or made < end) and payment["status"] not in _NEVER_MOVED:
                yield str(payment["id"])
    except ResponseError as refusal:
        raise problems.request_refused(str(refusal)) from None


def _recent(api: MollieClient, since: date) -> Iterator[Any]:
    """Mollie lists the closed ones, newest first."""
    for settlement in every(api.settlements.list(limit=LIST_LIMIT)):
        made, settled = _day(settlement.get("createdAt")), _day(settlement.get("settledAt"))
        if made is not None and made < since - _LONGEST_WAY:
            return
        if settlement.get("status") not in _STATUSES:
            raise problems.unknown_status(_("settlement"), str(settlement["id"]), settlement.get("status"))
        if settlement["status"] != "open" and (settled or made or since) >= since:
            yield settlement


def _notice(settlement: Any, payments: Sequence[Mapping[str, Any]]) -> PayoutNotice:
    amount, status = money_of(settlement["amount"]), settlement["status"]
    lines = [*_movements(settlement, payments, amount.currency), *_fees(settlement, amount.currency)]
    cents = amount.minor - sum(line.net.minor for line in lines)
    # Fees have four decimals: what rounding them one by one leaves over is no difference to look for.
    if cents and abs(cents) <= sum(line.kind is PayoutLineKind.FEE for line in lines):
        lines.append(_lump(PayoutLineKind.OTHER, f"{settlement['id']}:rounding", cents, amount.currency))
    return PayoutNotice(
        reference=str(settlement["id"]),
        amount=amount,
        paid_on=_day(settlement.get("settledAt")),
        paid=status == "paidout",
        lines=lines,
    )


def _movements(settlement: Any, payments: Sequence[Mapping[str, Any]], currency: str) -> Iterator[PayoutLine]:
    for payment in payments:
        yield _movement(PayoutLineKind.PAYMENT, payment, currency, payment_reference=str(payment["id"]))
    for refund in every(settlement.refunds.list(limit=LIST_LIMIT)):
        yield _movement(
            PayoutLineKind.REFUND,
            refund,
            currency,
            payment_reference=str(refund.get("paymentId") or ""),
            refund_reference=str(refund["id"]),
        )
    for back in every(settlement.chargebacks.list(limit=LIST_LIMIT)):
        reference = str(back.get("paymentId") or "")
        yield _movement(PayoutLineKind.CHARGEBACK, back, currency, payment_reference=reference)


def _movement(
    kind: PayoutLineKind,
    thing: Mapping[str, Any],
    currency: str,
    *,
    payment_reference: str,
    refund_reference: str = "",
) -> PayoutLine:
    """What was settled is told with its sign or without; what it was made of, in the payer's currency."""
    sign = 1 if kind is PayoutLineKind.PAYMENT else -1
    settled = thing.get("settlementAmount") or thing["amount"]
    net = Money(sign * abs(money_of(settled).minor), currency)
    own = money_of(thing["amount"])
    gross = Money(sign * abs(own.minor), currency) if own.currency == currency else net
    return PayoutLine(
        kind=kind,
        reference=str(thing["id"]),
        gross=gross,
        fee=net - gross,
        net=net,
        payment_reference=payment_reference,
        refund_reference=refund_reference,
        booked_on=_day(thing.get("paidAt") or thing.get("createdAt")),
        description=str(thing.get("description") or "")[:140],
    )


def _fees(settlement: Mapping[str, Any], currency: str) -> Iterator[PayoutLine]:
    """One line for each method and month, VAT included."""
    for year, months in sorted((settlement.get("periods") or {}).items()):
        for month, period in sorted((months or {}).items()):
            for count, cost in enumerate(period.get("costs") or (), start=1):
                reference = f"{settlement['id']}:{year}-{month}:{count}"
                cents = _cents(cost["amountGross"])
                yield _lump(
                    PayoutLineKind.FEE, reference, -cents, currency, str(cost.get("description") or "")
                )


def _lump(kind: PayoutLineKind, reference: str, cents: int, currency: str, text: str = "") -> PayoutLine:
    money = Money(cents, currency)
    return PayoutLine(
        kind, reference, gross=money, fee=Money.zero(currency), net=money, description=text[:140]
    )


def _cents(amount: Mapping[str, Any]) -> int:
    """Smallest units of an amount with four decimals, which ``Money`` would refuse."""
    scaled = Decimal(str(amount["value"])).scaleb(exponent(str(amount["currency"])))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _mode(account: Account) -> str:
    return "live" if account.is_live else "test"


def _day(told: Any) -> date | None:
    at = moment(told)
    return at.date() if at else None
