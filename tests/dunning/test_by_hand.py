"""What a person decides: stop, resume, next step now, waive a fee."""

from datetime import date

import pytest
from wagtail.models import ModelLogEntry

from cms_billing.core.money import Money
from cms_billing.dunning.exceptions import CannotDun, NothingToWaive, ReasonMissing, WrongStep
from cms_billing.dunning.models import Case, Level, Procedure
from cms_billing.dunning.services import (
    close_case,
    reopen_case,
    resume_case,
    stop_case,
    take_next_step,
    waive_charges,
)
from cms_billing.faktura.services import cancel_document
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import UserFactory

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))


@pytest.fixture
def editor(db):
    return UserFactory(username="editor")


def test_a_stopped_case_gets_no_letter_and_locks_nothing_until_it_is_resumed(issuer, customer, editor):
    invoice = invoice_due(customer, DUE)
    for day in DAYS:
        run(issuer, day)
    case = stop_case(case_id=case_of(invoice).pk, reason="Disputes the invoice", user=editor)
    assert (case.state, case.locked) == (Case.State.STOPPED, False)
    assert run(issuer, date(2026, 6, 1)) == []
    case = resume_case(case_id=case.pk, today=date(2026, 6, 1), user=editor)
    assert (case.state, case.level, case.locked) == (Case.State.OPEN, 3, True)
    run(issuer, date(2026, 6, 11))
    assert case_of(invoice).state == Case.State.OPEN
    run(issuer, date(2026, 6, 12))
    assert case_of(invoice).state == Case.State.READY_FOR_COLLECTION
    step = case.steps.get(kind="stopped")
    assert (step.reason, step.user) == ("Disputes the invoice", editor)
    assert ModelLogEntry.objects.filter(action="cms_billing.stop_dunning", user=editor).exists()


def test_a_stopped_claim_is_not_asked_for_in_another_ones_letter(issuer, customer):
    stopped = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    stop_case(case_id=case_of(stopped).pk, reason="Disputed")
    other = invoice_due(customer, date(2026, 1, 29))
    (letter,) = run(issuer, DAYS[1])
    assert [claim["number"] for claim in letter.extra["claims"]] == [other.number]


def test_stopping_wants_a_reason(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    with pytest.raises(ReasonMissing):
        stop_case(case_id=case_of(invoice).pk, reason="  ")
    assert case_of(invoice).state == Case.State.OPEN


def test_a_closed_case_can_be_neither_stopped_nor_resumed(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    pay(invoice, date(2026, 1, 30))
    close_case(document_id=invoice.pk, day=date(2026, 1, 30))
    with pytest.raises(WrongStep):
        stop_case(case_id=case_of(invoice).pk, reason="Too late")
    with pytest.raises(WrongStep):
        resume_case(case_id=case_of(invoice).pk, today=date(2026, 1, 30))


def test_the_next_step_now_does_not_wait(issuer, customer, editor):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    case = case_of(invoice)
    with pytest.raises(CannotDun, match="letter today"):
        take_next_step(case_id=case.pk, today=DAYS[0], user=editor)
    case = take_next_step(case_id=case.pk, today=date(2026, 1, 23), user=editor)
    assert (case.level, case.last_letter_on) == (2, date(2026, 1, 23))
    assert case.steps.filter(kind="letter", user=editor).count() == 1
    case = take_next_step(case_id=case.pk, today=date(2026, 1, 24), user=editor)
    assert (case.level, case.locked) == (3, True)
    case = take_next_step(case_id=case.pk, today=date(2026, 1, 25), user=editor)
    assert case.state == Case.State.READY_FOR_COLLECTION


def test_the_next_step_now_is_refused_where_nothing_is_owed(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    pay(invoice, date(2026, 1, 30))
    with pytest.raises(CannotDun, match="Nothing is owed"):
        take_next_step(case_id=case_of(invoice).pk, today=date(2026, 1, 30))


def test_a_fee_can_be_waived_as_far_as_it_is_owed(issuer, customer, editor, after_commit):
    Level.objects.filter(procedure__issuer=issuer, number=2).update(fee_minor=76)
    Procedure.objects.filter(issuer=issuer).update(charges_left="claim")
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    case = case_of(invoice)
    with pytest.raises(NothingToWaive):
        waive_charges(case_id=case.pk, today=DAYS[0], reason="x")
    run(issuer, DAYS[1])
    with after_commit():
        pay(invoice, date(2026, 2, 6), amount=Money.of("9.90", "EUR"))
    assert case_of(invoice).state == Case.State.OPEN
    with after_commit():
        waived = waive_charges(case_id=case.pk, today=date(2026, 2, 7), reason="paid at once", user=editor)
    assert waived == Money.of("0.76", "EUR")
    assert case_of(invoice).state == Case.State.CLOSED
    with pytest.raises(NothingToWaive):
        waive_charges(case_id=case.pk, today=date(2026, 2, 7), reason="x")


def test_cancelling_the_invoice_closes_the_case_with_its_reason(issuer, customer, after_commit):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    with after_commit():
        cancel_document(document_id=invoice.pk, reason="wrong", today=date(2026, 1, 30))
    case = case_of(invoice)
    assert (case.state, case.close_reason) == (Case.State.CLOSED, "cancelled")


def test_closing_and_reopening_twice_changes_nothing(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    assert close_case(document_id=invoice.pk, day=date(2026, 1, 30)) is None  # still owed
    assert reopen_case(document_id=invoice.pk, day=date(2026, 1, 30)) is None  # still open
    payment = pay(invoice, date(2026, 1, 30))
    assert close_case(document_id=invoice.pk, day=date(2026, 1, 30)) is not None
    assert close_case(document_id=invoice.pk, day=date(2026, 1, 30)) is None
    charge_back(payment_id=payment.pk, day=date(2026, 2, 1))
    assert reopen_case(document_id=invoice.pk, day=date(2026, 2, 1)) is not None
    assert reopen_case(document_id=invoice.pk, day=date(2026, 2, 1)) is None
    assert case_of(invoice).steps.count() == 4


def test_a_document_that_is_owed_again_before_its_due_date_gets_no_case(issuer, customer, after_commit):
    invoice = invoice_due(customer, DUE)
    with after_commit():
        payment = pay(invoice, date(2026, 1, 5))
    with after_commit():
        charge_back(payment_id=payment.pk, day=date(2026, 1, 10))
    assert not Case.objects.exists()
