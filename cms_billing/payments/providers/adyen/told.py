"""What Adyen's webhooks say, as plain values. No Django.

The signature of an item covers ``pspReference``, ``originalReference``, ``merchantAccountCode``, ``merchantReference``,
``amount``, ``eventCode`` and ``success``. All else, such as ``reason`` and ``additionalData``, anybody could have
written: it is kept to be shown and to choose how soon to try again, and never moves money or stores a method.
Webhooks about tokens are signed as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cms_billing.core.money import Money

from .amounts import from_adyen

TOKEN_EVENTS = ("recurring.token.created", "recurring.token.alreadyExisting", "recurring.token.updated")


class Unreadable(ValueError):
    """The body is no webhook of Adyen's."""


@dataclass(frozen=True, order=True)
class Told:
    """One signed item of a webhook. ``reason``, ``code`` and ``advice`` are not signed.

    ``original`` is the payment that a capture, refund or dispute belongs to, ``ours`` the reference we gave.
    """

    event: str
    success: bool
    psp: str
    original: str
    account: str
    ours: str
    value: int
    currency: str
    reason: str = ""
    code: str = ""
    advice: str = ""

    @property
    def amount(self) -> Money:
        return from_adyen(self.value, self.currency)


@dataclass(frozen=True)
class TokenTold:
    """News of a stored method. ``psp`` is the payment or request that caused it."""

    event: str
    psp: str
    account: str
    shopper: str
    token: str


def items_of(body: bytes) -> list[Mapping[str, Any]]:
    """The items of a standard webhook as they came. Raises Unreadable."""
    batch = _json(body).get("notificationItems")
    if not isinstance(batch, list) or not batch:
        raise Unreadable("There are no notificationItems.")
    return [_wrapped(entry) for entry in batch]


def is_standard(body: bytes) -> bool:
    """Whether it is a batch of items, each with a signature of its own. Raises Unreadable."""
    return "notificationItems" in _json(body)


def read_item(item: Mapping[str, Any]) -> Told:
    """Raises Unreadable for an item whose signed fields could be read in two ways."""
    amount = item.get("amount")
    amount = amount if isinstance(amount, dict) else {}
    value = amount.get("value")
    success = item.get("success")
    if isinstance(value, bool) or not isinstance(value, int) or success not in ("true", "false"):
        raise Unreadable("Amount or success are not written as Adyen writes them.")
    more = item.get("additionalData")
    more = more if isinstance(more, dict) else {}
    reason = str(item.get("reason") or "")
    told = Told(
        event=_text(item, "eventCode"),
        success=success == "true",
        psp=_text(item, "pspReference"),
        original=_text(item, "originalReference"),
        account=_text(item, "merchantAccountCode"),
        ours=_text(item, "merchantReference"),
        value=value,
        currency=_text(amount, "currency"),
        reason=reason[:200],
        code=str(more.get("chargebackReasonCode") or more.get("refusalReasonCode") or "").strip()[:40],
        advice=str(more.get("merchantAdviceCode") or "")[:40],
    )
    # The signed text joins the fields with colons: with one inside, it could be cut elsewhere.
    if any(":" in part for part in (told.event, told.psp, told.original, told.account, told.currency)):
        raise Unreadable("A reference has a colon inside.")
    return told


def read_token(body: bytes) -> TokenTold | None:
    """What a webhook about a stored method says; None for signed bodies about something else. Raises Unreadable."""
    event = _json(body)
    data = event.get("data")
    if not str(event.get("type") or "").startswith("recurring.token.") or not isinstance(data, dict):
        return None
    return TokenTold(
        event=_text(event, "type"),
        psp=_text(event, "eventId"),
        account=_text(data, "merchantAccount"),
        shopper=_text(data, "shopperReference"),
        token=_text(data, "storedPaymentMethodId"),
    )


def payments_told(history: Iterable[bytes]) -> set[Told]:
    """All signed items of the stored bodies, each once."""
    return {read_item(item) for body in history if is_standard(body) for item in items_of(body)}


def tokens_told(history: Iterable[bytes]) -> list[TokenTold]:
    found = [read_token(body) for body in history if not is_standard(body)]
    return [token for token in found if token is not None]


def is_live(body: bytes) -> bool | None:
    """Whether it says that real money moved; None where it does not say."""
    event = _json(body)
    said = event.get("live", event.get("environment"))
    return None if said is None else str(said).lower() in ("true", "live")


def _wrapped(entry: Any) -> Mapping[str, Any]:
    item = entry.get("NotificationRequestItem") if isinstance(entry, dict) else None
    if not isinstance(item, dict):
        raise Unreadable("An entry is no NotificationRequestItem.")
    return item


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(read, dict):
        raise Unreadable("The body is no JSON object.")
    return read


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{name} is no text.")
    return value
