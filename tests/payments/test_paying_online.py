"""Paying on a provider's page: what is chosen, what is asked of the provider, and what the payer is told."""

import threading
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.faktura.models import Document, OpenItem
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.links import payment_url, session_url, visit_token
from cms_billing.payments.models import Payment, PaymentMethod, PaymentSession
from cms_billing.payments.providers import AccountRefused, ProviderDown, Status
from cms_billing.payments.services import collect_due, record_payment, visits
from cms_billing.testing.factories import (
    BookingFactory,
    CustomerFactory,
    PaymentMethodFactory,
    ProviderAccountFactory,
    UserFactory,
)

from .page_provider import PAGES, REFUSALS, pay, refuse

TODAY = date(2026, 3, 14)
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one lock for all of them."
)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(NOON):
        yield


@pytest.fixture
def member():
    """A member who owes 9.90 since the 1st (due) and 24.80 until the 28th; their issuer has an account."""
    user = UserFactory()
    customer = CustomerFactory(user=user, issuer__payment_days=14)
    account = ProviderAccountFactory(issuer=customer.issuer, provider="pages", title="Card or iDEAL")
    due = invoice_of(customer, 990, date(2026, 2, 28))
    later = invoice_of(customer, 2480, TODAY)
    return SimpleNamespace(user=user, customer=customer, account=account, due=due, later=later)


def invoice_of(customer, minor, day) -> Document:
    BookingFactory(customer=customer, unit_price_minor=minor, period_start=day, period_end=day, due_on=day)
    issue_next_invoices(issuer=customer.issuer, today=day)
    return Document.objects.filter(customer=customer).latest("pk")


def link(*documents) -> str:
    return payment_url([document.pk for document in documents]).removeprefix("http://testserver")


def form(*documents, **changes) -> dict:
    """What the page's form sends for these documents."""
    shown = sum(OpenItem.objects.get(pk=document.pk).open_minor for document in documents)
    data = {
        "claim": min(document.pk for document in documents),
        "documents": [document.pk for document in documents],
        "shown": shown,
        "way": "pages/main",
    }
    return {**data, **changes}


def opened() -> PaymentSession:
    return PaymentSession.objects.get(state="open")


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def back(client, session) -> str:
    """The payer's browser, sent back by the provider."""
    return text_of(client.get(session_url(session), follow=True))


def test_the_page_offers_every_active_account_of_the_issuer_and_the_transfer(client, member):
    ProviderAccountFactory(
        issuer=member.customer.issuer, provider="pages", slug="off", title="Off", is_active=False
    )
    ProviderAccountFactory(provider="pages", slug="theirs", title="Of another issuer")
    text = text_of(client.get(link(member.due)))
    for shown in ("Card or iDEAL", "card, iDEAL", "<svg", "DE02 1203 0000 0000 2020 51"):
        assert shown in text
    assert "Of another issuer" not in text
    assert ">Off<" not in text


def test_everything_is_chosen_unless_the_payer_asks_for_what_is_due(client, member):
    address = link(member.due, member.later)
    assert "€34.70" in text_of(client.get(address))
    (claim,) = client.get(address, {"what": "due"}).context["claims"]
    assert claim.amount == Money.of("9.90", "EUR")


def test_single_documents_are_ticked_and_the_transfer_follows(client, member):
    address = link(member.due, member.later)
    response = client.get(address, {"chosen": 1, "documents": member.later.pk})
    (claim,) = response.context["claims"]
    assert claim.amount == Money.of("24.80", "EUR")
    assert f'data-copy class="billing-code">{member.later.number}<' in text_of(response)
    (claim,) = client.get(address, {"chosen": 1}).context["claims"]
    assert (claim.amount.minor, claim.ways, claim.page_ways) == (0, [], [])


def test_the_button_leads_to_a_page_over_what_was_chosen(client, member):
    address = link(member.due, member.later)
    response = client.post(address, form(member.later, claim=member.due.pk))
    session = opened()
    assert (response.status_code, response["Location"]) == (303, session.url)
    assert (session.amount, list(session.documents.all())) == (Money.of("24.80", "EUR"), [member.later])
    assert PAGES[session.reference].request.description == member.later.number


@pytest.mark.parametrize("keep", [True, False])
def test_several_documents_are_paid_at_once_and_the_method_is_kept_only_if_asked(client, member, keep):
    client.post(
        link(member.due, member.later), form(member.due, member.later, **({"keep": "on"} if keep else {}))
    )
    session = opened()
    pay(session.reference)
    text = back(client, session)
    assert "We have received €34.70" in text
    assert "Paid, thank you" in text
    assert not OpenItem.objects.open().exists()
    assert PaymentMethod.objects.filter(customer=member.customer).exists() is keep


