"""Tokens of gift links. The database has a digest to find a link by and a nonce to make its token again with
``SECRET_KEY``, so that its giver can copy it once more: who only has the database has no token."""

from __future__ import annotations

import base64
import hashlib
import secrets

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from ..models import GiftLink

SALT = "cms_billing.paywall.gift"


def new_nonce() -> str:
    return secrets.token_hex(16)


def token_for(nonce: str, *, key: str | bytes | None = None) -> str:
    mac = salted_hmac(SALT, nonce, secret=key or settings.SECRET_KEY, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(link: GiftLink) -> str:
    """The token of the link; empty where the key that made it is gone. The link goes on working then."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        token = token_for(link.nonce, key=key)
        if constant_time_compare(digest_of(token), link.digest):
            return token
    return ""
