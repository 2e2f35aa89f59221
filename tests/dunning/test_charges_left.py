"""The claim itself is paid: what opens, what becomes of fees and interest, who is thanked, and what is not sent."""

from __future__ import annotations

from datetime import date

import pytest
from django.core import mail

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.dunning.desk import access_effect
from cms_billing.dunning.models import Case, Level, Procedure, ThankYou
from cms_billing.dunning.receivers import reason_to_withdraw
from cms_billing.dunning.services import close_case, finish_covered, preview
from cms_billing.dunning.viewsets.case_sections import opens_text
from cms_billing.faktura.models import Delivery, Rendering
from cms_billing.faktura.verification import ledger_findings
from cms_billing.payments.services import charge_back

from .conftest import case_of, invoice_due, pay, run

pytestmark = pytest.mark.django_db

DUE = date(2026, 1, 15)
DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))
PAID = date(2026, 2, 20)


@pytest.fixture
def charged(issuer, procedure):
    """Each letter costs 2.50."""
    Level.objects.filter(procedure=procedure).update(fee_minor=250)
    return lambda mode: Procedure.objects.filter(pk=procedure.pk).update(charges_left=mode)


def locks(customer) -> bool:
    return Case.objects.locking().filter(customer=customer).exists()


def three_letters(issuer, customer):
    invoice = invoice_due(customer, DUE, amount=5000, contract="V-1")
    for day in DAYS:
        run(issuer, day)
    assert locks(customer)
    return invoice


def send_letters() -> None:
    outbox.drain(Rendering, now=clock.now())
    outbox.drain(Delivery, now=clock.now())


@pytest.mark.parametrize("mode", ["claim", "keep", "waive"])
def test_access_opens_with_the_claim_itself_whatever_becomes_of_the_fees(issuer, customer, charged, mode):
    """No receiver is at work here: the commit of the payment opens it."""
    charged(mode)
    three_letters(issuer, customer)
    pay(case_of_customer(customer).document, PAID, amount=Money(5000, "EUR"))

    assert not locks(customer)
    assert not case_of_customer(customer).locks_now


def case_of_customer(customer) -> Case:
    return Case.objects.get(customer=customer)


def test_one_cent_of_the_claim_keeps_it_locked(issuer, customer, charged):
    charged("waive")
    invoice = three_letters(issuer, customer)
    pay(invoice, PAID, amount=Money(4999, "EUR"))

    assert locks(customer)


def test_what_is_left_is_waived_and_the_case_closed_as_paid(issuer, customer, charged, after_commit):
    charged("waive")
    invoice = three_letters(issuer, customer)
    with after_commit():
        pay(invoice, PAID, amount=Money(5000, "EUR"))

    case = case_of(invoice)
    invoice.open_item.refresh_from_db()
    assert (case.state, case.close_reason, invoice.open_item.open_minor) == ("closed", "paid", 0)
    assert list(case.charges.values_list("amount_minor", flat=True)) == [250, 250, 250, -750]
    steps = list(case.steps.values_list("kind", flat=True))
    assert steps[-3:] == ["payment", "fee_waived", "closed"]
    assert list(ledger_findings(issuer)) == []


def test_what_is_left_stays_on_the_account_without_letters(issuer, customer, charged, after_commit):
    charged("keep")
    invoice = three_letters(issuer, customer)
    with after_commit():
        pay(invoice, PAID, amount=Money(5000, "EUR"))

    invoice.open_item.refresh_from_db()
    assert (case_of(invoice).close_reason, invoice.open_item.open_minor) == ("charges_kept", 750)
    assert run(issuer, date(2026, 6, 1)) == []
    assert Case.objects.filter(document=invoice).count() == 1
    (skipped,) = preview(issuer=issuer, today=date(2026, 6, 1))
    assert "fees and interest" in skipped.skipped_because


