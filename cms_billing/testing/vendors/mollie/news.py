"""What Mollie tells: the payment's own address gets a form with an id, a subscription a signed event."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from cms_billing.payments.credentials import given
from cms_billing.payments.providers.mollie.webhooks import SIGNATURE_HEADER, signature

from ...models import VendorObject
from ..webhooks import tell
from .books import VENDOR, new_id, now_text

_FORM = "application/x-www-form-urlencoded"


def tell_of(payment: VendorObject, event_type: str, *, entity: VendorObject | None = None) -> None:
    """Whatever happens to a payment, its refunds or its chargebacks: the form always names the payment."""
    about = f"{event_type} {payment.object_id}"
    if payment.data.get("webhookUrl"):
        body = urlencode({"id": payment.object_id}).encode()
        tell(vendor=VENDOR, account=payment.account, body=body, about=about, content_type=_FORM)
    secrets = given(VENDOR, payment.account, ("WEBHOOK_SECRET",))
    if secrets:
        body = json.dumps(_event(entity or payment, event_type)).encode()
        signed = "sha256=" + signature(body, secrets["WEBHOOK_SECRET"].split(",")[0].strip())
        tell(
            vendor=VENDOR, account=payment.account, body=body, about=about, headers={SIGNATURE_HEADER: signed}
        )


def _event(entity: VendorObject, event_type: str) -> dict[str, object]:
    return {
        "resource": "event",
        "id": new_id("event"),
        "type": event_type,
        "entityId": entity.object_id,
        "createdAt": now_text(),
        "_embedded": {"entity": entity.data},
        "_links": {},
    }
