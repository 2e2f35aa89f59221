"""The class that ``CMS_BILLING["PROVIDERS"]`` names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
from . import problems
from .webhooks import read_webhook

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from .client import MollieClient

# Mollie keeps idempotency keys for an hour at least; what is older is looked up.
KEY_LIFE = timedelta(minutes=55)


class MollieProvider:
    """One account is one profile (website) at Mollie: its API key decides between test and live."""

    code = "mollie"
    label = _("Mollie")
    secrets = (
        Secret(problems.API_KEY, _("API key")),
        Secret(
            problems.WEBHOOK_SECRET,
            _("signing secret of the webhook; while it is exchanged, both, separated by a comma"),
            required=False,
        ),
        Secret(
            problems.ACCESS_TOKEN,
            _("organisation access token, for payouts"),
            required=False,
            for_payouts=True,
        ),
    )
    account_fields = ()
    webhook_events = _("None have to be chosen: the address goes to Mollie with every payment.")
    capabilities = Capabilities(
        charges=True,
        webhooks=True,
        refunds=True,
        accounts=True,
        pages=True,
        methods=True,
        payouts=True,
        key_life=KEY_LIFE,
        first_kinds=("card", "paypal", "ideal", "bancontact", "belfius", "eps", "kbc"),
        repeated_kinds=("card", "sepa_debit", "paypal"),
    )

    def __init__(self, account: Account | None = None) -> None:
        self.account = account

    def charge(self, request: ChargeRequest) -> Notice:
        from . import charges

        return charges.charge(self._api(), request)

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        from . import charges

        return charges.look_up(
            self._api(),
            reference=reference,
            idempotency_key=idempotency_key,
            method_reference=method_reference,
        )

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        given = self.account.secrets.get(problems.WEBHOOK_SECRET, "") if self.account else ""
        return read_webhook(body=body, headers=headers, secrets=filter(None, re.split(r"[\s,]+", given)))

    def refund(self, request: RefundRequest) -> RefundNotice:
        from . import refunds

        return refunds.refund(self._api(), request)

    def look_up_refund(
        self,
        *,
        reference: str,
        payment_reference: str,
        idempotency_key: uuid.UUID | None,
        history: Sequence[bytes] = (),
    ) -> RefundNotice | None:
        from . import refunds

        return refunds.look_up_refund(
            self._api(), reference=reference, payment_reference=payment_reference, key=idempotency_key
        )

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        return None

    def probe(self) -> Probed:
        from .probing import probe

        return probe(self._api())

    def open_page(self, request: PageRequest) -> Page:
        from . import pages

        return pages.open_page(self._api(), request)

    def look_up_page(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID,
        payer_reference: str = "",
        returned_with: Mapping[str, str] | None = None,
        history: Sequence[bytes] = (),
    ) -> PageNotice | None:
        from . import pages

        return pages.look_up_page(
            self._api(), reference=reference, key=idempotency_key, payer_reference=payer_reference
        )

    def close_page(self, *, reference: str) -> bool:
        from . import pages

        return pages.close_page(self._api(), reference=reference)

    def methods_of(self, *, payer_reference: str) -> Sequence[StoredMethod]:
        from . import methods

        return methods.methods_of(self._api(), payer_reference)

    def forget_method(self, *, reference: str, payer_reference: str) -> None:
        from . import methods

        methods.forget_method(self._api(), reference)

    def payouts(self, *, since: date, history: Sequence[bytes] = ()) -> Iterable[PayoutNotice]:
        from . import payouts

        return payouts.payouts(self._api(key_of=problems.access_token), since=since)

    def payments_between(self, *, start: datetime, end: datetime) -> Iterable[str]:
        from . import payouts

        return payouts.payments_between(self._api(), start=start, end=end)

    def own_checks(self) -> Iterable[CheckMessage]:
        from . import checks

        return checks.messages()

    def _api(self, *, key_of: Any = problems.api_key) -> MollieClient:
        """Raises AccountRefused where a key is missing or does not fit, or the library is not there."""
        if self.account is None:
            raise AccountRefused(problems.no_account())
        key = key_of(self.account)
        try:
            from .client import MollieClient
        except ImportError:
            raise AccountRefused(problems.no_library()) from None
        return MollieClient(self.account, key=key)
