"""The balance, paid out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from ...models import VendorObject
from . import books
from .events import announce


def make_payout(*, account: str, day: date, currency: str = "eur") -> VendorObject | None:
    """All of the balance that was not paid out before; None where there is nothing."""
    waiting = list(
        books.of_kind("balance_transaction", account=account, parent_id="", data__currency=currency).exclude(
            data__type="payout"
        )
    )
    amount = sum(booking.data["net"] for booking in waiting)
    if not waiting:
        return None
    data: dict[str, Any] = {
        "amount": amount,
        "arrival_date": int(datetime.combine(day, time(12), tzinfo=UTC).timestamp()),
        "automatic": True,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "failure_code": None,
        "method": "standard",
        "status": "paid",
        "type": "bank_account",
    }
    payout = books.enter("payout", data, account=account)
    VendorObject.objects.filter(pk__in=[booking.pk for booking in waiting]).update(parent_id=payout.object_id)
    announce("payout.paid", payout)
    return payout


def fail(payout: VendorObject) -> None:
    """The bank sent it back; what it was made of stays with it."""
    books.change(payout, status="failed", failure_code="account_closed")
    announce("payout.failed", payout)
