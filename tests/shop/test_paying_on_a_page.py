"""First payment in the checkout: whatever the browser does, one order, one invoice, one payment – or none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Document, OpenItem
from cms_billing.memberships.models import Contract
from cms_billing.payments.models import Payment, PaymentMethod, PaymentSession
from cms_billing.payments.providers import Status
from cms_billing.payments.services import collect_due, look_up_open_sessions
from cms_billing.shop.models import CheckoutAttempt
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, PaymentMethodFactory, UserFactory
from tests.payments.page_provider import PAGES, pay

from .paying import METHOD, account_of, come_back, offer_pages, one_order_paid, press, tell, work
from .shop import Visitor, book, euro, germany, partner_of, plan_product

Basket = get_model("basket", "Basket")
Order = get_model("order", "Order")
MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)
THANKS = reverse("checkout:thank-you")
State = PaymentSession.State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def the_14th_of_march(settings):
    offer_pages(settings)
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer():
    germany()
    issuer = IssuerFactory()
    account_of(issuer)
    return issuer


@pytest.fixture
def member(client, issuer):
    return Visitor(client, UserFactory(first_name="Anna", last_name="Muster"))


@pytest.fixture
def membership(issuer):
    return plan_product(partner_of(), issuer=issuer, price=euro("9.90"))


def ways_offered(visitor) -> list[str]:
    visitor.client.get(reverse("checkout:shipping-method"))
    page = BeautifulSoup(visitor.client.get(reverse("checkout:payment-method")).content, "html.parser")
    return [field["value"] for field in page.select("input[name=method]")]


def test_payment_step_offers_transfer_and_every_active_account_with_pages(issuer, member, membership):
    account_of(issuer, slug="second", title="Zweites Konto")
    account_of(issuer, slug="off", is_active=False)
    account_of(IssuerFactory(), slug="neighbour")
    member.put_in_basket(membership)
    assert ways_offered(member) == ["bank_transfer", METHOD, "pages:second"]


def test_basket_of_several_issuers_has_no_page_and_says_why(issuer, member, membership):
    seller = IssuerFactory()
    account_of(seller, slug="seller")
    member.put_in_basket(membership)
    member.put_in_basket(book(partner_of(seller, name="Verlag")))
    member.give_shipping_address()
    assert ways_offered(member) == ["bank_transfer"]
    page = member.client.get(reverse("checkout:payment-method")).content.decode()
    assert "one seller at a time" in page


def test_button_says_order_and_pay_where_a_page_follows(member, membership):
    member.put_in_basket(membership)
    assert "Order and pay" in member.go_to_preview(method=METHOD).content.decode()
    assert "Order with obligation to pay" in member.go_to_preview(method="bank_transfer").content.decode()


def test_german_buyers_read_german_ways_and_the_button_the_law_asks_for(issuer, client, membership):
    issuer.provider_accounts.update(kinds=["card", "sepa_debit", "ideal"])
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    buyer = Visitor(client, UserFactory())
    buyer.put_in_basket(membership)
    ways_offered(buyer)

    step = buyer.client.get(reverse("checkout:payment-method")).content.decode()
    assert "Karte, SEPA-Lastschrift, iDEAL" in step
    for method in (METHOD, "bank_transfer"):
        # § 312j BGB
        assert "Zahlungspflichtig bestellen" in buyer.go_to_preview(method=method).content.decode()


def test_nothing_is_ordered_before_the_money_is_known(member, membership):
    session = press(member, membership)
    attempt = CheckoutAttempt.objects.get()
    assert (attempt.session, attempt.user, session.stores_method) == (session, member.user, True)
    assert Basket.objects.get(pk=attempt.basket_id).status == Basket.FROZEN
    assert not Order.objects.exists()
    assert (session.amount_minor, PAGES[session.reference].request.payer.name) == (990, "Anna Muster")


@pytest.mark.parametrize("way", ["redirect", "webhook first", "webhook only", "sweeper", "days later"])
def test_paid_page_becomes_one_order_whoever_tells_of_it(member, membership, way):
    session = press(member, membership)
    pay(session.reference)
    if way in ("webhook first", "webhook only"):
        tell(session.reference)
        tell(session.reference, f"pay_{session.reference}")
    if way == "sweeper":
        look_up_open_sessions(now=clock.now() + timedelta(hours=1), older_than=timedelta(minutes=10))
        work()
    if way == "days later":
        with clock.frozen(MARCH + timedelta(days=6)):
            tell(session.reference)
    if way in ("redirect", "webhook first"):
        response = come_back(member.client, session)
        assert response.redirect_chain[-1][0] == THANKS
        assert "Your payment has arrived" in response.content.decode()
        tell(session.reference)
    one_order_paid(990)
    contract = Contract.objects.get()
    assert (contract.customer.user, contract.origin) == (member.user, Order.objects.get().number)
    assert PaymentMethod.objects.get().customer == contract.customer
    assert Basket.objects.get(pk=session.checkout_attempt.basket_id).status == Basket.SUBMITTED


def test_order_is_that_of_the_snapshot_with_address_shipping_voucher_and_language(member, issuer):
    from django.utils import translation

    goods = book(partner_of(), price="24.80")
    member.client.cookies["django_language"] = "de"
    session = press(member, goods, shipping=True)
    pay(session.reference)
    with translation.override("en"):
        tell(session.reference)
    order = Order.objects.get()
    assert (order.shipping_address.line1, order.billing_address.postcode) == ("Hauptstraße 1", "10115")
    assert (order.billing.language, order.billing.provider, order.total_incl_tax) == (
        "de",
        METHOD,
        Decimal("24.80"),
    )
    assert goods.stockrecords.get().num_allocated == 1
    one_order_paid(2480)


def test_price_that_rises_meanwhile_is_not_the_buyers(member, issuer):
    goods = book(partner_of(), price="24.80")
    session = press(member, goods, shipping=True)
    goods.stockrecords.update(price="99.00")
    pay(session.reference)
    tell(session.reference)
    one_order_paid(2480)


def test_money_under_way_places_the_order_and_says_so(member, membership):
    session = press(member, membership)
    pay(session.reference, Status.PENDING)
    response = come_back(member.client, session)
    assert "Your payment is under way" in response.content.decode()
    assert (Payment.objects.get().state, OpenItem.objects.get().open_minor) == ("pending", 990)
    pay(session.reference)
    tell(f"pay_{session.reference}")
    one_order_paid(990)


def test_money_under_way_is_not_charged_again_by_the_daily_run(member, membership, issuer):
    session = press(member, membership)
    pay(session.reference, Status.PENDING)
    tell(session.reference)
    assert PaymentMethod.objects.filter(is_default=True).exists()
    assert collect_due(issuer=issuer, today=clock.today() + timedelta(days=3)) == []
    assert Payment.objects.count() == 1


def test_page_that_is_paid_and_not_booked_yet_is_not_charged_by_the_daily_run(member, membership, issuer):
    customer = CustomerFactory(issuer=issuer, user=member.user)
    PaymentMethodFactory(customer=customer, provider="fake")
    session = press(member, membership)
    pay(session.reference)
    from cms_billing.payments.services import carry_out_session, sync_session

    sync_session(session)
    session.refresh_from_db()
    record = carry_out_session(session)
    # The worker dies here: the order is placed and billed, the money is not booked.
    assert Document.objects.count() == 1
    assert collect_due(issuer=issuer, today=clock.today()) == []
    record()
    one_order_paid(990)


def test_failed_payment_orders_nothing_and_gives_the_basket_back(member, membership):
    session = press(member, membership)
    pay(session.reference, Status.FAILED)
    response = come_back(member.client, session)
    assert "Your payment has failed; nothing has been ordered" in response.content.decode()
    assert response.request["PATH_INFO"] == reverse("checkout:payment-method")
    assert not Order.objects.exists()
    again = press(member)
    pay(again.reference)
    come_back(member.client, again)
    one_order_paid(990)


def test_page_that_expires_gives_the_basket_back_without_a_browser(member, membership):
    session = press(member, membership)
    PAGES[session.reference].notice = PAGES[session.reference].notice.__class__(
        session.reference, _expired(), idempotency_key=session.idempotency_key
    )
    look_up_open_sessions(now=clock.now() + timedelta(days=1), older_than=timedelta(minutes=10))
    assert Basket.objects.get(pk=session.checkout_attempt.basket_id).status == Basket.OPEN
    assert "Anna" not in member.client.get(reverse("basket:summary")).content.decode()
    assert membership.title in member.client.get(reverse("basket:summary")).content.decode()


def _expired():
    from cms_billing.payments.providers import PageStatus

    return PageStatus.EXPIRED


def test_basket_page_shows_the_open_payment_to_go_on_or_cancel(member, membership):
    session = press(member, membership)
    page = BeautifulSoup(member.client.get(reverse("basket:summary")).content, "html.parser")
    notice = page.select_one(".billing-open-payment")
    assert notice.select_one("a")["href"] == session.url
    assert membership.title in notice.text
    response = member.client.post(notice.select_one("form")["action"], follow=True)
    assert "You have cancelled the payment" in response.content.decode()
    assert PAGES[session.reference].closed
    assert Basket.objects.get(pk=session.checkout_attempt.basket_id).status == Basket.OPEN
    assert not BeautifulSoup(response.content, "html.parser").select(".billing-open-payment")


def test_what_was_put_into_another_basket_meanwhile_comes_along(member, membership):
    songbook = book(partner_of())
    session = press(member, membership)
    member.put_in_basket(songbook)
    attempted = session.checkout_attempt.basket_id
    assert Basket.open.exclude(pk=attempted).get().lines.get().product == songbook
    come_back(member.client, session, cancelled=1)
    assert Basket.open.get().pk == attempted
    assert {line.product for line in Basket.open.get().lines.all()} == {membership, songbook}


def test_cancelling_on_the_providers_page_gives_the_basket_back(member, membership):
    session = press(member, membership)
    response = come_back(member.client, session, cancelled=1)
    assert "You have cancelled the payment" in response.content.decode()
    assert membership.title in response.content.decode()


def test_going_back_and_pressing_again_leads_to_the_same_page(member, membership):
    member.put_in_basket(membership)
    preview = member.go_to_preview(method=METHOD)
    first = member.press_the_button(preview)
    again = member.press_the_button(preview)
    assert (first.url, PaymentSession.objects.count()) == (again.url, 1)


def test_basket_changed_after_cancelling_is_paid_on_a_new_page(member, membership, issuer):
    first = press(member, membership)
    come_back(member.client, first, cancelled=1)
    second = press(member, book(partner_of(name="Verlag"), price="24.80"), shipping=True)
    assert (second.amount_minor, second.pk != first.pk) == (3470, True)
    assert PAGES[first.reference].closed
    pay(second.reference)
    come_back(member.client, second)
    one_order_paid(3470)


def test_page_given_up_and_paid_all_the_same_orders_the_basket_once(member, membership):
    first = press(member, membership)
    come_back(member.client, first, cancelled=1)
    second = press(member)
    pay(first.reference)
    tell(first.reference)
    one_order_paid(990)
    second.refresh_from_db()
    assert (second.state, PAGES[second.reference].closed) == (State.CANCELLED, True)


def test_second_payment_for_an_ordered_basket_waits_in_the_repair_inbox(member, membership):
    first = press(member, membership)
    come_back(member.client, first, cancelled=1)
    second = press(member)
    pay(first.reference)
    pay(second.reference)
    tell(second.reference)
    tell(first.reference)
    one_order_paid(990)
    stray = PaymentSession.objects.to_repair().get()
    assert stray == first
    assert "Paid twice" in stray.problem
    assert "Please do not pay again" in come_back(member.client, first).content.decode()


def test_basket_ordered_by_invoice_after_cancelling_and_paid_late_is_paid_twice(member, membership):
    session = press(member, membership)
    come_back(member.client, session, cancelled=1)
    member.press_the_button(member.go_to_preview(method="bank_transfer"))
    pay(session.reference)
    tell(session.reference)
    assert (Order.objects.count(), Payment.objects.count()) == (1, 0)
    assert "Paid twice" in PaymentSession.objects.to_repair().get().problem


@pytest.mark.parametrize("gone", ["stock", "basket", "voucher"])
def test_order_the_shop_cannot_keep_waits_in_the_repair_inbox_with_its_reason(member, issuer, gone):
    goods = book(partner_of(), stock=1)
    session = press(member, goods, shipping=True)
    attempt = session.checkout_attempt
    if gone == "stock":
        goods.stockrecords.update(num_in_stock=0)
    elif gone == "basket":
        Basket.objects.filter(pk=attempt.basket_id).delete()
    else:
        attempt.lines = [{**attempt.lines[0], "incl_tax": "30.00", "excl_tax": "28.04"}]
        attempt.save()
    pay(session.reference)
    tell(session.reference)
    reasons = {
        "stock": "not available any more",
        "basket": "has been deleted",
        "voucher": "was shown and paid",
    }
    assert reasons[gone] in PaymentSession.objects.to_repair().get().problem
    assert not Order.objects.exists()


def test_guest_pays_on_a_page_and_comes_back_to_the_order(issuer, client):
    guest = Visitor(client)
    session = press(guest, book(partner_of()), shipping=True)
    pay(session.reference)
    response = come_back(client, session)
    assert response.redirect_chain[-1][0] == THANKS
    assert Order.objects.get().guest_email == "gast@example.org"
    one_order_paid(2480)


def test_guest_who_cancels_has_the_basket_again(issuer, client):
    guest = Visitor(client)
    goods = book(partner_of())
    session = press(guest, goods, shipping=True)
    response = come_back(client, session, cancelled=1)
    assert goods.title in response.content.decode()
    assert goods.title in client.get(reverse("basket:summary")).content.decode()
    again = press(guest, shipping=True)
    pay(again.reference)
    come_back(client, again)
    one_order_paid(2480)


def test_stranger_with_the_link_learns_nothing(member, membership):
    session = press(member, membership)
    pay(session.reference)
    for stranger in (Client(), Visitor(Client(), UserFactory()).client):
        page = come_back(stranger, session)
        text = page.content.decode()
        assert page.status_code == 200
        assert "You are back from the payment page" in text
        assert not any(
            word in text for word in ("9.90", Order.objects.get().number, membership.title, "Anna")
        )
        assert "checkout_order_id" not in stranger.session
    one_order_paid(990)


def test_member_who_logged_out_meanwhile_signs_in_to_see_the_order(member, membership):
    session = press(member, membership)
    pay(session.reference)
    member.client.logout()
    page = come_back(member.client, session)
    assert "Sign in to see the order" in page.content.decode()
    member.client.force_login(member.user)
    assert come_back(member.client, session).redirect_chain[-1][0] == THANKS


def test_strangers_cannot_give_up_a_payment(member, membership):
    from cms_billing.shop.links import give_up_path

    session = press(member, membership)
    assert Client().post(give_up_path(session.pk)).status_code == 404
    assert not PAGES[session.reference].closed


def test_tampered_link_is_a_404(member, membership):
    assert member.client.get(reverse("cms_billing:checkout_result", args=["x:y:z"])).status_code == 404


def test_order_is_completed_after_a_worker_died_anywhere(member, membership):
    """Killed after the order, and after the invoice: the next worker finds both and goes on."""
    from cms_billing.payments.services import carry_out_session, sync_session

    session = press(member, membership)
    pay(session.reference)
    sync_session(session)
    session.refresh_from_db()
    for _crash in range(3):
        assert carry_out_session(session) is not None
    outbox.drain(PaymentSession, now=clock.now())
    one_order_paid(990)


def test_page_that_cannot_be_opened_leaves_the_basket_as_it_was(member, membership, monkeypatch):
    from cms_billing.payments.providers import ProviderDown
    from tests.payments.page_provider import PageFake

    def down(self, request):
        raise ProviderDown("out of order")

    member.put_in_basket(membership)
    preview = member.go_to_preview(method=METHOD)
    with monkeypatch.context() as patch:
        patch.setattr(PageFake, "open_page", down)
        response = member.press_the_button(preview)
    assert response.status_code == 200
    assert "choose another way to pay" in response.content.decode()
    assert membership.title in member.client.get(reverse("basket:summary")).content.decode()
    assert not CheckoutAttempt.objects.exists()
