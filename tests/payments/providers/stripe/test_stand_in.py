"""Stripe's stand-in itself: its page for payers, and that it is as strict as Stripe."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from cms_billing.core.money import Money
from cms_billing.payments.credentials import account_of, provider_for
from cms_billing.payments.providers import (
    AccountRefused,
    ChargeRequest,
    OutcomeUnknown,
    PageStatus,
    Status,
)
from cms_billing.payments.providers.stripe import StripeProvider
from cms_billing.testing.factories import ProviderAccountFactory
from cms_billing.testing.models import VendorObject, VendorWebhook
from cms_billing.testing.vendors import new_session
from cms_billing.testing.vendors import stripe as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .conftest import SECRETS
from .test_pages import looked_up, page_request

API = "https://api.stripe.com/v1"
AUTHORISED = {"Authorization": f"Bearer {SECRETS['SECRET_KEY']}"}


@pytest.fixture
def opened(provider):
    request = page_request()
    return request, provider.open_page(request)


def address_of(page) -> str:
    return reverse("cms_billing:stand_in", args=["stripe", page.reference])


# -- the page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "told"), [("en", "Card that works"), ("de", "Karte, die funktioniert")])
def test_page_shows_what_is_paid_and_all_ways_it_can_end(opened, language, told):
    _request, page = opened
    shown = Client().get(address_of(page), headers={"Accept-Language": language}).content.decode()
    assert told in shown
    assert "Membership" in shown
    assert ("10,00" if language == "de" else "10.00") in shown
    assert shown.count('name="choice"') == len(Behaviour) + 1


def test_payer_who_pays_comes_back_and_the_money_is_there(opened, provider):
    request, page = opened
    answer = Client().post(address_of(page), {"choice": "good-card"})
    assert (answer.status_code, answer["Location"]) == (302, request.return_url)
    assert looked_up(provider, request, page).payment.status is Status.SETTLED
    again = Client().get(address_of(page))
    assert again["Location"] == request.return_url


def test_bank_that_asks_is_answered_with_a_second_click(opened, provider):
    request, page = opened
    asked = Client().post(address_of(page), {"choice": "careful-card"})
    assert asked.status_code == 200
    assert looked_up(provider, request, page).status is PageStatus.OPEN
    answer = Client().post(address_of(page), {"choice": "careful-card", "authenticated": "yes"})
    assert answer["Location"] == request.return_url
    assert looked_up(provider, request, page).payment.status is Status.SETTLED


def test_refused_card_brings_the_payer_back_to_the_page(opened, provider):
    request, page = opened
    answer = Client().post(address_of(page), {"choice": "refused-card"})
    assert answer["Location"].endswith(address_of(page))
    assert "The card was refused." in Client().get(address_of(page)).content.decode()
    assert looked_up(provider, request, page).status is PageStatus.OPEN


def test_payer_who_gives_up_comes_back_without_having_paid(opened, provider):
    request, page = opened
    assert Client().post(address_of(page), {"choice": "cancel"})["Location"] == request.cancel_url
    assert looked_up(provider, request, page).status is PageStatus.OPEN


def test_expired_page_sends_the_payer_back(opened, clock):
    request, page = opened
    clock.forward(days=2)
    assert Client().get(address_of(page))["Location"] == request.cancel_url


def test_return_address_names_the_session_where_asked(provider):
    request = page_request(return_url="https://shop.example/back/?session={CHECKOUT_SESSION_ID}")
    page = provider.open_page(request)
    assert stand_in.pay_page(page.reference, Behaviour.GOOD_CARD).endswith(f"?session={page.reference}")


def test_unknown_page_and_unknown_choice_are_not_there(opened):
    _request, page = opened
    assert Client().get(reverse("cms_billing:stand_in", args=["stripe", "cs_test_other"])).status_code == 404
    assert Client().post(address_of(page), {"choice": "free"}).status_code == 404


def test_page_is_not_there_where_the_clock_may_not_be_moved(opened, settings):
    _request, page = opened
    settings.CMS_BILLING = {**settings.CMS_BILLING, "TIME_MACHINE": False}
    assert Client().get(address_of(page)).status_code == 404


# -- as strict as Stripe --------------------------------------------------------------------------------------------


def test_key_of_nobody_is_refused(account):
    other = replace(account_of(account), secrets={"SECRET_KEY": "sk_test_51Nobody"})
    with pytest.raises(AccountRefused, match="refuses the secret key"):
        StripeProvider(other).probe()


def test_accounts_do_not_see_each_others_payments(account, provider, settings):
    own = {**SECRETS, "SECRET_KEY": "sk_test_51Second", "WEBHOOK_SECRET": "whsec_second"}
    accounts = settings.CMS_BILLING["PROVIDER_ACCOUNTS"]
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PROVIDER_ACCOUNTS": {**accounts, "stripe/second": own}}
    second = provider_for(ProviderAccountFactory(slug="second", requests_per_second=500))
    request = page_request()
    page = provider.open_page(request)
    stand_in.pay_page(page.reference, Behaviour.GOOD_CARD)
    paid = looked_up(provider, request, page).payment.reference
    assert looked_up(second, request, page) is None
    assert second.look_up(reference=paid, idempotency_key=None) is None
    assert second.probe().name != provider.probe().name
    assert set(VendorWebhook.objects.values_list("account", flat=True)) == {"main"}


def test_same_key_answers_the_same_and_another_request_under_it_is_refused(account):
    headers = {**AUTHORISED, "Idempotency-Key": str(uuid.uuid4())}
    session = new_session()
    first = session.post(f"{API}/customers", data={"email": "anna@example.org"}, headers=headers)
    again = session.post(f"{API}/customers", data={"email": "anna@example.org"}, headers=headers)
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    other = session.post(f"{API}/customers", data={"email": "ben@example.org"}, headers=headers)
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")


def test_parameters_of_older_versions_are_refused(account):
    asked = {"amount": "1000", "currency": "eur", "payment_method_types[0]": "card"}
    answer = new_session().post(f"{API}/payment_intents", data=asked, headers=AUTHORISED)
    assert answer.json()["error"]["code"] == "payment_method_types_no_longer_supported"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/payment_intents/pi_unknown", 404),
        ("/payment_intents?expand[0]=data.latest_charge.a.b.c", 400),
        ("/payment_intents/search?query=amount%3A10", 400),
    ],
)
def test_what_is_not_there_or_not_understood_is_refused(account, path, status):
    assert new_session().get(f"{API}{path}", headers=AUTHORISED).status_code == status


def test_chargeback_takes_no_more_than_was_paid(account, provider):
    request = page_request()
    page = provider.open_page(request)
    stand_in.pay_page(page.reference, Behaviour.GOOD_CARD)
    reference = looked_up(provider, request, page).payment.reference
    for part in (Money(700, "EUR"), Money(700, "EUR")):
        stand_in.charge_back_now(reference, part)
    assert provider.look_up(reference=reference, idempotency_key=None).charged_back == Money(1000, "EUR")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_same_key_at_the_same_moment_is_one_charge(transactional_db, provider, account):
    request = page_request()
    page = provider.open_page(request)
    stand_in.pay_page(page.reference, Behaviour.GOOD_CARD)
    paid = looked_up(provider, request, page)
    charge = ChargeRequest(
        uuid.uuid4(),
        Money(1000, "EUR"),
        paid.method.reference,
        "RE-1",
        1,
        paid.payer_reference,
        return_url="https://shop.example/",
    )
    start, told = threading.Barrier(4), []

    def send() -> None:
        start.wait()
        try:
            told.append(provider_for(account).charge(charge).reference)
        except OutcomeUnknown:
            told.append("")
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({reference for reference in told if reference}) == 1
    assert VendorObject.objects.filter(kind="payment_intent").count() == 2
