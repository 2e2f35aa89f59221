"""Links to the payment page: whoever has one sees what it is for, and nothing else.

A link names documents by id and its last day, signed with the site's ``SECRET_KEY``. It needs no login, so it goes into
mails and letters of the person who owes, and it stops working after ``CMS_BILLING["PAYMENT_LINK_DAYS"]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core import signing
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings

from .exceptions import link_expired, link_unreadable

if TYPE_CHECKING:
    from .models import PaymentSession, ProviderAccount

SALT = "cms_billing.payments.links"
SESSION_SALT = "cms_billing.payments.sessions"
# A payer may leave a provider's page open for days.
SESSION_LINK_LASTS = timedelta(days=30)
VISIT_SALT = "cms_billing.payments.visits"
VISIT_IS_FRESH = timedelta(hours=1)
# A way back from a page is no new payment link: the documents are shown for the moment.
DAYS_AFTER_A_VISIT = 1


def payment_url(document_ids: Iterable[int]) -> str:
    """Absolute address of the payment page for these documents (of one customer)."""
    path = reverse("cms_billing:payment_page", args=[payment_token(document_ids)])
    return billing_settings().site_url.rstrip("/") + path


def account_webhook_url(account: ProviderAccount) -> str:
    """Absolute address to which the provider sends this account's news."""
    path = reverse("cms_billing:account_webhook", args=[account.provider, account.slug])
    return billing_settings().site_url.rstrip("/") + path


def session_url(session: PaymentSession) -> str:
    """Absolute address to which the payer comes back from the provider's page."""
    token = signing.TimestampSigner(salt=SESSION_SALT).sign_object(session.pk)
    path = reverse("cms_billing:session_back", args=[token])
    return billing_settings().site_url.rstrip("/") + path


def visit_token(session: PaymentSession) -> str:
    """For our own pages after a visit: which one to speak of."""
    return signing.TimestampSigner(salt=VISIT_SALT).sign_object(session.pk)


def read_visit_token(token: str) -> int | None:
    """The session's id; None where the token was changed or is old: then the page says nothing of a visit."""
    try:
        return int(signing.TimestampSigner(salt=VISIT_SALT).unsign_object(token, max_age=VISIT_IS_FRESH))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def read_session_token(token: str) -> int:
    """The session's id; raises LinkNotValid where the token was changed or is old."""
    try:
        return int(
            signing.TimestampSigner(salt=SESSION_SALT).unsign_object(token, max_age=SESSION_LINK_LASTS)
        )
    except signing.SignatureExpired:
        raise link_expired() from None
    except (signing.BadSignature, ValueError, TypeError):
        raise link_unreadable() from None


def result_url() -> str:
    """Where a payer lands who was sent away from a charge without a page of ours; it only says thank you."""
    return billing_settings().site_url.rstrip("/") + reverse("cms_billing:payment_methods")


def methods_url() -> str:
    """Absolute address of the payment methods in the member's account; empty where the site has no public address."""
    site = billing_settings().site_url.rstrip("/")
    return site + reverse("cms_billing:payment_methods") if site else ""


def payment_token(document_ids: Iterable[int], *, days: int | None = None) -> str:
    """Good for ``days``; as long as links in mails where none are given."""
    last_day = clock.today() + timedelta(days=billing_settings().payment_link_days if days is None else days)
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
