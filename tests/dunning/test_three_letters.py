"""The whole way of a claim, in literal dates."""

from datetime import date

import pytest

from cms_billing.core.money import Money
from cms_billing.dunning.models import Case, CaseStep
from cms_billing.dunning.selectors import owed
from cms_billing.faktura.delivery_vetoes import reason_to_withdraw
from cms_billing.payments.services import charge_back

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)


def test_an_unpaid_invoice_gets_three_letters_and_is_ready_for_collection(issuer, customer):
    invoice = invoice_due(customer, DUE, contract="V-1")
    assert run(issuer, date(2026, 1, 21)) == []

    (first,) = run(issuer, date(2026, 1, 22))
    assert (first.number, first.extra["level"], first.extra["pay_until"]) == (
        "MA-2026-000001",
        1,
        "2026-02-01",
    )
    assert first.extra["claims"] == [
        {
            "document_id": invoice.pk,
            "number": invoice.number,
            "date": "2026-01-01",
            "due_on": "2026-01-15",
            "gross_minor": 990,
            "open_minor": 990,
            "level": 1,
        }
    ]
    assert (first.extra["fee_minor"], first.extra["total_minor"], first.extra["lock_notice"]) == (0, 990, "")
    assert not case_of(invoice).locked

    assert run(issuer, date(2026, 2, 4)) == []
    (second,) = run(issuer, date(2026, 2, 5))
    assert second.extra["level"] == 2
    assert invoice.number in second.extra["lock_notice"]
    assert not case_of(invoice).locked

    assert run(issuer, date(2026, 2, 18)) == []
    (third,) = run(issuer, date(2026, 2, 19))
    assert (third.extra["level"], third.extra["pay_until"]) == (3, "2026-03-01")
    assert case_of(invoice).locked

    assert run(issuer, date(2026, 3, 1)) == []
    assert case_of(invoice).state == Case.State.OPEN
    assert run(issuer, date(2026, 3, 2)) == []
    case = case_of(invoice)
    assert (case.state, case.level, case.locked) == (Case.State.READY_FOR_COLLECTION, 3, True)
    assert list(case.steps.values_list("kind", "level")) == [
        ("opened", 0),
        ("letter", 1),
        ("letter", 2),
        ("letter", 3),
        ("ready", 3),
    ]
    assert run(issuer, date(2026, 6, 1)) == []


def test_days_without_a_run_skip_no_level(issuer, customer):
    invoice = invoice_due(customer, DUE)
    for day in (date(2026, 5, 1), date(2026, 7, 1), date(2026, 9, 1)):
        assert len(run(issuer, day)) == 1
    assert list(case_of(invoice).steps.filter(kind="letter").values_list("level", flat=True)) == [1, 2, 3]


def test_payment_closes_the_case_and_unlocks(issuer, customer, after_commit):
    invoice = invoice_due(customer, DUE)
    for day in (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)):
        run(issuer, day)
    with after_commit():
        pay(invoice, date(2026, 2, 25))
    case = case_of(invoice)
    assert (case.state, case.locked) == (Case.State.CLOSED, False)
    assert (case.closed_on, case.close_reason) == (date(2026, 2, 25), "paid")
    assert run(issuer, date(2026, 6, 1)) == []


def test_partial_payment_leaves_the_case_and_the_next_letter_asks_for_the_rest(
    issuer, customer, after_commit
):
    invoice = invoice_due(customer, DUE)
    run(issuer, date(2026, 1, 22))
    with after_commit():
        pay(invoice, date(2026, 1, 30), amount=Money.of("4.00", "EUR"))
    assert case_of(invoice).state == Case.State.OPEN
    (second,) = run(issuer, date(2026, 2, 5))
    assert second.extra["total_minor"] == 590


def test_a_payment_whose_receiver_died_unlocks_at_once_and_the_next_run_closes_the_case(issuer, customer):
    invoice = invoice_due(customer, DUE)
    for day in (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)):
        run(issuer, day)
    assert Case.objects.locking().count() == 1
    pay(invoice, date(2026, 2, 25))  # what happens after commit never comes
    assert case_of(invoice).locked
    assert not Case.objects.locking().exists()
    assert owed([customer.pk]) == []
    run(issuer, date(2026, 2, 26))
    assert case_of(invoice).state == Case.State.CLOSED


