"""An invoice that is cancelled to be billed again: what had been credited of it before is not billed a second time."""

from datetime import date
from decimal import Decimal

import pytest

from cms_billing.faktura.models import Booking
from cms_billing.faktura.services import (
    CreditLine,
    account_balance,
    cancel_document,
    credit_document,
    issue_next_invoices,
)
from cms_billing.testing.factories import BookingFactory

from .documents import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice():
    booking = BookingFactory(quantity=3, unit_price_minor=2480)
    BookingFactory(
        customer=booking.customer,
        issuer=booking.issuer,
        source_id=booking.source_id + 1,
        invoice_group=booking.invoice_group,
        unit_price_minor=1000,
    )
    [invoice] = issue_next_invoices(issuer=booking.issuer, today=TODAY).done
    return invoice


def credit(invoice, position, **what):
    line = invoice.lines.get(position=position)
    credit_document(
        document_id=invoice.pk, lines=[CreditLine(line_id=line.pk, **what)], reason="?", today=TODAY
    )


def billed_again(invoice):
    left = account_balance(customer_id=invoice.customer_id, currency="EUR")
    cancel_document(document_id=invoice.pk, reason="Anschrift", today=TODAY)
    assert account_balance(customer_id=invoice.customer_id, currency="EUR").minor == 0
    [again] = issue_next_invoices(issuer=invoice.issuer, today=date(2026, 3, 21)).done
    assert again.gross == left
    return [(line.quantity, line.gross_minor) for line in again.lines.order_by("position")]


def test_an_untouched_invoice_is_billed_again_as_it_was(invoice):
    assert billed_again(invoice) == [(3, 7440), (1, 1000)]


def test_a_returned_unit_is_not_billed_again(invoice):
    credit(invoice, 1, quantity=Decimal(1), restock=True)
    assert billed_again(invoice) == [(2, 4960), (1, 1000)]


def test_a_line_that_was_credited_in_full_is_not_billed_again(invoice):
    credit(invoice, 2, quantity=Decimal(1))
    assert billed_again(invoice) == [(3, 7440)]
    assert sorted(Booking.objects.values_list("state", flat=True)) == ["billed", "void"]


def test_a_reduced_price_stays_reduced(invoice):
    credit(invoice, 1, gross_minor=300)
    assert billed_again(invoice) == [(3, 7140), (1, 1000)]


def test_a_reduced_price_that_does_not_divide_is_billed_to_the_cent(invoice):
    credit(invoice, 1, gross_minor=500)
    assert billed_again(invoice) == [(1, 6940), (1, 1000)]
