"""Signed news: batches whose items are signed one by one, and webhooks about tokens, signed as a whole."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any

from ..base import WebhookRefused
from ..values import Account
from .told import Told, Unreadable, is_live, is_standard, items_of, read_item, read_token

# All reports are found in the history under this name.
REPORTS = "REPORT_AVAILABLE"
SIGNATURE_HEADER = "HmacSignature"


def read_webhook(account: Account, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
    """The references it speaks of. Raises WebhookRefused; one bad item refuses the whole batch."""
    given = {name.lower(): value for name, value in headers.items()}
    _check_password(account, given.get("authorization", ""))
    try:
        live = is_live(body)
        references = _standard(account, body) if is_standard(body) else _token(account, body, given)
    except Unreadable as error:
        raise WebhookRefused(str(error)) from None
    if live is not None and live != account.is_live:
        raise WebhookRefused("It is about test payments, and the account is live, or the other way round.")
    return references


def keys_of(account: Account) -> list[str]:
    """The hexadecimal keys of the account's webhooks: one each, and the old one while a new one takes over."""
    return split_keys(account.secrets.get("WEBHOOK_HMAC_KEY", ""))


def split_keys(secret: str) -> list[str]:
    return secret.replace(",", " ").split()


def _standard(account: Account, body: bytes) -> list[str]:
    references: list[str] = []
    for item in items_of(body):
        if not _is_signed(account, item):
            raise WebhookRefused("An item is not signed with a key of this account.")
        told = read_item(item)
        _check_merchant(account, told.account)
        references += _references(told, item)
    return references


def _token(account: Account, body: bytes, headers: Mapping[str, str]) -> list[str]:
    from Adyen.util import is_valid_hmac_payload

    signature = headers.get(SIGNATURE_HEADER.lower(), "")
    if not signature or not any(
        _agrees(is_valid_hmac_payload, signature, key, body) for key in keys_of(account)
    ):
        raise WebhookRefused("The body is not signed with a key of this account.")
    told = read_token(body)
    if told is None:
        return []
    _check_merchant(account, told.account)
    return [name for name in (told.token, told.psp, told.shopper) if name]


def _is_signed(account: Account, item: Mapping[str, Any]) -> bool:
    """The library's check leaves out much: it answers None or raises where there is no signature."""
    from Adyen.util import is_valid_hmac_notification

    more = item.get("additionalData")
    signature = more.get("hmacSignature") if isinstance(more, dict) else None
    if not isinstance(signature, str) or not signature or not isinstance(item.get("amount"), dict):
        return False
    return any(_agrees(is_valid_hmac_notification, item, key) for key in keys_of(account))


def _agrees(check: Any, *args: Any) -> bool:
    try:
        return check(*args) is True
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return False


def _check_merchant(account: Account, named: str) -> None:
    if not named or named != account.options.get("merchant_account", "").strip():
        raise WebhookRefused("It is about another merchant account.")


def _check_password(account: Account, authorization: str) -> None:
    """Where user name and password are set for the endpoint, Adyen sends them as well."""
    user, password = (account.secrets.get(name, "") for name in ("WEBHOOK_USER", "WEBHOOK_PASSWORD"))
    if not user and not password:
        return
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    if not hmac.compare_digest(authorization.encode(), wanted.encode()):
        raise WebhookRefused("User name or password of the endpoint are wrong.")


def _references(told: Told, item: Mapping[str, Any]) -> list[str]:
    """The last three are not signed. They are good enough for a hint to go and look; nothing more is made of them."""
    more = item.get("additionalData") or {}
    hints = ("shopperReference", "checkoutSessionId", "tokenization.storedPaymentMethodId")
    names = [told.psp, told.original, told.ours, *(more.get(hint) for hint in hints)]
    if told.event == REPORTS:
        names.append(REPORTS)
    return [name for name in names if name and isinstance(name, str)]
