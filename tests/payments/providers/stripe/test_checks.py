"""What ``manage.py check`` says of Stripe."""

import pytest

from cms_billing.payments.providers.stripe import checks


def with_settings(settings, **own):
    settings.CMS_BILLING = {**settings.CMS_BILLING, **own}


STRIPE = {"stripe": "cms_billing.payments.providers.stripe.StripeProvider"}


def test_installed_package_is_good_enough(settings):
    with_settings(settings, PROVIDERS=STRIPE)
    assert checks.stripe_is_installed(None) == []


def test_older_package_is_an_error(settings, monkeypatch):
    with_settings(settings, PROVIDERS=STRIPE)
    monkeypatch.setattr(checks, "version", lambda name: "11.4.0")
    (message,) = checks.stripe_is_installed(None)
    assert (message.id, "11.4.0" in message.msg) == ("cms_billing.E064", True)


def test_missing_package_is_an_error_only_where_stripe_is_listed(settings, monkeypatch):
    def missing(name):
        raise checks.PackageNotFoundError(name)

    monkeypatch.setattr(checks, "version", missing)
    with_settings(settings, PROVIDERS={})
    assert checks.stripe_is_installed(None) == []
    with_settings(settings, PROVIDERS=STRIPE)
    assert [message.id for message in checks.stripe_is_installed(None)] == ["cms_billing.E064"]


@pytest.mark.parametrize(
    ("secrets", "wrong"),
    [
        ({"SECRET_KEY": "sk_live_1", "WEBHOOK_SECRET": "whsec_1,whsec_2"}, []),
        ({"SECRET_KEY": "rk_test_1"}, []),
        ({"SECRET_KEY": "pk_live_1"}, ["SECRET_KEY"]),
        ({"SECRET_KEY": "sk_live_1", "WEBHOOK_SECRET": "we_1"}, ["WEBHOOK_SECRET"]),
        ({}, []),
    ],
)
def test_secret_that_is_none_is_named_and_not_shown(settings, secrets, wrong):
    with_settings(settings, PROVIDER_ACCOUNTS={"stripe/main": secrets, "mollie/main": {"SECRET_KEY": "x"}})
    found = checks.stripe_secrets_look_like_some(None)
    assert [message.id for message in found] == ["cms_billing.E065"] * len(wrong)
    for message, name in zip(found, wrong, strict=True):
        assert name in message.msg
        assert "pk_live_1" not in str(message)
