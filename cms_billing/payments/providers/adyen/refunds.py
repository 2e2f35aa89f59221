"""Paying back. Adyen's answer says no more than that it has the request; its webhook tells the outcome."""

from __future__ import annotations

from urllib.parse import quote

from ..values import RefundNotice, RefundRequest, RefundStatus
from .charges import adyen_amount
from .client import Connection


def refund(connection: Connection, request: RefundRequest) -> RefundNotice:
    body = {
        "merchantAccount": connection.merchant_account,
        "amount": adyen_amount(connection, request.amount),
        "reference": str(request.idempotency_key),
    }
    answer = connection.call(
        "modifications_api",
        "refund_captured_payment",
        body,
        quote(request.payment_reference, safe=""),
        idempotency_key=str(request.idempotency_key),
    )
    return RefundNotice(
        str(answer["pspReference"]), RefundStatus.PENDING, idempotency_key=request.idempotency_key
    )
