"""What Adyen tells an account's webhook address: signed with the account's first HMAC key."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cms_billing.core import clock
from cms_billing.payments.credentials import given

from ...models import VendorObject, VendorWebhook
from ..webhooks import tell

SECRETS = ("WEBHOOK_HMAC_KEY", "WEBHOOK_USER", "WEBHOOK_PASSWORD")


def tell_item(
    thing: VendorObject,
    event: str,
    *,
    success: bool = True,
    psp: str = "",
    original: str = "",
    reason: str = "",
    value: int | None = None,
    more: Mapping[str, str] | None = None,
) -> VendorWebhook | None:
    """One item of a standard webhook about a payment, a refund of it or a report."""
    data = thing.data
    amount = data["amount"] if value is None else {**data["amount"], "value": value}
    item: dict[str, Any] = {
        "additionalData": dict(more or {}),
        "amount": amount,
        "eventCode": event,
        "eventDate": clock.now().isoformat(timespec="seconds"),
        "merchantAccountCode": data["merchantAccount"],
        "merchantReference": data.get("reference", ""),
        "paymentMethod": data.get("method", ""),
        "pspReference": psp or thing.object_id,
        "reason": reason,
        "success": "true" if success else "false",
    }
    if original:
        item["originalReference"] = original
    return _tell(thing.account, [item])


def tell_token(token: VendorObject, operation: str, *, because_of: str) -> VendorWebhook | None:
    """A webhook of the life of a stored method; ``operation`` such as "created" or "disabled"."""
    from Adyen.util import generate_payload_sig

    secrets = given("adyen", token.account, SECRETS)
    if "WEBHOOK_HMAC_KEY" not in secrets:
        return None
    data = {
        "merchantAccount": _merchant_account(token),
        "shopperReference": token.parent_id,
        "storedPaymentMethodId": token.object_id,
        "type": token.data["type"],
    }
    if operation != "disabled":
        data["operation"] = operation
    event = {
        "createdAt": clock.now().isoformat(timespec="seconds"),
        "eventId": because_of,
        "environment": "test",
        "type": f"recurring.token.{operation}",
        "data": data,
    }
    body = json.dumps(event).encode()
    signature = generate_payload_sig(body, _key(secrets)).decode()
    headers = {"HmacSignature": signature, "Protocol": "HmacSHA256", **_password(secrets)}
    return tell(vendor="adyen", account=token.account, body=body, headers=headers, about=event["type"])


def _tell(account: str, items: list[dict[str, Any]]) -> VendorWebhook | None:
    from Adyen.util import generate_notification_sig

    secrets = given("adyen", account, SECRETS)
    if "WEBHOOK_HMAC_KEY" not in secrets:
        return None
    for item in items:
        item["additionalData"]["hmacSignature"] = generate_notification_sig(item, _key(secrets)).decode()
    batch = {"live": "false", "notificationItems": [{"NotificationRequestItem": item} for item in items]}
    about = f"{items[0]['eventCode']} {items[0]['pspReference']}"
    return tell(
        vendor="adyen",
        account=account,
        body=json.dumps(batch).encode(),
        headers=_password(secrets),
        about=about,
    )


def _key(secrets: Mapping[str, str]) -> str:
    return secrets["WEBHOOK_HMAC_KEY"].replace(",", " ").split()[0]


def _password(secrets: Mapping[str, str]) -> dict[str, str]:
    user, password = secrets.get("WEBHOOK_USER", ""), secrets.get("WEBHOOK_PASSWORD", "")
    if not user and not password:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _merchant_account(token: VendorObject) -> str:
    from cms_billing.payments.models import ProviderAccount

    return ProviderAccount.objects.get(provider="adyen", slug=token.account).merchant_account
