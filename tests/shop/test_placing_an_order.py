"""Nothing after the order undoes it, and no second press makes a second one."""

import threading
from datetime import UTC, date, datetime

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from oscar.apps.checkout.signals import post_checkout
from oscar.apps.order.signals import order_placed
from oscar.core.loading import get_model

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Booking, Document, LedgerEntry
from cms_billing.faktura.signals import documents_issued
from cms_billing.memberships.models import Contract
from cms_billing.shop.models import OrderBilling, OrderConfirmation
from cms_billing.shop.services import bill_order
from cms_billing.shop.services import orders as order_services
from cms_billing.testing.factories import IssuerFactory, UserFactory

from .shop import Visitor, book, germany, partner_of, plan_product

Order = get_model("order", "Order")
Basket = get_model("basket", "Basket")
MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer(db):
    germany()
    return IssuerFactory()


@pytest.fixture
def member(client, issuer):
    return Visitor(client, UserFactory())


@pytest.fixture
def receiver_of():
    """Connects failing receivers and takes them away again."""
    connected = []

    def connect(signal):
        def fail(sender, **kwargs):
            raise RuntimeError("the receiver failed")

        signal.connect(fail, weak=False)
        connected.append((signal, fail))

    yield connect
    for signal, fail in connected:
        signal.disconnect(fail)


def one_of_everything():
    assert Order.objects.count() == OrderBilling.objects.count() == Contract.objects.count() == 1
    assert Booking.objects.count() == Document.objects.count() == LedgerEntry.objects.count() == 1


def test_pressing_again_after_the_order_leads_to_the_same_order(member, issuer):
    member.put_in_basket(plan_product(partner_of(), issuer=issuer))
    preview = member.go_to_preview()
    first = member.press_the_button(preview)
    again = member.press_the_button(preview)
    assert first.url == again.url == reverse("checkout:thank-you")
    assert Order.objects.get().number in member.client.get(again.url).content.decode()
    one_of_everything()


def test_pressing_again_shows_nobody_elses_order(member, issuer):
    member.put_in_basket(plan_product(partner_of(), issuer=issuer))
    preview = member.go_to_preview()
    member.press_the_button(preview)
    neighbour = Visitor(Client(), UserFactory())
    response = neighbour.press_the_button(preview)
    assert response.url == reverse("basket:summary")
    assert "checkout_order_id" not in neighbour.client.session


@pytest.mark.parametrize("signal", [order_placed, post_checkout, documents_issued])
def test_a_failing_receiver_undoes_nothing(member, issuer, receiver_of, signal):
    receiver_of(signal)
    response = member.order(plan_product(partner_of(), issuer=issuer))
    assert response.url == reverse("checkout:thank-you")
    assert Basket.objects.get(owner=member.user, status="Submitted")
    one_of_everything()


@override_settings(EMAIL_BACKEND="tests.shop.test_placing_an_order.BrokenMail")
def test_a_mail_server_that_is_down_costs_no_order_and_the_mail_is_tried_again(member, issuer):
    response = member.order(plan_product(partner_of(), issuer=issuer))
    assert response.url == reverse("checkout:thank-you")
    assert outbox.drain(OrderConfirmation, now=clock.now()).retry == 1
    assert "mail server is down" in OrderConfirmation.objects.get().last_error
    one_of_everything()


class BrokenMail:
    def __init__(self, *args, **kwargs):
        raise OSError("the mail server is down")


def test_an_order_that_fails_while_it_is_written_leaves_the_basket_and_can_be_tried_again(
    member, issuer, monkeypatch
):
    from cms_billing.shop.checkout import orders

    def fail(self, line):
        raise RuntimeError("the disk is full")

    member.put_in_basket(plan_product(partner_of(), issuer=issuer))
    preview = member.go_to_preview()
    with monkeypatch.context() as patch:
        patch.setattr(orders.SaleCreator, "update_stock_records", fail)
        refused = member.press_the_button(preview)
    assert refused.status_code == 200
    assert not Order.objects.exists()
    assert not OrderBilling.objects.exists()
    member.press_the_button(preview)
    one_of_everything()


