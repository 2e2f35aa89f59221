"""The stand-in as a vendor: keys, keys of idempotency, refusals, other accounts, its page for payers."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import PageStatus, RefundRequest, Status
from cms_billing.payments.providers.mollie import MollieProvider
from cms_billing.testing.models import VendorObject, VendorWebhook
from cms_billing.testing.vendors import mollie as stand_in
from cms_billing.testing.vendors import new_session
from cms_billing.testing.vendors.behaviours import Behaviour

from .conftest import API_KEY, NOON, account_with
from .test_errors import request as charge_request
from .test_pages import KEY
from .test_pages import request as page_request
from .test_payouts import method_of

API = "https://api.mollie.com/v2"


def ask(method: str, path: str, body=None, *, key: str = API_KEY, idempotency_key: str = ""):
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    return new_session().request(method, f"{API}/{path}", json=body, headers=headers)


PAYMENT = {
    "amount": {"currency": "EUR", "value": "10.00"},
    "description": "Order",
    "redirectUrl": "https://shop.example.com/back/",
}


@pytest.mark.usefixtures("books")
def test_unknown_key_is_nobody():
    for key in ("test_wrong", ""):
        answer = ask("GET", "payments", key=key)
        assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized Request")


@pytest.mark.usefixtures("books")
def test_same_idempotency_key_gets_the_same_answer_marked_as_a_repetition():
    first = ask("POST", "payments", PAYMENT, idempotency_key="k1")
    again = ask("POST", "payments", PAYMENT, idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    other = ask("POST", "payments", {**PAYMENT, "description": "Other"}, idempotency_key="k1")
    assert (other.status_code, VendorObject.objects.filter(kind="payment").count()) == (400, 1)


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": {"currency": "EUR", "value": "10"}}, "amount"),
        ({"amount": {"currency": "EUR", "value": "10.0"}}, "amount"),
        ({"amount": {"currency": "EUR", "value": "0.05"}}, "amount"),
        ({"amount": {"currency": "EUR", "value": "0.00"}}, "amount"),
        ({"amount": {"currency": "KWD", "value": "10.000"}}, "amount"),
        ({"amount": {"currency": "JPY", "value": "10.00"}}, "amount"),
        ({"amount": "10.00"}, "amount"),
        ({"description": ""}, "description"),
        ({"redirectUrl": None}, "redirectUrl"),
        ({"sequenceType": "first"}, "customerId"),
        ({"sequenceType": "twice"}, "sequenceType"),
        ({"sequenceType": "first", "method": ["directdebit"]}, "method"),
    ],
)
def test_wrong_payment_is_refused_with_its_field(change, field):
    answer = ask("POST", "payments", {**PAYMENT, **change})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not VendorObject.objects.filter(kind="payment").exists()


def test_account_sees_nothing_of_another_one(settings, mollie):
    page = mollie.open_page(page_request())
    accounts = {**settings.CMS_BILLING["PROVIDER_ACCOUNTS"], "mollie/other": {"API_KEY": "test_other"}}
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PROVIDER_ACCOUNTS": accounts}
    other = MollieProvider(account_with(slug="other", secrets={"API_KEY": "test_other"}))
    assert other.look_up(reference=page.reference, idempotency_key=None) is None
    assert other.look_up(reference="", idempotency_key=KEY) is None
    assert other.methods_of(payer_reference=page.payer_reference) == []


@pytest.mark.usefixtures("books")
def test_unknown_address_is_not_found():
    assert ask("GET", "balances").status_code == 404
    assert ask("PATCH", "payments/tr_1", {}).status_code == 404


def test_no_more_is_paid_back_than_is_left(mollie):
    method = method_of(mollie, Behaviour.GOOD_CARD)
    charge = mollie.charge(charge_request(method_reference=method))
    mollie.refund(RefundRequest(uuid.uuid4(), charge.reference, Money.of("6.00", "EUR"), "", 1))
    with pytest.raises(PermanentFailure, match="cannot be refunded"):
        mollie.refund(RefundRequest(uuid.uuid4(), charge.reference, Money.of("4.01", "EUR"), "", 1))
    mollie.refund(RefundRequest(uuid.uuid4(), charge.reference, Money.of("4.00", "EUR"), "", 1))


def test_returned_debit_fails_with_the_banks_code(mollie):
    method = method_of(mollie, Behaviour.EMPTY_ACCOUNT)
    charge = mollie.charge(charge_request(method_reference=method))
    assert charge.status is Status.PENDING
    with clock.frozen(NOON + timedelta(days=5)):
        stand_in.let_time_pass()
        later = mollie.look_up(reference=charge.reference, idempotency_key=None)
    assert (later.status, later.code, later.final) == (Status.FAILED, "AM04", False)


def test_failed_debit_may_settle_after_all(mollie):
    method = method_of(mollie, Behaviour.EMPTY_ACCOUNT)
    charge = mollie.charge(charge_request(method_reference=method))
    stand_in.fail_now(charge.reference)
    stand_in.settle_now(charge.reference)
    assert mollie.look_up(reference=charge.reference, idempotency_key=None).status is Status.SETTLED


def test_news_go_as_a_form_and_where_there_is_a_secret_signed_as_well(settings, mollie):
    method_of(mollie, Behaviour.GOOD_CARD)
    (form,) = VendorWebhook.objects.all()
    assert bytes(form.body).startswith(b"id=tr_")
    accounts = {"mollie/main": {"API_KEY": API_KEY, "WEBHOOK_SECRET": "whsec_standin1, older"}}
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PROVIDER_ACCOUNTS": accounts}
    method_of(mollie, Behaviour.GOOD_CARD)
    signed = VendorWebhook.objects.latest("pk")
    references = mollie.read_webhook(body=bytes(signed.body), headers=signed.headers)
    assert references == [VendorObject.objects.filter(kind="payment").latest("pk").object_id]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_same_key_at_the_same_moment_is_one_payment(transactional_db, books):
    """One of them waits, and is told that the other was at it."""
    start, codes = threading.Barrier(4), []

    def post() -> None:
        start.wait()
        with clock.frozen(NOON):
            codes.append(ask("POST", "payments", PAYMENT, idempotency_key="k1").status_code)
        connection.close()

    threads = [threading.Thread(target=post) for _count in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) <= {201, 409}
    assert VendorObject.objects.filter(kind="payment").count() == 1


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def allowed(settings, books):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "TIME_MACHINE": True}


def test_payer_chooses_on_the_page_and_comes_back(client, allowed, mollie):
    page = mollie.open_page(page_request())
    assert page.url == f"http://testserver/billing/stand-ins/mollie/{page.reference}/"
    shown = client.get(page.url)
    assert "Order 1" in shown.text
    assert "€10.00" in shown.text
    assert "no-store" in shown["Cache-Control"]
    answer = client.post(page.url, {"choice": "good-card"})
    assert answer["Location"] == "https://shop.example.com/back/"
    assert client.get(page.url)["Location"] == "https://shop.example.com/back/"
    notice = mollie.look_up_page(reference=page.reference, idempotency_key=KEY)
    assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.SETTLED)


def test_card_that_asks_for_authentication_wants_a_second_click(client, allowed, mollie):
    page = mollie.open_page(page_request())
    asked = client.post(page.url, {"choice": "careful-card"})
    assert (asked.status_code, "confirm the payment" in asked.text) == (200, True)
    assert mollie.look_up_page(reference=page.reference, idempotency_key=KEY).status is PageStatus.OPEN
    client.post(page.url, {"choice": "careful-card", "authenticated": "yes"})
    assert mollie.look_up_page(reference=page.reference, idempotency_key=KEY).payment.status is Status.SETTLED


def test_refused_card_and_cancelling_bring_the_payer_back_without_money(client, allowed, mollie):
    refused = mollie.open_page(page_request())
    client.post(refused.url, {"choice": "refused-card"})
    notice = mollie.look_up_page(reference=refused.reference, idempotency_key=KEY)
    assert (notice.status, notice.payment.code) == (PageStatus.FAILED, "card_declined")
    left = mollie.open_page(page_request(idempotency_key=uuid.uuid4()))
    assert client.post(left.url, {"choice": "cancel"})["Location"].endswith("?cancelled=1")


def test_page_that_only_stores_offers_no_bank_accounts(client, allowed, mollie):
    page = mollie.open_page(page_request(amount=Money.zero("EUR")))
    shown = client.get(page.url).text
    assert "Store a payment method" in shown
    assert "good-card" in shown
    assert "good-account" not in shown
    assert client.post(page.url, {"choice": "good-account"}).status_code == 404


def test_page_speaks_german(client, allowed, mollie):
    page = mollie.open_page(page_request())
    shown = client.get(page.url, headers={"Accept-Language": "de"}).text
    assert "10,00" in shown
    assert "Es fließt kein Geld" in shown


def test_page_is_not_there_where_the_time_machine_is_off(client, mollie):
    page = mollie.open_page(page_request())
    assert client.get(page.url).status_code == 404
    assert client.post(page.url, {"choice": "good-card"}).status_code == 404


def test_unknown_pages_and_vendors_are_not_found(client, allowed):
    for vendor, page in (("mollie", "tr_unknown"), ("acme", "1")):
        assert client.get(reverse("cms_billing:stand_in", args=[vendor, page])).status_code == 404
