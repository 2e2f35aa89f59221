"""Events: signature over the raw body, then what they speak of. What they claim is not believed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ..base import WebhookRefused
from ..values import Account
from .client import library
from .keys import name_of, webhook_secrets
from .notices import KEY

logger = logging.getLogger(__name__)

HEADER = "Stripe-Signature"
# Seconds. Older ones are replays; Stripe signs anew whenever it tries again.
TOLERANCE = 300

# What may move money or methods, and is subscribed to. Of all other events nothing is asked.
EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "setup_intent.succeeded",
    "setup_intent.setup_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "mandate.updated",
    "customer.deleted",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payment_method.automatically_updated",
)
# What of an object is a reference, by its "object".
_NAMED: Mapping[str, tuple[str, ...]] = {
    "checkout.session": ("id", "client_reference_id", "payment_intent", "setup_intent"),
    "payment_intent": ("id",),
    "setup_intent": ("id", "customer", "payment_method"),
    "charge": ("payment_intent", "id"),
    "dispute": ("payment_intent", "charge"),
    "refund": ("id", "payment_intent"),
    "mandate": ("id", "payment_method"),
    "payment_method": ("id", "customer"),
    "customer": ("id",),
}
_warned: set[tuple[str, str]] = set()


def read_webhook(account: Account, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
    """Raises WebhookRefused. Anything but the signature's failing is told to nobody outside."""
    stripe = library()
    secrets = webhook_secrets(account)
    if not secrets:
        raise WebhookRefused(
            f"Stripe account {name_of(account)} has no webhook secret: nothing can be verified."
        )
    header = headers.get(HEADER) or headers.get(HEADER.lower()) or ""
    if not any(_is_signed(stripe, body, header, secret) for secret in secrets):
        raise WebhookRefused("The event is not signed with this account's secret, or too old.")
    event = _event(body)
    if event.get("livemode", account.is_live) is not account.is_live:
        raise WebhookRefused("The event is of the other mode: live and test are mixed.")
    _compare_versions(stripe, account, event)
    return list(dict.fromkeys(_references(event)))


def _is_signed(stripe: Any, body: bytes, header: str, secret: str) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE)
    except (stripe.SignatureVerificationError, UnicodeError):
        return False


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict) or event.get("object") != "event":
        raise WebhookRefused("The body is no event of Stripe's.")
    return event


def _references(event: Mapping[str, Any]) -> Iterator[str]:
    # An event of a connected account is somebody else's business.
    if event.get("account") or event.get("type") not in EVENTS:
        return
    data = event.get("data") or {}
    thing = data.get("object") or {}
    found = [thing.get(name) for name in _NAMED.get(str(thing.get("object")), ())]
    found.append((thing.get("metadata") or {}).get(KEY))
    # A method that was detached names its customer no more.
    if thing.get("object") == "payment_method":
        found.append((data.get("previous_attributes") or {}).get("customer"))
    for reference in found:
        text = reference.get("id") if isinstance(reference, dict) else reference
        if isinstance(text, str) and text:
            yield text


def _compare_versions(stripe: Any, account: Account, event: Mapping[str, Any]) -> None:
    """Events come in the version of their endpoint, whatever the library speaks. Said once a process."""
    theirs, ours = event.get("api_version") or "", stripe.api_version
    if not theirs or _major(theirs) == _major(ours) or (name_of(account), theirs) in _warned:
        return
    _warned.add((name_of(account), theirs))
    logger.warning(
        "Stripe account %s sends events of API version %s, the library speaks %s: "
        "make a webhook endpoint of that version beside the old one, then remove the old one.",
        name_of(account),
        theirs,
        ours,
    )


def _major(version: str) -> str:
    return version.partition(".")[2] or version
