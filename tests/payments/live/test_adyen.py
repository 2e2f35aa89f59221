"""Against Adyen itself, in its test environment, with a key and the name of a merchant account:

    CMS_BILLING_TEST_ADYEN_KEY=AQE… CMS_BILLING_TEST_ADYEN_MERCHANT=AkademieECOM pytest -m real_keys

No money moves. Each run leaves a session or two that nobody pays.
"""

import os
import uuid
from datetime import date

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
    Status,
)
from cms_billing.payments.providers.adyen import AdyenProvider

KEY = os.environ.get("CMS_BILLING_TEST_ADYEN_KEY", "")
MERCHANT = os.environ.get("CMS_BILLING_TEST_ADYEN_MERCHANT", "")
# A stored card of a payer, to be charged 1.00 EUR: "m-…:8415718415172204", made by paying a session once by hand.
METHOD = os.environ.get("CMS_BILLING_TEST_ADYEN_METHOD", "")

pytestmark = [
    pytest.mark.real_keys,
    pytest.mark.skipif(
        not (KEY and MERCHANT),
        reason="CMS_BILLING_TEST_ADYEN_KEY and CMS_BILLING_TEST_ADYEN_MERCHANT are not set",
    ),
]


def provider(**changes):
    facts = {"secrets": {"API_KEY": KEY}, "options": {"merchant_account": MERCHANT}}
    return AdyenProvider(Account(provider="adyen", slug="live-test", issuer_id=1, **{**facts, **changes}))


def page_request(**changes):
    facts = {
        "idempotency_key": uuid.uuid4(),
        "amount": Money(1000, "EUR"),
        "description": "cms_billing test",
        "payer": PayerFacts(key=f"m-{uuid.uuid4()}", language="de"),
        "return_url": "https://example.org/back/",
        "cancel_url": "https://example.org/back/?cancelled=1",
        "webhook_url": "",
        "stores_method": True,
    }
    return PageRequest(**{**facts, **changes})


def test_probe_lists_payment_methods():
    assert provider().probe().details


def test_wrong_key_and_wrong_merchant_account_are_refused():
    with pytest.raises(AccountRefused):
        provider(secrets={"API_KEY": "AQE-wrong"}).probe()
    with pytest.raises(AccountRefused):
        provider(options={"merchant_account": "NobodyECOM"}).probe()


@pytest.mark.parametrize("minor", [1000, 0])
def test_page_opens_and_the_same_key_is_the_same_page(minor):
    request = page_request(amount=Money(minor, "EUR"))
    page = provider().open_page(request)

    assert page.url.startswith("https://")
    assert page.expires_at is not None
    assert provider().open_page(request).reference == page.reference
    notice = provider().look_up_page(
        reference=page.reference,
        idempotency_key=request.idempotency_key,
        payer_reference=page.payer_reference,
        returned_with={"sessionResult": "changed"},
    )
    assert (notice.status, notice.payment) == (PageStatus.OPEN, None)


def test_new_payer_has_no_methods_and_forgetting_one_is_no_error():
    payer = f"m-{uuid.uuid4()}"

    assert list(provider().methods_of(payer_reference=payer)) == []
    provider().forget_method(reference="8415718415172204", payer_reference=payer)


def test_charge_of_an_unknown_method_is_refused():
    notice = provider().charge(_charge(f"m-{uuid.uuid4()}", "8415718415172204"))

    assert (notice.status, notice.final) == (Status.FAILED, True)


def test_refund_of_an_unknown_payment_is_refused():
    with pytest.raises(PermanentFailure):
        provider().refund(RefundRequest(uuid.uuid4(), "AAAAAAAAAAAAAAAA", Money(100, "EUR"), "", 1))


@pytest.mark.skipif(not METHOD, reason="CMS_BILLING_TEST_ADYEN_METHOD is not set")
def test_stored_card_is_charged_once():
    payer, _colon, method = METHOD.partition(":")
    request = _charge(payer, method)
    notice = provider().charge(request)

    assert notice.status is Status.SETTLED
    assert provider().charge(request).reference == notice.reference
    [stored] = [one for one in provider().methods_of(payer_reference=payer) if one.reference == method]
    assert stored.expires_on is None or stored.expires_on > date(2026, 1, 1)


def _charge(payer, method):
    return ChargeRequest(
        idempotency_key=uuid.uuid4(),
        amount=Money(100, "EUR"),
        method_reference=method,
        description="cms_billing test",
        issuer_id=1,
        payer_reference=payer,
        kind="card",
        return_url="https://example.org/back/",
    )
