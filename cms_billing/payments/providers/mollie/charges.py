"""Charges without the payer, and what Mollie says of a payment."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from mollie.api.error import ResponseError
from mollie.api.objects.customer import Customer

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money

from ..values import ChargeRequest, Notice, Status
from . import problems
from .amounts import amount_of, money_of
from .client import LIST_LIMIT, MollieClient, every
from .references import GONE, key_in, parts_of, wanted_text

# Codes of ours, beside Mollie's failureReason and the banks' codes.
NO_MANDATE, NO_CUSTOMER = "no_suitable_mandate", "customer_gone"
# Failures after which the card or account itself is useless: Mollie's failureReason, and reason codes of SEPA banks.
DEAD = frozenset(
    {"inactive_card", "possible_fraud", "invalid_card_type"}
    | {"AC01", "AC04", "AC06", "AG01", "MD01", "MD07", "RC01", "SL01"}
)
# What Mollie says (422) of mandates that are not there, not valid, or whose card its bank has forgotten.
_OF_A_MANDATE = ("mandate", "card was not found")
_UNDER_WAY = frozenset({"open", "pending", "authorized"})
_FAILED = frozenset({"canceled", "expired", "failed"})
# Payments looked through, newest first, where neither reference nor customer is known.
_MOST_LOOKED_THROUGH = 5000


def charge(api: MollieClient, request: ChargeRequest) -> Notice:
    customer, mandate = parts_of(request.method_reference)
    if not customer or not mandate:
        raise PermanentFailure(
            _("“%(reference)s” is no payment method of Mollie: it names customer and mandate.")
            % {"reference": request.method_reference}
        )
    data = {
        "amount": amount_of(request.amount),
        "description": wanted_text(request.description, otherwise=request.idempotency_key),
        "customerId": customer,
        "mandateId": mandate,
        "sequenceType": "recurring",
        "metadata": {"key": str(request.idempotency_key)},
        **({"webhookUrl": request.webhook_url} if request.webhook_url else {}),
        **({"redirectUrl": request.return_url} if request.return_url else {}),
    }
    try:
        payment = api.payments.create(data, idempotency_key=str(request.idempotency_key))
    except ResponseError as refusal:
        return _refusal(api, request, refusal)
    return notice_of(payment)


def _refusal(api: MollieClient, request: ChargeRequest, refusal: ResponseError) -> Notice:
    """A mandate or customer that is gone is a refusal of the method; all else is a wrong request."""
    detail = str(refusal)
    if refusal.status in GONE:
        code = NO_CUSTOMER
    elif refusal.field in ("mandateId", "customerId") or any(
        word in detail.lower() for word in _OF_A_MANDATE
    ):
        code = NO_MANDATE
    else:
        raise problems.payment_refused(api.account, request.amount, refusal) from None
    return Notice(
        reference="",
        status=Status.FAILED,
        reason=detail,
        idempotency_key=request.idempotency_key,
        final=True,
        code=code,
    )


def look_up(
    api: MollieClient, *, reference: str, idempotency_key: uuid.UUID | None, method_reference: str
) -> Notice | None:
    payment = find(
        api, reference=reference, key=idempotency_key, customer=parts_of(method_reference)[0] or None
    )
    return notice_of(payment) if payment is not None else None


def find(
    api: MollieClient, *, reference: str, key: uuid.UUID | None, customer: str | None
) -> Mapping[str, Any] | None:
    """The payment with its chargebacks, by reference, else by our key among the customer's payments."""
    if not reference and key is not None:
        reference = _reference_by_key(api, key, customer)
    if not reference.startswith("tr_"):
        return None
    try:
        return api.payments.get(reference, embed="chargebacks")
    except ResponseError as refusal:
        if refusal.status in GONE:
            return None
        raise problems.request_refused(str(refusal)) from None


def _reference_by_key(api: MollieClient, key: uuid.UUID, customer: str | None) -> str:
    try:
        for payment in _payments_of(api, customer):
            if key_in(payment) == key:
                return str(payment["id"])
    except ResponseError as refusal:
        if refusal.status not in GONE:
            raise problems.request_refused(str(refusal)) from None
    return ""


def _payments_of(api: MollieClient, customer: str | None) -> Iterable[Mapping[str, Any]]:
    """Newest first; raises ProviderDown rather than say that there is none where too many were to be looked through."""
    if customer:
        yield from every(Customer({"id": customer}, api).payments.list(limit=LIST_LIMIT))
        return
    for count, payment in enumerate(every(api.payments.list(limit=LIST_LIMIT))):
        if count >= _MOST_LOOKED_THROUGH:
            raise problems.too_many(api.account)
        yield payment


def notice_of(payment: Mapping[str, Any]) -> Notice:
    """Raises ProviderDown for a status that is not known here."""
    status, reference = payment.get("status"), str(payment["id"])
    refunded = payment.get("amountRefunded")
    known: dict[str, Any] = {
        "reference": reference,
        "idempotency_key": key_in(payment),
        "refunded": money_of(refunded) if refunded else None,
    }
    if status in _UNDER_WAY:
        return Notice(status=Status.PENDING, **known)
    if status in _FAILED:
        code, reason = _why(payment)
        return Notice(status=Status.FAILED, code=code, reason=reason, final=code in DEAD, **known)
    if status != "paid":
        raise problems.unknown_status(_("payment"), reference, status)
    back = _charged_back(payment)
    if not back.minor:
        return Notice(status=Status.SETTLED, **known)
    code, reason = _why_back(payment)
    return Notice(status=Status.CHARGED_BACK, charged_back=back, code=code, reason=reason, **known)


def _why(payment: Mapping[str, Any]) -> tuple[str, str]:
    """Code and sentence of a failure: of the card, of the bank, or just the status."""
    details, told = payment.get("details") or {}, payment.get("statusReason") or {}
    code = details.get("failureReason") or details.get("bankReasonCode") or told.get("code")
    text = details.get("failureMessage") or details.get("bankReason") or told.get("message")
    return str(code or payment["status"]), str(text or code or payment["status"])


def _charged_back(payment: Mapping[str, Any]) -> Money:
    """What is gone, without the chargebacks that were won; of all of them together where Mollie sent none singly."""
    nothing = Money.zero(payment["amount"]["currency"])
    chargebacks = (payment.get("_embedded") or {}).get("chargebacks")
    if chargebacks is None:
        return money_of(payment["amountChargedBack"]) if payment.get("amountChargedBack") else nothing
    standing = [money_of(one["amount"]) for one in chargebacks if not one.get("reversedAt")]
    return Money(sum(abs(money.minor) for money in standing), nothing.currency)


def _why_back(payment: Mapping[str, Any]) -> tuple[str, str]:
    chargebacks = (payment.get("_embedded") or {}).get("chargebacks") or []
    standing = [one for one in chargebacks if not one.get("reversedAt")]
    reason = (standing[-1].get("reason") or {}) if standing else {}
    code = str(reason.get("code") or "chargeback")
    return code, str(reason.get("description") or code)
