"""Several corrections at the same moment: each unit once, and nobody waits in a circle."""

import threading
from datetime import date

import pytest
from django.db import connection
from django.db.models import Sum

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.services import cancel_document, credit_document
from cms_billing.shop.models import StockMovement
from cms_billing.testing.factories import IssuerFactory

from .orders import MARCH, invoice_of, place, ship, stock_of, units
from .shop import book, germany, partner_of

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
TODAY = date(2026, 3, 20)


@pytest.fixture
def partner():
    germany()
    with clock.frozen(MARCH):
        yield partner_of(IssuerFactory())


def at_once(*calls):
    """Each call in a thread of its own, started together; what each returned or raised."""
    start, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(index, call):
        try:
            with clock.frozen(MARCH):
                start.wait()
                results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def credit(invoice, lines):
    return lambda: credit_document(document_id=invoice.pk, lines=lines, reason="Retoure", today=TODAY)


def cancel(invoice):
    return lambda: cancel_document(document_id=invoice.pk, reason="Widerruf", today=TODAY, bill_again=False)


def test_two_credit_notes_for_the_last_unit_bring_it_back_once(partner):
    songs = book(partner)
    order = place({songs: 1})
    ship(order)
    invoice = invoice_of(order)
    results = at_once(*[credit(invoice, units(invoice, 1))] * 2, cancel(invoice))
    assert sum(isinstance(result, BillingError) for result in results) == 2
    assert stock_of(songs) == (10, 0)
    assert StockMovement.objects.get().quantity == 1


def test_returns_of_many_customers_into_the_same_stock_all_arrive(partner):
    first, second = book(partner), book(partner, title="Griffe")
    orders = [place({first: 1, second: 1} if n % 2 else {second: 1, first: 1}) for n in range(6)]
    for order in orders[:3]:
        ship(order)
    assert stock_of(first) == (7, 3)
    results = at_once(*[cancel(invoice_of(order)) for order in orders])
    assert not [result for result in results if isinstance(result, Exception)]
    assert (stock_of(first), stock_of(second)) == ((10, 0), (10, 0))
    assert StockMovement.objects.aggregate(n=Sum("quantity"))["n"] == 12
    # Each movement says what the stock came to, and they come one after the other.
    after = StockMovement.objects.filter(product=first, kind="returned").order_by("stock_after")
    assert list(after.values_list("stock_after", flat=True)) == [8, 9, 10]


def test_orders_and_returns_of_the_same_goods_do_not_wait_in_a_circle(partner):
    first, second = book(partner, stock=50), book(partner, title="Griffe", stock=50)
    orders = [place({second: 1, first: 1}) for _n in range(3)]
    invoices = [invoice_of(order) for order in orders]
    calls = [cancel(invoice) for invoice in invoices]
    calls += [lambda: place({second: 1, first: 1}) for _n in range(3)]
    results = at_once(*calls)
    assert not [result for result in results if isinstance(result, Exception)]
    assert (stock_of(first), stock_of(second)) == ((50, 3), (50, 3))
