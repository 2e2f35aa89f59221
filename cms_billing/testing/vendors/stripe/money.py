"""Charges, the balance and what is taken from it."""

from __future__ import annotations

from typing import Any

from ...models import VendorObject
from . import books
from .events import announce

# What a dispute costs, in smallest units.
DISPUTE_FEE = 2000


def charge_for(intent: VendorObject, method: VendorObject, *, mandate: str | None = None) -> VendorObject:
    kind = method.data["type"]
    details = {key: value for key, value in method.data[kind].items() if key != "generated_from"}
    if mandate:
        details["mandate"] = mandate
    data = {
        "amount": intent.data["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": True,
        "currency": intent.data["currency"],
        "customer": intent.data["customer"],
        "description": intent.data["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "metadata": intent.data["metadata"],
        "paid": False,
        "payment_intent": intent.object_id,
        "payment_method": method.object_id,
        "payment_method_details": {"type": kind, kind: details},
        "refunded": False,
        "status": "pending",
    }
    prefix = "ch" if kind == "card" else "py"
    charge = books.enter(
        "charge",
        data,
        account=intent.account,
        parent=intent.object_id,
        object_id=books.new_id("charge").replace("ch_", f"{prefix}_", 1),
    )
    books.change(intent, latest_charge=charge.object_id, payment_method=method.object_id)
    return charge


def succeed(intent: VendorObject, charge: VendorObject) -> None:
    amount = charge.data["amount"]
    is_card = charge.data["payment_method_details"]["type"] == "card"
    fee = amount * 15 // 1000 + 25 if is_card else 35
    booking = book(charge, "charge" if is_card else "payment", amount=amount, fee=fee)
    books.change(
        charge, status="succeeded", paid=True, amount_captured=amount, balance_transaction=booking.object_id
    )
    books.change(intent, status="succeeded", amount_received=amount, last_payment_error=None)
    announce("charge.succeeded", charge)
    announce("payment_intent.succeeded", intent)


def fail(intent: VendorObject, charge: VendorObject, error: dict[str, Any]) -> None:
    code = error.get("decline_code") or error["code"]
    books.change(charge, status="failed", failure_code=code, failure_message=error["message"])
    books.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        last_payment_error={**error, "charge": charge.object_id},
    )
    announce("charge.failed", charge)
    announce("payment_intent.payment_failed", intent)


def book(source: VendorObject, kind: str, *, amount: int, fee: int = 0) -> VendorObject:
    data = {
        "amount": amount,
        "available_on": books.timestamp(),
        "currency": source.data["currency"],
        "description": source.data.get("description"),
        "fee": fee,
        "fee_details": [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source.object_id,
        "status": "available",
        "type": kind,
    }
    return books.enter("balance_transaction", data, account=source.account)


def dispute(charge: VendorObject, *, amount: int | None = None) -> VendorObject:
    """The payer takes the money back; it is gone at once. A direct debit's return is final."""
    is_card = charge.data["payment_method_details"]["type"] == "card"
    gone = charge.data["amount"] if amount is None else amount
    data = {
        "amount": gone,
        "balance_transactions": [],
        "charge": charge.object_id,
        "currency": charge.data["currency"],
        "is_charge_refundable": False,
        "metadata": {},
        "network_reason_code": "10.4" if is_card else None,
        "payment_intent": charge.data["payment_intent"],
        "reason": "fraudulent" if is_card else "debit_not_authorized",
        "status": "needs_response" if is_card else "lost",
    }
    row = books.enter("dispute", data, account=charge.account, parent=charge.data["payment_intent"])
    booking = book(row, "adjustment", amount=-gone, fee=DISPUTE_FEE)
    books.change(row, balance_transactions=[booking.data])
    books.change(charge, disputed=True)
    announce("charge.dispute.created", row)
    announce("charge.dispute.funds_withdrawn", row)
    return row


def win(row: VendorObject) -> None:
    booking = book(row, "adjustment", amount=row.data["amount"])
    books.change(row, status="won", balance_transactions=[*row.data["balance_transactions"], booking.data])
    announce("charge.dispute.funds_reinstated", row)
    announce("charge.dispute.closed", row)
