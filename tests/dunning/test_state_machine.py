"""Random days, payments, returns, refusals, holds, statements, edits, dead receivers and killed runs: what must never
happen does not."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta
from typing import Any

import holidays
import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cms_billing.core.money import Money
from cms_billing.dunning.models import Case, CaseStep, DunningPolicy, Hold, Level, Procedure
from cms_billing.dunning.rules import Step
from cms_billing.dunning.services import (
    approve_hold,
    close_case,
    create_default_procedure,
    lift_hold,
    preview,
    refuse_hold,
    reopen_case,
    resume_case,
    set_hold,
    stop_case,
)
from cms_billing.faktura.models import Document, OpenItem
from cms_billing.payments.models import ChargePlan, Payment, StatementDay
from cms_billing.payments.services import charge_back, note_statements
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .conftest import case_of, invoice_due, pay, run

START = date(2026, 3, 1)
CUSTOMERS = st.integers(0, 1)
LEVELS = st.none() | st.integers(1, 3)
GERMAN = holidays.country_holidays("DE", years=[2026, 2027, 2028])


class Killed(BaseException):
    """The machine loses its power."""


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
        self.people = UserFactory.create_batch(2)
        self.asked: dict[tuple[int, date], int] = {}

    def terms(self) -> Procedure:
        return Procedure.objects.get(issuer=self.issuer, customer_kind__in=["consumer", "all"])

    def one_of(self, data: st.DataObject, rows: Any) -> Any:
        return data.draw(st.sampled_from(list(rows.order_by("pk"))))

    # Claims and days

    @rule(which=CUSTOMERS, age=st.integers(-10, 30), amount=st.integers(1, 5000), contract=st.integers(0, 2))
    def owe(self, which: int, age: int, amount: int, contract: int) -> None:
        reference = f"V-{which}-{contract}" if contract else ""
        due = self.today - timedelta(days=age)
        invoice_due(self.customers[which], due, amount=amount, contract=reference)

    @rule(days=st.integers(1, 20))
    def days_go_by(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(behind=st.integers(0, 3))
    def statements_are_looked_through(self, behind: int) -> None:
        through = self.today - timedelta(days=behind)
        note_statements(issuer=self.issuer, through=through, today=self.today)

    # Runs

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

    @rule(after=st.integers(1, 60))
    def die_in_the_middle(self, after: int) -> None:
        """After so many statements; what was not committed is gone, and the next run knows nothing of it."""
        letters, steps = Document.objects.filter(kind="dunning_letter").count(), CaseStep.objects.count()
        left = [after]

        def kill(execute: Any, *args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return execute(*args)

        with contextlib.suppress(Killed), transaction.atomic():
            with connection.execute_wrapper(kill):
                run(self.issuer, self.today)
            raise Killed
        assert Document.objects.filter(kind="dunning_letter").count() == letters
        assert CaseStep.objects.count() == steps

    def check_letter(self, letter: Document, before: dict[int, int]) -> None:
        key = (letter.customer_id, self.today)
        assert self.asked.setdefault(key, letter.pk) == letter.pk, "two letters on one day"
        self.check_manners(letter)
        written_for = set(CaseStep.objects.filter(letter=letter).values_list("case__document", flat=True))
        assert written_for, "a letter without a claim"
        for claim in letter.extra["claims"]:
            item = OpenItem.objects.get(pk=claim["document_id"])
            assert claim["open_minor"] == item.open_minor > 0, "a letter without a claim"
            self.check_nothing_stands_against(item)
            if item.pk not in written_for:
                continue
            case = case_of(item.document)
            first = item.pk not in before and case.steps.filter(kind="letter").count() == 1
            expected = case.first_level if first else before.get(item.pk, claim["level"] - 1) + 1
            assert claim["level"] == expected, "a level was skipped"

    def check_manners(self, letter: Document) -> None:
        terms = self.terms()
        assert not (terms.avoid_weekends and self.today.weekday() >= 5), "a letter at the weekend"
        assert not (terms.holidays and self.today in GERMAN), "a letter on a holiday"
        if terms.wait_for_statement:
            looked_through = StatementDay.objects.filter(through__gte=self.today - timedelta(days=1))
            assert looked_through.exists(), "a letter before the statement was looked through"
        owed = sum(claim["open_minor"] for claim in letter.extra["claims"])
        assert owed >= terms.minimum_minor, "a letter about a small amount"

    def check_nothing_stands_against(self, item: OpenItem) -> None:
        contracts = item.document.lines.values_list("contract_reference", flat=True)
        scope = (
            Q(document=item.pk)
            | Q(document=None, contract_reference="")
            | Q(contract_reference__in=[number for number in contracts if number])
        )
        holds = Hold.objects.filter(scope, customer=item.customer_id, state="standing")
        assert not holds.filter(Q(until=None) | Q(until__gte=self.today)).exists(), "held, and reminded"
        retries = ChargePlan.objects.filter(document=item.pk, next_on__gte=self.today)
        assert not retries.exists(), "the letter came before the retry"
        under_way = Payment.objects.filter(document=item.pk, state__in=["created", "pending"])
        assert not under_way.exists(), "a payment was under way"

    # Money

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data(), whole=st.booleans(), told=st.booleans())
    def money_arrives(self, data: st.DataObject, *, whole: bool, told: bool) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        part = item.open_minor if whole else max(item.open_minor // 2, 1)
        pay(item.document, self.today, amount=Money(part, "EUR"))
        item.refresh_from_db()
        if item.open_minor <= 0:
            locking = Case.objects.locking().filter(document=item.pk)
            assert not locking.exists(), "paid, and still locked"
            if told:
                close_case(document_id=item.pk, day=self.today)

    @precondition(lambda self: Payment.objects.filter(state="settled").exists())
    @rule(data=st.data(), told=st.booleans())
    def money_goes_back(self, data: st.DataObject, *, told: bool) -> None:
        payment = self.one_of(data, Payment.objects.filter(state="settled"))
        charge_back(payment_id=payment.pk, day=self.today)
        if told:
            for document in payment.allocations.exclude(document=None).values_list("document", flat=True):
                reopen_case(document_id=document, day=self.today)

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data(), again=st.none() | st.integers(1, 12), told=st.booleans())
    def a_charge_is_refused(self, data: st.DataObject, again: int | None, *, told: bool) -> None:
        """With another attempt planned, or none."""
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        values = {
            "next_on": self.today + timedelta(days=again) if again else None,
            "stopped_because": "" if again else "all_attempts",
            "refused_on": self.today,
        }
        ChargePlan.objects.update_or_create(document=item.document, defaults=values)
        if told:
            reopen_case(document_id=item.pk, day=self.today)

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data())
    def a_debit_is_sent(self, data: st.DataObject) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        if not Payment.objects.filter(document=item.pk, state="pending").exists():
            Payment.objects.create(
                issuer=self.issuer,
                customer_id=item.customer_id,
                way="provider",
                provider="fake",
                document=item.document,
                amount_minor=item.open_minor,
                currency="EUR",
                state="pending",
            )

    @precondition(lambda self: Payment.objects.filter(state="pending").exists())
    @rule(data=st.data())
    def a_debit_fails(self, data: st.DataObject) -> None:
        payment = self.one_of(data, Payment.objects.filter(state="pending"))
        Payment.objects.filter(pk=payment.pk).update(state="failed")

    # What people decide

    @rule(which=CUSTOMERS, days=st.none() | st.integers(0, 40), kind=st.sampled_from(["block", "dispute"]))
    def hold_the_customer(self, which: int, days: int | None, kind: str) -> None:
        self.hold(self.customers[which].pk, days, kind)

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(
        data=st.data(),
        days=st.none() | st.integers(0, 40),
        kind=st.sampled_from(["block", "dispute"]),
        contract=st.booleans(),
    )
    def hold_a_part(self, data: st.DataObject, days: int | None, kind: str, *, contract: bool) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        number = item.document.lines.first().contract_reference
        scope = {"contract_reference": number} if contract and number else {"document_id": item.pk}
        self.hold(item.customer_id, days, kind, **scope)

    def hold(self, customer: int, days: int | None, kind: str, **scope: Any) -> None:
        until = None if days is None else self.today + timedelta(days=days)
        hold = set_hold(
            customer_id=customer,
            reason="x",
            kind=kind,
            until=until,
            today=self.today,
            user=self.people[0],
            **scope,
        )
        four_eyes = DunningPolicy.objects.filter(issuer=self.issuer, four_eyes=True).exists()
        assert (hold.state == "waiting") is (four_eyes and kind == "block")

    @rule(wanted=st.booleans())
    def want_four_eyes(self, *, wanted: bool) -> None:
        DunningPolicy.objects.update_or_create(issuer=self.issuer, defaults={"four_eyes": wanted})

    @precondition(lambda self: Hold.objects.filter(state="waiting").exists())
    @rule(data=st.data(), granted=st.booleans())
    def decide_a_hold(self, data: st.DataObject, *, granted: bool) -> None:
        hold = self.one_of(data, Hold.objects.filter(state="waiting"))
        if not granted:
            refuse_hold(hold_id=hold.pk, reason="no", user=self.people[1])
        elif hold.until is None or hold.until >= self.today:
            approve_hold(hold_id=hold.pk, today=self.today, user=self.people[1])

    @precondition(lambda self: Hold.objects.filter(state="standing").exists())
    @rule(data=st.data())
    def lift_a_hold(self, data: st.DataObject) -> None:
        lift_hold(hold_id=self.one_of(data, Hold.objects.filter(state="standing")).pk)

    @precondition(lambda self: Case.objects.filter(state="open").exists())
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        stop_case(case_id=self.one_of(data, Case.objects.filter(state="open")).pk, reason="x")

    @precondition(lambda self: Case.objects.filter(state="stopped").exists())
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        resume_case(case_id=self.one_of(data, Case.objects.filter(state="stopped")).pk, today=self.today)

    @rule(
        weekends=st.booleans(),
        region=st.sampled_from(["", "DE"]),
        statement=st.booleans(),
        minimum=st.sampled_from([0, 0, 1500]),
        failure=LEVELS,
        chargeback=LEVELS,
    )
    def change_the_manners(
        self,
        region: str,
        minimum: int,
        failure: int | None,
        chargeback: int | None,
        *,
        weekends: bool,
        statement: bool,
    ) -> None:
        Procedure.objects.filter(issuer=self.issuer).update(
            avoid_weekends=weekends,
            holidays=region,
            wait_for_statement=statement,
            minimum_minor=minimum,
            failure_level=failure,
            chargeback_level=chargeback,
        )

    @rule(
        number=st.integers(2, 3),
        scope=st.sampled_from(["", "contract", "customer"]),
        days=st.integers(11, 20),
    )
    def change_a_level(self, number: int, scope: str, days: int) -> None:
        levels = Level.objects.filter(procedure__issuer=self.issuer, number=number)
        levels.update(lock_scope=scope, days_after=days)

    # What must hold at any time

    @invariant()
    def letters_climb_one_level_at_a_time(self) -> None:
        for case in Case.objects.all():
            steps = CaseStep.objects.filter(case=case, kind="letter").order_by("pk")
            climbed = list(range(case.first_level, case.level + 1))
            assert list(steps.values_list("level", flat=True)) == climbed
            assert not steps.filter(version=None).exists(), "a letter of no version"

    @invariant()
    def what_is_locked_was_announced_and_is_owed(self) -> None:
        for case in Case.objects.locking().select_related("document__open_item"):
            assert case.document.open_item.open_minor > 0
            letters = [step.letter for step in case.steps.filter(kind="letter").select_related("letter")]
            said = [letter for letter in letters if case.document.number in letter.extra["lock_notice"]]
            assert said, "locked, and never told"


Dunning.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Each step is many statements: making a failure shorter would take many minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


class TestDunning(Dunning.TestCase, TestCase):
    """In a database of its own transaction: every example ends in a rollback."""


pytestmark = pytest.mark.slow
