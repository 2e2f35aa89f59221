"""The values that providers and billing exchange. Plain, frozen, without Django's models."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from cms_billing.core.money import Money


@dataclass(frozen=True)
class Account:
    """One account at a provider, with its secrets; what a provider object is made with.

    ``secrets`` are in no repr, and must go into no log, message or stored request. ``options`` are what the editor
    entered (``merchant_account``, ``endpoint_prefix``). ``api_url`` is empty for the provider's own address.
    ``new_session`` makes the ``requests.Session`` to talk with: sites and fakes may bring their own.
    ``before_request`` is called before each request and may refuse it (``core.copies.require_original``).
    """

    provider: str
    slug: str
    issuer_id: int
    is_live: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_url: str = ""
    new_session: Callable[[], Any] | None = field(default=None, repr=False)
    requests_per_second: int = 20
    before_request: Callable[[], None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Secret:
    """A secret that an account of a provider needs: its name in the settings, and what it is.

    ``for_payouts``: without it nothing is asked about payouts, and all else works.
    """

    name: str
    label: Any
    required: bool = True
    for_payouts: bool = False


@dataclass(frozen=True)
class Probed:
    """What "test connection" found: the account's name at the provider and what it says of itself, for a person."""

    name: str
    is_live: bool
    details: Sequence[str] = ()


class Status(Enum):
    """What the provider says of a payment now."""

    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    CHARGED_BACK = "charged_back"
    REFUNDED = "refunded"


@dataclass(frozen=True)
class Capabilities:
    """What a provider can do.

    ``charges``: can collect a due amount by itself. ``webhooks``: tells us of news. ``refunds``: can pay back.
    ``accounts``: is made for an account (``Provider(account)``), has ``secrets`` and ``probe``. ``pages``: has hosted
    pages (``PageProvider``). ``methods``: keeps cards and mandates that can be listed and deleted (``MethodProvider``).
    ``payouts``: tells what it paid out (``PayoutProvider``). ``can_be_asked``: a look-up reaches the provider; without
    it, what is known of a payment is folded from its webhooks. ``key_life``: how long the same idempotency key is
    surely the same charge. ``first_kinds`` and ``repeated_kinds``: kinds of methods (``PaymentMethod.Kind`` values, and
    the provider's own such as "ideal") that a first payment on its page, and a charge without the payer, may use.
    """

    charges: bool = False
    webhooks: bool = False
    refunds: bool = False
    accounts: bool = False
    pages: bool = False
    methods: bool = False
    payouts: bool = False
    can_be_asked: bool = True
    key_life: timedelta = timedelta(hours=1)
    first_kinds: tuple[str, ...] = ()
    repeated_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChargeRequest:
    """One charge. ``method_reference`` is the provider's token of the stored card or mandate.

    ``payer_reference`` is what the provider calls the person, ``kind`` a ``PaymentMethod.Kind``, ``webhook_url`` where
    news of it go.
    """

    idempotency_key: uuid.UUID
    amount: Money
    method_reference: str
    description: str
    issuer_id: int
    payer_reference: str = ""
    kind: str = ""
    webhook_url: str = ""
    return_url: str = ""


@dataclass(frozen=True)
class Notice:
    """The state of one payment as the provider tells it now.

    ``reason`` is in the provider's words. ``final`` on a failure: the method itself is dead (closed account, stolen
    card), trying it again is useless. ``charged_back``: how much of the payment went back so far; None means all of it.
    ``idempotency_key`` is needed for webhooks that overtake the answer to ``charge``. ``refunded``: how much of it the
    provider has paid back or is about to, in all refunds, ours included; None: it does not say. A payment that went
    back as a whole may be told as ``REFUNDED``, or as ``SETTLED`` with ``refunded``.

    ``code`` is the provider's own code of a refusal or return ("insufficient_funds", "AM04"), ``advice`` what it says
    about trying again ("do_not_try_again", "try_again_later", a merchant advice code such as "MAC-03").
    """

    reference: str
    status: Status
    reason: str = ""
    idempotency_key: uuid.UUID | None = None
    final: bool = False
    charged_back: Money | None = None
    refunded: Money | None = None
    code: str = ""
    advice: str = ""


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


@dataclass(frozen=True)
class PayerFacts:
    """Who pays on a page. ``key`` is our name for them at the provider, ``reference`` the provider's own, if known.

    Guests are payers too, with a key of their own for each page.
    """

    key: str
    reference: str = ""
    email: str = ""
    name: str = ""
    language: str = "en"
    country: str = "DE"


@dataclass(frozen=True)
class PageRequest:
    """Open a page on which a person pays ``amount``, or, where it is zero, only stores a method.

    ``stores_method``: the method is to be kept for charges without the payer, with strong authentication now. The
    payer comes back to ``return_url`` however it went. ``kinds``: methods to offer; empty: all. ``expires_at``: the
    page must not take money later than that; providers that cannot do it close it with ``close_page``.
    """

    idempotency_key: uuid.UUID
    amount: Money
    description: str
    payer: PayerFacts
    return_url: str
    cancel_url: str
    webhook_url: str
    stores_method: bool = False
    kinds: Sequence[str] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Page:
    """A page that was opened: its reference at the provider, where to send the payer, what the payer is called."""

    reference: str
    url: str
    payer_reference: str = ""
    expires_at: datetime | None = None


class PageStatus(Enum):
    """Where the payer's visit stands. Completed says nothing of the money: that is in the payment's notice."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True)
class StoredMethod:
    """A card or mandate the provider keeps. ``reference`` is what ``charge`` needs, ``label`` such as "Visa •••• 4242".

    ``expires_on``: the last day it works, if it has one. ``fingerprint``: alike for every token of the same card or
    account; empty where the provider does not say. ``usable``: False once revoked, expired or detached there;
    ``reason`` says why, in the provider's words.
    """

    reference: str
    kind: str
    label: str = ""
    expires_on: date | None = None
    mandate_reference: str = ""
    fingerprint: str = ""
    usable: bool = True
    reason: str = ""


@dataclass(frozen=True)
class PageNotice:
    """What the provider says of a page now: the visit, the payment made on it, the method it stored."""

    reference: str
    status: PageStatus
    payment: Notice | None = None
    method: StoredMethod | None = None
    payer_reference: str = ""
    idempotency_key: uuid.UUID | None = None
    reason: str = ""


class PayoutLineKind(Enum):
    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    FEE = "fee"
    OTHER = "other"


@dataclass(frozen=True)
class PayoutLine:
    """One movement of a payout. Amounts are signed from our side: a payment +, a refund, chargeback or fee −.

    ``reference`` is the movement's own; ``payment_reference`` and ``refund_reference`` what it belongs to, if any.
    ``net`` = ``gross`` + ``fee`` (a fee is negative).
    """

    kind: PayoutLineKind
    reference: str
    gross: Money
    fee: Money
    net: Money
    payment_reference: str = ""
    refund_reference: str = ""
    booked_on: date | None = None
    description: str = ""


@dataclass(frozen=True)
class PayoutNotice:
    """Money the provider sent to the issuer's bank, and what it was made of. ``paid``: it has left the provider."""

    reference: str
    amount: Money
    paid_on: date | None
    paid: bool
    lines: Sequence[PayoutLine] = ()
