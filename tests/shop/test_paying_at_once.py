"""Redirect, webhook and worker at the same moment: one order, one invoice, one payment."""

import threading

import pytest
from django.db import connection
from django.test import Client

from cms_billing.faktura.models import Document, OpenItem
from cms_billing.payments.models import Payment, PaymentSession
from cms_billing.shop.models import CheckoutAttempt, OrderBilling
from cms_billing.testing.factories import IssuerFactory, UserFactory
from tests.payments.page_provider import pay

from .paying import account_of, come_back, offer_pages, press, tell, work
from .shop import Visitor, book, euro, germany, partner_of, plan_product

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def issuer(settings):
    offer_pages(settings)
    germany()
    issuer = IssuerFactory()
    account_of(issuer)
    return issuer


def at_once(*acts) -> list[BaseException]:
    """All of them in threads of their own, from one moment; what they raised."""
    gate, raised = threading.Barrier(len(acts)), []

    def run(act) -> None:
        try:
            gate.wait(timeout=20)
            act()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised


def test_redirect_webhooks_and_worker_at_the_same_moment_make_one_order(issuer, client):
    member = Visitor(client, UserFactory())
    partner = partner_of()
    membership = plan_product(partner, issuer=issuer, price=euro("9.90"))
    for rounds in range(1, 5):
        session = press(member, membership)
        pay(session.reference)
        raised = at_once(
            lambda session=session: come_back(member.client, session),
            lambda session=session: tell(session.reference),
            lambda session=session: tell(session.reference, f"pay_{session.reference}"),
            work,
        )
        assert raised == []
        # A worker that met another one at the same row leaves the rest to the next sweep.
        PaymentSession.objects.update(next_try_at=None)
        work()
        states = [
            list(model.objects.values("pk", "work_state", "last_error", "attempts"))
            for model in (PaymentSession, OrderBilling)
        ]
        assert not PaymentSession.objects.exclude(problem="").exists(), states
        assert not PaymentSession.objects.exclude(work_state="done").exists(), states
        assert OrderBilling.objects.count() == Payment.objects.count() == rounds
        assert Document.objects.filter(kind="invoice").count() == rounds
    assert not OpenItem.objects.exclude(open_minor=0).exists()
    assert not CheckoutAttempt.objects.filter(order=None).exists()


def test_last_piece_in_stock_is_sold_once_when_two_payments_come_in_together(issuer):
    goods = book(partner_of(issuer), stock=1)
    sessions = [press(Visitor(Client(), UserFactory()), goods, shipping=True) for _buyer in range(2)]
    for session in sessions:
        pay(session.reference)
    assert at_once(*(lambda s=session: tell(s.reference) for session in sessions)) == []
    PaymentSession.objects.update(next_try_at=None)
    work()
    assert OrderBilling.objects.count() == 1
    assert "not available any more" in PaymentSession.objects.to_repair().get().problem
    assert goods.stockrecords.get().num_allocated == 1


def test_two_tabs_pressing_at_the_same_moment_open_one_page(issuer, client):
    member = Visitor(client, UserFactory())
    member.put_in_basket(plan_product(partner_of(), issuer=issuer, price=euro("9.90")))
    preview = member.go_to_preview(method="pages:main")
    answers = []
    tabs = [lambda: answers.append(member.press_the_button(preview))] * 2
    assert at_once(*tabs) == []
    assert PaymentSession.objects.at_the_provider().count() == 1
    pay(PaymentSession.objects.at_the_provider().get().reference)
    work()
    tell(PaymentSession.objects.get(state="open").reference)
    assert OrderBilling.objects.count() == 1
