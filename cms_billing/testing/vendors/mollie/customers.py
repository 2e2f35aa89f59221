"""Customers, the mandates they gave, and who we are ourselves."""

from __future__ import annotations

from typing import Any

from ...models import VendorObject
from ..transport import VendorRequest
from . import shapes
from .books import PROFILE, VENDOR, Caller, Refusal, change, children, enter, found, url

# What this website has activated at Mollie.
_METHODS = {
    "creditcard": ("Card", {"oneoff", "first", "recurring"}),
    "paypal": ("PayPal", {"oneoff", "first", "recurring"}),
    "ideal": ("iDEAL", {"oneoff", "first"}),
    "bancontact": ("Bancontact", {"oneoff", "first"}),
    "eps": ("eps", {"oneoff", "first"}),
    "directdebit": ("SEPA Direct Debit", {"recurring"}),
}


def create(request: VendorRequest, caller: Caller) -> dict[str, Any]:
    form = request.form
    data = {
        "mode": caller.mode,
        "name": form.get("name"),
        "email": form.get("email"),
        "locale": form.get("locale"),
        "metadata": form.get("metadata"),
    }
    return shapes.customer(enter("customer", data, account=caller.account))


def show(request: VendorRequest, caller: Caller, customer_id: str) -> dict[str, Any]:
    return shapes.customer(found("customer", customer_id, account=caller.account))


def delete(request: VendorRequest, caller: Caller, customer_id: str) -> None:
    row = found("customer", customer_id, account=caller.account)
    row.hidden = {**row.hidden, "deleted": True}
    row.save(update_fields=["hidden"])


def payments_of(request: VendorRequest, caller: Caller, customer_id: str) -> tuple[Any, ...]:
    found("customer", customer_id, account=caller.account)
    theirs = VendorObject.objects.filter(
        vendor=VENDOR, account=caller.account, kind="payment", data__customerId=customer_id
    )
    return "payments", list(theirs.order_by("-pk")), shapes.payment


def mandates_of(request: VendorRequest, caller: Caller, customer_id: str) -> tuple[Any, ...]:
    found("customer", customer_id, account=caller.account)
    kept = [row for row in children("mandate", customer_id) if not row.hidden.get("deleted")]
    return "mandates", kept, shapes.mandate


def show_mandate(request: VendorRequest, caller: Caller, customer_id: str, mandate_id: str) -> dict[str, Any]:
    return shapes.mandate(_mandate(caller, customer_id, mandate_id))


def delete_mandate(request: VendorRequest, caller: Caller, customer_id: str, mandate_id: str) -> None:
    row = _mandate(caller, customer_id, mandate_id)
    row.hidden = {**row.hidden, "deleted": True}
    change(row, status="invalid")


def _mandate(caller: Caller, customer_id: str, mandate_id: str) -> VendorObject:
    row = found("mandate", mandate_id, account=caller.account)
    if row.parent_id != customer_id:
        raise Refusal(404, f"No mandate exists with token {mandate_id}.")
    return row


def profile(request: VendorRequest, caller: Caller) -> dict[str, Any]:
    return {
        "resource": "profile",
        "id": PROFILE,
        "mode": "live",
        "name": f"Stand-in {caller.account}",
        "website": "https://shop.example.com",
        "email": "info@example.com",
        "status": "verified",
        "_links": {"self": url(f"profiles/{PROFILE}")},
    }


def methods(request: VendorRequest, caller: Caller) -> dict[str, Any]:
    sequence = request.query.get("sequenceType", "oneoff")
    offered = [
        {"resource": "method", "id": name, "description": text, "status": "activated"}
        for name, (text, sequences) in _METHODS.items()
        if sequence in sequences
    ]
    return {
        "count": len(offered),
        "_embedded": {"methods": offered},
        "_links": {"self": url("methods"), "next": None},
    }
