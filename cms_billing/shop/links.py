"""Where a payer goes who comes back from a provider's page. The link shows an order to its owner alone."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing
from django.urls import reverse

SALT = "cms_billing.shop.result"
LINK_LASTS = timedelta(days=30)


def result_path(session_id: int) -> str:
    return reverse("cms_billing:checkout_result", args=[_token(session_id)])


def give_up_path(session_id: int) -> str:
    return reverse("cms_billing:checkout_give_up", args=[_token(session_id)])


def _token(session_id: int) -> str:
    return signing.TimestampSigner(salt=SALT).sign_object(session_id)


def read_result_token(token: str) -> int | None:
    """The payment session's id; None where the token was changed or is old."""
    try:
        return int(signing.TimestampSigner(salt=SALT).unsign_object(token, max_age=LINK_LASTS))
    except (signing.BadSignature, ValueError, TypeError):
        return None
