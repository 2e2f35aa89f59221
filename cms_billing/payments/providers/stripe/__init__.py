"""Payment with Stripe: hosted Checkout pages, charges without the payer, refunds, disputes, payouts.

Needs ``pip install cms-billing[stripe]``. Verified against the vendor's package 16.1, API version 2026-10-28.endive.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _

from cms_billing.core.money import Money

from ..base import AccountRefused
from ..values import (
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
from . import charges, methods, pages, payouts, probing, refunds, webhooks
from .client import Api
from .keys import SECRET_KEY, WEBHOOK_SECRET


class StripeProvider:
    """Follows every Protocol of ``providers.base``. Without an account it only answers what it is."""

    code = "stripe"
    label = _("Stripe")
    secrets = (
        Secret(SECRET_KEY, _("Secret or restricted key (sk_… or rk_…)")),
        Secret(WEBHOOK_SECRET, _("Signing secret of the webhook endpoint (whsec_…)")),
    )
    account_fields = ()
    webhook_events = webhooks.EVENTS
    capabilities = Capabilities(
        charges=True,
        webhooks=True,
        refunds=True,
        accounts=True,
        pages=True,
        methods=True,
        payouts=True,
        # Stripe promises a day at least; not all of it is used.
        key_life=timedelta(hours=23),
        first_kinds=("card", "sepa_debit", "paypal", "ideal", "bancontact"),
        repeated_kinds=("card", "sepa_debit", "paypal"),
    )

    def __init__(self, account: Account | None = None) -> None:
        self._account = account

    def __repr__(self) -> str:
        return f"StripeProvider({self._account!r})"

    @cached_property
    def _api(self) -> Api:
        return Api(self._let_in)

    @property
    def _let_in(self) -> Account:
        if self._account is None:
            raise AccountRefused(_("Stripe needs an account: make one under “Accounts at providers”."))
        return self._account

    def probe(self) -> Probed:
        return probing.probe(self._api)

    def charge(self, request: ChargeRequest) -> Notice:
        return charges.charge(self._api, request)

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        return charges.look_up(
            self._api,
            reference=reference,
            idempotency_key=idempotency_key,
            method_reference=method_reference,
        )

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        return webhooks.read_webhook(self._let_in, body=body, headers=headers)

    def refund(self, request: RefundRequest) -> RefundNotice:
        return refunds.refund(self._api, request)

    def look_up_refund(
        self,
        *,
        reference: str,
        payment_reference: str,
        idempotency_key: uuid.UUID | None,
        history: Sequence[bytes] = (),
    ) -> RefundNotice | None:
        return refunds.look_up_refund(
            self._api,
            reference=reference,
            payment_reference=payment_reference,
            idempotency_key=idempotency_key,
        )

    def open_page(self, request: PageRequest) -> Page:
        return pages.open_page(self._api, request)

    def look_up_page(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID,
        payer_reference: str = "",
        returned_with: Mapping[str, str] | None = None,
        history: Sequence[bytes] = (),
    ) -> PageNotice | None:
        return pages.look_up_page(
            self._api,
            reference=reference,
            idempotency_key=idempotency_key,
            payer_reference=payer_reference,
        )

    def close_page(self, *, reference: str) -> bool:
        return pages.close_page(self._api, reference=reference)

    def methods_of(self, *, payer_reference: str) -> Sequence[StoredMethod]:
        return methods.methods_of(self._api, payer_reference=payer_reference)

    def forget_method(self, *, reference: str, payer_reference: str) -> None:
        methods.forget_method(self._api, reference=reference)

    def payouts(self, *, since: date, history: Sequence[bytes] = ()) -> Iterable[PayoutNotice]:
        return payouts.payouts(self._api, since=since)

    def payments_between(self, *, start: datetime, end: datetime) -> Iterable[str]:
        return charges.payments_between(self._api, start=start, end=end)

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        return None
