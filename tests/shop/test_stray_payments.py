"""The repair inbox: what was paid and found no order is completed or paid back by a person, with one click."""

import uuid
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock, outbox
from cms_billing.core.roles import ACCOUNTANTS, AUDITORS
from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.services import credit_on_account
from cms_billing.payments.models import Payment, PaymentSession, Refund
from cms_billing.payments.providers import RefundNotice, RefundStatus, Status
from cms_billing.shop.models import CheckoutAttempt
from cms_billing.testing.factories import BookingFactory, IssuerFactory, UserFactory
from tests.payments.page_provider import PageFake, pay

from .paying import account_of, come_back, offer_pages, one_order_paid, press, tell
from .shop import Visitor, book, euro, germany, partner_of, plan_product
from .test_stock_admin import person

Basket = get_model("basket", "Basket")
Order = get_model("order", "Order")
MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)
INBOX = "billing-stray-payment:index"


@pytest.fixture(autouse=True)
def the_14th_of_march(settings, monkeypatch):
    offer_pages(settings)
    paid_back = []
    monkeypatch.setattr(PageFake, "refund", lambda self, request: _refund(paid_back, request))
    with clock.frozen(MARCH):
        yield paid_back


def _refund(paid_back, request):
    paid_back.append((request.payment_reference, request.amount))
    return RefundNotice("re_1", RefundStatus.PAID, idempotency_key=request.idempotency_key)


@pytest.fixture
def issuer():
    germany()
    issuer = IssuerFactory()
    account_of(issuer)
    return issuer


@pytest.fixture
def accountant(issuer):
    return person(ACCOUNTANTS.group, issuer)


@pytest.fixture
def buyer(client, issuer):
    return Visitor(client, UserFactory(first_name="Anna", last_name="Muster", email="anna@example.org"))


@pytest.fixture
def goods(issuer):
    return book(partner_of(issuer), stock=1)


@pytest.fixture
def sold_out(buyer, goods):
    """Paid, and gone from the stock meanwhile."""
    session = press(buyer, goods, shipping=True)
    goods.stockrecords.update(num_in_stock=0)
    pay(session.reference)
    tell(session.reference)
    session.refresh_from_db()
    assert session.problem
    return session


def act(client, action, session):
    return client.post(reverse(f"billing-stray-payment:{action}", args=[session.pk]), follow=True)


def text_of(response):
    return " ".join(response.content.decode().split())


def test_inbox_says_what_was_paid_by_whom_and_why_it_has_no_order(accountant, sold_out):
    text = text_of(accountant.get(reverse(INBOX)))
    assert all(part in text for part in ("€24.80", "Anna Muster, anna@example.org", "not available any more"))
    page = text_of(accountant.get(reverse("billing-stray-payment:inspect", args=[sold_out.pk])))
    assert "Liederbuch" in page
    assert reverse("billing-stray-payment:pay_back", args=[sold_out.pk]) in page


def test_todo_list_counts_stray_payments(accountant, sold_out):
    assert "Stray payments (1)" in text_of(accountant.get(reverse("billing_todo")))


def test_completing_after_stock_was_added_places_bills_and_settles(accountant, buyer, goods, sold_out):
    refused = act(accountant, "complete", sold_out)
    assert "not available any more" in text_of(refused)
    goods.stockrecords.update(num_in_stock=5)
    assert "is completed" in text_of(act(accountant, "complete", sold_out))
    one_order_paid(2480)
    assert not PaymentSession.objects.to_repair().exists()
    assert "needs no repair" in text_of(act(accountant, "complete", sold_out))
    one_order_paid(2480)
    assert come_back(buyer.client, sold_out).redirect_chain[-1][0] == reverse("checkout:thank-you")


def test_completing_grants_a_voucher_that_ended_as_it_was_shown(accountant, buyer, issuer):
    product = plan_product(partner_of(), issuer=issuer, price=euro("9.90"))
    offer = half_price()
    session = press(buyer, product)
    assert session.amount_minor == 495
    offer.status = "Suspended"
    offer.save()
    pay(session.reference)
    tell(session.reference)
    session.refresh_from_db()
    assert "€9.90 by now, but €4.95 was shown and paid" in session.problem
    act(accountant, "complete", session)
    one_order_paid(495)
    assert Document.objects.get().gross_minor == 495


def half_price():
    everything = get_model("offer", "Range").objects.create(name="all", includes_all_products=True)
    return get_model("offer", "ConditionalOffer").objects.create(
        name="half",
        offer_type="Site",
        benefit=get_model("offer", "Benefit").objects.create(type="Percentage", value=50, range=everything),
        condition=get_model("offer", "Condition").objects.create(type="Count", value=1, range=everything),
    )


def test_voucher_shown_is_counted_when_the_order_is_placed(buyer, issuer):
    offer = half_price()
    session = press(buyer, plan_product(partner_of(), issuer=issuer, price=euro("9.90")))
    pay(session.reference)
    tell(session.reference)
    one_order_paid(495)
    offer.refresh_from_db()
    assert (offer.num_orders, Order.objects.get().discounts.get().offer_id) == (1, offer.pk)


