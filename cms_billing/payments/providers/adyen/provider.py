from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.core.checks import CheckMessage
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.money import Money

from ..base import ProviderDown, WebhookRefused
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
    RefundStatus,
    Secret,
    Status,
    StoredMethod,
)
from . import charges, checks, methods, pages, payouts, refunds, webhooks
from .client import Connection, said
from .folding import fold_payment, fold_refund
from .told import payments_told


class AdyenProvider:
    """Follows ``Provider``, ``AccountProvider``, ``PageProvider``, ``MethodProvider`` and ``PayoutProvider``.

    ``payout_references``: under these, webhooks announce the reports with payouts.
    """

    code = "adyen"
    label = gettext_lazy("Adyen")
    capabilities = Capabilities(
        charges=True,
        webhooks=True,
        refunds=True,
        accounts=True,
        pages=True,
        methods=True,
        payouts=True,
        can_be_asked=False,
        key_life=timedelta(days=7),
        first_kinds=("card", "sepa_debit", "paypal", "ideal"),
        repeated_kinds=("card", "sepa_debit", "paypal"),
    )
    secrets = (
        Secret("API_KEY", gettext_lazy("API key")),
        Secret("WEBHOOK_HMAC_KEY", gettext_lazy("HMAC keys of the webhooks")),
        Secret("WEBHOOK_USER", gettext_lazy("user name of the webhook endpoint"), required=False),
        Secret("WEBHOOK_PASSWORD", gettext_lazy("password of the webhook endpoint"), required=False),
        Secret("REPORT_USER", gettext_lazy("report user"), required=False, for_payouts=True),
        Secret(
            "REPORT_PASSWORD", gettext_lazy("password of the report user"), required=False, for_payouts=True
        ),
    )
    account_fields = ("merchant_account", "endpoint_prefix")
    webhook_events = gettext_lazy(
        "Standard webhook: all standard events, all of disputes, REPORT_AVAILABLE and PENDING\n"
        "Recurring tokens life cycle events\n"
        "For both: JSON, and the HMAC key of the webhook among the secrets"
    )
    payout_references = (webhooks.REPORTS,)

    def __init__(self, account: Account | None = None) -> None:
        self.account = account

    @cached_property
    def _connection(self) -> Connection:
        return Connection(self._account)

    @property
    def _account(self) -> Account:
        if self.account is None:
            raise RuntimeError("This provider was made without an account: it only answers what it is.")
        return self.account

    def charge(self, request: ChargeRequest) -> Notice:
        return charges.charge(self._connection, request)

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        """From the webhooks. A payment that Adyen took and said nothing of since is under way.

        None for a key that no webhook has named: the charge may be sent again with it, as Adyen keeps keys for a week.
        """
        told = fold_payment(payments_told(history), reference=reference, key=idempotency_key)
        if told is not None:
            return told.notice
        if reference and idempotency_key is not None:
            return Notice(reference, Status.PENDING, idempotency_key=idempotency_key)
        return None

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        if self.account is None:
            raise WebhookRefused("Adyen's webhooks go to the address of an account.")
        return webhooks.read_webhook(self.account, body=body, headers=headers)

    def refund(self, request: RefundRequest) -> RefundNotice:
        return refunds.refund(self._connection, request)

    def look_up_refund(
        self,
        *,
        reference: str,
        payment_reference: str,
        idempotency_key: uuid.UUID | None,
        history: Sequence[bytes] = (),
    ) -> RefundNotice | None:
        """From the webhooks, as ``look_up``."""
        told = fold_refund(payments_told(history), reference=reference, key=idempotency_key)
        if told is None and reference and idempotency_key is not None:
            return RefundNotice(reference, RefundStatus.PENDING, idempotency_key=idempotency_key)
        return told

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        return None

    def own_checks(self) -> Iterable[CheckMessage]:
        """For ``manage.py check``."""
        return checks.messages()

    def probe(self) -> Probed:
        """Asks for the payment methods of the merchant account: that changes nothing."""
        body = {"merchantAccount": self._connection.merchant_account}
        answer = self._connection.call("payments_api", "payment_methods", body)
        names = [str(method.get("name") or "") for method in answer.get("paymentMethods") or []]
        return Probed(
            self._connection.merchant_account, self._account.is_live, [name for name in names if name]
        )

    def open_page(self, request: PageRequest) -> Page:
        return pages.open_page(self._connection, request)

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
            self._connection,
            reference=reference,
            key=idempotency_key,
            payer=payer_reference,
            returned_with=returned_with,
            history=history,
        )

    def close_page(self, *, reference: str) -> bool:
        """A session cannot be ended before its time: who has the page open may still pay."""
        return False

    def methods_of(self, *, payer_reference: str) -> Sequence[StoredMethod]:
        return methods.methods_of(self._connection, payer_reference)

    def forget_method(self, *, reference: str, payer_reference: str) -> None:
        methods.forget_method(self._connection, reference=reference, payer=payer_reference)

    def payouts(self, *, since: date, history: Sequence[bytes] = ()) -> Iterable[PayoutNotice]:
        return payouts.payouts(self._account, since=since, history=history)

    def read_report(self, content: bytes) -> Iterable[PayoutNotice]:
        """The payouts of a settlement details report that a person got from Adyen. Raises PermanentFailure."""
        return payouts.read_content(self._account, content)

    def payments_between(self, *, start: datetime, end: datetime) -> Iterable[str]:
        """Adyen has no such list; its reports tell of a day afterwards."""
        raise ProviderDown(
            said(self._account, _("it has no list of payments to ask for; see its webhooks and reports"))
        )