def test_billing_that_fails_in_the_request_is_done_by_the_worker(member, issuer, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(order_services, "issue_group", fail)
        response = member.order(plan_product(partner_of(), issuer=issuer))
    assert response.url == reverse("checkout:thank-you")
    assert not Booking.objects.exists()
    assert "being made" in member.client.get(response.url).content.decode()
    later = datetime(2026, 3, 14, 13, tzinfo=UTC)
    assert outbox.drain(OrderBilling, now=later).done == 1
    one_of_everything()


def test_billing_again_changes_nothing(member, issuer):
    partner = partner_of()
    member.order(plan_product(partner, issuer=issuer), book(partner), shipping=True)
    bill_order(billing_id=OrderBilling.objects.get().pk, now=MARCH)
    assert Contract.objects.count() == Document.objects.count() == 1
    assert Booking.objects.count() == 2


def test_an_order_billed_days_later_starts_on_the_day_it_was_placed(member, issuer, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("cms_billing.shop.checkout.mixins.bill_now", lambda billing: None)
        member.order(plan_product(partner_of(), issuer=issuer))
    with clock.frozen(datetime(2026, 3, 17, 12, tzinfo=UTC)):
        outbox.drain(OrderBilling, now=clock.now())
    assert Contract.objects.get().start == date(2026, 3, 14)
    assert Document.objects.get().issued_on == date(2026, 3, 17)


def test_goods_nobody_invoices_are_parked_with_the_reason_and_billed_once_it_is_mended(member, issuer):
    from cms_billing.shop.models import PartnerIssuer

    partner = partner_of(issuer, name="Verlag")
    product = book(partner)
    IssuerFactory()
    member.put_in_basket(product)
    preview = member.go_to_preview(shipping=True)
    PartnerIssuer.objects.all().delete()
    with pytest.MonkeyPatch.context() as patch:
        # The price was known when the preview was made; who invoices it is gone by the time it is billed.
        patch.setattr("cms_billing.shop.strategy.PriceBook.issuer_of", lambda *args: issuer)
        member.press_the_button(preview)
    billing = OrderBilling.objects.get()
    assert (billing.work_state, billing in outbox.failed_work()) == ("failed", True)
    assert "Nobody invoices what “Verlag” sells" in billing.last_error
    PartnerIssuer.objects.create(partner=partner, issuer=issuer)
    outbox.try_again(billing)
    assert outbox.drain(OrderBilling, now=MARCH).done == 1
    assert Document.objects.count() == 1


def test_an_unlawful_invoice_leaves_the_contract_and_says_what_is_missing(member, issuer):
    issuer.tax_number = ""
    issuer.save()
    member.order(plan_product(partner_of(), issuer=issuer))
    assert Contract.objects.exists()
    assert not Document.objects.exists()
    assert "tax number" in OrderBilling.objects.get().problem


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_make_one_order(issuer):
    user = UserFactory()
    visitor = Visitor(Client(), user)
    visitor.put_in_basket(plan_product(partner_of(), issuer=issuer))
    preview = visitor.go_to_preview()
    start, answers = threading.Barrier(2), []

    def press():
        try:
            with clock.frozen(MARCH):
                other = Client()
                other.cookies = visitor.client.cookies
                start.wait()
                answers.append(Visitor(other).press_the_button(preview))
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.url for answer in answers] == [reverse("checkout:thank-you")] * 2
    one_of_everything()


@pytest.mark.django_db(transaction=True)
def test_a_basket_that_is_ordered_is_not_opened_again(issuer, client):
    member = Visitor(client, UserFactory())
    member.order(plan_product(partner_of(), issuer=issuer))
    basket = Basket.objects.get(owner=member.user, status="Submitted")
    with transaction.atomic():
        basket.refresh_from_db()
    assert basket.status == "Submitted"
    assert mail.outbox == []
