"""The API: which request is answered how, with Adyen's shapes and status codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from cms_billing.core import clock

from ...models import VendorObject
from ..behaviours import repeated_course
from ..hosted import stand_in_url
from ..transport import VendorRequest, VendorResponse, keep_answer, same_again
from . import books
from .books import Merchant
from .later import let_time_pass, revoke_method
from .news import tell_item
from .payouts import download

CURRENCIES = frozenset(
    [
        "AUD",
        "CAD",
        "CHF",
        "CLP",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HUF",
        "ISK",
        "JPY",
        "KWD",
        "NOK",
        "PLN",
        "SEK",
        "USD",
    ]
)
Handler = Callable[..., VendorResponse]


def answer(request: VendorRequest) -> VendorResponse:
    if request.path.startswith("/reports/"):
        return download(request)
    merchant = books.merchant_by_key(request.headers.get("x-api-key", ""))
    if merchant is None:
        return error(401, "000", "HTTP Status Response - Unauthorized", "security")
    asked = request.form.get("merchantAccount") or request.query.get("merchantAccount")
    if asked is not None and asked != merchant.name:
        return error(403, "901", "Invalid Merchant Account", "security")
    let_time_pass()
    for method, pattern, handler in _ROUTES:
        found = re.fullmatch(pattern, request.path)
        if found and method == request.method:
            return _once(request, merchant, handler, found)
    return error(404, "000", "Not found", "validation")


def _once(
    request: VendorRequest, merchant: Merchant, handler: Handler, found: re.Match[str]
) -> VendorResponse:
    key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
    kept = same_again(request, account=merchant.slug, key=key)
    if kept is not None and kept.status == 400:
        return error(422, "702", "This idempotency key was used for another request.")
    if kept is not None:
        return kept
    try:
        with transaction.atomic():
            response = handler(request, merchant, *found.groups())
            if response.status >= 300:
                return response
            return keep_answer(request, response, account=merchant.slug, key=key)
    except IntegrityError:
        # Another request with this key was faster by a moment.
        return error(422, "704", "Request already processed or in progress")


def error(status: int, code: str, message: str, kind: str = "validation") -> VendorResponse:
    body = {"status": status, "errorCode": code, "message": message, "errorType": kind}
    if status not in (401, 404):
        body["pspReference"] = books.psp_reference()
    return VendorResponse(status, body)


def _complaint(body: Any, *, least: int) -> VendorResponse | None:
    amount = body.get("amount") or {}
    if not body.get("reference"):
        return error(422, "130", "Required field 'reference' is not provided.")
    if amount.get("currency") not in CURRENCIES:
        return error(422, "138", "Unsupported currency specified")
    if not isinstance(amount.get("value"), int) or amount["value"] < least:
        return error(422, "137", "Invalid amount specified")
    return None


def _payment_methods(request: VendorRequest, merchant: Merchant) -> VendorResponse:
    names = {"scheme": "Cards", "sepadirectdebit": "SEPA Direct Debit"}
    return VendorResponse(200, {"paymentMethods": [{"type": t, "name": n} for t, n in names.items()]})


def _sessions(request: VendorRequest, merchant: Merchant) -> VendorResponse:
    body = request.form
    complaint = _complaint(body, least=0)
    if complaint is None and not body.get("returnUrl"):
        complaint = error(422, "14_030", "Return URL is missing.")
    if complaint is not None:
        return complaint
    session = "CS" + books.psp_reference()
    shown = {
        **body,
        "id": session,
        "expiresAt": body.get("expiresAt")
        or (clock.now() + timedelta(hours=1)).isoformat(timespec="seconds"),
        "sessionData": f"Ab02b4c0!{books.psp_reference()}",
        "mode": body.get("mode", "embedded"),
    }
    if shown["mode"] == "hosted":
        shown["url"] = stand_in_url("adyen", session)
    books.create("session", merchant, {**shown, "status": "active"}, object_id=session)
    return VendorResponse(201, shown)


def _session_result(request: VendorRequest, merchant: Merchant, reference: str) -> VendorResponse:
    session = books.find("session", reference, merchant)
    given = request.query.get("sessionResult", "")
    if session is None or not given or session.hidden.get("result") != given:
        return error(422, "14_0408", "The provided sessionResult is invalid.")
    body = {"id": reference, "reference": session.data["reference"], "status": session.data["status"]}
    payments = VendorObject.objects.filter(vendor="adyen", kind="payment", parent_id=reference)
    shown = [_of_session(payment) for payment in payments if payment.data["resultCode"] != "Refused"]
    return VendorResponse(200, body | ({"payments": shown} if shown else {}))


def _of_session(payment: VendorObject) -> dict[str, Any]:
    shown = books.shown(payment)
    names = ("amount", "paymentMethod", "pspReference", "resultCode")
    return {"amount": payment.data["amount"]} | {name: shown[name] for name in names if name in shown}


def _payments(request: VendorRequest, merchant: Merchant) -> VendorResponse:
    body = request.form
    complaint = _complaint(body, least=1)
    if complaint is not None:
        return complaint
    method = body.get("paymentMethod") or {}
    token = books.find("token", method.get("storedPaymentMethodId", ""), merchant)
    if token is None or token.parent_id != body.get("shopperReference"):
        return error(422, "803", "PaymentDetail not found")
    if token.data["type"] != method.get("type") or body.get("shopperInteraction") != "ContAuth":
        return error(422, "905_1", "Could not find an acquirer account for the provided txvariant.")
    behaviour = token.hidden["behaviour"]
    payment = books.enter_payment(
        merchant, body=body, method=method["type"], behaviour=behaviour, course=repeated_course(behaviour)
    )
    return VendorResponse(200, books.shown(payment))


def _refund(request: VendorRequest, merchant: Merchant, psp: str) -> VendorResponse:
    payment = books.find("payment", psp, merchant)
    if payment is None:
        return error(422, "167", "Original pspReference required for this operation")
    amount = request.form["amount"]
    refund = books.create(
        "refund",
        merchant,
        {
            "merchantAccount": merchant.name,
            "amount": amount,
            "reference": request.form.get("reference", ""),
            "method": payment.data["method"],
        },
        parent_id=psp,
    )
    left = payment.data["amount"]["value"] - payment.data["refunded"]
    is_possible = payment.data["resultCode"] == "Authorised" and 0 < amount["value"] <= left
    if is_possible:
        payment.data["refunded"] += amount["value"]
        payment.save(update_fields=["data"])
    reason = "" if is_possible else "Insufficient balance on payment"
    tell_item(refund, "REFUND", original=psp, success=is_possible, reason=reason)
    shown = {
        "merchantAccount": merchant.name,
        "paymentPspReference": psp,
        "pspReference": refund.object_id,
        "reference": request.form.get("reference", ""),
        "status": "received",
        "amount": amount,
    }
    return VendorResponse(201, shown)


def _tokens(request: VendorRequest, merchant: Merchant) -> VendorResponse:
    payer = request.query.get("shopperReference", "")
    tokens = VendorObject.objects.filter(
        vendor="adyen", account=merchant.slug, kind="token", parent_id=payer
    ).order_by("pk")
    body = {
        "merchantAccount": merchant.name,
        "shopperReference": payer,
        "storedPaymentMethods": [token.data for token in tokens],
    }
    return VendorResponse(200, body)


def _delete_token(request: VendorRequest, merchant: Merchant, reference: str) -> VendorResponse:
    token = books.find("token", reference, merchant)
    if token is None or token.parent_id != request.query.get("shopperReference"):
        return error(422, "800", "Contract not found")
    revoke_method(reference)
    return VendorResponse(204, raw=b"")


_ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", r"/v72/paymentMethods", _payment_methods),
    ("POST", r"/v72/sessions", _sessions),
    ("GET", r"/v72/sessions/([^/]+)", _session_result),
    ("POST", r"/v72/payments", _payments),
    ("POST", r"/v72/payments/([^/]+)/refunds", _refund),
    ("GET", r"/v72/storedPaymentMethods", _tokens),
    ("DELETE", r"/v72/storedPaymentMethods/([^/]+)", _delete_token),
]
