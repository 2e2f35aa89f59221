"""Payments as they are asked for: checked as Mollie checks, entered, and, without a payer, carried out at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cms_billing.core import clock
from cms_billing.core.money import Money, exponent

from ...models import VendorObject
from ..transport import VendorRequest
from . import life, shapes
from .books import (
    PROFILE,
    VENDOR,
    Caller,
    Refusal,
    act_later,
    amount,
    children,
    enter,
    found,
)

_CURRENCIES = frozenset(
    {"AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "ISK", "JPY"}
    | {"MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TWD", "USD", "ZAR"}
)
_FREE = frozenset({"creditcard", "paypal"})
# The least that is taken, in smallest units.
_LEAST = 10
_KEPT = (
    "description",
    "metadata",
    "redirectUrl",
    "cancelUrl",
    "webhookUrl",
    "locale",
    "customerId",
    "mandateId",
)


def create(request: VendorRequest, caller: Caller) -> dict[str, Any]:
    form = request.form
    sequence = form.get("sequenceType", "oneoff")
    money = _amount(form, sequence)
    _demand(form, sequence)
    if sequence != "oneoff":
        _find_customer(form, caller)
    data = {
        "mode": caller.mode,
        "status": "open",
        "amount": amount(money),
        "details": None,
        "method": None,
        "profileId": PROFILE,
        "sequenceType": sequence,
        **{name: form[name] for name in _KEPT if form.get(name)},
    }
    methods = _methods(form)
    if sequence == "recurring":
        return _carry_out(data, caller, form)
    expires = clock.now().replace(microsecond=0) + timedelta(days=1)
    # Payments bound to one method are begun at once, and so cannot be cancelled by us.
    data |= {"expiresAt": expires.isoformat(), "isCancelable": len(methods) != 1}
    row = enter("payment", data, account=caller.account, hidden={"methods": methods})
    act_later(row, "expire", 2)
    return shapes.payment(row)


def _carry_out(data: dict[str, Any], caller: Caller, form: Mapping[str, Any]) -> dict[str, Any]:
    mandate = _suitable_mandate(form, caller)
    data |= {"method": mandate.data["method"], "mandateId": mandate.object_id, "isCancelable": False}
    row = enter("payment", data, account=caller.account, hidden={"behaviour": mandate.hidden["behaviour"]})
    life.charge(row, mandate)
    return shapes.payment(row)


def _suitable_mandate(form: Mapping[str, Any], caller: Caller) -> VendorObject:
    valid = [
        row
        for row in children("mandate", form["customerId"])
        if row.data["status"] == "valid" and not row.hidden.get("deleted")
    ]
    named = form.get("mandateId")
    for row in valid:
        if named in (None, row.object_id):
            return row
    if named and found("mandate", named, account=caller.account).data["status"] != "valid":
        raise Refusal(422, "The mandate is invalid", field="mandateId")
    raise Refusal(422, "No suitable mandates found for customer")


def listing(request: VendorRequest, caller: Caller) -> tuple[Any, ...]:
    rows = VendorObject.objects.filter(vendor=VENDOR, account=caller.account, kind="payment").order_by("-pk")
    return "payments", list(rows), shapes.payment


def show(request: VendorRequest, caller: Caller, payment_id: str) -> dict[str, Any]:
    row = life.after_time(found("payment", payment_id, account=caller.account))
    return shapes.payment(row, embed=request.query.get("embed", ""))


def cancel(request: VendorRequest, caller: Caller, payment_id: str) -> dict[str, Any]:
    row = life.after_time(found("payment", payment_id, account=caller.account))
    if not row.data.get("isCancelable"):
        raise Refusal(422, "The payment cannot be canceled")
    life.cancel(row)
    return shapes.payment(row)


def chargebacks(request: VendorRequest, caller: Caller, payment_id: str) -> tuple[Any, ...]:
    found("payment", payment_id, account=caller.account)
    return "chargebacks", children("chargeback", payment_id), shapes.chargeback


def _amount(form: Mapping[str, Any], sequence: str) -> Money:
    told = form.get("amount")
    if not isinstance(told, Mapping) or set(told) != {"currency", "value"}:
        raise Refusal(422, "The amount should contain a currency and a value", field="amount")
    currency, value = told["currency"], told["value"]
    if currency not in _CURRENCIES:
        raise Refusal(422, "The currency is not supported", field="amount")
    digits = exponent(currency)
    form_of_value = rf"\d+\.\d{{{digits}}}" if digits else r"\d+"
    if not isinstance(value, str) or not re.fullmatch(form_of_value, value):
        raise Refusal(422, "The amount contains an invalid value", field="amount")
    money = Money.of(value, currency)
    free = sequence == "first" and money.minor == 0 and set(_methods(form)) <= _FREE and _methods(form)
    if money.minor < _LEAST and not free:
        raise Refusal(422, "The amount is lower than the minimum", field="amount")
    return money


def _methods(form: Mapping[str, Any]) -> list[str]:
    method = form.get("method") or []
    return [method] if isinstance(method, str) else list(method)


def _demand(form: Mapping[str, Any], sequence: str) -> None:
    if sequence not in ("oneoff", "first", "recurring"):
        raise Refusal(422, "The sequence type is invalid", field="sequenceType")
    if not form.get("description"):
        raise Refusal(422, "The description is required", field="description")
    if len(form["description"]) > 255:
        raise Refusal(422, "The description is too long", field="description")
    if sequence != "recurring" and not form.get("redirectUrl"):
        raise Refusal(422, "The redirect URL is required", field="redirectUrl")
    if sequence == "first" and "directdebit" in _methods(form):
        raise Refusal(422, "The payment method is not enabled in your website profile", field="method")


def _find_customer(form: Mapping[str, Any], caller: Caller) -> None:
    if not form.get("customerId"):
        raise Refusal(422, "A customer is required for this recurring type", field="customerId")
    found("customer", form["customerId"], account=caller.account)
