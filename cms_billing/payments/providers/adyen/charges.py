"""Charging a stored method without the payer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import InvalidAmount, PermanentFailure

from ..base import ProviderDown
from ..values import ChargeRequest, Notice, Status
from .amounts import to_adyen
from .client import Connection, Refused, name_of, said
from .codes import AUTHENTICATION_REQUIRED, TYPES, UNKNOWN_METHOD, advice_of, is_dead

_STATUSES = {
    "Authorised": Status.SETTLED,
    "Received": Status.PENDING,
    "Pending": Status.PENDING,
    "PresentToShopper": Status.PENDING,
    "Refused": Status.FAILED,
    "Error": Status.FAILED,
    "Cancelled": Status.FAILED,
    # The payer would have to confirm, and is not there.
    "RedirectShopper": Status.FAILED,
    "IdentifyShopper": Status.FAILED,
    "ChallengeShopper": Status.FAILED,
}
_CONFIRM = ("RedirectShopper", "IdentifyShopper", "ChallengeShopper")


def charge(connection: Connection, request: ChargeRequest) -> Notice:
    """One payment as a subscription charge. A refusal is a notice, as Adyen answers 200 to it."""
    try:
        answer = connection.call(
            "payments_api",
            "payments",
            _body(connection, request),
            idempotency_key=str(request.idempotency_key),
        )
    except Refused as refusal:
        if refusal.code not in UNKNOWN_METHOD:
            raise
        return Notice(
            refusal.psp,
            Status.FAILED,
            reason=str(refusal),
            idempotency_key=request.idempotency_key,
            final=True,
            code=refusal.code,
        )
    return _notice(connection, request, answer)


def _body(connection: Connection, request: ChargeRequest) -> dict[str, Any]:
    method = TYPES.get(request.kind or "card")
    if method is None:
        raise PermanentFailure(
            _("%(account)s cannot charge this kind of payment method without the payer.")
            % {"account": name_of(connection.account)}
        )
    body = {
        "merchantAccount": connection.merchant_account,
        "amount": adyen_amount(connection, request.amount),
        "reference": str(request.idempotency_key),
        "returnUrl": request.return_url or request.webhook_url,
        "paymentMethod": {"type": method, "storedPaymentMethodId": request.method_reference},
        "shopperReference": request.payer_reference,
        "shopperInteraction": "ContAuth",
        "recurringProcessingModel": "Subscription",
    }
    if request.description:
        body["merchantOrderReference"] = request.description[:80]
    return body


def adyen_amount(connection: Connection, amount: Any) -> dict[str, Any]:
    try:
        return to_adyen(amount)
    except InvalidAmount as error:
        raise PermanentFailure(said(connection.account, str(error).rstrip("."))) from None


def _notice(connection: Connection, request: ChargeRequest, answer: Mapping[str, Any]) -> Notice:
    result = str(answer.get("resultCode") or "")
    status = status_of(connection, result)
    if status is not Status.FAILED:
        return Notice(str(answer["pspReference"]), status, idempotency_key=request.idempotency_key)
    code = AUTHENTICATION_REQUIRED if result in _CONFIRM else str(answer.get("refusalReasonCode") or "")
    advice = advice_of(str((answer.get("additionalData") or {}).get("merchantAdviceCode") or ""))
    return Notice(
        str(answer.get("pspReference") or ""),
        status,
        reason=str(answer.get("refusalReason") or result),
        idempotency_key=request.idempotency_key,
        final=is_dead(code, advice),
        code=code,
        advice=advice,
    )


def status_of(connection: Connection, result: str) -> Status:
    """Raises ProviderDown for results that we do not know: nobody guesses what became of money."""
    try:
        return _STATUSES[result]
    except KeyError:
        what = _("it answers with the unknown result “%(result)s”") % {"result": result[:40]}
        raise ProviderDown(said(connection.account, what)) from None
