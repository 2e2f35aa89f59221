"""Who asks, what for, and the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from cms_billing.core.conf import billing_settings
from cms_billing.payments.credentials import given
from cms_billing.payments.models import ProviderAccount

from ..transport import VendorRequest, VendorResponse, keep_answer, same_again
from . import customers, payments, refunds, settlements
from .books import VENDOR, Caller, Refusal
from .shapes import listed

Handler = Callable[..., Any]
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    422: "Unprocessable Entity",
}
_HAL = {"Content-Type": "application/hal+json"}
_CREATED, _DONE, _NOTHING = 201, 200, 204

# Method, path after /v2/, what answers, its status.
_ROUTES: list[tuple[str, str, Handler, int]] = [
    ("POST", r"payments", payments.create, _CREATED),
    ("GET", r"payments", payments.listing, _DONE),
    ("GET", r"payments/(tr_\w+)", payments.show, _DONE),
    ("DELETE", r"payments/(tr_\w+)", payments.cancel, _DONE),
    ("POST", r"payments/(tr_\w+)/refunds", refunds.create, _CREATED),
    ("GET", r"payments/(tr_\w+)/refunds", refunds.of_payment, _DONE),
    ("GET", r"payments/(tr_\w+)/refunds/(re_\w+)", refunds.show, _DONE),
    ("GET", r"payments/(tr_\w+)/chargebacks", payments.chargebacks, _DONE),
    ("GET", r"refunds", refunds.listing, _DONE),
    ("POST", r"customers", customers.create, _CREATED),
    ("GET", r"customers/(cst_\w+)", customers.show, _DONE),
    ("DELETE", r"customers/(cst_\w+)", customers.delete, _NOTHING),
    ("GET", r"customers/(cst_\w+)/payments", customers.payments_of, _DONE),
    ("GET", r"customers/(cst_\w+)/mandates", customers.mandates_of, _DONE),
    ("GET", r"customers/(cst_\w+)/mandates/(mdt_\w+)", customers.show_mandate, _DONE),
    ("DELETE", r"customers/(cst_\w+)/mandates/(mdt_\w+)", customers.delete_mandate, _NOTHING),
    ("GET", r"profiles/me", customers.profile, _DONE),
    ("GET", r"methods", customers.methods, _DONE),
    ("GET", r"settlements", settlements.listing, _DONE),
    ("GET", r"settlements/(stl_\w+)", settlements.show, _DONE),
    ("GET", r"settlements/(stl_\w+)/(payments|refunds|chargebacks)", settlements.content, _DONE),
]


def answer(request: VendorRequest) -> VendorResponse:
    try:
        caller = _caller(request)
        if request.method == "GET":
            return _carry_out(request, caller)
        return _once(request, caller)
    except Refusal as refusal:
        return _refused(refusal)


def _once(request: VendorRequest, caller: Caller) -> VendorResponse:
    """The same key gets the same answer; only what was done is kept."""
    key = request.headers.get("idempotency-key", "")
    kept = same_again(request, account=caller.account, key=key)
    if kept is not None and kept.status >= 400:
        raise Refusal(400, "The Idempotency-Key was used for another request.")
    if kept is not None:
        return VendorResponse(kept.status, kept.body, headers={**_HAL, "Idempotent-Replayed": "true"})
    try:
        with transaction.atomic():
            response = _carry_out(request, caller)
            keep_answer(request, response, account=caller.account, key=key)
    except IntegrityError:
        raise Refusal(409, "Another request with this Idempotency-Key is already being processed.") from None
    return response


def _carry_out(request: VendorRequest, caller: Caller) -> VendorResponse:
    path = request.path.removeprefix("/v2/")
    for method, pattern, handler, status in _ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method == request.method:
            _demand_right(caller, path)
            result = handler(request, caller, *match.groups())
            body = listed(request, *result) if isinstance(result, tuple) else result
            return VendorResponse(status, {}, _HAL, raw=b"") if status == _NOTHING else _shown(status, body)
    raise Refusal(404, f"There is nothing at {request.path}.")


def _shown(status: int, body: Any) -> VendorResponse:
    return VendorResponse(status, body, headers=_HAL)


def _demand_right(caller: Caller, path: str) -> None:
    """Settlements belong to the organisation, so a website's key does not open them."""
    if path.startswith("settlements") and not caller.is_organisation:
        raise Refusal(403, "The API key has no access to settlements: use an organization access token.")


def _caller(request: VendorRequest) -> Caller:
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    for slug in _slugs():
        known = given(VENDOR, slug, ("API_KEY", "ACCESS_TOKEN"))
        if key and key in known.values():
            mode = "live" if known.get("API_KEY", "").startswith("live_") else "test"
            return Caller(slug, mode, is_organisation=key == known.get("ACCESS_TOKEN"))
    raise Refusal(401, "Missing authentication, or failed to authenticate")


def _slugs() -> list[str]:
    named = [name.partition("/") for name in billing_settings().provider_accounts]
    configured = [slug for vendor, _slash, slug in named if vendor == VENDOR]
    rows = ProviderAccount.objects.filter(provider=VENDOR).values_list("slug", flat=True)
    return list(dict.fromkeys([*configured, *rows]))


def _refused(refusal: Refusal) -> VendorResponse:
    body = {
        "status": refusal.status,
        "title": _TITLES[refusal.status],
        "detail": refusal.detail,
        **({"field": refusal.field} if refusal.field else {}),
        "_links": {
            "documentation": {"href": "https://docs.mollie.com/reference/error-handling", "type": "text/html"}
        },
    }
    return _shown(refusal.status, body)
