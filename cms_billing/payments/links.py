"""Links to the payment page: whoever has one sees what it is for, and nothing else.

A link names documents by id and its last day, signed with the site's ``SECRET_KEY``. It needs no login, so it goes into
mails and letters of the person who owes, and it stops working after ``CMS_BILLING["PAYMENT_LINK_DAYS"]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.core import signing
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings

from .exceptions import link_expired, link_unreadable

SALT = "cms_billing.payments.links"


def payment_url(document_ids: Iterable[int]) -> str:
    """Absolute address of the payment page for these documents (of one customer)."""
    path = reverse("cms_billing:payment_page", args=[payment_token(document_ids)])
    return billing_settings().site_url.rstrip("/") + path


def payment_token(document_ids: Iterable[int]) -> str:
    last_day = clock.today() + timedelta(days=billing_settings().payment_link_days)
    content = [last_day.toordinal(), *sorted(set(document_ids))]
    return signing.Signer(salt=SALT).sign_object(content)


def read_token(token: str) -> list[int]:
    """The document ids of a link; raises LinkNotValid where it has been tampered with or its time is over."""
    try:
        last_day, *document_ids = map(int, signing.Signer(salt=SALT).unsign_object(token))
    except (signing.BadSignature, ValueError, TypeError):
        raise link_unreadable() from None
    if clock.today().toordinal() > last_day:
        raise link_expired()
    return document_ids
