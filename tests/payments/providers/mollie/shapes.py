"""Requests as Mollie documents them (its OpenAPI description): what is sent is checked first.

The names of parameters, which are required, and what their values look like. Whatever Mollie does not list is refused.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from cms_billing.core.money import exponent
from cms_billing.testing.vendors.transport import VendorAdapter

PAYMENT = frozenset(
    {"amount", "description", "redirectUrl", "cancelUrl", "webhookUrl", "lines", "billingAddress"}
    | {"shippingAddress", "locale", "method", "issuer", "restrictPaymentMethodsToCountry", "metadata"}
    | {"captureMode", "captureDelay", "applicationFee", "routing", "sequenceType", "mandateId", "customerId"}
    | {"profileId", "dueDate", "storeCredentials", "testmode"}
)
CUSTOMER = frozenset({"name", "email", "locale", "metadata", "testmode"})
REFUND = frozenset(
    {
        "amount",
        "description",
        "metadata",
        "externalReference",
        "reverseRouting",
        "routingReversals",
        "testmode",
    }
)
LIST = frozenset({"from", "limit", "sort", "profileId", "testmode"})
METHODS = frozenset(
    {"sequenceType", "locale", "amount[value]", "amount[currency]", "resource", "billingCountry", "testmode"}
    | {"includeWallets", "orderLineCategories", "profileId", "include"}
)
METHOD_NAMES = frozenset(
    {
        "applepay",
        "bancontact",
        "banktransfer",
        "belfius",
        "creditcard",
        "directdebit",
        "eps",
        "ideal",
        "kbc",
        "paypal",
    }
)
LOCALES = frozenset(
    {
        "en_US",
        "en_GB",
        "nl_NL",
        "nl_BE",
        "de_DE",
        "de_AT",
        "de_CH",
        "fr_FR",
        "fr_BE",
        "es_ES",
        "ca_ES",
        "pt_PT",
    }
    | {"it_IT", "nb_NO", "sv_SE", "fi_FI", "da_DK", "is_IS", "hu_HU", "pl_PL", "lv_LV", "lt_LT"}
)
IDS = {"customerId": r"cst_\w+", "mandateId": r"mdt_\w+"}


def checked_session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", CheckedAdapter())
    return session


class CheckedAdapter(VendorAdapter):
    def send(self, request: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        assert kwargs["timeout"] == (2, 20)
        check(request)
        return super().send(request, **kwargs)


def check(request: Any) -> None:
    url = urlsplit(request.url)
    assert (url.scheme, url.hostname) == ("https", "api.mollie.com")
    path = url.path.removeprefix("/v2/")
    check_headers(request)
    if request.method == "GET":
        assert not request.body
        return check_query(path, dict(parse_qsl(url.query, keep_blank_values=True)))
    assert not url.query
    if request.method == "DELETE":
        assert re.fullmatch(r"payments/tr_\w+|customers/cst_\w+/mandates/mdt_\w+", path)
        assert not request.body
        return None
    assert request.method == "POST"
    return check_body(path, json.loads(request.body))


def check_headers(request: Any) -> None:
    assert re.fullmatch(r"Bearer (live|test|access)_\w+", request.headers["Authorization"])
    assert request.headers["Content-Type"] == "application/json"
    if request.method != "GET":
        uuid.UUID(request.headers["Idempotency-Key"])


def check_query(path: str, query: Mapping[str, str]) -> None:
    if path == "methods":
        assert query.keys() <= METHODS
        assert query["sequenceType"] in ("oneoff", "first", "recurring")
        if "amount[value]" in query:
            check_amount({"value": query["amount[value]"], "currency": query["amount[currency]"]})
    elif re.fullmatch(r"payments/tr_\w+", path):
        assert query.keys() <= {"embed", "include", "testmode"}
        assert query.get("embed", "chargebacks") in ("chargebacks", "refunds", "captures")
    elif re.search(r"(^|/)(payments|refunds|chargebacks|mandates|settlements)$", path):
        assert query.keys() <= LIST
        assert 1 <= int(query.get("limit", 50)) <= 250
    else:
        assert re.fullmatch(r"profiles/me|payments/tr_\w+/refunds/re_\w+", path), path
        assert not query


def check_body(path: str, body: Mapping[str, Any]) -> None:
    if path == "payments":
        check_payment(body)
    elif path == "customers":
        assert body.keys() <= CUSTOMER
    else:
        assert re.fullmatch(r"payments/tr_\w+/refunds", path), path
        assert body.keys() <= REFUND
        check_amount(body["amount"])
    check_common(body)


def check_payment(body: Mapping[str, Any]) -> None:
    assert body.keys() <= PAYMENT
    assert body["description"]
    check_amount(body["amount"])
    sequence = body.get("sequenceType", "oneoff")
    assert sequence in ("oneoff", "first", "recurring")
    if sequence == "recurring":
        assert body.get("customerId")
        assert body.get("mandateId")
    else:
        assert body.get("redirectUrl")
        assert "mandateId" not in body
    if sequence == "first":
        assert body.get("customerId")
    methods = body.get("method", [])
    assert {methods} if isinstance(methods, str) else set(methods) <= METHOD_NAMES
    if sequence == "first":
        assert "directdebit" not in methods
    for name, form in IDS.items():
        assert name not in body or re.fullmatch(form, body[name])


def check_amount(amount: Mapping[str, Any]) -> None:
    """Exactly two keys; the value a string with exactly as many decimals as the currency has."""
    assert set(amount) == {"currency", "value"}
    assert re.fullmatch(r"[A-Z]{3}", amount["currency"])
    digits = exponent(amount["currency"])
    assert isinstance(amount["value"], str)
    assert re.fullmatch(rf"\d+\.\d{{{digits}}}" if digits else r"\d+", amount["value"]), amount


def check_common(body: Mapping[str, Any]) -> None:
    assert None not in body.values()
    assert len(body.get("description", "")) <= 255
    assert body.get("locale", "de_DE") in LOCALES
    assert len(json.dumps(body.get("metadata"))) <= 1024
    for name in ("redirectUrl", "cancelUrl", "webhookUrl"):
        if name in body:
            assert re.match(r"https?://[^/]+/", body[name]), name