def test_paying_back_books_the_money_on_the_buyers_account_and_refunds_it_all(
    accountant, sold_out, buyer, the_14th_of_march
):
    assert "go back to" in text_of(act(accountant, "pay_back", sold_out))
    outbox.drain(Refund, now=clock.now())
    customer = Customer.objects.get()
    assert (customer.user, customer.street) == (buyer.user, "Hauptstraße 1")
    assert the_14th_of_march == [(f"pay_{sold_out.reference}", euro("24.80"))]
    assert (Refund.objects.get().state, credit_on_account(customer_id=customer.pk, currency="EUR").minor) == (
        "paid",
        0,
    )
    sold_out.refresh_from_db()
    assert (sold_out.money, PaymentSession.objects.to_repair().exists()) == ("returned", False)
    assert not Order.objects.exists()
    assert Basket.objects.get(pk=CheckoutAttempt.objects.get().basket_id).status == Basket.OPEN
    tell(sold_out.reference, f"pay_{sold_out.reference}")
    assert Payment.objects.count() == 1


def test_paying_back_settles_nothing_else_that_the_buyer_owes(accountant, sold_out, buyer, issuer):
    from cms_billing.faktura.services import issue_next_invoices
    from cms_billing.testing.factories import CustomerFactory

    customer = CustomerFactory(issuer=issuer, user=buyer.user)
    BookingFactory(customer=customer, unit_price_minor=5000)
    issue_next_invoices(issuer=issuer, today=clock.today())
    act(accountant, "pay_back", sold_out)
    outbox.drain(Refund, now=clock.now())
    assert Refund.objects.get().amount_minor == 2480
    assert Document.objects.get(kind="invoice").open_item.open_minor == 5000


def test_money_that_is_not_here_yet_cannot_be_paid_back(accountant, buyer, goods):
    session = press(buyer, goods, shipping=True)
    goods.stockrecords.update(num_in_stock=0)
    pay(session.reference, Status.PENDING)
    tell(session.reference)
    assert "once it has been received" in text_of(act(accountant, "pay_back", session))
    assert not Payment.objects.exists()


def test_second_payment_of_a_basket_is_paid_back(accountant, buyer, goods, the_14th_of_march):
    first = press(buyer, goods, shipping=True)
    come_back(buyer.client, first, cancelled=1)
    second = press(buyer, shipping=True)
    for session in (second, first):
        pay(session.reference)
        tell(session.reference)
    assert "Paid twice" in text_of(act(accountant, "complete", first))
    act(accountant, "pay_back", first)
    outbox.drain(Refund, now=clock.now())
    assert the_14th_of_march == [(f"pay_{first.reference}", euro("24.80"))]
    assert Document.objects.get(kind="invoice").open_item.open_minor == 0


def test_guest_is_paid_back_over_an_account_of_their_own(accountant, issuer, client, goods):
    guest = Visitor(client)
    session = press(guest, goods, shipping=True)
    goods.stockrecords.update(num_in_stock=0)
    pay(session.reference)
    tell(session.reference)
    act(accountant, "pay_back", session)
    assert (Customer.objects.get().email, Customer.objects.get().user) == ("gast@example.org", None)


def test_work_that_failed_for_good_is_in_the_inbox(accountant, sold_out):
    PaymentSession.objects.update(problem="", work_state="failed", last_error="The disk was full.")
    assert "The disk was full." in text_of(accountant.get(reverse(INBOX)))


def test_neighbours_and_auditors_repair_nothing(sold_out, issuer):
    neighbour = person(ACCOUNTANTS.group, IssuerFactory())
    assert "Muster" not in text_of(neighbour.get(reverse(INBOX)))
    for action in ("inspect", "complete", "pay_back"):
        url = reverse(f"billing-stray-payment:{action}", args=[sold_out.pk])
        assert neighbour.get(url).status_code == 404
    auditor = person(AUDITORS.group, issuer)
    assert "Muster" in text_of(auditor.get(reverse(INBOX)))
    refused = auditor.post(reverse("billing-stray-payment:pay_back", args=[sold_out.pk]))
    assert refused.status_code in (302, 403)
    assert not Payment.objects.exists()


def test_inbox_takes_the_same_queries_for_many(accountant, sold_out, django_assert_max_num_queries):
    attempt = CheckoutAttempt.objects.get()
    for number in range(5):
        session = PaymentSession.objects.get(pk=sold_out.pk)
        session.pk, session.reference = None, f"page-{number}"
        session.idempotency_key = uuid.uuid4()
        session.save()
        attempt.pk, attempt.session = None, session
        attempt.save()
    with django_assert_max_num_queries(30):
        assert text_of(accountant.get(reverse(INBOX))).count("Anna Muster") >= 6
