"""Against Stripe itself, in test mode: ``CMS_BILLING_TEST_STRIPE_KEY=sk_test_… pytest -m real_keys``.

No money moves. Each run leaves a few customers and test payments behind in the dashboard.
"""

import os
import time
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
    RefundRequest,
    RefundStatus,
    Status,
)
from cms_billing.payments.providers.stripe import StripeProvider

KEY = os.environ.get("CMS_BILLING_TEST_STRIPE_KEY", "")
TEN = Money.of("10.00", "EUR")

pytestmark = [
    pytest.mark.real_keys,
    pytest.mark.skipif(not KEY, reason="CMS_BILLING_TEST_STRIPE_KEY is not set"),
]


@pytest.fixture
def provider():
    account = Account(provider="stripe", slug="live-test", issuer_id=1, secrets={"SECRET_KEY": KEY})
    return StripeProvider(account)


def page_request(**changes) -> PageRequest:
    facts = {
        "idempotency_key": uuid.uuid4(),
        "amount": TEN,
        "description": "cms_billing test",
        "payer": PayerFacts(key=f"m-{uuid.uuid4()}", email="test@example.org", name="Test", language="de"),
        "return_url": "https://example.org/back/",
        "cancel_url": "https://example.org/back/?cancelled=1",
        "webhook_url": "",
        "stores_method": True,
    }
    return PageRequest(**{**facts, **changes})


def request_for(provider, test_card: str) -> ChargeRequest:
    """A new customer with one of Stripe's test cards, https://docs.stripe.com/testing."""
    v1 = provider._api.v1
    customer = v1.customers.create({"email": "test@example.org"})
    method = v1.payment_methods.attach(test_card, {"customer": customer.id})
    return ChargeRequest(
        uuid.uuid4(),
        TEN,
        method.id,
        "cms_billing test",
        issuer_id=1,
        payer_reference=customer.id,
        return_url="https://example.org/back/",
    )


def test_probe_reaches_the_test_account(provider):
    assert provider.probe().is_live is False


def test_wrong_key_is_refused():
    secrets = {"SECRET_KEY": "sk_test_" + "x" * 24}
    with pytest.raises(AccountRefused):
        StripeProvider(Account(provider="stripe", slug="wrong", issuer_id=1, secrets=secrets)).probe()


@pytest.mark.parametrize("amount", [TEN, Money.zero("EUR")])
def test_page_opens_stays_one_is_found_and_closed(provider, amount):
    request = page_request(amount=amount)
    page = provider.open_page(request)
    assert page.url.startswith("https://checkout.stripe.com/")
    assert provider.open_page(request).reference == page.reference
    notice = provider.look_up_page(
        reference="", idempotency_key=request.idempotency_key, payer_reference=page.payer_reference
    )
    assert (notice.reference, notice.status, notice.payment) == (page.reference, PageStatus.OPEN, None)
    assert provider.close_page(reference=page.reference) is True


def test_amount_that_is_too_small_is_refused(provider):
    with pytest.raises(PermanentFailure):
        provider.open_page(page_request(amount=Money.of("0.01", "EUR")))


def test_card_is_charged_once_found_by_its_key_and_paid_back(provider):
    request = request_for(provider, "pm_card_visa")
    notice = provider.charge(request)
    assert notice.status is Status.SETTLED
    assert provider.charge(request).reference == notice.reference
    found = provider.look_up(
        reference="", idempotency_key=request.idempotency_key, method_reference=request.method_reference
    )
    assert (found.reference, found.idempotency_key) == (notice.reference, request.idempotency_key)
    refund = provider.refund(RefundRequest(uuid.uuid4(), notice.reference, Money(400, "EUR"), "test", 1))
    assert refund.status in (RefundStatus.PENDING, RefundStatus.PAID)
    assert provider.look_up(reference=notice.reference, idempotency_key=None).refunded == Money(400, "EUR")


@pytest.mark.parametrize(
    ("test_card", "code"),
    [
        ("pm_card_chargeCustomerFail", "generic_decline"),
        ("pm_card_authenticationRequiredOnSetup", "authentication_required"),
    ],
)
def test_refusal_tells_its_code(provider, test_card, code):
    notice = provider.charge(request_for(provider, test_card))
    assert (notice.status, notice.code) == (Status.FAILED, code)
    assert provider.look_up(reference=notice.reference, idempotency_key=None).code == code


def test_disputed_card_is_charged_back(provider):
    notice = provider.charge(request_for(provider, "pm_card_createDispute"))
    for _ in range(20):
        notice = provider.look_up(reference=notice.reference, idempotency_key=None)
        if notice.status is Status.CHARGED_BACK:
            break
        time.sleep(1)
    assert (notice.status, notice.charged_back) == (Status.CHARGED_BACK, TEN)


def test_forgotten_card_is_refused_for_good(provider):
    request = request_for(provider, "pm_card_visa")
    provider.forget_method(reference=request.method_reference, payer_reference=request.payer_reference)
    assert list(provider.methods_of(payer_reference=request.payer_reference)) == []
    notice = provider.charge(request)
    assert (notice.status, notice.code, notice.final) == (Status.FAILED, "payment_method_detached", True)


def test_unknown_payment_is_none(provider):
    assert provider.look_up(reference="pi_doesnotexist", idempotency_key=None) is None


def test_payouts_can_be_read(provider):
    from datetime import UTC, datetime, timedelta

    since = (datetime.now(UTC) - timedelta(days=30)).date()
    for payout in provider.payouts(since=since):
        assert payout.reference.startswith("po_")
        assert all(line.net == line.gross + line.fee for line in payout.lines)
