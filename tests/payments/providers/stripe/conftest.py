import sys
from datetime import date
from typing import Any

import pytest
from stripe._stripe_service import StripeService

from cms_billing.payments.credentials import provider_for
from cms_billing.testing.factories import ProviderAccountFactory

from . import params as stripe_params


@pytest.fixture(autouse=True)
def checked_calls(monkeypatch) -> list[tuple[str, dict[str, Any]]]:
    """Every call of a test is checked against Stripe's own types of parameters; the list says which were made."""
    made: list[tuple[str, dict[str, Any]]] = []
    request = StripeService._request

    def checked(self, method, url, params=None, options=None, **how):
        called = sys._getframe(1).f_code.co_name
        stripe_params.check(self, called, params)
        made.append((f"{type(self).__name__}.{called}", dict(params or {})))
        return request(self, method, url, params, options, **how)

    monkeypatch.setattr(StripeService, "_request", checked)
    return made


SECRETS = {
    "SECRET_KEY": "sk_test_51StandInMain",
    "WEBHOOK_SECRET": "whsec_standin_main",
    "SESSION": "cms_billing.testing.vendors.new_session",
}


@pytest.fixture
def account(settings, db, clock):
    """The account ``stripe/main`` at the stand-in, on 2 March 2026."""
    clock.set(date(2026, 3, 2))
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {
            **settings.CMS_BILLING["PROVIDERS"],
            "stripe": "cms_billing.payments.providers.stripe.StripeProvider",
        },
        "PROVIDER_ACCOUNTS": {"stripe/main": SECRETS},
        "TIME_MACHINE": True,
    }
    return ProviderAccountFactory(requests_per_second=500)


@pytest.fixture
def provider(account):
    return provider_for(account)
