"""Refunds: taken at once, paid a day later."""

from __future__ import annotations

from typing import Any

from cms_billing.core.money import Money

from ...models import VendorObject
from ..transport import VendorRequest
from . import shapes
from .books import VENDOR, Caller, Refusal, act_later, amount, children, enter, found, money_in
from .life import after_time, count_refunds
from .news import tell_of

_DAYS = 1


def create(request: VendorRequest, caller: Caller, payment_id: str) -> dict[str, Any]:
    payment = found("payment", payment_id, account=caller.account)
    form = request.form
    if not form.get("amount"):
        raise Refusal(422, "The amount is required", field="amount")
    money = Money.of(form["amount"]["value"], form["amount"]["currency"])
    if payment.data["status"] != "paid":
        raise Refusal(422, "The payment is not paid, so it cannot be refunded")
    left = money_in(payment.data, "amountRemaining")
    if money.currency != left.currency or not 0 < money.minor <= left.minor:
        raise Refusal(422, "The specified amount cannot be refunded", field="amount")
    data = {
        "mode": caller.mode,
        "amount": amount(money),
        "settlementAmount": amount(money, sign=-1),
        "status": "pending",
        "description": form.get("description") or "",
        "metadata": form.get("metadata"),
        "paymentId": payment_id,
    }
    row = enter("refund", data, account=caller.account, parent=payment_id)
    act_later(row, "pay_back", _DAYS)
    count_refunds(payment)
    tell_of(payment, f"refund.{row.data['status']}", entity=row)
    return shapes.refund(row)


def of_payment(request: VendorRequest, caller: Caller, payment_id: str) -> tuple[Any, ...]:
    found("payment", payment_id, account=caller.account)
    return "refunds", [after_time(row) for row in children("refund", payment_id)], shapes.refund


def show(request: VendorRequest, caller: Caller, payment_id: str, refund_id: str) -> dict[str, Any]:
    row = found("refund", refund_id, account=caller.account)
    if row.parent_id != payment_id:
        raise Refusal(404, f"No refund exists with token {refund_id}.")
    return shapes.refund(after_time(row))


def listing(request: VendorRequest, caller: Caller) -> tuple[Any, ...]:
    rows = VendorObject.objects.filter(vendor=VENDOR, account=caller.account, kind="refund").order_by("-pk")
    return "refunds", [after_time(row) for row in rows], shapes.refund
