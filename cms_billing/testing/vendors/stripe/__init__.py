"""Stripe's stand-in: customers, methods, PaymentIntents, Checkout Sessions, refunds, disputes, payouts and events.

It answers as API version 2026-10-28 does, for the parameters that billing sends. Cards and accounts behave as
``vendors.behaviours`` says; ``deeds`` is what a test does at Stripe by hand.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from cms_billing.core.conf import billing_settings
from cms_billing.payments.credentials import given
from cms_billing.payments.models import ProviderAccount

from ..transport import VendorRequest, VendorResponse, keep_answer, same_again
from . import books, checkout, intents, lists, methods, refunds
from .books import VENDOR, Refused
from .checkout import hosted_page
from .deeds import (
    charge_back_now,
    fail_now,
    fail_refund_now,
    let_time_pass,
    make_payout,
    new_customer,
    pay_page,
    refund_at_dashboard,
    revoke_method,
    settle_now,
    store_method,
    win_dispute,
)
from .events import headers_when_sent
from .forms import tree_of

__all__ = [
    "answer",
    "charge_back_now",
    "fail_now",
    "fail_refund_now",
    "headers_when_sent",
    "hosted_page",
    "let_time_pass",
    "make_payout",
    "new_customer",
    "pay_page",
    "refund_at_dashboard",
    "revoke_method",
    "settle_now",
    "store_method",
    "win_dispute",
]

Handler = Callable[..., dict[str, Any]]

_KINDS = {
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "disputes": "dispute",
    "mandates": "mandate",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "payouts": "payout",
    "refunds": "refund",
    "setup_intents": "setup_intent",
}
_CREATE: dict[str, Handler] = {
    "checkout/sessions": checkout.create,
    "customers": methods.create_customer,
    "payment_intents": intents.create,
    "refunds": refunds.create,
}
_ACT: dict[str, Handler] = {
    "checkout/sessions/expire": checkout.expire,
    "payment_methods/detach": methods.detach,
}
_PATH = re.compile(r"^/v1/(checkout/\w+|\w+)(?:/(\w+))?(?:/(\w+))?$")


def answer(request: VendorRequest) -> VendorResponse:
    headers = {"Request-Id": f"req_{secrets.token_hex(7)}", "Stripe-Version": books.API_VERSION}
    account = _account(request)
    if account is None:
        told = {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_test_***"}
        return VendorResponse(401, {"error": told}, headers)
    key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
    again = same_again(request, account=account, key=key)
    if again is not None:
        return VendorResponse(again.status, again.body, {**headers, "Idempotent-Replayed": "true"})
    try:
        with transaction.atomic():
            response = _carry_out(request, account, headers)
            # What never began is not kept: the same key may be used for the corrected request.
            kept = response.status not in (400, 404)
            return keep_answer(request, response, account=account, key=key) if kept else response
    except IntegrityError:
        told = "There is currently another in-progress request using this Idempotent Key."
        error = {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": told}
        return VendorResponse(409, {"error": error}, headers)


def _carry_out(request: VendorRequest, account: str, headers: dict[str, str]) -> VendorResponse:
    try:
        return VendorResponse(200, _result(request, account), headers)
    except Refused as refusal:
        return VendorResponse(refusal.status, refusal.body, headers)


def _account(request: VendorRequest) -> str | None:
    """The slug of the account whose key it is."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    named = {
        name.partition("/")[2] for name in billing_settings().provider_accounts if name.startswith("stripe/")
    }
    slugs = named | set(ProviderAccount.objects.filter(provider=VENDOR).values_list("slug", flat=True))
    for slug in sorted(slugs):
        if key and given(VENDOR, slug, ("SECRET_KEY",)).get("SECRET_KEY") == key:
            return slug
    return None


def _result(request: VendorRequest, account: str) -> dict[str, Any]:
    form = tree_of({**request.query, **request.form})
    found = _PATH.match(request.path)
    if found is None:
        raise _unknown_address(request)
    what, object_id, deed = found.groups()
    made = _made(request, account, form, (what, object_id or "", deed or ""))
    return lists.expanded(made, form.get("expand") or [])


def _made(
    request: VendorRequest, account: str, form: dict[str, Any], path: tuple[str, str, str]
) -> dict[str, Any]:
    what, object_id, deed = path
    if what == "account" and request.method == "GET":
        return _who_we_are(account)
    if what not in _KINDS:
        raise _unknown_address(request)
    if request.method == "GET" and object_id == "search":
        return lists.search(_KINDS[what], form, account=account)
    if request.method == "GET" and object_id and not deed:
        return _one(_KINDS[what], object_id, account=account)
    if request.method == "GET" and not object_id:
        return lists.listed(_KINDS[what], form, account=account)
    if request.method == "POST" and not object_id and what in _CREATE:
        return _CREATE[what](form, account=account)
    if request.method == "POST" and f"{what}/{deed}" in _ACT:
        return _ACT[f"{what}/{deed}"](object_id, account=account)
    raise _unknown_address(request)


def _one(kind: str, object_id: str, *, account: str) -> dict[str, Any]:
    let_time_pass()
    row = books.must_find(kind, object_id, account=account, param=kind)
    if kind == checkout.KIND:
        checkout.expire_if_over(row)
    return row.data


def _who_we_are(account: str) -> dict[str, Any]:
    return {
        "id": f"acct_standin{account}",
        "object": "account",
        "business_profile": {"name": f"Stand-in {account}", "url": None},
        "charges_enabled": True,
        "country": "DE",
        "default_currency": "eur",
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": f"Stand-in {account}"}},
    }


def _unknown_address(request: VendorRequest) -> Refused:
    return Refused(404, f"Unrecognized request URL ({request.method}: {request.path}).")
