"""The main path in small: contract, booking, invoice, payment, cancellation."""

from datetime import date

import pytest

from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Document, LedgerEntry, OpenItem
from cms_billing.faktura.services import account_balance, cancel_document, issue_next_invoices
from cms_billing.memberships.services import book_next_due
from cms_billing.payments.services import charge_back, record_payment
from cms_billing.testing.factories import signed_contract

TODAY = date(2026, 3, 31)

pytestmark = pytest.mark.django_db


def issued_invoice() -> Document:
    contract = signed_contract(start=date(2026, 1, 31), today=TODAY)
    assert book_next_due(issuer=contract.issuer, today=TODAY).bookings == 3
    batch = issue_next_invoices(issuer=contract.issuer, today=TODAY)
    assert not batch.problems
    return Document.objects.get(number="RE-2026-000001")


def test_due_contract_becomes_an_invoice_that_a_payment_settles():
    invoice = issued_invoice()
    assert (invoice.net_minor, invoice.tax_minor, invoice.gross_minor) == (832, 158, 990)
    assert invoice.open_item.open_amount == Money.of("9.90", "EUR")
    payment = record_payment(
        customer_id=invoice.customer_id,
        amount=Money.of("35.00", "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[invoice],
    )
    assert not OpenItem.objects.open().exists()
    assert account_balance(customer_id=invoice.customer_id, currency="EUR") == Money.of("-5.30", "EUR")
    charge_back(payment_id=payment.pk, day=TODAY)
    assert OpenItem.objects.open().count() == 3


def test_running_again_books_and_bills_nothing():
    invoice = issued_invoice()
    assert book_next_due(issuer=invoice.issuer, today=TODAY).bookings == 0
    assert issue_next_invoices(issuer=invoice.issuer, today=TODAY).done == []


def test_cancelling_a_paid_invoice_leaves_the_money_on_account_and_bills_again():
    invoice = issued_invoice()
    record_payment(
        customer_id=invoice.customer_id,
        amount=Money.of("9.90", "EUR"),
        received_on=TODAY,
        way="cash",
        today=TODAY,
        documents=[invoice],
    )
    cancellation = cancel_document(document_id=invoice.pk, reason="wrong address", today=TODAY)
    assert cancellation.number == "ST-2026-000001"
    assert cancellation.gross == -invoice.gross
    invoice.open_item.refresh_from_db()
    assert invoice.open_item.open_minor == 0
    on_account = LedgerEntry.objects.filter(document=None)
    assert [entry.amount_minor for entry in on_account] == [-990]
    assert Booking.objects.filter(state="open").count() == 1
