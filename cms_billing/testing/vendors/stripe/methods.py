"""Customers, their cards and accounts, and mandates."""

from __future__ import annotations

import hashlib
from typing import Any

from cms_billing.core import clock

from ...models import VendorObject
from ..behaviours import Behaviour
from . import books
from .books import Refused
from .events import announce

# As on Stripe's list of test cards, https://docs.stripe.com/testing
_LAST_FOUR = {
    Behaviour.GOOD_CARD: "4242",
    Behaviour.REFUSED_CARD: "0002",
    Behaviour.CAREFUL_CARD: "3220",
    Behaviour.DISPUTED_CARD: "0259",
    Behaviour.EMPTY_CARD: "9995",
    Behaviour.STOLEN_CARD: "9979",
    Behaviour.GOOD_ACCOUNT: "3000",
    Behaviour.EMPTY_ACCOUNT: "2222",
}


def create_customer(form: dict[str, Any], *, account: str) -> dict[str, Any]:
    facts = {name: form.get(name) for name in ("email", "name", "description", "phone")}
    data = {
        **facts,
        "metadata": form.get("metadata") or {},
        "preferred_locales": form.get("preferred_locales") or [],
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
    }
    return books.enter("customer", data, account=account).data


def store_method(
    behaviour: Behaviour, *, account: str, customer: str | None, kind: str = "", from_charge: str = ""
) -> VendorObject:
    """``kind``: Stripe's type, where it is another than the behaviour's."""
    kind = kind or ("card" if behaviour.is_card else "sepa_debit")
    details = _card(behaviour, customer) if kind == "card" else _bank(behaviour, customer, kind, from_charge)
    data = {
        "type": kind,
        kind: details,
        "customer": customer,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "allow_redisplay": "limited",
        "metadata": {},
    }
    row = books.enter(
        "payment_method", data, account=account, parent=customer or "", hidden={"behaviour": behaviour.value}
    )
    if customer:
        announce("payment_method.attached", row)
    return row


def _card(behaviour: Behaviour, customer: str | None) -> dict[str, Any]:
    return {
        "brand": "visa",
        "display_brand": "visa",
        "last4": _LAST_FOUR[behaviour],
        "exp_month": 12,
        "exp_year": clock.today().year + 3,
        "fingerprint": _fingerprint(behaviour, customer),
        "country": "DE",
        "funding": "credit",
    }


def _bank(behaviour: Behaviour, customer: str | None, kind: str, from_charge: str) -> dict[str, Any]:
    if kind != "sepa_debit":
        return {"bank": "ing", "bic": "INGBNL2A"} if kind == "ideal" else {}
    return {
        "bank_code": "37040044",
        "branch_code": "",
        "country": "DE",
        "fingerprint": _fingerprint(behaviour, customer),
        "last4": _LAST_FOUR[behaviour],
        "generated_from": {"charge": from_charge, "setup_attempt": None} if from_charge else None,
    }


def _fingerprint(behaviour: Behaviour, customer: str | None) -> str:
    """The same card of the same person, however often it is stored."""
    return hashlib.sha256(f"{behaviour.value}/{customer}".encode()).hexdigest()[:16]


def make_mandate(method: VendorObject) -> VendorObject:
    data = {
        "type": "multi_use",
        "multi_use": {},
        "status": "active",
        "payment_method": method.object_id,
        "payment_method_details": {"type": "sepa_debit", "sepa_debit": {"reference": "ZX9QK1"}},
        "customer_acceptance": {"type": "online", "accepted_at": books.timestamp()},
    }
    return books.enter("mandate", data, account=method.account, parent=method.object_id)


def mandate_of(method: VendorObject) -> VendorObject | None:
    return books.of_kind("mandate", account=method.account, parent_id=method.object_id).first()


def is_revoked(method: VendorObject) -> bool:
    mandate = mandate_of(method)
    return mandate is not None and mandate.data["status"] == "inactive"


def detach(method_id: str, *, account: str) -> dict[str, Any]:
    method = books.must_find("payment_method", method_id, account=account)
    customer = method.data["customer"]
    if not customer:
        told = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise Refused(400, told)
    method.parent_id = ""
    method.save(update_fields=["parent_id"])
    books.change(method, customer=None)
    announce("payment_method.detached", method, previous={"customer": customer})
    return method.data


def set_up(method: VendorObject, *, metadata: dict[str, Any] | None = None) -> VendorObject:
    """The SetupIntent with which a method was stored without a payment; a bank account signs its mandate."""
    mandate = make_mandate(method) if method.data["type"] == "sepa_debit" else None
    data = {
        "customer": method.data["customer"],
        "last_setup_error": None,
        "latest_attempt": None,
        "mandate": mandate.object_id if mandate else None,
        "metadata": metadata or {},
        "payment_method": method.object_id,
        "status": "succeeded",
        "usage": "off_session",
    }
    row = books.enter("setup_intent", data, account=method.account, parent=method.parent_id)
    announce("setup_intent.succeeded", row)
    return row
