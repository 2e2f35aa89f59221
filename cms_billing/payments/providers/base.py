"""What a payment provider has to offer.

A provider is one class, named in ``CMS_BILLING["PROVIDERS"]`` by its code. Those with ``capabilities.accounts`` are
made with an ``Account``. It talks to the outside and answers in the values of ``values``; it never touches our
database.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError, NotYet, PermanentFailure
from cms_billing.core.money import Money

from .values import (
    Account,
    Capabilities,
    ChargeRequest,
    Notice,
    Page,
    PageNotice,
    PageRequest,
    PayoutNotice,
    Probed,
    RefundNotice,
    RefundRequest,
    Secret,
    StoredMethod,
)


class UnknownProvider(PermanentFailure):
    """A payment names a provider that ``CMS_BILLING["PROVIDERS"]`` does not list."""

    def __init__(self, code: str) -> None:
        super().__init__(
            _("There is no payment provider “%(code)s” in CMS_BILLING['PROVIDERS'].") % {"code": code}
        )


class ProviderDown(BillingError):
    """The provider refused to talk before anything happened: safe to try again with the same key."""


class OutcomeUnknown(BillingError):
    """The answer was lost; the charge may have happened. Look it up or repeat it with the same key, never anew."""


class AccountRefused(NotYet):
    """The provider does not let this account in (wrong, missing or test key): nothing happened, a person must mend it.

    Work that meets it waits and counts no attempt; the account shows its problem until it works again, and is left
    alone for ``wait``.
    """

    wait = timedelta(minutes=5)


class WebhookRefused(BillingError):
    """The webhook is not signed as this provider signs, or not readable."""


@runtime_checkable
class Provider(Protocol):
    code: str
    capabilities: Capabilities

    @property
    def label(self) -> str | Promise:
        """What members and editors call it, translated."""
        ...

    def charge(self, request: ChargeRequest) -> Notice:
        """Collect. Raises ProviderDown, OutcomeUnknown, or PermanentFailure for requests that can never succeed."""
        ...

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        """The payment's state now, by reference or, where none is known yet, by key; None where there is none.

        The key is None for references of webhooks that we do not know (yet). ``method_reference`` is the method that
        was charged, for providers that list charges by it. ``history`` are the verified bodies of the webhooks that
        spoke of it, as they came: providers that cannot be asked fold them, all others leave them alone. Raises
        ProviderDown, AccountRefused.
        """
        ...

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        """References of all that a webhook speaks of, after its signature was verified.

        Payments, refunds, pages, payers, methods, our own keys (as text) where the provider echoes them: whatever we
        know under one of them is looked up. News of a refund may name the refund, or the payment it belongs to. An
        empty list: genuine, and of no interest. Raises WebhookRefused.
        """
        ...

    def refund(self, request: RefundRequest) -> RefundNotice:
        """Pay back. Raises ProviderDown, OutcomeUnknown, or PermanentFailure for what the provider refuses for good.

        Only providers with ``capabilities.refunds`` are asked; the same key is the same refund.
        """
        ...

    def look_up_refund(
        self,
        *,
        reference: str,
        payment_reference: str,
        idempotency_key: uuid.UUID | None,
        history: Sequence[bytes] = (),
    ) -> RefundNotice | None:
        """The refund's state now, by reference or, where none is known yet, by key; None where there is none.

        ``payment_reference`` is empty for references of webhooks that we do not know (yet). Raises ProviderDown where
        the provider cannot say: None means that nothing has been paid back.
        """
        ...

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        """How to pay by hand (bank data, QR code), or None where the provider collects by itself."""
        ...


@runtime_checkable
class AccountProvider(Provider, Protocol):
    """Made for one account: ``StripeProvider(account)``; without one it only answers what it is.

    It may say more of itself to the editor who sets the account up: ``account_fields``, those of
    ``merchant_account`` and ``endpoint_prefix`` that it needs (without it: both are asked for), and
    ``webhook_events``, the names of the events to subscribe to at the provider.
    """

    secrets: Sequence[Secret]

    def probe(self) -> Probed:
        """Who we are at the provider, asked just now. Raises AccountRefused, ProviderDown."""
        ...


@runtime_checkable
class PageProvider(Provider, Protocol):
    """Has hosted pages for a first payment, a payment by link, or only a method to store."""

    def open_page(self, request: PageRequest) -> Page:
        """Raises ProviderDown, OutcomeUnknown, AccountRefused, or PermanentFailure (currency, amount too small)."""
        ...

    def look_up_page(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID,
        payer_reference: str = "",
        returned_with: Mapping[str, str] | None = None,
        history: Sequence[bytes] = (),
    ) -> PageNotice | None:
        """The visit's state now. ``returned_with``: the query of the return address, where the payer brought one.

        Raises ProviderDown, AccountRefused.
        """
        ...

    def close_page(self, *, reference: str) -> bool:
        """Take no money on it any more; False where that cannot be promised. Raises ProviderDown."""
        ...


@runtime_checkable
class MethodProvider(Provider, Protocol):
    """Keeps methods that can be listed and deleted."""

    def methods_of(self, *, payer_reference: str) -> Sequence[StoredMethod]:
        """All it keeps for the payer; what is missing is not usable any more. Raises ProviderDown."""
        ...

    def forget_method(self, *, reference: str, payer_reference: str) -> None:
        """Delete it there; unknown ones are deleted already. Raises ProviderDown."""
        ...


@runtime_checkable
class PayoutProvider(Provider, Protocol):
    """Tells what it paid out to the issuer's bank, and of what it was made.

    One whose figures come as a file may have ``read_report(content: bytes) -> Iterable[PayoutNotice]``: then the file
    can be given to billing by hand as well. It raises PermanentFailure for what is no such file. Where webhooks
    announce payouts, ``payout_references`` are the references under which they do; their bodies are the ``history``.
    """

    def payouts(self, *, since: date, history: Sequence[bytes] = ()) -> Iterable[PayoutNotice]:
        """Payouts made or changed since, oldest first, read page by page. Raises ProviderDown, AccountRefused."""
        ...

    def payments_between(self, *, start: datetime, end: datetime) -> Iterable[str]:
        """References of all payments the provider made then, to compare a day with. Raises ProviderDown."""
        ...


def get_provider(code: str, account: Account | None = None) -> Provider:
    """Raises UnknownProvider."""
    try:
        path = billing_settings().providers[code]
    except KeyError:
        raise UnknownProvider(code) from None
    return _load(path) if account is None else import_string(path)(account)


def all_providers() -> dict[str, Provider]:
    """Every listed provider, without an account: enough to ask what it is and can do."""
    return {code: _load(path) for code, path in billing_settings().providers.items()}


@lru_cache(maxsize=64)
def _load(path: str) -> Provider:
    return import_string(path)()