def test_keeping_is_off_for_guests_and_on_for_the_owner(client, member):
    assert 'aria-describedby="keep-help-' in text_of(client.get(link(member.due)))
    assert client.get(link(member.due)).context["keep"] is False
    client.force_login(member.user)
    assert client.get(reverse("cms_billing:pay_open")).context["keep"] is True


def test_an_amount_in_the_form_is_never_believed(client, member):
    address = link(member.due)
    for shown in ("1", "-990", "x", "", "99999999999"):
        response = client.post(address, form(member.due, shown=shown))
        assert response.status_code == 409
        assert "look at the amount again" in text_of(response)
    assert not PaymentSession.objects.exists()


def test_documents_outside_the_link_cannot_be_slipped_in(client, member):
    stranger = invoice_of(CustomerFactory(issuer=member.customer.issuer), 5000, TODAY)
    response = client.post(link(member.due), form(member.due, documents=[member.due.pk, stranger.pk]))
    assert response.status_code == 303
    assert list(opened().documents.all()) == [member.due]
    for changes in (
        {"claim": stranger.pk},
        {"documents": [stranger.pk]},
        {"way": "pages/other"},
        {"claim": "x"},
    ):
        response = client.post(link(member.due), form(member.due, **changes))
        assert (response.status_code, PaymentSession.objects.count()) == (409, 1)


def test_an_account_of_another_issuer_cannot_be_named(client, member):
    other = ProviderAccountFactory(provider="pages", slug="theirs")
    response = client.post(link(member.due), form(member.due, way=f"pages/{other.slug}"))
    assert (response.status_code, PaymentSession.objects.count()) == (409, 0)


def test_the_form_is_guarded_against_other_sites(member):
    assert Client(enforce_csrf_checks=True).post(link(member.due), form(member.due)).status_code == 403


def test_two_clicks_and_two_tabs_use_one_page(client, member):
    address = link(member.due)
    first, second = client.post(address, form(member.due)), Client().post(address, form(member.due))
    assert first["Location"] == second["Location"]
    assert len(PAGES) == 1


def test_another_choice_closes_the_page_before(client, member):
    address = link(member.due, member.later)
    client.post(address, form(member.due))
    first = opened()
    client.post(address, form(member.due, member.later))
    assert PAGES[first.reference].closed
    assert opened().amount == Money.of("34.70", "EUR")


def test_a_page_that_is_just_being_opened_is_not_opened_twice(client, member):
    client.post(link(member.due), form(member.due))
    PaymentSession.objects.update(state="created", url="", reference="")
    response = client.post(link(member.due), form(member.due))
    assert "being opened in another window" in text_of(response)
    with clock.frozen(NOON + timedelta(minutes=3)):
        assert client.post(link(member.due), form(member.due)).status_code == 303


def test_paid_in_another_tab_is_told_instead_of_paid_again(client, member):
    client.post(link(member.due), form(member.due))
    pay(opened().reference)
    response = client.post(link(member.due), form(member.due), follow=True)
    assert "We have received €9.90" in text_of(response)
    assert (len(PAGES), Payment.objects.get().amount) == (1, Money.of("9.90", "EUR"))


def test_paid_meanwhile_opens_no_page(client, member):
    data = form(member.due)
    record_payment(
        customer_id=member.customer.pk,
        amount=Money.of("9.90", "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[member.due],
    )
    response = client.post(link(member.due), data)
    assert (response.status_code, len(PAGES)) == (409, 0)
    assert "Nothing is left to pay" in text_of(response)


def test_money_under_way_from_a_page_is_not_asked_for_again(client, member):
    client.post(link(member.due, member.later), form(member.due))
    session = opened()
    pay(session.reference, Status.PENDING)
    text = back(client, session)
    assert "under way" in text
    response = client.post(link(member.due), form(member.due))
    assert (response.status_code, len(PAGES)) == (409, 1)
    assert "do not pay a second time" in text_of(response)
    (claim,) = client.get(link(member.due, member.later)).context["claims"]
    assert [row.document for row in claim.payable] == [member.later]


def test_money_here_but_not_booked_yet_is_not_asked_for_again(client, member):
    client.post(link(member.due), form(member.due))
    PaymentSession.objects.update(state="completed", money="settled", url="")
    assert "do not pay a second time" in text_of(client.get(link(member.due)))


def test_a_refused_payment_is_asked_for_again(client, member):
    client.post(link(member.due), form(member.due))
    session = opened()
    refuse(session.reference)
    text = back(client, session)
    assert "Payment refused" in text
    assert "nothing has been taken" in text
    assert 'name="way"' in text
    assert client.post(link(member.due), form(member.due)).status_code == 303


def test_leaving_the_page_takes_nothing_and_offers_the_other_ways(client, member):
    client.post(link(member.due), form(member.due))
    text = text_of(client.get(session_url(opened()) + "?cancelled=1", follow=True))
    assert "Nothing has been taken" in text
    assert "IBAN" in text


def test_coming_back_too_early_leads_on_to_the_page(client, member):
    client.post(link(member.due), form(member.due))
    session = opened()
    assert f'href="{session.url}"' in back(client, session)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ProviderDown("Acme: 503"), "does not answer at the moment"),
        (AccountRefused("pages/main: the key sk_1 is wrong"), "not available at the moment"),
        (PermanentFailure("amount_too_small"), "the amount may be too small"),
    ],
)
def test_what_goes_wrong_at_the_provider_is_told_in_plain_words(client, member, error, told):
    REFUSALS.append(error)
    response = client.post(link(member.due), form(member.due))
    text = text_of(response)
    assert (response.status_code, told in text, 'role="alert"' in text) == (409, True, True)
    assert str(error) not in text
    assert 'name="way"' in text
    assert client.post(link(member.due), form(member.due)).status_code == 303


