"""Checkout Sessions: a page of Stripe's on which a person pays, or only stores a method."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure

from ..base import OutcomeUnknown, ProviderDown
from ..values import Page, PageNotice, PageRequest, PageStatus, PayerFacts, StoredMethod
from .amounts import to_stripe
from .client import Api
from .methods import stored
from .notices import KEY, MADE_FOR, ON_A_PAGE, at, id_of, key_of, notice_of
from .sentences import not_possible

CUSTOMER = "cus_"
# Where Stripe keeps our name of the payer.
PAYER = "cms_billing_payer"
# A page lives half an hour at least and a day at most; a little less, because the clocks differ.
SHORTEST, LONGEST = timedelta(minutes=31), timedelta(hours=23, minutes=55)
# https://docs.stripe.com/js/appendix/supported_locales; others follow the payer's browser.
LANGUAGES = {"bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fil", "fr", "hr", "hu", "id", "it", "ja", "ko"} | {
    "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh"
}  # fmt: skip
EXPANDED = [
    "payment_intent.latest_charge",
    "payment_intent.payment_method",
    "setup_intent.payment_method",
    "setup_intent.mandate",
    "setup_intent.latest_attempt",
]
_STATES = {"open": PageStatus.OPEN, "complete": PageStatus.COMPLETED, "expired": PageStatus.EXPIRED}


def open_page(api: Api, request: PageRequest) -> Page:
    """The same key opens the same page. A payer who was deleted at Stripe is made anew."""
    customer = request.payer.reference or _make_customer(api, request)
    try:
        session = _create_session(api, request, customer=customer)
    except api.stripe.InvalidRequestError as error:
        told = error
    else:
        return _page(session, customer)
    if told.code != "resource_missing" or told.param != "customer":
        raise not_possible(told)
    customer = _create_customer(api, _customer(request.payer), f"payer-of-{request.idempotency_key}").id
    try:
        session = _create_session(api, request, customer=customer)
    except api.stripe.InvalidRequestError as error:
        told = error
    else:
        return _page(session, customer)
    raise not_possible(told)


def _create_session(api: Api, request: PageRequest, *, customer: str) -> Any:
    """Raises Stripe's InvalidRequestError, and what ``Api.write`` raises."""
    params = _params(request, customer=customer)
    options = {"idempotency_key": str(request.idempotency_key)}
    return api.write(lambda v1: v1.checkout.sessions.create(params, options))


def _page(session: Any, customer: str) -> Page:
    expires_at = datetime.fromtimestamp(session.expires_at, UTC)
    return Page(session.id, session.url or "", payer_reference=customer, expires_at=expires_at)


def _make_customer(api: Api, request: PageRequest) -> str:
    """Once for a payer: asked again with the same facts, Stripe answers the same customer."""
    params = _customer(request.payer)
    try:
        made = _create_customer(api, params, f"payer-{request.payer.key}")
    except PermanentFailure:
        # Their name or address changed since the answer was lost: this page gets a customer of its own.
        made = _create_customer(api, params, f"payer-of-{request.idempotency_key}")
    return made.id


def _create_customer(api: Api, params: dict[str, Any], key: str) -> Any:
    try:
        return api.write(lambda v1: v1.customers.create(params, {"idempotency_key": key}))
    except api.stripe.InvalidRequestError as error:
        problem = not_possible(error)
    raise problem


def _customer(payer: PayerFacts) -> dict[str, Any]:
    params: dict[str, Any] = {"metadata": {PAYER: payer.key}, "preferred_locales": [payer.language]}
    if payer.email:
        params["email"] = payer.email
    if payer.name:
        params["name"] = payer.name
    return params


def _params(request: PageRequest, *, customer: str) -> dict[str, Any]:
    key = str(request.idempotency_key)
    params: dict[str, Any] = {
        "ui_mode": "hosted_page",
        "customer": customer,
        "client_reference_id": key,
        "metadata": {KEY: key},
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "locale": request.payer.language if request.payer.language in LANGUAGES else "auto",
    }
    if request.kinds:
        params["allowed_payment_method_types"] = list(request.kinds)
    expires_at = _expiry(request)
    if expires_at is not None:
        params["expires_at"] = expires_at
    return params | (_for_a_payment(request) if request.amount else _for_a_method(request))


