"""Cases that a failed payment or one that came back starts, at the level the procedure says, told or found."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_billing.dunning import receivers
from cms_billing.dunning.models import Case, Level, Procedure
from cms_billing.dunning.services import dun_next_customers, preview, reopen_case
from cms_billing.payments.models import ChargePlan
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import CustomerFactory

from .conftest import case_of, invoice_due, pay, run
from .test_courtesy import plan, under_way

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FAILED = date(2026, 1, 17)


def levels_at(issuer, **values) -> None:
    Procedure.objects.filter(issuer=issuer).update(**values)


def fail(document, day: date, *, stop: str = "hard") -> None:
    payment = under_way(document, "failed")
    plan(document, next_on=None, stop=stop, refused_on=day)
    receivers.start_when_failed(payment_id=payment.pk, day=day)


def test_a_payment_that_failed_for_good_starts_a_case_before_the_due_dates_days(issuer, customer):
    invoice = invoice_due(customer, DUE)
    fail(invoice, FAILED)
    case = case_of(invoice)
    assert (case.level, case.first_level, case.opened_on, case.waiting_since) == (0, 1, FAILED, FAILED)
    assert case.steps.get().reason == "payment failed, no further attempt"
    assert run(issuer, FAILED) == []
    (letter,) = run(issuer, date(2026, 1, 18))
    assert letter.extra["level"] == 1
    assert case_of(invoice).pk == case.pk
    (second,) = run(issuer, date(2026, 2, 1))
    assert second.extra["level"] == 2


def test_while_another_attempt_is_planned_nothing_starts(issuer, customer):
    invoice = invoice_due(customer, DUE)
    payment = under_way(invoice, "failed")
    plan(invoice, next_on=date(2026, 1, 20), refused_on=FAILED)
    receivers.start_when_failed(payment_id=payment.pk, day=FAILED)
    assert not Case.objects.exists()
    assert run(issuer, date(2026, 1, 21)) == []


@pytest.mark.parametrize("told", [True, False])
def test_it_starts_at_the_level_of_the_procedure_told_or_found(issuer, customer, told):
    levels_at(issuer, failure_level=2)
    invoice = invoice_due(customer, DUE)
    if told:
        fail(invoice, FAILED)
    else:
        plan(invoice, next_on=None, stop="hard", refused_on=FAILED)
    assert run(issuer, FAILED) == []
    (letter,) = run(issuer, date(2026, 1, 18))
    case = case_of(invoice)
    assert (letter.extra["level"], case.level, case.first_level) == (2, 2, 2)
    assert case.steps.order_by("pk").first().reason == "payment failed, no further attempt"
    # The second letter announces the lock of the third.
    assert invoice.number in letter.extra["lock_notice"]
    run(issuer, date(2026, 2, 1))
    assert (case_of(invoice).level, case_of(invoice).locked) == (3, True)


def test_who_starts_at_the_last_level_is_not_locked_without_an_announcement(issuer, customer):
    levels_at(issuer, chargeback_level=3)
    invoice = invoice_due(customer, DUE)
    payment = pay(invoice, DUE)
    charge_back(payment_id=payment.pk, day=FAILED)
    (letter,) = run(issuer, date(2026, 1, 18))
    case = case_of(invoice)
    assert (letter.extra["level"], case.level, case.locked) == (3, 3, False)
    assert letter.extra["lock_notice"] == ""


def test_a_level_the_procedure_does_not_have_is_its_last_one(issuer, customer):
    levels_at(issuer, failure_level=3)
    Level.objects.filter(procedure__issuer=issuer, number=3).delete()
    invoice = invoice_due(customer, DUE)
    fail(invoice, FAILED)
    (letter,) = run(issuer, date(2026, 1, 18))
    assert letter.extra["level"] == 2


@pytest.mark.parametrize("told", [True, False])
def test_a_chargeback_starts_a_case_once(issuer, customer, told):
    invoice = invoice_due(customer, DUE)
    payment = pay(invoice, DUE)
    charge_back(payment_id=payment.pk, day=FAILED)
    if told:
        for _again in range(2):
            receivers.start_when_charged_back(payment_id=payment.pk, document_ids=[invoice.pk], day=FAILED)
            receivers.go_on_when_reopened(document_id=invoice.pk, day=FAILED)
    assert Case.objects.count() == int(told)
    (letter,) = run(issuer, date(2026, 1, 18))
    assert letter.extra["level"] == 1
    assert Case.objects.count() == 1
    case = case_of(invoice)
    assert list(case.steps.order_by("pk").values_list("kind", "reason")) == [
        ("opened", "payment came back"),
        ("letter", ""),
    ]


def test_where_the_procedure_says_so_only_the_due_date_starts_a_case(issuer, customer):
    levels_at(issuer, failure_level=None, chargeback_level=None)
    failed, back = invoice_due(customer, DUE), invoice_due(customer, DUE, amount=500)
    fail(failed, FAILED)
    charge_back(payment_id=pay(back, DUE).pk, day=FAILED)
    assert reopen_case(document_id=back.pk, day=FAILED) is None
    assert not Case.objects.exists()
    assert run(issuer, date(2026, 1, 21)) == []
    assert len(run(issuer, date(2026, 1, 22))) == 1


def test_what_is_not_due_yet_starts_nothing(issuer, customer):
    invoice = invoice_due(customer, DUE)
    fail(invoice, date(2026, 1, 10))
    assert not Case.objects.exists()
    assert run(issuer, DUE) == []
    (letter,) = run(issuer, date(2026, 1, 16))
    assert letter.extra["level"] == 1


def test_a_new_way_to_pay_takes_the_claim_back_to_its_retry(issuer, customer):
    invoice = invoice_due(customer, DUE)
    fail(invoice, FAILED)
    ChargePlan.objects.filter(document=invoice).update(next_on=date(2026, 1, 19), stopped_because="")
    assert run(issuer, date(2026, 1, 18)) == []
    assert run(issuer, date(2026, 1, 19)) == []
    assert len(run(issuer, date(2026, 1, 20))) == 1


def test_a_claim_that_was_reminded_before_goes_on_at_its_level(issuer, customer):
    levels_at(issuer, failure_level=3, chargeback_level=3)
    invoice = invoice_due(customer, DUE)
    run(issuer, date(2026, 1, 22))
    fail(invoice, date(2026, 1, 23))
    assert (case_of(invoice).level, case_of(invoice).first_level) == (1, 1)
    payment = pay(invoice, date(2026, 1, 24))
    charge_back(payment_id=payment.pk, day=date(2026, 1, 25))
    assert run(issuer, date(2026, 1, 26)) == []
    (letter,) = run(issuer, date(2026, 2, 9))
    assert letter.extra["level"] == 2


def test_nobody_is_in_arrears_before_the_first_letter(issuer, customer):
    from cms_billing.dunning.selectors import standing_of_contract
    from cms_billing.memberships.models import Contract
    from cms_billing.testing.factories import PlanFactory, signed_contract

    contract = signed_contract(start=DUE, plan=PlanFactory(issuer=issuer), customer=customer, today=DUE)
    levels_at(issuer, failure_level=2)
    invoice = invoice_due(customer, DUE, contract=contract.number)
    fail(invoice, FAILED)
    asked = Contract.objects.annotate(standing=standing_of_contract())
    assert asked.get(pk=contract.pk).standing is None
    run(issuer, date(2026, 1, 18))
    assert asked.get(pk=contract.pk).standing == "in_arrears"


def test_looking_for_starts_takes_the_same_statements_for_many(issuer):
    def statements(count: int) -> int:
        made = CustomerFactory.create_batch(count, issuer=issuer)
        for customer in made:
            plan(invoice_due(customer, DUE), next_on=None, stop="hard", refused_on=FAILED)
            charge_back(payment_id=pay(invoice_due(customer, DUE, amount=500), DUE).pk, day=FAILED)
        with CaptureQueriesContext(connection) as captured:
            batch = dun_next_customers(issuer=issuer, today=date(2026, 1, 18), after_customer=made[0].pk - 1)
        assert len(batch.done) == count
        return len(captured)

    statements(1)
    assert statements(1) == statements(8)


def test_the_preview_knows_what_the_run_will_find(issuer, customer):
    levels_at(issuer, failure_level=2)
    invoice = invoice_due(customer, DUE)
    plan(invoice, next_on=None, stop="hard", refused_on=FAILED)
    (waiting,) = preview(issuer=issuer, today=FAILED)
    assert waiting.skipped_because == "Level 2 is not due before 01/18/2026."
    (letter,) = preview(issuer=issuer, today=date(2026, 1, 18))
    assert (letter.level, letter.documents) == (2, (invoice.number,))
