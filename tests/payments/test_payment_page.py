"""The page behind a payment link, and the same page for the member who is signed in."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import cancel_document, issue_next_invoices
from cms_billing.payments.claims import purpose_of
from cms_billing.payments.links import payment_url
from cms_billing.payments.models import Payment, PaymentMethod
from cms_billing.payments.services import record_payment
from cms_billing.testing.factories import BookingFactory, CustomerFactory, UserFactory

TODAY = date(2026, 3, 14)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(datetime(2026, 3, 14, 12, tzinfo=UTC)):
        yield


def invoice_of(customer, amount=990, **booking):
    BookingFactory(customer=customer, unit_price_minor=amount, due_on=TODAY, **booking)
    issue_next_invoices(issuer=customer.issuer, today=TODAY)
    return Document.objects.filter(customer=customer).latest("pk")


def pay(invoice, amount="9.90"):
    record_payment(
        customer_id=invoice.customer_id,
        amount=Money.of(amount, "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[invoice],
    )


def page(client, url):
    response = client.get(url.removeprefix("http://testserver"))
    return response, response.content.decode()


def test_whoever_has_the_link_sees_what_to_pay_and_how(client):
    invoice = invoice_of(CustomerFactory())
    response, text = page(client, payment_url([invoice.pk]))
    assert response.status_code == 200
    for shown in (invoice.number, "€9.90", "DE02 1203 0000 0000 2020 51", "<svg"):
        assert shown in text


def test_the_page_says_nothing_else_of_the_person(client):
    customer = CustomerFactory(street="Geheimweg 3", first_name="Anna", last_name="Verborgen")
    other = invoice_of(customer)
    invoice = invoice_of(customer, amount=2480)
    _response, text = page(client, payment_url([invoice.pk]))
    for hidden in ("Geheimweg", "Verborgen", customer.email, other.number):
        assert hidden not in text


def test_the_page_is_kept_in_no_cache_and_found_by_no_search_engine(client):
    response, _text = page(client, payment_url([invoice_of(CustomerFactory()).pk]))
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_several_invoices_are_one_transfer(client):
    customer = CustomerFactory()
    first, second = invoice_of(customer), invoice_of(customer, amount=2480)
    response, text = page(client, payment_url([first.pk, second.pk]))
    (claim,) = response.context["claims"]
    assert claim.amount == Money.of("34.70", "EUR")
    assert f"{first.number} {second.number}" in text


def test_two_issuers_get_a_transfer_each(client):
    documents = [invoice_of(CustomerFactory()) for _ in range(2)]
    response, _text = page(client, payment_url([document.pk for document in documents]))
    assert len(response.context["claims"]) == 2


def test_a_part_paid_leaves_the_rest(client):
    invoice = invoice_of(CustomerFactory())
    pay(invoice, "4.00")
    response, _text = page(client, payment_url([invoice.pk]))
    assert response.context["claims"][0].amount == Money.of("5.90", "EUR")


def test_paid_says_thank_you_and_asks_for_nothing(client):
    invoice = invoice_of(CustomerFactory())
    pay(invoice)
    _response, text = page(client, payment_url([invoice.pk]))
    assert "Paid, thank you" in text
    assert "IBAN" not in text


def test_cancelled_asks_for_nothing(client):
    invoice = invoice_of(CustomerFactory())
    cancel_document(document_id=invoice.pk, reason="wrong", today=TODAY)
    _response, text = page(client, payment_url([invoice.pk]))
    assert "cancelled" in text
    assert "IBAN" not in text


def test_a_payment_under_way_is_not_asked_for_again(client):
    invoice = invoice_of(CustomerFactory())
    Payment.objects.create(
        issuer=invoice.issuer,
        customer=invoice.customer,
        way="provider",
        provider="fake",
        document=invoice,
        amount_minor=990,
        currency="EUR",
        state="pending",
    )
    _response, text = page(client, payment_url([invoice.pk]))
    assert "do not pay a second time" in text
    assert "IBAN" not in text


def test_an_issuer_without_account_names_an_address_instead(client):
    invoice = invoice_of(CustomerFactory(issuer__iban=""))
    _response, text = page(client, payment_url([invoice.pk]))
    assert "rechnung@example.org" in text


def test_a_changed_or_expired_link_is_a_friendly_404(client):
    url = payment_url([invoice_of(CustomerFactory()).pk])
    response, text = page(client, url[:-3] + "xx/")
    assert (response.status_code, "copy the whole link" in text) == (404, True)
    with clock.frozen(clock.now() + timedelta(days=61)):
        response, text = page(client, url)
    assert (response.status_code, "expired" in text) == (404, True)


def test_a_link_to_what_does_not_exist_is_a_404(client):
    assert page(client, payment_url([4711]))[0].status_code == 404


def test_the_owner_pays_without_a_link_and_the_neighbour_finds_nothing(client):
    owner, neighbour = UserFactory(), UserFactory()
    invoice = invoice_of(CustomerFactory(user=owner))
    url = reverse("cms_billing:pay_document", args=[invoice.pk])
    assert client.get(url).status_code == 302
    client.force_login(neighbour)
    assert client.get(url).status_code == 404
    client.force_login(owner)
    assert invoice.number in client.get(url).content.decode()


def test_payment_methods_show_ones_own_usable_ones(client):
    owner = UserFactory()
    mine, theirs = CustomerFactory(user=owner), CustomerFactory(user=UserFactory())
    PaymentMethod.objects.create(customer=mine, provider="fake", reference="1", label="Visa •••• 4242")
    PaymentMethod.objects.create(
        customer=mine, provider="fake", reference="2", label="Old", state="revoked", is_default=False
    )
    PaymentMethod.objects.create(customer=theirs, provider="fake", reference="3", label="Theirs")
    client.force_login(owner)
    text = client.get(reverse("cms_billing:payment_methods")).content.decode()
    assert "Visa •••• 4242" in text
    assert "Theirs" not in text
    assert "Old" not in text


def test_the_page_costs_a_fixed_number_of_queries(client, django_assert_max_num_queries):
    customer = CustomerFactory()
    documents = [invoice_of(customer).pk for _ in range(5)]
    url = payment_url(documents).removeprefix("http://testserver")
    client.get(url)
    with django_assert_max_num_queries(14):
        client.get(url)


def test_a_long_purpose_ends_after_a_whole_number():
    numbers = [f"RE-2026-{number:06}" for number in range(1, 20)]
    assert purpose_of(numbers) == " ".join(numbers[:9])
