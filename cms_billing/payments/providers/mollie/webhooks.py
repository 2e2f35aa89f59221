"""Two kinds of webhooks: the unsigned form of a payment's own address, and signed events of a subscription.

An unsigned one is believed in nothing but that there may be news: what it names is fetched with our key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from ..base import WebhookRefused

SIGNATURE_HEADER = "X-Mollie-Signature"
_PREFIX = "sha256="
_REFERENCE = re.compile(r"[a-z]{2,8}_[A-Za-z0-9]{4,100}")


def read_webhook(*, body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """The references, once the signature over the raw body was compared; without one, only a classic form will do."""
    given = _header(headers)
    if given is None:
        return _read_form(body)
    if not _is_genuine(body, given, list(secrets)):
        raise WebhookRefused("The signature does not belong to the body, or no WEBHOOK_SECRET is set.")
    return _read_event(body)


def signature(body: bytes, secret: str) -> str:
    """HMAC-SHA-256 of the raw body in hexadecimal digits (docs.mollie.com, Webhooks: Best practices)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _header(headers: Mapping[str, str]) -> str | None:
    wanted = SIGNATURE_HEADER.lower()
    return next((value for name, value in headers.items() if name.lower() == wanted), None)


def _is_genuine(body: bytes, given: str, secrets: Iterable[str]) -> bool:
    """While a secret is being exchanged there are several of them, and several signatures in one header."""
    signatures = [part.strip().removeprefix(_PREFIX).encode() for part in given.split(",")]
    expected = [signature(body, secret).encode() for secret in secrets]
    return any(hmac.compare_digest(one, other) for one in expected for other in signatures)


def _read_form(body: bytes) -> list[str]:
    try:
        named = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10).get("id", [])
    except (UnicodeDecodeError, ValueError):
        raise WebhookRefused("An unsigned webhook is a form with an id.") from None
    if len(named) != 1 or not _REFERENCE.fullmatch(named[0]):
        raise WebhookRefused("An unsigned webhook is a form with one id.")
    return named


def _read_event(body: bytes) -> list[str]:
    try:
        event = json.loads(body)
        if event["resource"] != "event":
            raise WebhookRefused("A signed webhook is an event.")
        return list(dict.fromkeys(_references(event)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WebhookRefused("The body is not readable.") from None


def _references(event: Mapping[str, Any]) -> Iterable[str]:
    """Payment before refund: refunds and chargebacks name the payment they belong to."""
    topic = str(event["type"]).split(".", maxsplit=1)[0]
    if topic not in ("payment", "refund", "chargeback", "capture"):
        return
    entity = (event.get("_embedded") or {}).get("entity") or {}
    for reference in (entity.get("paymentId"), event["entityId"]):
        if isinstance(reference, str) and _REFERENCE.fullmatch(reference):
            yield reference
