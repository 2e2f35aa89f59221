"""Charges without the payer: one PaymentIntent each, confirmed at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from ..base import AccountRefused
from ..values import ChargeRequest, Notice, Status
from .amounts import to_stripe
from .client import Api
from .notices import DEAD, KEY, MADE_FOR, at, failure_of, id_of, key_of, notice_of
from .sentences import not_possible

WITH_CHARGE = {"expand": ["latest_charge"]}
# Customers that Stripe made for us; everything else is a name of ours.
CUSTOMER = "cus_"
INTENT = "pi_"


def charge(api: Api, request: ChargeRequest) -> Notice:
    amount = to_stripe(request.amount)
    customer = request.payer_reference
    if not customer.startswith(CUSTOMER):
        customer = _customer_of(api, request.method_reference)
    params = _params(request, amount=amount, customer=customer)
    options = {"idempotency_key": str(request.idempotency_key)}
    try:
        intent = api.write(lambda v1: v1.payment_intents.create(params, options))
    except api.stripe.CardError as error:
        return _refusal(request, error)
    except api.stripe.InvalidRequestError as error:
        told = error
    else:
        return notice_of(api, intent)
    return _not_taken(api, request, told, customer=customer)


def _params(request: ChargeRequest, *, amount: int, customer: str) -> dict[str, Any]:
    """Which types of methods are allowed is not said: the method is, and Stripe knows its type."""
    params: dict[str, Any] = {
        "amount": amount,
        "currency": request.amount.currency.lower(),
        "payment_method": request.method_reference,
        "off_session": True,
        "confirm": True,
        "metadata": {KEY: str(request.idempotency_key), MADE_FOR: "charge"},
        **WITH_CHARGE,
    }
    if customer:
        params["customer"] = customer
    if request.description:
        params["description"] = request.description
    # Stripe asks for it as soon as the account offers any method that could send the payer away.
    if request.return_url:
        params["return_url"] = request.return_url
    return params


def _refusal(request: ChargeRequest, error: Any) -> Notice:
    """402: the bank said no. The PaymentIntent exists and holds the attempt."""
    intent = at(error.error, "payment_intent")
    if intent is None:
        return _failed(request, code=error.code or "", reason=error.user_message or "")
    return replace(failure_of(intent, error.error), idempotency_key=request.idempotency_key)


def _not_taken(api: Api, request: ChargeRequest, error: Any, *, customer: str) -> Notice:
    """400: nothing was made. Stripe's wording of a dead method changes, so the method itself is asked for."""
    method = api.read(lambda v1: v1.payment_methods.retrieve(request.method_reference))
    if method is None:
        raise AccountRefused(
            _(
                "Stripe account %(account)s does not know the payment method %(method)s: "
                "its keys belong to another Stripe account than the one the method was stored in."
            )
            % {"account": api.name, "method": request.method_reference}
        )
    if not id_of(method.customer) or id_of(method.customer) != customer:
        return _failed(request, code="payment_method_detached", reason=error.user_message or "", final=True)
    if error.code in DEAD:
        return _failed(request, code=error.code, reason=error.user_message or "", final=True)
    raise not_possible(error)


def _failed(request: ChargeRequest, *, code: str, reason: str, final: bool = False) -> Notice:
    return Notice("", Status.FAILED, reason, request.idempotency_key, final=final, code=code)


def _customer_of(api: Api, method_reference: str) -> str:
    method = api.read(lambda v1: v1.payment_methods.retrieve(method_reference)) if method_reference else None
    return id_of(at(method, "customer"))


def look_up(
    api: Api, *, reference: str, idempotency_key: uuid.UUID | None, method_reference: str
) -> Notice | None:
    """References of other things than payments (their webhooks name them too) are no payment: None, unasked."""
    if reference:
        if not reference.startswith(INTENT):
            return None
        intent = api.read(lambda v1: v1.payment_intents.retrieve(reference, WITH_CHARGE))
    elif idempotency_key is not None:
        intent = _by_key(api, idempotency_key, method_reference)
    else:
        intent = None
    return notice_of(api, intent) if intent is not None else None


def _by_key(api: Api, key: uuid.UUID, method_reference: str) -> Any:
    """In the customer's list where the method tells whose it is: the search is a minute behind, the list is not."""
    customer = _customer_of(api, method_reference)
    if customer:
        listed = api.read_all(
            lambda v1: v1.payment_intents.list(
                {"customer": customer, "limit": 100, "expand": ["data.latest_charge"]}
            )
        )
        return next((intent for intent in listed if key_of(intent) == key), None)
    query = {"query": f"metadata['{KEY}']:'{key}'", "limit": 1, "expand": ["data.latest_charge"]}
    return next(iter(api.read_all(lambda v1: v1.payment_intents.search(query))), None)


def payments_between(api: Api, *, start: datetime, end: datetime) -> Iterator[str]:
    made = {"created": {"gte": int(start.timestamp()), "lt": int(end.timestamp())}, "limit": 100}
    for intent in api.read_all(lambda v1: v1.payment_intents.list(made)):
        yield intent.id
