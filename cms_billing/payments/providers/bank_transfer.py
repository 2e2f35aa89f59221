"""Payment by bank transfer: the customer sends money, a statement or a person tells us."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.faktura.epc import epc_payload

from .base import Capabilities, ChargeRequest, Notice, RefundNotice, RefundRequest, WebhookRefused


class BankTransfer:
    code = "bank_transfer"
    label = _("Bank transfer")
    capabilities = Capabilities()

    def charge(self, request: ChargeRequest) -> Notice:
        raise PermanentFailure(gettext("A bank transfer cannot be collected: the customer sends it."))

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        return None

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        raise WebhookRefused("Banks send no webhooks.")

    def refund(self, request: RefundRequest) -> RefundNotice:
        raise PermanentFailure(
            gettext("A bank transfer cannot be called back: pay it back with another one.")
        )

    def look_up_refund(
        self,
        *,
        reference: str,
        payment_reference: str,
        idempotency_key: uuid.UUID | None,
        history: Sequence[bytes] = (),
    ) -> RefundNotice | None:
        return None

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        return {
            "account_holder": issuer.account_holder or issuer.legal_name,
            "iban": issuer.iban,
            "bic": issuer.bic,
            "bank_name": issuer.bank_name,
            "amount": amount,
            "purpose": purpose,
            "epc": epc_payload(
                name=issuer.account_holder or issuer.legal_name,
                iban=issuer.iban,
                bic=issuer.bic,
                amount=amount,
                purpose=purpose,
            ),
        }
