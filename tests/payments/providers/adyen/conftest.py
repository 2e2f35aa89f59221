import pytest

from cms_billing.core.money import Money
from cms_billing.payments.credentials import provider_for
from cms_billing.payments.providers import PageRequest, PayerFacts
from cms_billing.testing.factories import IssuerFactory, ProviderAccountFactory

HMAC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
SECRETS = {
    "API_KEY": "AQEyhmfxK-test-key-of-the-stand-in",
    "WEBHOOK_HMAC_KEY": HMAC_KEY,
    "WEBHOOK_USER": "name-of-the-endpoint",
    "WEBHOOK_PASSWORD": "pass-of-the-endpoint",
    "REPORT_USER": "report@Company.Akademie",
    "REPORT_PASSWORD": "pass-of-the-reports",
    "SESSION": "tests.payments.providers.adyen.specs.checking_session",
}
PAYER = "m-8d3c9d6e-6a43-4a51-9a5c-1f0a3d1b7c11"


@pytest.fixture
def secrets(settings):
    """Set secrets of the account: ``secrets(API_KEY="")`` takes one away."""

    def change(**changes):
        settings.CMS_BILLING = {
            **settings.CMS_BILLING,
            "PROVIDERS": {
                **settings.CMS_BILLING["PROVIDERS"],
                "adyen": "cms_billing.payments.providers.adyen.AdyenProvider",
            },
            "PROVIDER_ACCOUNTS": {"adyen/main": {**SECRETS, **changes}},
            "TIME_MACHINE": True,
        }

    change()
    return change


@pytest.fixture
def account(db, secrets):
    issuer = IssuerFactory(payment_days=0)
    return ProviderAccountFactory(
        issuer=issuer, provider="adyen", slug="main", merchant_account="AkademieECOM", requests_per_second=500
    )


@pytest.fixture
def provider(account):
    return provider_for(account)


@pytest.fixture
def page_request():
    """``page_request(key, minor=990)``: a page that stores the method."""

    def make(key, minor=990, **more):
        return PageRequest(
            **{
                "idempotency_key": key,
                "amount": Money(minor, "EUR"),
                "description": "R-2026-0001",
                "payer": PayerFacts(key=PAYER, email="anna@example.org", language="de"),
                "return_url": "https://example.org/billing/back/token/",
                "cancel_url": "https://example.org/billing/back/token/?cancelled=1",
                "webhook_url": "https://example.org/billing/webhooks/adyen/main/",
                "stores_method": True,
                **more,
            }
        )

    return make
