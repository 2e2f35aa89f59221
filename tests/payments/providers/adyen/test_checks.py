"""What ``manage.py check`` says of Adyen."""

import pytest

from cms_billing.payments.checks import providers_keep_the_protocol
from cms_billing.payments.providers.adyen import checks

from .conftest import HMAC_KEY


def found():
    return [message.id for message in providers_keep_the_protocol(None)]


def test_complete_account_is_fine(secrets):
    assert found() == []


@pytest.mark.parametrize("installed", ["13.4.0", None])
def test_old_or_missing_library_is_an_error(secrets, monkeypatch, installed):
    def version(name):
        if installed is None:
            raise checks.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(checks, "version", version)

    assert found() == ["cms_billing.E070"]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"WEBHOOK_HMAC_KEY": f"{HMAC_KEY} {HMAC_KEY.lower()}"}, []),
        ({"WEBHOOK_HMAC_KEY": ""}, []),
        ({"WEBHOOK_HMAC_KEY": "whsec_1"}, ["cms_billing.E071"]),
        ({"WEBHOOK_HMAC_KEY": HMAC_KEY[:-1]}, ["cms_billing.E071"]),
        ({"WEBHOOK_PASSWORD": ""}, ["cms_billing.E072"]),
        ({"REPORT_USER": ""}, ["cms_billing.E072"]),
    ],
)
def test_secret_that_is_none_is_named_and_not_shown(secrets, changes, ids):
    secrets(**changes)

    assert found() == ids
    assert "whsec_1" not in str(providers_keep_the_protocol(None))