def test_a_chargeback_goes_on_at_the_level_reached_and_gives_the_full_time_again(
    issuer, customer, after_commit
):
    invoice = invoice_due(customer, DUE)
    run(issuer, date(2026, 1, 22))
    with after_commit():
        payment = pay(invoice, date(2026, 1, 25))
    with after_commit():
        charge_back(payment_id=payment.pk, day=date(2026, 3, 10), reason="MS03")
    case = case_of(invoice)
    assert (case.state, case.level, case.waiting_since) == (Case.State.OPEN, 1, date(2026, 3, 10))
    assert run(issuer, date(2026, 3, 23)) == []
    (second,) = run(issuer, date(2026, 3, 24))
    assert second.extra["level"] == 2
    assert Case.objects.count() == 1


def test_a_chargeback_after_the_lock_locks_again(issuer, customer, after_commit):
    invoice = invoice_due(customer, DUE)
    for day in (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)):
        run(issuer, day)
    with after_commit():
        payment = pay(invoice, date(2026, 2, 25))
    assert not Case.objects.locking().exists()
    with after_commit():
        charge_back(payment_id=payment.pk, day=date(2026, 3, 10))
    assert Case.objects.locking().count() == 1


def test_a_chargeback_of_an_invoice_paid_in_time_starts_with_the_friendly_reminder(
    issuer, customer, after_commit
):
    invoice = invoice_due(customer, DUE)
    with after_commit():
        payment = pay(invoice, date(2026, 1, 14))
    with after_commit():
        charge_back(payment_id=payment.pk, day=date(2026, 3, 10))
    assert (case_of(invoice).level, case_of(invoice).opened_on) == (0, date(2026, 3, 10))
    (first,) = run(issuer, date(2026, 3, 11))
    assert first.extra["level"] == 1


def test_a_chargeback_nobody_was_told_of_skips_and_repeats_no_letter(issuer, customer, after_commit):
    invoice = invoice_due(customer, DUE)
    run(issuer, date(2026, 1, 22))
    with after_commit():
        payment = pay(invoice, date(2026, 1, 25))
    charge_back(payment_id=payment.pk, day=date(2026, 3, 10))  # its receiver died
    assert run(issuer, date(2026, 3, 11)) == []
    assert (case_of(invoice).state, case_of(invoice).level) == (Case.State.OPEN, 1)
    (second,) = run(issuer, date(2026, 3, 25))
    assert second.extra["level"] == 2


def test_a_letter_waiting_to_be_sent_is_withdrawn_by_the_payment(issuer, customer, after_commit):
    invoice = invoice_due(customer, DUE)
    (letter,) = run(issuer, date(2026, 1, 22))
    assert reason_to_withdraw(letter) == ""
    pay(invoice, date(2026, 1, 22))
    assert "settled" in reason_to_withdraw(letter)


def test_one_letter_lists_all_overdue_invoices_with_their_levels(issuer, customer):
    old = invoice_due(customer, DUE)
    run(issuer, date(2026, 1, 22))
    newer = invoice_due(customer, date(2026, 1, 29), amount=1500)
    just_due = invoice_due(customer, date(2026, 2, 4), amount=2000)
    not_due = invoice_due(customer, date(2026, 2, 5), amount=4000)
    (letter,) = run(issuer, date(2026, 2, 5))
    assert letter.extra["level"] == 2
    assert [(claim["number"], claim["level"]) for claim in letter.extra["claims"]] == [
        (old.number, 2),
        (newer.number, 1),
        (just_due.number, 0),
    ]
    assert letter.extra["total_minor"] == 990 + 1500 + 2000
    assert not_due.number not in letter.extra["text"]
    assert not Case.objects.filter(document=just_due).exists()
    assert CaseStep.objects.filter(letter=letter).count() == 2


def test_a_new_overdue_invoice_on_the_day_of_a_letter_waits_for_the_next_run(issuer, customer):
    invoice_due(customer, DUE)
    assert len(run(issuer, date(2026, 1, 22))) == 1
    invoice_due(customer, date(2026, 1, 10), amount=500)
    assert run(issuer, date(2026, 1, 22)) == []
    (letter,) = run(issuer, date(2026, 1, 23))
    assert letter.extra["total_minor"] == 1490


def test_a_second_run_of_the_day_does_nothing(issuer, customer):
    invoice_due(customer, DUE)
    assert len(run(issuer, date(2026, 1, 22))) == 1
    before = (Case.objects.count(), CaseStep.objects.count())
    assert run(issuer, date(2026, 1, 22)) == []
    assert (Case.objects.count(), CaseStep.objects.count()) == before
