"""Random days, payments, chargebacks, blocks, stops, dead receivers and runs: what must never happen does not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cms_billing.core.money import Money
from cms_billing.dunning.models import Case, CaseStep, Hold
from cms_billing.dunning.rules import Step
from cms_billing.dunning.services import (
    close_case,
    create_default_procedure,
    lift_hold,
    preview,
    reopen_case,
    resume_case,
    set_hold,
    stop_case,
)
from cms_billing.faktura.models import Document, OpenItem
from cms_billing.payments.models import Payment
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import invoice_due, pay, run

START = date(2026, 1, 1)
CUSTOMERS = st.integers(0, 1)


class Dunning(RuleBasedStateMachine):
    """Receivers are called by hand, so that the machine can let them die."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.today = START
        self.issuer = IssuerFactory()
        create_default_procedure(self.issuer)
        self.customers = CustomerFactory.create_batch(2, issuer=self.issuer)
        self.asked: dict[tuple[int, date], int] = {}

    @rule(which=CUSTOMERS, age=st.integers(-10, 30), amount=st.integers(1, 5000))
    def owe(self, which: int, age: int, amount: int) -> None:
        invoice_due(self.customers[which], self.today - timedelta(days=age), amount=amount)

    @rule(days=st.integers(1, 20))
    def days_go_by(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule()
    def dun(self) -> None:
        planned = preview(issuer=self.issuer, today=self.today)
        expected = [(p.customer_id, p.level, p.amount.minor) for p in planned if p.step is Step.LETTER]
        before = {case.document_id: case.level for case in Case.objects.live()}
        letters = run(self.issuer, self.today)
        got = [(d.customer_id, d.extra["level"], d.extra["total_minor"]) for d in letters]
        assert got == expected, "the preview said something else"
        for letter in letters:
            self.check_letter(letter, before)
        assert run(self.issuer, self.today) == [], "a repeated run wrote again"

    def check_letter(self, letter: Document, before: dict[int, int]) -> None:
        key = (letter.customer_id, self.today)
        assert self.asked.setdefault(key, letter.pk) == letter.pk, "two letters on one day"
        holds = Hold.objects.filter(customer=letter.customer).holding_on(self.today)
        assert not holds.exists(), "a blocked customer was reminded"
        for claim in letter.extra["claims"]:
            item = OpenItem.objects.get(pk=claim["document_id"])
            assert claim["open_minor"] == item.open_minor > 0, "a letter without a claim"
            assert claim["level"] - before.get(item.pk, claim["level"] - 1) in (0, 1), "a level was skipped"

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data(), whole=st.booleans(), told=st.booleans())
    def money_arrives(self, data: st.DataObject, *, whole: bool, told: bool) -> None:
        item = data.draw(st.sampled_from(list(OpenItem.objects.filter(open_minor__gt=0).order_by("pk"))))
        part = item.open_minor if whole else max(item.open_minor // 2, 1)
        pay(item.document, self.today, amount=Money(part, "EUR"))
        item.refresh_from_db()
        if told and item.open_minor <= 0:
            close_case(document_id=item.pk, day=self.today)

    @precondition(lambda self: Payment.objects.filter(state="settled").exists())
    @rule(data=st.data(), told=st.booleans())
    def money_goes_back(self, data: st.DataObject, *, told: bool) -> None:
        payment = data.draw(st.sampled_from(list(Payment.objects.filter(state="settled").order_by("pk"))))
        charge_back(payment_id=payment.pk, day=self.today)
        if told:
            for document in payment.allocations.exclude(document=None).values_list("document", flat=True):
                reopen_case(document_id=document, day=self.today)

    @rule(which=CUSTOMERS, days=st.none() | st.integers(0, 40))
    def block(self, which: int, days: int | None) -> None:
        until = None if days is None else self.today + timedelta(days=days)
        set_hold(customer_id=self.customers[which].pk, reason="x", until=until, today=self.today)

    @rule(which=CUSTOMERS)
    def unblock(self, which: int) -> None:
        for hold in Hold.objects.filter(customer=self.customers[which], state="standing"):
            lift_hold(hold_id=hold.pk)

    @precondition(lambda self: Case.objects.filter(state="open").exists())
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(list(Case.objects.filter(state="open").order_by("pk"))))
        stop_case(case_id=case.pk, reason="x")

    @precondition(lambda self: Case.objects.filter(state="stopped").exists())
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(list(Case.objects.filter(state="stopped").order_by("pk"))))
        resume_case(case_id=case.pk, today=self.today)

    @invariant()
    def letters_climb_one_level_at_a_time(self) -> None:
        for case in Case.objects.all():
            steps = CaseStep.objects.filter(case=case, kind="letter").order_by("pk")
            assert list(steps.values_list("level", flat=True)) == list(range(1, case.level + 1))

    @invariant()
    def what_is_locked_was_announced_and_is_owed(self) -> None:
        for case in Case.objects.locking().select_related("document__open_item"):
            assert case.document.open_item.open_minor > 0
            announcing = case.steps.get(kind="letter", level=2).letter
            assert case.document.number in announcing.extra["lock_notice"]


Dunning.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Each step is many statements: making a failure shorter would take many minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


class TestDunning(Dunning.TestCase, TestCase):
    """In a database of its own transaction: every example ends in a rollback."""


pytestmark = pytest.mark.slow
