"""Rows of Stripe's books, as its API shows them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from cms_billing.core import clock

from ...models import VendorObject

VENDOR = "stripe"
API_VERSION = "2026-10-28.endive"
_PREFIXES = {
    "balance_transaction": "txn",
    "charge": "ch",
    "checkout.session": "cs_test",
    "customer": "cus",
    "dispute": "du",
    "event": "evt",
    "mandate": "mandate",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payout": "po",
    "refund": "re",
    "setup_attempt": "setatt",
    "setup_intent": "seti",
}


class Refused(Exception):
    """Stripe's answer to a request it does not carry out."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", **more: Any) -> None:
        super().__init__(message)
        error = {"message": message, "type": "invalid_request_error", "code": code, "param": param, **more}
        self.status, self.body = status, {"error": {key: value for key, value in error.items() if value}}


def new_id(kind: str) -> str:
    return f"{_PREFIXES[kind]}_{secrets.token_hex(12)}"


def timestamp() -> int:
    return int(clock.now().timestamp())


def enter(
    kind: str,
    data: dict[str, Any],
    *,
    account: str,
    parent: str = "",
    hidden: dict[str, Any] | None = None,
    object_id: str = "",
) -> VendorObject:
    made = {
        "id": object_id or new_id(kind),
        "object": kind,
        "created": timestamp(),
        "livemode": False,
        **data,
    }
    return VendorObject.objects.create(
        vendor=VENDOR,
        account=account,
        kind=kind,
        object_id=made["id"],
        parent_id=parent,
        data=made,
        hidden=hidden or {},
    )


def change(row: VendorObject, **data: Any) -> VendorObject:
    row.data = {**row.data, **data}
    row.save(update_fields=["data"])
    return row


def let_happen(row: VendorObject, act: str, *, days: int) -> None:
    row.act, row.acts_on = act, clock.today() + timedelta(days=days)
    row.save(update_fields=["act", "acts_on"])


def find(kind: str, object_id: str, *, account: str = "") -> VendorObject | None:
    found = VendorObject.objects.select_for_update().filter(vendor=VENDOR, kind=kind, object_id=object_id)
    return (found.filter(account=account) if account else found).first()


def of_kind(kind: str, *, account: str, **wanted: Any) -> Any:
    """Newest first, as Stripe lists."""
    return VendorObject.objects.filter(vendor=VENDOR, kind=kind, account=account, **wanted).order_by("-id")


def must_find(kind: str, object_id: str, *, account: str, param: str = "", status: int = 404) -> VendorObject:
    found = find(kind, object_id, account=account)
    if found is None:
        raise Refused(status, f"No such {kind}: '{object_id}'", code="resource_missing", param=param or "id")
    return found
