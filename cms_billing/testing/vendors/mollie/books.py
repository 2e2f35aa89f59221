"""Mollie's books: rows of ``VendorObject`` whose ``data`` is what the API shows, without the links."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cms_billing.core import clock
from cms_billing.core.money import Money

from ...models import VendorObject

VENDOR = "mollie"
API = "https://api.mollie.com/v2"
PROFILE = "pfl_standin0001"
_PREFIXES = {
    "payment": "tr_",
    "customer": "cst_",
    "mandate": "mdt_",
    "refund": "re_",
    "chargeback": "chb_",
    "settlement": "stl_",
    "event": "event_",
}
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Caller:
    """Whose key was sent: the account's slug, and whether it is an API key or the organisation's token."""

    account: str
    mode: str
    is_organisation: bool


class Refusal(Exception):
    """An answer that says no; ``field`` is the parameter it is about."""

    def __init__(self, status: int, detail: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.field = status, detail, field


def new_id(kind: str) -> str:
    return _PREFIXES[kind] + "".join(secrets.choice(_LETTERS) for _ in range(12))


def enter(
    kind: str,
    data: Mapping[str, Any],
    *,
    account: str,
    parent: str = "",
    hidden: Mapping[str, Any] | None = None,
) -> VendorObject:
    object_id = new_id(kind)
    whole = {"resource": kind, "id": object_id, **data, "createdAt": now_text()}
    return VendorObject.objects.create(
        vendor=VENDOR,
        account=account,
        kind=kind,
        object_id=object_id,
        parent_id=parent,
        data=whole,
        hidden=dict(hidden or {}),
    )


def found(kind: str, object_id: str, *, account: str) -> VendorObject:
    """Locked. Raises Refusal 404 for what is not there or another account's, 410 for what was deleted."""
    row = (
        VendorObject.objects.select_for_update()
        .filter(vendor=VENDOR, account=account, kind=kind, object_id=object_id)
        .first()
    )
    if row is None:
        raise Refusal(404, f"No {kind} exists with token {object_id}.")
    if row.hidden.get("deleted"):
        raise Refusal(410, f"The {kind} {object_id} has been deleted.")
    return row


def by_id(object_id: str) -> VendorObject:
    """Locked, of whatever account; for tests and for what time does."""
    return VendorObject.objects.select_for_update().get(vendor=VENDOR, object_id=object_id)


def children(kind: str, parent: str) -> list[VendorObject]:
    """Newest first, as Mollie lists."""
    return list(VendorObject.objects.filter(vendor=VENDOR, kind=kind, parent_id=parent).order_by("-pk"))


def change(row: VendorObject, **data: Any) -> None:
    """None takes a property away."""
    merged = {**row.data, **data}
    row.data = {name: value for name, value in merged.items() if value is not None or name in _SHOWN_AS_NULL}
    row.save()


_SHOWN_AS_NULL = frozenset({"details", "metadata", "method", "reversedAt", "reference", "settledAt"})


def act_later(row: VendorObject, act: str, days: int) -> None:
    row.act, row.acts_on = act, clock.today() + timedelta(days=days)
    row.save(update_fields=["act", "acts_on"])


def now_text() -> str:
    return clock.now().replace(microsecond=0).isoformat()


def day_text(day: date) -> str:
    return f"{day.isoformat()}T09:00:00+00:00"


def amount(money: Money, *, sign: int = 1) -> dict[str, str]:
    return {"currency": money.currency, "value": format(money.amount * sign, "f")}


def fine_amount(value: Decimal, currency: str) -> dict[str, str]:
    """Fees are told with four decimals."""
    return {"currency": currency, "value": format(value.quantize(Decimal("0.0001")), "f")}


def money_in(data: Mapping[str, Any], name: str = "amount") -> Money:
    told = data.get(name)
    return Money.of(told["value"], told["currency"]) if told else Money.zero(data["amount"]["currency"])


def url(path: str) -> dict[str, str]:
    return {"href": f"{API}/{path}", "type": "application/hal+json"}
