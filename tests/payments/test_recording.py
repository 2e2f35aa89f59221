"""Payments entered by a person, and money that goes back."""

from datetime import date

import pytest

from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry, OpenItem
from cms_billing.faktura.services import account_balance, cancel_document
from cms_billing.payments.exceptions import ImplausiblePayment
from cms_billing.payments.models import Payment
from cms_billing.payments.services import charge_back, record_payment, settle_payment
from cms_billing.testing.factories import CustomerFactory

TODAY = date(2026, 3, 10)

pytestmark = pytest.mark.django_db


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def pay(document, euros: str, **changes):
    values = {
        "customer_id": document.customer_id,
        "amount": euro(euros),
        "received_on": TODAY,
        "way": "transfer",
        "today": TODAY,
        "documents": [document],
        **changes,
    }
    return record_payment(**values)


def open_minor(document) -> int:
    return OpenItem.objects.get(pk=document.pk).open_minor


def test_less_than_owed_leaves_the_rest_open(invoice):
    document = invoice(gross_minor=2000)
    pay(document, "15.00")
    assert open_minor(document) == 500
    assert OpenItem.objects.get(pk=document.pk).settled_on is None


def test_the_day_the_money_came_is_booked_not_the_day_it_was_entered(invoice):
    document = invoice()
    payment = pay(document, "9.90", received_on=date(2026, 3, 4), way="cash")
    assert (payment.received_on, payment.way) == (date(2026, 3, 4), "cash")
    assert payment.allocations.get().ledger_entry.booked_on == date(2026, 3, 4)
    assert OpenItem.objects.get(pk=document.pk).settled_on == date(2026, 3, 4)


def test_overpayment_settles_older_documents_and_the_rest_stands_on_account(invoice):
    older = invoice(gross_minor=1000)
    named = invoice(older.customer, gross_minor=3000, issued_on=date(2026, 3, 5))
    pay(named, "50.00")
    assert (open_minor(named), open_minor(older)) == (0, 0)
    assert account_balance(customer_id=older.customer_id, currency="EUR") == euro("-10.00")


def test_several_documents_are_settled_in_the_order_named(invoice):
    first = invoice(gross_minor=1000)
    second = invoice(first.customer, gross_minor=1000, issued_on=date(2026, 3, 2))
    third = invoice(first.customer, gross_minor=1000, issued_on=date(2026, 3, 3))
    payment = pay(third, "25.00", documents=[third, second])
    assert [(a.document_id, a.amount_minor) for a in payment.allocations.all()] == [
        (third.pk, 1000),
        (second.pk, 1000),
        (first.pk, 500),
    ]


def test_no_document_named_settles_the_oldest_due_first(invoice):
    newer = invoice(gross_minor=1000, issued_on=date(2026, 3, 5))
    older = invoice(newer.customer, gross_minor=1000, issued_on=date(2026, 3, 1))
    pay(newer, "10.00", documents=[])
    assert (open_minor(older), open_minor(newer)) == (0, 1000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": euro("0.00")}, "more than zero"),
        ({"amount": euro("-5.00")}, "more than zero"),
        ({"amount": Money.of("9.90", "CHF")}, "in EUR, the payment in CHF"),
        ({"received_on": date(2026, 3, 11)}, "still to come"),
        ({"received_on": date(1926, 3, 1)}, "Check the year"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words_and_leaves_nothing(invoice, changes, words):
    document = invoice()
    with pytest.raises(ImplausiblePayment, match=words):
        pay(document, "9.90", **changes)
    assert not Payment.objects.exists()
    assert open_minor(document) == 990


def test_foreign_currency_without_a_document_stands_on_account_in_its_own_currency(invoice):
    document = invoice()
    pay(document, "0", amount=Money.of("9.90", "CHF"), documents=[])
    assert open_minor(document) == 990
    assert account_balance(customer_id=document.customer_id, currency="CHF") == Money.of("-9.90", "CHF")


def test_a_neighbours_document_cannot_be_settled(invoice):
    mine, neighbours = invoice(), invoice()
    with pytest.raises(ImplausiblePayment, match="does not belong to"):
        pay(mine, "9.90", documents=[neighbours])
    assert open_minor(neighbours) == 990


def test_settling_again_changes_nothing(invoice):
    document = invoice()
    payment = pay(document, "9.90")
    settle_payment(payment_id=payment.pk, day=TODAY)
    assert LedgerEntry.objects.filter(kind="payment").count() == 1


def test_chargeback_reopens_every_document_and_said_twice_it_is_one(invoice):
    first = invoice(gross_minor=1000)
    second = invoice(first.customer, gross_minor=1000, issued_on=date(2026, 3, 2))
    payment = pay(first, "25.00", documents=[first, second])
    for _again in range(2):
        charge_back(payment_id=payment.pk, day=TODAY, reason="account closed")
    payment.refresh_from_db()
    assert (payment.state, payment.reason) == ("charged_back", "account closed")
    assert (open_minor(first), open_minor(second)) == (1000, 1000)
    assert account_balance(customer_id=first.customer_id, currency="EUR") == euro("20.00")


def test_partial_chargeback_takes_the_account_first_then_the_last_document(invoice):
    first = invoice(gross_minor=1000)
    second = invoice(first.customer, gross_minor=1000, issued_on=date(2026, 3, 2))
    payment = pay(first, "25.00", documents=[first, second])
    for so_far in ("5.00", "8.00", "8.00"):
        charge_back(payment_id=payment.pk, day=TODAY, so_far=euro(so_far))
    payment.refresh_from_db()
    assert payment.state == "settled"
    assert (open_minor(first), open_minor(second)) == (0, 300)
    charge_back(payment_id=payment.pk, day=TODAY)
    payment.refresh_from_db()
    assert payment.state == "charged_back"
    assert (open_minor(first), open_minor(second)) == (1000, 1000)


def test_more_than_was_paid_cannot_go_back(invoice):
    payment = pay(invoice(), "9.90")
    with pytest.raises(ImplausiblePayment, match="cannot have gone back"):
        charge_back(payment_id=payment.pk, day=TODAY, so_far=euro("9.91"))


def test_chargeback_after_cancellation_leaves_the_cancelled_invoice_closed(invoice):
    document = invoice()
    payment = pay(document, "9.90")
    cancel_document(document_id=document.pk, reason="wrong address", today=TODAY)
    charge_back(payment_id=payment.pk, day=TODAY)
    assert open_minor(document) == 0
    assert account_balance(customer_id=document.customer_id, currency="EUR") == euro("0.00")


def test_recording_costs_the_same_however_many_documents_are_open(invoice, django_assert_max_num_queries):
    document = invoice()
    for day in range(2, 12):
        invoice(document.customer, issued_on=date(2026, 3, day))
    with django_assert_max_num_queries(30):
        pay(document, "200.00", today=date(2026, 4, 1), documents=[])


def test_an_account_of_a_customer_without_documents_takes_money(db):
    customer = CustomerFactory()
    record_payment(customer_id=customer.pk, amount=euro("5.00"), received_on=TODAY, way="cash", today=TODAY)
    assert account_balance(customer_id=customer.pk, currency="EUR") == euro("-5.00")
