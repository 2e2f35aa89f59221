"""Oscar's dashboard tells the truth: sources, transactions and payment events follow our payments."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import credit_document
from cms_billing.payments.models import Payment, Refund
from cms_billing.payments.providers import RefundNotice, RefundStatus, Status
from cms_billing.payments.services import (
    charge_back,
    mark_transferred,
    record_payment,
    refund_customer,
    settle_payment,
    transfer_came_back,
)
from cms_billing.shop.models import OrderMovement
from cms_billing.shop.services import show_payments_of_order
from cms_billing.testing.factories import IssuerFactory, UserFactory
from tests.payments.page_provider import PageFake, pay

from .orders import units
from .paying import account_of, offer_pages, press, tell
from .shop import Visitor, book, euro, germany, partner_of, plan_product

Order = get_model("order", "Order")
MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)
TODAY = date(2026, 3, 14)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def the_14th_of_march(settings):
    offer_pages(settings)
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer():
    germany()
    issuer = IssuerFactory(payment_days=0)
    account_of(issuer)
    return issuer


@pytest.fixture
def buyer(client, issuer):
    return Visitor(client, UserFactory())


@pytest.fixture
def paid(buyer, issuer):
    """An order of 24.80 that was paid on a page."""
    session = press(buyer, book(partner_of(issuer), price="24.80"), shipping=True)
    pay(session.reference)
    tell(session.reference)
    return Order.objects.get()


@pytest.fixture
def by_transfer(buyer, issuer):
    buyer.order(book(partner_of(issuer), price="24.80"), shipping=True)
    return Order.objects.get()


def sums(order):
    return [
        (str(source.source_type), source.amount_allocated, source.amount_debited, source.amount_refunded)
        for source in order.sources.all()
    ]


def transactions(order):
    rows = get_model("payment", "Transaction").objects.filter(source__order=order).order_by("pk")
    return [(row.txn_type, row.amount, row.status) for row in rows]


def events(order):
    return [(row.event_type.name, row.amount) for row in order.payment_events.order_by("pk")]


PAID = Decimal("24.80")


def test_payment_on_a_page_is_a_source_a_debit_and_an_event_of_all_lines(paid):
    payment = Payment.objects.get()
    assert sums(paid) == [("Pages", PAID, PAID, 0)]
    assert transactions(paid) == [("Debit", PAID, "received")]
    assert (paid.sources.get().reference, paid.sources.get().label) == (payment.reference, "Pages")
    assert events(paid) == [("Paid", PAID)]
    assert paid.payment_events.get().lines.count() == 1


def test_said_again_nothing_is_written_twice(paid):
    for _again in range(3):
        show_payments_of_order(order_id=paid.pk)
    assert len(transactions(paid)) == len(events(paid)) == OrderMovement.objects.count() == 1


def test_money_under_way_is_allocated_and_debited_when_it_comes(buyer, issuer):
    session = press(buyer, plan_product(partner_of(), issuer=issuer, price=euro("9.90")))
    pay(session.reference, Status.PENDING)
    tell(session.reference)
    order, nine = Order.objects.get(), Decimal("9.90")
    assert (sums(order), transactions(order)) == (
        [("Pages", nine, 0, 0)],
        [("Authorise", nine, "under way")],
    )
    assert events(order) == []
    pay(session.reference)
    tell(f"pay_{session.reference}")
    assert sums(order) == [("Pages", nine, nine, 0)]
    assert transactions(order) == [("Authorise", nine, "received"), ("Debit", nine, "received")]


def test_money_that_fails_days_later_is_shown_as_failed(buyer, issuer):
    session = press(buyer, plan_product(partner_of(), issuer=issuer, price=euro("9.90")))
    pay(session.reference, Status.PENDING)
    tell(session.reference)
    pay(session.reference, Status.FAILED)
    tell(f"pay_{session.reference}")
    order = Order.objects.get()
    assert (sums(order), transactions(order)) == (
        [("Pages", 0, 0, 0)],
        [("Authorise", Decimal("9.90"), "failed")],
    )


def test_chargeback_is_a_negative_transaction_and_a_dispute_that_is_won_a_debit_again(paid):
    payment = Payment.objects.get()
    charge_back(payment_id=payment.pk, day=TODAY, reason="AC04")
    assert sums(paid) == [("Pages", PAID, 0, 0)]
    assert transactions(paid)[-1][:2] == ("Chargeback", -PAID)
    assert events(paid) == [("Paid", PAID), ("Charged back", -PAID)]
    settle_payment(payment_id=payment.pk, day=TODAY)
    assert sums(paid)[0][2] == PAID
    assert [kind for kind, *_rest in transactions(paid)] == ["Debit", "Chargeback", "Debit"]


def test_transfer_in_two_parts_shows_as_two_sources(by_transfer):
    customer = Document.objects.get().customer_id
    assert by_transfer.sources.count() == 0
    for amount in ("20.00", "4.80"):
        record_payment(
            customer_id=customer, amount=euro(amount), received_on=TODAY, way="transfer", today=TODAY
        )
    assert [(name, debited) for name, _allocated, debited, _refunded in sums(by_transfer)] == [
        ("Bank transfer", Decimal("20.00")),
        ("Bank transfer", Decimal("4.80")),
    ]
    assert get_model("payment", "SourceType").objects.filter(code="transfer").count() == 1


def test_overpayment_shows_only_what_is_the_orders(by_transfer):
    customer = Document.objects.get().customer_id
    record_payment(customer_id=customer, amount=euro("30.00"), received_on=TODAY, way="transfer", today=TODAY)
    assert sums(by_transfer) == [("Bank transfer", PAID, PAID, 0)]


def test_refund_of_a_credit_note_shows_with_its_state(paid, monkeypatch):
    monkeypatch.setattr(PageFake, "refund", lambda self, request: RefundNotice("re_1", RefundStatus.PAID))
    invoice = Document.objects.get()
    note = credit_document(document_id=invoice.pk, lines=units(invoice, 1), reason="Retoure", today=TODAY)
    refund_customer(
        customer_id=invoice.customer_id,
        amount=euro("24.80"),
        way="provider",
        payment_id=Payment.objects.get().pk,
        document_id=note.pk,
        today=TODAY,
    )
    outbox.drain(Refund, now=clock.now())
    assert sums(paid) == [("Pages", PAID, PAID, PAID)]
    assert transactions(paid)[-1] == ("Refund", PAID, "paid back")
    assert events(paid)[-1] == ("Refunded", PAID)


def test_transfer_back_that_returns_is_no_refund_any_more(by_transfer):
    invoice = Document.objects.get()
    record_payment(
        customer_id=invoice.customer_id, amount=euro("24.80"), received_on=TODAY, way="transfer", today=TODAY
    )
    note = credit_document(document_id=invoice.pk, lines=units(invoice, 1), reason="Retoure", today=TODAY)
    refund = refund_customer(
        customer_id=invoice.customer_id,
        amount=euro("24.80"),
        way="transfer",
        document_id=note.pk,
        iban="DE02120300000000202051",
        account_holder="Anna Muster",
        today=TODAY,
    )
    assert sums(by_transfer)[0][3] == 0
    mark_transferred(refund_id=refund.pk, paid_on=TODAY, today=TODAY)
    assert sums(by_transfer)[0][3] == PAID
    transfer_came_back(refund_id=refund.pk, day=TODAY, reason="closed", today=TODAY)
    assert sums(by_transfer)[0][3] == 0
    assert events(by_transfer) == [("Paid", PAID)]


def test_later_period_of_the_contract_does_not_show_on_the_order(buyer, issuer):
    from cms_billing.faktura.services import issue_next_invoices
    from cms_billing.memberships.services import book_next_due

    session = press(buyer, plan_product(partner_of(), issuer=issuer, price=euro("9.90")))
    pay(session.reference)
    tell(session.reference)
    april = date(2026, 4, 14)
    book_next_due(issuer=issuer, today=april)
    issue_next_invoices(issuer=issuer, today=april)
    customer = Document.objects.first().customer_id
    record_payment(customer_id=customer, amount=euro("9.90"), received_on=april, way="transfer", today=april)
    assert Order.objects.get().sources.count() == 1


def test_dashboard_shows_sources_transactions_and_events(paid, client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse("dashboard:order-detail", args=[paid.number])).content.decode()
    assert "No payment sources found" not in page
    texts = ("Pages", "<th>Transaction</th>", "<td>received</td>", Payment.objects.get().reference, "Paid")
    assert [text for text in texts if text not in page] == []


def test_showing_an_order_takes_the_same_queries_however_often(paid, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        show_payments_of_order(order_id=paid.pk)