def test_a_provider_that_is_down_when_the_page_is_looked_at_again_is_told(client, member, monkeypatch):
    client.post(link(member.due), form(member.due))

    def down(*_args, **_kwargs):
        raise ProviderDown("Acme: 503")

    monkeypatch.setattr("tests.payments.page_provider.PageFake.look_up_page", down)
    response = client.post(link(member.due), form(member.due))
    assert (response.status_code, "does not answer" in text_of(response)) == (409, True)


def test_pages_are_not_opened_without_end(client, member, monkeypatch):
    monkeypatch.setattr(visits, "PAGES_AN_HOUR", 2)
    for documents in ([member.due], [member.later]):
        client.post(link(member.due, member.later), form(*documents, claim=member.due.pk))
    response = client.post(link(member.due, member.later), form(member.due))
    assert "wait an hour" in text_of(response)
    with clock.frozen(NOON + timedelta(minutes=61)):
        assert client.post(link(member.due, member.later), form(member.due)).status_code == 303


# -- who sees what ----------------------------------------------------------------------------------------------------


def test_guests_tell_the_provider_nothing_of_the_customer(client, member):
    client.post(link(member.due), form(member.due))
    payer = PAGES[opened().reference].request.payer
    assert (payer.email, payer.name) == ("", "")
    assert opened().payer.user is None


def test_the_owner_is_known_to_the_provider(client, member):
    client.force_login(member.user)
    client.post(reverse("cms_billing:pay_document", args=[member.due.pk]), form(member.due))
    payer = PAGES[opened().reference].request.payer
    assert (payer.email, opened().payer.user) == (member.customer.email, member.user)


def test_somebody_elses_link_makes_nobody_its_owner(client, member):
    client.force_login(UserFactory())
    client.post(link(member.due), form(member.due, keep="on"))
    assert (opened().user, opened().payer.user) == (None, None)
    assert client.get(link(member.due)).context["keep"] is False


def test_the_owner_pays_all_that_is_open_at_once(client, member):
    address = reverse("cms_billing:pay_open")
    assert client.get(address).status_code == 302
    client.force_login(member.user)
    (claim,) = client.get(address).context["claims"]
    assert claim.amount == Money.of("34.70", "EUR")
    assert client.post(address, form(member.due, member.later)).status_code == 303
    pay(opened().reference)
    assert "We have received €34.70" in back(client, opened())
    assert "Nothing is left to pay" in text_of(client.get(address))


def test_a_neighbour_finds_nothing_at_the_owners_addresses(client, member):
    neighbour = UserFactory()
    mine = invoice_of(CustomerFactory(user=neighbour, issuer=member.customer.issuer), 100, TODAY)
    client.force_login(neighbour)
    single = reverse("cms_billing:pay_document", args=[member.due.pk])
    assert (client.get(single).status_code, client.post(single, form(member.due)).status_code) == (404, 404)
    address = reverse("cms_billing:pay_open")
    assert client.get(address, {"of": member.due.pk}).status_code == 302
    response = client.get(address, {"of": [member.due.pk, mine.pk], "documents": [member.due.pk, mine.pk]})
    assert member.due.number not in text_of(response)
    assert client.post(address, form(member.due)).status_code == 409
    assert not PaymentSession.objects.exists()


