from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from cms_billing.core import clock
from cms_billing.payments.exceptions import LinkNotValid
from cms_billing.payments.links import payment_token, payment_url, read_token

MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(MARCH):
        yield


def test_a_link_leads_back_to_its_documents():
    url = payment_url([7, 3, 7])
    assert url.startswith("http://testserver/billing/pay/")
    assert read_token(url.rstrip("/").rsplit("/", 1)[-1]) == [3, 7]


def test_a_link_works_to_its_last_day_and_not_longer():
    token = payment_token([3])
    with clock.frozen(MARCH + timedelta(days=60)):
        assert read_token(token) == [3]
    with clock.frozen(MARCH + timedelta(days=61)), pytest.raises(LinkNotValid, match="expired"):
        read_token(token)


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "x" + token,
        lambda token: token.split(":")[0],
        lambda token: "",
        lambda token: signing.Signer(salt="another").sign_object([999999, 1]),
        lambda token: signing.Signer(salt="cms_billing.payments.links").sign_object("no list"),
        lambda token: signing.Signer(salt="cms_billing.payments.links").sign_object([]),
    ],
)
def test_a_damaged_link_is_refused(damage):
    with pytest.raises(LinkNotValid):
        read_token(damage(payment_token([3])))
