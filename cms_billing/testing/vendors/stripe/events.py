"""Stripe's events, and their signature."""

from __future__ import annotations

import json
from typing import Any

import stripe

from cms_billing.payments.credentials import given

from ...models import VendorObject, VendorWebhook
from ..webhooks import tell
from .books import API_VERSION, VENDOR, new_id, timestamp


def announce(kind: str, row: VendorObject, *, previous: dict[str, Any] | None = None) -> VendorWebhook:
    data: dict[str, Any] = {"object": row.data}
    if previous:
        data["previous_attributes"] = previous
    event = {
        "id": new_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": timestamp(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    body = json.dumps(event, indent=2).encode()
    return tell(vendor=VENDOR, account=row.account, body=body, about=kind, content_type="application/json")


def headers_when_sent(webhook: VendorWebhook) -> dict[str, str]:
    """Signed anew with each delivery, as Stripe does: an older signature counts as a replay."""
    secret = given(VENDOR, webhook.account, ("WEBHOOK_SECRET",)).get("WEBHOOK_SECRET", "")
    first = secret.split(",")[0].strip()
    if not first:
        return {}
    body = bytes(webhook.body).decode()
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, first)}
