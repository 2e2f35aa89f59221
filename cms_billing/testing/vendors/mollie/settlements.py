"""Settlements: what was paid, paid back and charged back since the last one, less fees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction

from cms_billing.core.money import Money

from ...models import VendorObject
from ..transport import VendorRequest
from . import shapes
from .books import VENDOR, Caller, amount, change, day_text, enter, fine_amount, found, money_in

# Per movement, without VAT: fixed, and of the amount.
_FEES = {
    "creditcard": (Decimal("0.25"), Decimal("0.018")),
    "paypal": (Decimal("0.10"), Decimal(0)),
    "ideal": (Decimal("0.32"), Decimal(0)),
    "directdebit": (Decimal("0.35"), Decimal(0)),
    "refund": (Decimal("0.25"), Decimal(0)),
    "chargeback": (Decimal("5.00"), Decimal(0)),
}
_VAT = Decimal("0.21")
_SHAPES = {"payments": shapes.payment, "refunds": shapes.refund, "chargebacks": shapes.chargeback}


def listing(request: VendorRequest, caller: Caller) -> tuple[Any, ...]:
    rows = VendorObject.objects.filter(vendor=VENDOR, account=caller.account, kind="settlement")
    return "settlements", list(rows.order_by("-pk")), shapes.settlement


def show(request: VendorRequest, caller: Caller, settlement_id: str) -> dict[str, Any]:
    return shapes.settlement(found("settlement", settlement_id, account=caller.account))


def content(request: VendorRequest, caller: Caller, settlement_id: str, what: str) -> tuple[Any, ...]:
    found("settlement", settlement_id, account=caller.account)
    rows = VendorObject.objects.filter(
        vendor=VENDOR, account=caller.account, kind=what.removesuffix("s"), hidden__settlement=settlement_id
    )
    return what, list(rows.order_by("-pk")), _SHAPES[what]


@transaction.atomic
def make_payout(day: date, *, account: str = "main", currency: str = "EUR") -> str:
    """Everything that moved and was not paid out yet goes to the bank on ``day``; returns the settlement's id."""
    moved = [row for row in _moved(account) if row.data["amount"]["currency"] == currency]
    costs = _costs(moved, currency)
    gross = sum(_sign(row) * money_in(row.data).minor for row in moved)
    fees = sum((Decimal(cost["amountGross"]["value"]) for cost in costs), Decimal(0))
    net = Money(gross, currency) - Money.of(fees.quantize(Decimal("0.01"), ROUND_HALF_UP), currency)
    period = {str(day.year): {str(day.month): {"revenue": [], "costs": costs}}}
    data = {
        "status": "paidout",
        "amount": amount(net),
        "reference": f"1234567.{day:%y%m}.01",
        "settledAt": day_text(day),
        "periods": period,
    }
    settlement = enter("settlement", data, account=account)
    for row in moved:
        row.hidden = {**row.hidden, "settlement": settlement.object_id}
        sums = amount(money_in(row.data), sign=_sign(row))
        change(row, settlementId=settlement.object_id, settlementAmount=sums)
    return settlement.object_id


def _moved(account: str) -> list[VendorObject]:
    rows = VendorObject.objects.select_for_update().filter(
        vendor=VENDOR, account=account, kind__in=["payment", "refund", "chargeback"]
    )
    done = {"payment": "paid", "refund": "refunded"}
    return [
        row
        for row in rows
        if "settlement" not in row.hidden
        and row.data.get("status") == done.get(row.kind)
        and money_in(row.data).minor
    ]


def _sign(row: VendorObject) -> int:
    return 1 if row.kind == "payment" else -1


def _costs(moved: Sequence[VendorObject], currency: str) -> list[dict[str, Any]]:
    by_method: dict[str, list[VendorObject]] = defaultdict(list)
    for row in moved:
        by_method[row.data["method"] if row.kind == "payment" else row.kind].append(row)
    return [_cost(method, rows, currency) for method, rows in sorted(by_method.items())]


def _cost(method: str, rows: Sequence[VendorObject], currency: str) -> dict[str, Any]:
    fixed, share = _FEES[method]
    net = sum((fixed + share * money_in(row.data).amount for row in rows), Decimal(0))
    return {
        "description": method,
        "method": method,
        "count": len(rows),
        "rate": {"fixed": fine_amount(fixed, currency), "percentage": str(share * 100)},
        "amountNet": fine_amount(net, currency),
        "amountVat": fine_amount(net * _VAT, currency),
        "amountGross": fine_amount(net * (1 + _VAT), currency),
    }