def test_the_way_back_of_a_member_needs_their_login(client, member):
    client.force_login(member.user)
    client.post(reverse("cms_billing:pay_open"), form(member.due))
    response = Client().get(session_url(opened()), follow=True)
    assert reverse("cms_billing:pay_open") not in response.request["PATH_INFO"]
    assert member.due.number not in response.content.decode()


def test_the_way_back_is_no_lasting_link(client, member):
    client.post(link(member.due), form(member.due))
    address = client.get(session_url(opened()))["Location"]
    assert client.get(address).status_code == 200
    with clock.frozen(NOON + timedelta(days=2)):
        assert client.get(address).status_code == 404


def test_a_made_up_result_says_nothing(client, member):
    other = invoice_of(CustomerFactory(issuer=member.customer.issuer), 100, TODAY)
    client.post(link(other), form(other))
    for visit in ("completed", visit_token(opened()), visit_token(opened())[:-2]):
        assert client.get(link(member.due), {"visit": visit}).context["outcome"] is None


def test_tampered_and_expired_links_open_no_page(client, member):
    address = link(member.due)
    assert client.post(address[:-3] + "xx/", form(member.due)).status_code == 404
    with clock.frozen(NOON + timedelta(days=61)):
        assert client.post(address, form(member.due)).status_code == 404
    assert not PaymentSession.objects.exists()


def test_documents_of_two_customers_are_paid_one_by_one(client, member):
    other = invoice_of(CustomerFactory(issuer=member.customer.issuer), 500, TODAY)
    response = client.get(link(member.due, other))
    assert [claim.amount.minor for claim in response.context["claims"]] == [990, 500]
    client.post(link(member.due, other), form(member.due, other, claim=other.pk, shown=500))
    assert (opened().customer, opened().amount_minor) == (other.customer, 500)


def test_german_payers_are_told_in_german(client, member):
    client.cookies["django_language"] = "de"
    text = text_of(client.get(link(member.due, member.later)))
    for shown in ("Was möchten Sie bezahlen?", "34,70", "Diese Karte oder dieses Konto", "Online bezahlen"):
        assert shown in text


# -- page and charge at the same moment -------------------------------------------------------------------------------


def test_a_page_in_use_keeps_the_daily_run_from_charging(client, member):
    PaymentMethodFactory(customer=member.customer)
    client.post(link(member.due), form(member.due))
    assert collect_due(issuer=member.customer.issuer, today=TODAY) == []
    pay(opened().reference, Status.PENDING)
    back(client, opened())
    assert collect_due(issuer=member.customer.issuer, today=TODAY) == []


def test_a_page_left_behind_does_not_keep_it_from_charging_for_ever(client, member):
    PaymentMethodFactory(customer=member.customer)
    client.post(link(member.due), form(member.due))
    with clock.frozen(NOON + timedelta(days=2)):
        assert len(collect_due(issuer=member.customer.issuer, today=date(2026, 3, 16))) == 1


def test_a_charge_under_way_keeps_a_page_from_opening(client, member):
    PaymentMethodFactory(customer=member.customer)
    data = form(member.due)
    collect_due(issuer=member.customer.issuer, today=TODAY)
    response = client.post(link(member.due), data)
    assert (response.status_code, len(PAGES)) == (409, 0)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_page_and_charge_at_one_moment_never_both_begin(client, member):
    """Both look, both find nothing under way, then both write: the lock on the open item lets one through."""
    PaymentMethodFactory(customer=member.customer)
    data, address = form(member.due), link(member.due)
    start = threading.Barrier(2)

    def charge():
        start.wait()
        try:
            with clock.frozen(NOON):
                collect_due(issuer=member.customer.issuer, today=TODAY)
        finally:
            connections.close_all()

    def open_page():
        start.wait()
        try:
            with clock.frozen(NOON):
                Client().post(address, data)
        finally:
            connections.close_all()

    for _round in range(5):
        threads = [threading.Thread(target=work) for work in (charge, open_page)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Payment.objects.count() + PaymentSession.objects.filter(state="open").count() == 1
        Payment.objects.all().delete()
        PaymentSession.objects.filter(state="open").update(state="cancelled")


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_many_windows_at_one_moment_open_one_page(client, member):
    data, address = form(member.due), link(member.due)
    start = threading.Barrier(6)

    def click():
        start.wait()
        try:
            with clock.frozen(NOON):
                Client().post(address, data)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(PAGES), PaymentSession.objects.filter(state="open").count()) == (1, 1)


def test_paying_costs_a_fixed_number_of_queries(client, member, django_assert_max_num_queries):
    documents = [member.due, member.later, *(invoice_of(member.customer, 100, TODAY) for _ in range(4))]
    address = link(*documents)
    client.get(address)
    with django_assert_max_num_queries(16):
        client.get(address)
