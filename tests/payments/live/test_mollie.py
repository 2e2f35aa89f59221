"""Against Mollie itself, in test mode: ``CMS_BILLING_TEST_MOLLIE_KEY=test_… pytest -m real_keys``.

No money moves. Each run leaves one customer and a few test payments behind in the dashboard.
"""

import os
import uuid

import pytest

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    Account,
    AccountRefused,
    ChargeRequest,
    PageRequest,
    PageStatus,
    PayerFacts,
    Status,
)
from cms_billing.payments.providers.mollie import MollieProvider

KEY = os.environ.get("CMS_BILLING_TEST_MOLLIE_KEY", "")
TEN = Money.of("10.00", "EUR")

pytestmark = [
    pytest.mark.real_keys,
    pytest.mark.skipif(not KEY, reason="CMS_BILLING_TEST_MOLLIE_KEY is not set"),
]


@pytest.fixture
def mollie():
    account = Account(provider="mollie", slug="live-test", issuer_id=1, secrets={"API_KEY": KEY})
    return MollieProvider(account)


def page_request(**changes) -> PageRequest:
    facts = {
        "idempotency_key": uuid.uuid4(),
        "amount": TEN,
        "description": "cms_billing test",
        "payer": PayerFacts(key=f"m-{uuid.uuid4()}", name="Test", language="de"),
        "return_url": "https://example.org/back/",
        "cancel_url": "https://example.org/back/?cancelled=1",
        "webhook_url": "",
        "stores_method": True,
    }
    return PageRequest(**{**facts, **changes})


def test_probe_reaches_the_test_website(mollie):
    assert mollie.probe().is_live is False


def test_wrong_key_is_refused():
    account = Account(provider="mollie", slug="wrong", issuer_id=1, secrets={"API_KEY": "test_" + "x" * 30})
    with pytest.raises(AccountRefused):
        MollieProvider(account).probe()


def test_page_opens_is_found_by_its_key_and_stays_one(mollie):
    request = page_request()
    page = mollie.open_page(request)
    assert page.url.startswith("https://www.mollie.com/")
    assert mollie.open_page(request).reference == page.reference
    notice = mollie.look_up_page(
        reference="", idempotency_key=request.idempotency_key, payer_reference=page.payer_reference
    )
    assert (notice.reference, notice.status, notice.payment) == (page.reference, PageStatus.OPEN, None)
    closed = mollie.close_page(reference=page.reference)
    after = mollie.look_up_page(reference=page.reference, idempotency_key=request.idempotency_key)
    assert after.status is (PageStatus.CANCELLED if closed else PageStatus.OPEN)


def test_page_that_only_stores_a_card_opens(mollie):
    assert mollie.open_page(page_request(amount=Money.zero("EUR"))).url


def test_amount_that_is_too_small_or_of_an_unknown_currency_is_refused(mollie):
    for amount in (Money.of("0.001", "KWD"), Money.of("0.00", "EUR")):
        with pytest.raises(PermanentFailure):
            mollie.open_page(page_request(amount=amount, kinds=["ideal"]))


def test_debit_of_a_mandate_is_charged_once_and_found_by_its_key(mollie):
    page = mollie.open_page(page_request())
    api = mollie._api()
    customer = api.customers.get(page.payer_reference)
    customer.mandates.create(
        {"method": "directdebit", "consumerName": "Test", "consumerAccount": "NL55INGB0000000000"}
    )
    (method,) = [one for one in mollie.methods_of(payer_reference=page.payer_reference) if one.usable]
    request = ChargeRequest(uuid.uuid4(), TEN, method.reference, "cms_billing test", issuer_id=1)
    notice = mollie.charge(request)
    assert notice.status in (Status.PENDING, Status.SETTLED)
    assert mollie.charge(request).reference == notice.reference
    found = mollie.look_up(
        reference="", idempotency_key=request.idempotency_key, method_reference=method.reference
    )
    assert (found.reference, found.idempotency_key) == (notice.reference, request.idempotency_key)
    mollie.forget_method(reference=method.reference, payer_reference=page.payer_reference)
    refused = mollie.charge(
        ChargeRequest(uuid.uuid4(), TEN, method.reference, "cms_billing test", issuer_id=1)
    )
    assert (refused.status, refused.code, refused.final) == (Status.FAILED, "no_suitable_mandate", True)


def test_unknown_payment_is_none(mollie):
    assert mollie.look_up(reference="tr_doesnotexist", idempotency_key=None) is None
