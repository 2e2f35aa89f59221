"""Two books are bought and paid, one comes back, then the other: stock, tax, numbers and account at every step."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura.exceptions import CannotCancel, LineNotCredited
from cms_billing.faktura.models import Customer, Document, LedgerEntry, OpenItem
from cms_billing.faktura.selectors import left_to_credit
from cms_billing.faktura.services import CreditLine, cancel_document, credit_document
from cms_billing.faktura.verification import all_findings
from cms_billing.payments.services import mark_transferred, record_payment, refund_customer
from cms_billing.shop.models import StockMovement
from cms_billing.shop.services import ship_order
from cms_billing.testing.factories import IssuerFactory, UserFactory
from tests.shop.shop import Visitor, book, germany, partner_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
BOUGHT, RETURNED, CANCELLED = NOON.date(), datetime(2026, 3, 24).date(), datetime(2026, 3, 26).date()


def in_stock(product):
    record = product.stockrecords.get()
    return record.num_in_stock, record.num_allocated or 0


def account(customer):
    """What the customer's account comes to; below zero: we owe them."""
    return sum(LedgerEntry.objects.filter(customer=customer).values_list("amount_minor", flat=True))


def paid_back(customer, correction, *, on):
    """A transfer over what the correction left on the account; its receipt."""
    with clock.frozen(datetime.combine(on, NOON.timetz())):
        refund = refund_customer(
            customer_id=customer.pk,
            amount=-correction.gross,
            way="transfer",
            iban="DE02120300000000202051",
            account_holder="Anna Muster",
            document_id=correction.pk,
            today=on,
        )
        return mark_transferred(refund_id=refund.pk, paid_on=on, today=on).receipt


@pytest.fixture
def shop(client):
    with clock.frozen(NOON):
        germany()
        partner = partner_of(IssuerFactory())
        songs = book(partner, title="Liederbuch", price="24.80", stock=10)
        chords = book(partner, title="Griffe", price="12.95", stock=4)
        Visitor(client, UserFactory()).order(songs, chords, shipping=True)
        yield songs, chords


def test_two_books_are_bought_one_comes_back_and_then_the_other(shop):
    songs, chords = shop
    order = get_model("order", "Order").objects.get()
    invoice = Document.objects.get()
    customer = Customer.objects.get()
    assert (in_stock(songs), in_stock(chords)) == ((10, 1), (4, 1))
    assert invoice.gross == Money.of("37.75", "EUR")

    record_payment(
        customer_id=customer.pk,
        amount=invoice.gross,
        received_on=BOUGHT,
        way="transfer",
        today=BOUGHT,
        documents=[invoice],
    )
    ship_order(order=order)
    assert (in_stock(songs), in_stock(chords)) == ((9, 0), (3, 0))
    assert account(customer) == 0

    # One comes back: its own tax, one more in stock, and the money is the customer's again.
    line = invoice.lines.get(description="Liederbuch")
    back = [CreditLine(line_id=line.pk, quantity=Decimal(1), restock=True)]
    correction = credit_document(document_id=invoice.pk, lines=back, reason="Retoure", today=RETURNED)
    assert correction.number.startswith("RK-2026-")
    assert [
        (g.tax_percent, g.net_minor, g.tax_minor, g.gross_minor) for g in correction.tax_groups.all()
    ] == [(Decimal("7.00"), -2318, -162, -2480)]
    assert (in_stock(songs), in_stock(chords)) == ((10, 0), (3, 0))
    assert account(customer) == -2480
    assert OpenItem.objects.get(document=invoice).open_minor == 0

    # The money goes back, and the account is at zero.
    receipt = paid_back(customer, correction, on=RETURNED)
    assert receipt.number.startswith("AZ-2026-")
    assert account(customer) == 0

    # The same book cannot come back a second time, and nothing is written.
    before = Document.objects.count(), StockMovement.objects.count()
    with pytest.raises(LineNotCredited, match="nothing is left of it, 1 of 1 have been credited"):
        credit_document(document_id=invoice.pk, lines=back, reason="Retoure", today=RETURNED)
    assert (Document.objects.count(), StockMovement.objects.count()) == before
    assert in_stock(songs) == (10, 0)

    # The rest is cancelled: its goods are back, and nothing is left to credit.
    rest = cancel_document(document_id=invoice.pk, reason="Widerruf", today=CANCELLED, bill_again=False)
    assert rest.number.startswith("ST-2026-")
    assert rest.gross == Money.of("-12.95", "EUR")
    assert (in_stock(songs), in_stock(chords)) == ((10, 0), (4, 0))
    assert all(one.is_used_up for one in left_to_credit(invoice))
    assert account(customer) == -1295
    paid_back(customer, rest, on=CANCELLED)
    assert account(customer) == 0
    assert not OpenItem.objects.exclude(open_minor=0).exists()
    assert [finding for check in all_findings().values() for finding in check(invoice.issuer)] == []
    with pytest.raises(CannotCancel):
        cancel_document(document_id=invoice.pk, reason="Widerruf", today=CANCELLED, bill_again=False)
    assert [row.kind for row in StockMovement.objects.order_by("pk")] == ["returned", "returned"]