def test_what_is_left_is_claimed_on(issuer, customer, charged, after_commit):
    charged("claim")
    invoice = invoice_due(customer, DUE, amount=5000)
    run(issuer, DAYS[0])
    with after_commit():
        pay(invoice, date(2026, 1, 23), amount=Money(5000, "EUR"))
    assert case_of(invoice).state == "open"
    (second,) = run(issuer, DAYS[1])

    assert second.extra["total_minor"] == 500


@pytest.mark.parametrize("mode", ["keep", "waive"])
def test_the_next_run_finds_what_a_dead_receiver_left(issuer, customer, charged, mode):
    charged(mode)
    invoice = three_letters(issuer, customer)
    pay(invoice, PAID, amount=Money(5000, "EUR"))

    assert run(issuer, date(2026, 3, 10)) == []
    assert case_of(invoice).state == "closed"


@pytest.mark.parametrize("mode", ["keep", "waive"])
def test_a_chargeback_takes_it_up_again_where_it_was(issuer, customer, charged, mode):
    charged(mode)
    invoice = three_letters(issuer, customer)
    payment = pay(invoice, PAID, amount=Money(5000, "EUR"))
    finish_covered(document_id=invoice.pk, day=PAID)
    charge_back(payment_id=payment.pk, day=date(2026, 3, 2))
    run(issuer, date(2026, 3, 2))

    case = case_of(invoice)
    assert (case.state, case.level, case.locks_now) == ("open", 3, True)


def test_who_was_reminded_and_paid_is_thanked_once_a_day(issuer, customer, procedure, after_commit):
    first, second = invoice_due(customer, DUE, contract="V-1"), invoice_due(customer, DUE, contract="V-2")
    for day in DAYS:
        run(issuer, day)
        send_letters()
    mail.outbox.clear()
    with after_commit():
        pay(first, PAID)
    with after_commit():
        pay(second, PAID)
    outbox.drain(ThankYou, now=clock.now())
    outbox.drain(ThankYou, now=clock.now())

    (message,) = mail.outbox
    assert message.to == [customer.email]
    assert first.number in message.body
    assert second.number in message.body
    assert "Ihr Zugang ist wieder offen." in message.body
    assert case_of(first).steps.last().kind == "thanked"


def test_nobody_is_thanked_whose_letter_never_went_out(issuer, customer, procedure, after_commit):
    invoice = invoice_due(customer, DUE)
    (letter,) = run(issuer, DAYS[0])
    with after_commit():
        pay(invoice, DAYS[0])

    assert not ThankYou.objects.exists()
    assert reason_to_withdraw(letter)


def test_nobody_is_thanked_for_what_went_back_before_the_mail(issuer, customer, procedure, after_commit):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    send_letters()
    mail.outbox.clear()
    payment = pay(invoice, PAID)
    close_case(document_id=invoice.pk, day=PAID)
    with after_commit():
        charge_back(payment_id=payment.pk, day=PAID)
    outbox.drain(ThankYou, now=clock.now())

    assert mail.outbox == []


def test_a_letter_in_the_queue_is_withdrawn_once_only_waived_fees_are_left(issuer, customer, charged):
    charged("waive")
    invoice = three_letters(issuer, customer)
    letter = case_of(invoice).steps.filter(kind="letter").last().letter
    assert reason_to_withdraw(letter) == ""
    # The receiver dies; the letter is looked at before it is sent.
    pay(invoice, DAYS[2], amount=Money(5000, "EUR"))

    assert reason_to_withdraw(letter)


def test_a_part_payment_is_in_the_timeline(issuer, customer, procedure, after_commit):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    with after_commit():
        pay(invoice, date(2026, 1, 23), amount=Money(300, "EUR"))
    step = case_of(invoice).steps.get(kind="payment")

    assert "3.00" in step.reason
    assert "6.90" in step.reason
    (second,) = run(issuer, DAYS[1])
    assert second.extra["total_minor"] == 690


def test_the_case_page_says_that_the_claim_itself_opens_it(issuer, customer, charged):
    charged("claim")
    three_letters(issuer, customer)
    [row] = access_effect(case_of_customer(customer))

    said = opens_text(row)
    assert "payment of €50.00 for the claim itself" in said
    assert "€57.50 are owed" in said
