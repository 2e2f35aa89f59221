"""Money paid back."""

from __future__ import annotations

from typing import Any

from ...models import VendorObject
from . import books, money
from .books import Refused
from .events import announce
from .forms import number

# A bank takes days to pay a direct debit back; cards are done at once.
BANK_DAYS = 5


def create(form: dict[str, Any], *, account: str) -> dict[str, Any]:
    intent = books.must_find(
        "payment_intent", form.get("payment_intent", ""), account=account, param="payment_intent", status=400
    )
    amount = number(form.get("amount")) or intent.data["amount"]
    charge = _charge_to_refund(intent, amount)
    is_card = charge.data["payment_method_details"]["type"] == "card"
    data = {
        "amount": amount,
        "charge": charge.object_id,
        "currency": charge.data["currency"],
        "failure_reason": None,
        "metadata": form.get("metadata") or {},
        "payment_intent": intent.object_id,
        "reason": form.get("reason"),
        "status": "succeeded" if is_card else "pending",
    }
    kind = "re" if is_card else "pyr"
    refund = books.enter(
        "refund",
        data,
        account=account,
        parent=intent.object_id,
        object_id=books.new_id("refund").replace("re_", f"{kind}_", 1),
    )
    booking = money.book(refund, "refund" if is_card else "payment_refund", amount=-amount)
    books.change(refund, balance_transaction=booking.object_id)
    if not is_card:
        books.let_happen(refund, "refund", days=BANK_DAYS)
    _count(charge, amount)
    announce("refund.created", refund)
    announce("charge.refunded", charge)
    return refund.data


def _charge_to_refund(intent: VendorObject, amount: int) -> VendorObject:
    charge = books.find("charge", intent.data["latest_charge"] or "")
    if charge is None or charge.data["status"] != "succeeded":
        raise Refused(400, "This PaymentIntent does not have a successful charge to refund.")
    if charge.data["disputed"]:
        told = f"Charge {charge.object_id} has been charged back; cannot issue a refund."
        raise Refused(400, told, code="charge_disputed")
    left = charge.data["amount"] - charge.data["amount_refunded"]
    if left == 0:
        told = f"Charge {charge.object_id} has already been refunded."
        raise Refused(400, told, code="charge_already_refunded")
    if amount > left:
        told = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise Refused(400, told, param="amount")
    return charge


def _count(charge: VendorObject, amount: int) -> None:
    refunded = charge.data["amount_refunded"] + amount
    books.change(charge, amount_refunded=refunded, refunded=refunded == charge.data["amount"])


def finish(refund: VendorObject) -> None:
    refund.act, refund.acts_on = "", None
    refund.save(update_fields=["act", "acts_on"])
    if refund.data["status"] == "pending":
        books.change(refund, status="succeeded")
        announce("refund.updated", refund)


def fail(refund: VendorObject, *, reason: str = "expired_or_canceled_card") -> None:
    """The payer's bank does not take it: the money is back on the balance."""
    if refund.data["status"] == "failed":
        return
    money.book(refund, "refund_failure", amount=refund.data["amount"])
    books.change(refund, status="failed", failure_reason=reason)
    _count(books.find("charge", refund.data["charge"]), -refund.data["amount"])
    announce("refund.updated", refund)
    announce("refund.failed", refund)
