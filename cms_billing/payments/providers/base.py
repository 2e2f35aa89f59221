"""What a payment provider has to offer.

A provider is one class without state of its own, named in ``CMS_BILLING["PROVIDERS"]`` by its code. It talks to the
outside and answers in the values below; it never touches our database.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError, PermanentFailure
from cms_billing.core.money import Money


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


class WebhookRefused(BillingError):
    """The webhook is not signed as this provider signs, or not readable."""


class Status(Enum):
    """What the provider says of a payment now."""

    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    CHARGED_BACK = "charged_back"
    REFUNDED = "refunded"


@dataclass(frozen=True)
class Capabilities:
    """``charges``: can collect a due amount by itself. ``webhooks``: tells us of news. ``refunds``: can pay back."""

    charges: bool = False
    webhooks: bool = False
    refunds: bool = False


@dataclass(frozen=True)
class ChargeRequest:
    """One charge. ``method_reference`` is the provider's token of the stored card or mandate."""

    idempotency_key: uuid.UUID
    amount: Money
    method_reference: str
    description: str
    issuer_id: int


@dataclass(frozen=True)
class Notice:
    """The state of one payment as the provider tells it now.

    ``reason`` is in the provider's words. ``final`` on a failure: the method itself is dead (closed account, stolen
    card), trying it again is useless. ``charged_back``: how much of the payment went back so far; None means all of it.
    ``idempotency_key`` is needed for webhooks that overtake the answer to ``charge``. ``refunded``: how much of it the
    provider has paid back or is about to, in all refunds, ours included; None: it does not say. A payment that went
    back as a whole may be told as ``REFUNDED``, or as ``SETTLED`` with ``refunded``.
    """

    reference: str
    status: Status
    reason: str = ""
    idempotency_key: uuid.UUID | None = None
    final: bool = False
    charged_back: Money | None = None
    refunded: Money | None = None


class RefundStatus(Enum):
    """What the provider says of a refund now."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"


@dataclass(frozen=True)
class RefundRequest:
    """Pay ``amount`` of one payment back, the way it came. ``payment_reference`` is the provider's own."""

    idempotency_key: uuid.UUID
    payment_reference: str
    amount: Money
    description: str
    issuer_id: int


@dataclass(frozen=True)
class RefundNotice:
    """The state of one refund as the provider tells it now; ``reason`` is in its words.

    One that had been paid may still fail: the bank sent it back. ``idempotency_key`` is needed for webhooks that
    overtake the answer to ``refund``; providers without a place for it (metadata, reference) leave it out.
    """

    reference: str
    status: RefundStatus
    reason: str = ""
    idempotency_key: uuid.UUID | None = None


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

    def look_up(self, *, reference: str, idempotency_key: uuid.UUID | None) -> Notice | None:
        """The payment's state now, by reference or, where none is known yet, by key; None where there is none.

        The key is None for references of webhooks that we do not know (yet). Raises ProviderDown.
        """
        ...

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        """References of the payments and refunds a webhook speaks of, after its signature was verified.

        News of a refund may name the refund, or the payment it belongs to. Raises WebhookRefused.
        """
        ...

    def refund(self, request: RefundRequest) -> RefundNotice:
        """Pay back. Raises ProviderDown, OutcomeUnknown, or PermanentFailure for what the provider refuses for good.

        Only providers with ``capabilities.refunds`` are asked; the same key is the same refund.
        """
        ...

    def look_up_refund(
        self, *, reference: str, payment_reference: str, idempotency_key: uuid.UUID | None
    ) -> RefundNotice | None:
        """The refund's state now, by reference or, where none is known yet, by key; None where there is none.

        ``payment_reference`` is empty for references of webhooks that we do not know (yet). Raises ProviderDown where
        the provider cannot say: None means that nothing has been paid back.
        """
        ...

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        """How to pay by hand (bank data, QR code), or None where the provider collects by itself."""
        ...


def get_provider(code: str) -> Provider:
    """Raises UnknownProvider."""
    try:
        path = billing_settings().providers[code]
    except KeyError:
        raise UnknownProvider(code) from None
    return _load(path)


def all_providers() -> dict[str, Provider]:
    return {code: _load(path) for code, path in billing_settings().providers.items()}


@lru_cache(maxsize=64)
def _load(path: str) -> Provider:
    return import_string(path)()
