"""The button "test connection", and what the system checks find in the settings."""

import pytest
from django.core.checks import run_checks

from cms_billing.payments.providers.mollie import checks

from .conftest import listing, refusal, scripted


def test_probe_tells_the_website_and_its_methods(mollie):
    probed = mollie.probe()
    assert (probed.name, probed.is_live) == ("Stand-in main", False)
    assert probed.details == [
        "pfl_standin0001, https://shop.example.com",
        "First payment: Card, PayPal, iDEAL, Bancontact, eps",
        "Without the payer: Card, PayPal, SEPA Direct Debit",
    ]


def test_probe_of_a_website_without_methods_says_so():
    profile = (200, {"resource": "profile", "id": "pfl_1", "mode": "live", "name": ""})
    live = {"secrets": {"API_KEY": "live_1234"}, "is_live": True}
    provider, _ = scripted(profile, listing("methods"), listing("methods"), **live)
    probed = provider.probe()
    assert (probed.name, probed.is_live) == ("pfl_1", True)
    assert "none activated" in probed.details[1]


def test_probe_of_an_account_without_rights_is_refused():
    provider, _ = scripted(refusal(403, "no"))
    with pytest.raises(Exception, match="lacks a right"):
        provider.probe()


def found(settings, **account) -> list[str]:
    providers = settings.CMS_BILLING["PROVIDERS"]
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {**providers, "mollie": "cms_billing.payments.providers.mollie.MollieProvider"},
        "PROVIDER_ACCOUNTS": {"mollie/main": account},
    }
    messages = [message for message in run_checks() if message.id in checks.IDS]
    for message in messages:
        assert not [secret for secret in account.values() if secret in str(message)]
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("account", "ids"),
    [
        ({"API_KEY": "test_1234", "ACCESS_TOKEN": "access_1234"}, []),
        ({}, []),
        ({"API_KEY": "sk_test_1234"}, ["cms_billing.E067"]),
        ({"API_KEY": "live_1234", "ACCESS_TOKEN": "live_1234"}, ["cms_billing.E068"]),
    ],
)
def test_keys_that_are_none_of_mollies_are_found(settings, account, ids):
    assert found(settings, **account) == ids


@pytest.mark.parametrize("version", [None, "3.7.1"])
def test_missing_or_old_library_is_found(settings, monkeypatch, version):
    monkeypatch.setattr(checks, "_installed", lambda: version)
    assert found(settings) == ["cms_billing.E066"]


def test_nothing_is_found_where_mollie_is_not_listed(settings, monkeypatch):
    monkeypatch.setattr(checks, "_installed", lambda: None)
    assert not [message for message in run_checks() if message.id in checks.IDS]
