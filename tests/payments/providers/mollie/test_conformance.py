"""Mollie against its stand-in, as every provider; each request is checked for its shape as well."""

from types import SimpleNamespace

import pytest

from ..conformance import ProviderConformance
from . import shapes


class TestMollie(ProviderConformance):
    vendor = "mollie"
    path = "cms_billing.payments.providers.mollie.MollieProvider"
    secrets = {
        "API_KEY": "test_conformance1",
        "ACCESS_TOKEN": "access_conformance1",
        "WEBHOOK_SECRET": "whs1",
    }
    charge_path = "/v2/payments"
    refund_path = "/v2/payments/"
    session = "tests.payments.providers.mollie.shapes.checked_session"


GOOD = {
    "amount": {"currency": "EUR", "value": "10.00"},
    "description": "Order",
    "redirectUrl": "https://shop.example.com/back/",
    "metadata": {"key": "1"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"currency": "EUR", "value": "10"}},
        {"amount": {"currency": "EUR", "value": "10.0"}},
        {"amount": {"currency": "EUR", "value": 10.0}},
        {"amount": {"currency": "JPY", "value": "1000.00"}},
        {"amount": {"currency": "EUR", "value": "10.00", "cents": 1000}},
        {"description": ""},
        {"description": "x" * 256},
        {"redirectUrl": ""},
        {"webhookUrl": "/relative/"},
        {"customer_id": "cst_1234"},
        {"locale": "de"},
        {"sequenceType": "first"},
        {"sequenceType": "recurring", "customerId": "cst_1234"},
        {"sequenceType": "first", "customerId": "cst_1234", "method": ["directdebit"]},
        {"customerId": "tr_1234"},
        {"metadata": {"key": "x" * 1100}},
        {"cancelUrl": None},
    ],
)
def test_shape_that_mollie_does_not_document_is_noticed(change):
    shapes.check_body("payments", GOOD)
    with pytest.raises(AssertionError):
        shapes.check_body("payments", {**GOOD, **change})


def test_request_without_idempotency_key_or_with_a_foreign_path_is_noticed():
    headers = {"Authorization": "Bearer test_1234", "Content-Type": "application/json"}
    request = SimpleNamespace(
        method="POST", url="https://api.mollie.com/v2/payments", headers=headers, body="{}"
    )
    with pytest.raises(KeyError):
        shapes.check(request)
    with pytest.raises(AssertionError):
        shapes.check_query("balances/next", {})
    with pytest.raises(AssertionError):
        shapes.check_query("payments", {"limit": "251"})