def _expiry(request: PageRequest) -> int | None:
    """None where Stripe cannot do it: then the page lives a day, or until it is closed."""
    if request.expires_at is None:
        return None
    left = request.expires_at - clock.now()
    return int(request.expires_at.timestamp()) if SHORTEST <= left <= LONGEST else None


def _for_a_payment(request: PageRequest) -> dict[str, Any]:
    description = request.description or _("Payment")
    intent = {
        "description": description,
        "metadata": {KEY: str(request.idempotency_key), MADE_FOR: ON_A_PAGE},
    }
    if request.stores_method:
        # Stripe authenticates the payer now as the law asks for payments without them later.
        intent["setup_future_usage"] = "off_session"
    price = {
        "currency": request.amount.currency.lower(),
        "unit_amount": to_stripe(request.amount),
        "product_data": {"name": description},
    }
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": intent,
    }


def _for_a_method(request: PageRequest) -> dict[str, Any]:
    made_for = {KEY: str(request.idempotency_key), MADE_FOR: ON_A_PAGE}
    return {
        "mode": "setup",
        "currency": request.amount.currency.lower(),
        "setup_intent_data": {"metadata": made_for},
    }


def look_up_page(
    api: Api, *, reference: str, idempotency_key: uuid.UUID, payer_reference: str
) -> PageNotice | None:
    """By reference; else in the payer's list, which needs to know the payer: without one, None."""
    if reference:
        session = api.read(lambda v1: v1.checkout.sessions.retrieve(reference, {"expand": EXPANDED}))
    elif payer_reference.startswith(CUSTOMER):
        params = {"customer": payer_reference, "limit": 100}
        listed = api.read_all(lambda v1: v1.checkout.sessions.list(params))
        found = next((one for one in listed if key_of(one) == idempotency_key), None)
        return found and look_up_page(
            api, reference=found.id, idempotency_key=idempotency_key, payer_reference=payer_reference
        )
    else:
        session = None
    return _notice(api, session) if session is not None else None


def _notice(api: Api, session: Any) -> PageNotice:
    status = _STATES.get(session.status)
    if status is None:
        raise ProviderDown(
            _("Stripe says “%(status)s” of page %(reference)s, which billing does not know.")
            % {"status": session.status, "reference": session.id}
        )
    intent = at(session, "payment_intent")
    is_done = status is PageStatus.COMPLETED
    return PageNotice(
        reference=session.id,
        status=status,
        # While the page is open a refusal is not the end: the payer may try another card on it.
        payment=notice_of(api, intent) if is_done and intent is not None else None,
        method=_method(api, session) if is_done else None,
        payer_reference=id_of(session.customer),
        idempotency_key=key_of(session),
    )


def _method(api: Api, session: Any) -> StoredMethod | None:
    """What later charges can use: iDEAL and Bancontact leave a SEPA mandate behind."""
    intent = at(session, "payment_intent")
    if intent is not None:
        if at(intent, "setup_future_usage") != "off_session":
            return None
        method, details = at(intent, "payment_method"), at(intent, "latest_charge", "payment_method_details")
        mandate = None
    else:
        intent = at(session, "setup_intent")
        if at(intent, "status") != "succeeded":
            return None
        method, details = at(intent, "payment_method"), at(intent, "latest_attempt", "payment_method_details")
        mandate = at(intent, "mandate")
    of_kind = at(details, at(details, "type") or "")
    generated = id_of(at(of_kind, "generated_sepa_debit"))
    if generated:
        method = api.read(lambda v1: v1.payment_methods.retrieve(generated))
        mandate = at(of_kind, "generated_sepa_debit_mandate")
    if method is None or not id_of(at(method, "customer")):
        return None
    return stored(method, mandate=mandate or at(of_kind, "mandate"))


def close_page(api: Api, *, reference: str) -> bool:
    """False for a page that is completed: its money is here or on its way."""
    try:
        session = api.write(lambda v1: v1.checkout.sessions.expire(reference))
    except (api.stripe.InvalidRequestError, OutcomeUnknown):
        # Not open any more, unknown, or the answer was lost: what it is says whether it still takes money.
        session = api.read(lambda v1: v1.checkout.sessions.retrieve(reference))
    return session is not None and session.status == "expired"
