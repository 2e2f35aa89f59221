"""Cancelling: what can be, what cannot, and what becomes of the money and the bookings."""

from datetime import date

import pytest

from cms_billing.faktura import rules
from cms_billing.faktura.exceptions import CannotCancel
from cms_billing.faktura.models import Booking, DocumentKind, LedgerEntry
from cms_billing.faktura.services import account_balance, cancel_document, issue_next_invoices, post_entries
from cms_billing.faktura.services.ledger import Entry
from cms_billing.testing.factories import BookingFactory, CustomerFactory, IssuerFactory

from .documents import TODAY, dunning_letter, issue

pytestmark = pytest.mark.django_db


def cancel(document, **changes):
    return cancel_document(**{"document_id": document.pk, "reason": "Irrtum", "today": TODAY, **changes})


def test_cancellation_mirrors_the_invoice_under_its_own_number():
    invoice = issue(lines=3)
    cancellation = cancel(invoice)
    assert (cancellation.kind, cancellation.number) == (DocumentKind.CANCELLATION, "ST-2026-000001")
    assert (cancellation.net, cancellation.tax, cancellation.gross) == (
        -invoice.net,
        -invoice.tax,
        -invoice.gross,
    )
    assert cancellation.corrects == invoice
    assert [line.corrects_line for line in cancellation.lines.all()] == list(invoice.lines.all())
    assert account_balance(customer_id=invoice.customer_id, currency="EUR").minor == 0


def test_invoice_is_cancelled_once():
    invoice = issue()
    cancel(invoice)
    with pytest.raises(CannotCancel, match="RE-2026-000001 has been cancelled already"):
        cancel(invoice)


def test_cancellation_and_letters_cannot_be_cancelled():
    invoice = issue()
    for document in (cancel(invoice), dunning_letter(invoice.customer, invoice)):
        with pytest.raises(CannotCancel, match="only invoices can"):
            cancel(document)


def test_draft_is_no_business_of_cancelling():
    assert rules.obstacle_to_cancelling(rules.Cancellable("invoice", "draft", "", None)) == "draft"


def test_fee_on_the_invoice_goes_with_it_and_payments_stay_on_account():
    invoice = issue()
    pay = Entry(LedgerEntry.Kind.PAYMENT, -invoice.gross, invoice.pk)
    fee = Entry(LedgerEntry.Kind.FEE, invoice.gross, invoice.pk)
    post_entries(
        issuer_id=invoice.issuer_id, customer_id=invoice.customer_id, entries=[pay, fee], booked_on=TODAY
    )
    cancel(invoice)
    invoice.open_item.refresh_from_db()
    assert invoice.open_item.open_minor == 0
    assert account_balance(customer_id=invoice.customer_id, currency="EUR") == -invoice.gross


@pytest.mark.parametrize(("bill_again", "state"), [(True, "open"), (False, "void")])
def test_bookings_become_billable_again_or_void(bill_again, state):
    booking = BookingFactory()
    [invoice] = issue_next_invoices(issuer=booking.issuer, today=TODAY).done
    cancel(invoice, bill_again=bill_again)
    assert Booking.objects.get().state == state


@pytest.mark.parametrize(
    ("party", "field", "named"),
    [
        ("issuer", "legal_name", "legal name of the issuer"),
        ("issuer", "street", "street of the issuer"),
        ("issuer", "postal_code", "postal code of the issuer"),
        ("issuer", "city", "city of the issuer"),
        ("issuer", "tax_number", "tax number or VAT id of the issuer"),
        ("customer", "last_name", "name of the customer"),
        ("customer", "street", "street of the customer"),
        ("customer", "postal_code", "postal code of the customer"),
        ("customer", "city", "city of the customer"),
    ],
)
def test_invoice_that_the_law_would_not_accept_is_not_issued(party, field, named):
    """§ 14 (4) UStG no. 1 and 2: the message names the missing field, the booking waits."""
    customer = CustomerFactory(first_name="")
    owner = customer if party == "customer" else customer.issuer
    setattr(owner, field, "")
    owner.save()
    BookingFactory(customer=customer, period_start=date(2026, 1, 1))
    batch = issue_next_invoices(issuer=customer.issuer, today=TODAY)
    assert batch.done == []
    [problem] = batch.problems
    assert named in problem.reason
    assert problem.subject_id == customer.pk
    assert Booking.objects.get().state == "open"


def test_one_customer_without_address_stops_nobody_else():
    issuer = IssuerFactory()
    BookingFactory(customer=CustomerFactory(issuer=issuer, street=""))
    BookingFactory(customer=CustomerFactory(issuer=issuer))
    batch = issue_next_invoices(issuer=issuer, today=TODAY)
    assert (len(batch.done), len(batch.problems)) == (1, 1)


def test_vat_id_alone_is_enough():
    customer = CustomerFactory(issuer=IssuerFactory(tax_number="", vat_id="DE136695976"))
    BookingFactory(customer=customer)
    assert len(issue_next_invoices(issuer=customer.issuer, today=TODAY).done) == 1
