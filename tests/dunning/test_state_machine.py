"""Random days, payments, returns, refusals, holds, agreements, charges, statements, edits, dead receivers and killed
runs: what must never happen does not."""

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
from cms_billing.dunning.breakdowns import breakdown
from cms_billing.dunning.exceptions import NothingToWaive
from cms_billing.dunning.models import (
    Agreement,
    AgreementDocument,
    Case,
    CaseStep,
    Charge,
    ChargesLeft,
    DefaultFrom,
    DunningPolicy,
    Hold,
    Level,
    Procedure,
)
from cms_billing.dunning.rules import Reason, Step
from cms_billing.dunning.services import (
    approve_hold,
    close_case,
    create_default_procedure,
    end_agreement,
    lift_hold,
    make_deferral,
    make_instalment_plan,
    make_promise,
    note_payment,
    planned_steps,
    preview,
    refuse_hold,
    reopen_case,
    resume_case,
    review_agreements,
    review_document,
    set_hold,
    stop_case,
    waive_charges,
)
from cms_billing.faktura.models import Document, LedgerEntry, OpenItem
from cms_billing.faktura.verification import ledger_findings
from cms_billing.payments.models import ChargePlan, Payment, StatementDay
from cms_billing.payments.services import charge_back, note_statements
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .conftest import case_of, invoice_due, pay, run

START = date(2026, 3, 1)
CUSTOMERS = st.integers(0, 1)
LEVELS = st.none() | st.integers(1, 3)
GERMAN = holidays.country_holidays("DE", years=[2026, 2027, 2028])
AGREED = (Reason.PROMISE, Reason.INSTALMENT_PLAN, Reason.DEFERRED)


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
        self.customers = [
            CustomerFactory(issuer=self.issuer),
            CustomerFactory(issuer=self.issuer, kind="business", company="Berg GmbH"),
        ]
        self.people = UserFactory.create_batch(2)
        self.asked: dict[tuple[int, date], int] = {}

    def terms(self, customer_id: int) -> Procedure:
        kind = next(customer.kind for customer in self.customers if customer.pk == customer_id)
        return Procedure.objects.get(issuer=self.issuer, customer_kind=kind)

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
        """As the day does: what was agreed is looked at first."""
        self.review()
        planned = preview(issuer=self.issuer, today=self.today)
        expected = [(p.customer_id, p.level, p.amount.minor) for p in planned if p.step is Step.LETTER]
        before = {case.document_id: case.level for case in Case.objects.live()}
        letters = run(self.issuer, self.today)
        got = [(d.customer_id, d.extra["level"], d.extra["total_minor"]) for d in letters]
        assert got == expected, "the preview said something else"
        for letter in letters:
            self.check_letter(letter, before)
        assert run(self.issuer, self.today) == [], "a repeated run wrote again"
        self.check_what_is_left()

    @rule(after=st.integers(1, 60))
    def die_in_the_middle(self, after: int) -> None:
        """After so many statements; what was not committed is gone, and the next run knows nothing of it."""
        before = self.written()
        left = [after]

        def kill(execute: Any, *args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return execute(*args)

        with contextlib.suppress(Killed), transaction.atomic():
            with connection.execute_wrapper(kill):
                review_agreements(issuer=self.issuer, today=self.today)
                run(self.issuer, self.today)
            raise Killed
        assert self.written() == before

    def written(self) -> list[int]:
        running = Agreement.objects.running()
        rows = (Document.objects.filter(kind="dunning_letter"), CaseStep.objects, Charge.objects, running)
        return [found.count() for found in rows]

    def check_letter(self, letter: Document, before: dict[int, int]) -> None:
        key = (letter.customer_id, self.today)
        assert self.asked.setdefault(key, letter.pk) == letter.pk, "two letters on one day"
        self.check_manners(letter)
        written_for = set(CaseStep.objects.filter(letter=letter).values_list("case__document", flat=True))
        assert written_for, "a letter without a claim"
        asked = 0
        for claim in letter.extra["claims"]:
            item = OpenItem.objects.get(pk=claim["document_id"])
            added = self.added_by(letter, item)
            assert claim["open_minor"] == item.open_minor - added > 0, "a letter without a claim"
            asked += item.open_minor
            self.check_nothing_stands_against(item)
            if self.terms(item.customer_id).charges_left != ChargesLeft.CLAIM:
                assert item.open_minor > item.charges_minor, "a letter about charges only"
            if item.pk not in written_for:
                continue
            case = case_of(item.document)
            first = item.pk not in before and case.steps.filter(kind="letter").count() == 1
            expected = case.first_level if first else before.get(item.pk, claim["level"] - 1) + 1
            assert claim["level"] == expected, "a level was skipped"
        assert asked == letter.extra["total_minor"], "the letter asks for something else than is owed"

    def added_by(self, letter: Document, item: OpenItem) -> int:
        """Fee, flat compensation and interest that this letter has put on a document."""
        charges = Charge.objects.filter(letter=letter, case__document=item.pk)
        entries = LedgerEntry.objects.filter(related_document=letter, document=item.pk)
        added = sum(charges.values_list("amount_minor", flat=True))
        assert added == sum(entries.values_list("amount_minor", flat=True)), "charged, and not posted"
        return added

    def check_what_is_left(self) -> None:
        """Nothing is owed but what the procedure leaves on a claim that is paid itself."""
        covered = Case.objects.covered().select_related("document__open_item", "customer")
        for case in covered.filter(state__in=["open", "stopped", "ready_for_collection"]):
            left = self.terms(case.customer_id).charges_left
            assert left == ChargesLeft.CLAIM, "only charges are left, and nobody ended the case"
        assert list(ledger_findings(self.issuer)) == []
        for item in OpenItem.objects.all():
            parts = breakdown([item.pk])[item.pk]
            assert (parts.open_minor, parts.charges) == (item.open_minor, item.charges_minor)

    def check_manners(self, letter: Document) -> None:
        terms = self.terms(letter.customer_id)
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
        agreed = AgreementDocument.objects.filter(document=item.pk, running=True)
        assert not agreed.exists(), "agreed, and reminded"

    # Money

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data(), much=st.sampled_from(["all", "the claim", "half"]), told=st.booleans())
    def money_arrives(self, data: st.DataObject, *, much: str, told: bool) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        claim = max(item.open_minor - item.charges_minor, 1)
        part = {"all": item.open_minor, "the claim": claim, "half": max(item.open_minor // 2, 1)}[much]
        pay(item.document, self.today, amount=Money(part, "EUR"))
        item.refresh_from_db()
        if item.open_minor <= item.charges_minor:
            locking = Case.objects.locking().filter(document=item.pk)
            assert not locking.exists(), "paid, and still locked"
        if told:
            self.tell_of_the_payment(item, part)

    def tell_of_the_payment(self, item: OpenItem, part: int) -> None:
        if item.open_minor <= 0:
            close_case(document_id=item.pk, day=self.today)
        else:
            note_payment(document_id=item.pk, day=self.today, amount_minor=part)
            self.check_charges_left(item)
        review_document(document_id=item.pk, today=self.today)

    def check_charges_left(self, item: OpenItem) -> None:
        """What becomes of fees and interest once the claim itself is paid."""
        if item.open_minor > item.charges_minor:
            return
        left = self.terms(item.customer_id).charges_left
        live = Case.objects.live().filter(document=item.pk)
        assert live.exists() is False or left == ChargesLeft.CLAIM, "the claim is paid, and its case goes on"
        charges = item.open_minor
        item.refresh_from_db()
        waived = left == ChargesLeft.WAIVE and Case.objects.filter(document=item.pk).exists()
        assert waived or item.open_minor == charges, "charges were given up that stay"

    @precondition(lambda self: Case.objects.live().exists())
    @rule(data=st.data())
    def charges_are_waived(self, data: st.DataObject) -> None:
        case = self.one_of(data, Case.objects.live())
        with contextlib.suppress(NothingToWaive):
            waive_charges(case_id=case.pk, today=self.today, reason="x")

    @precondition(lambda self: Payment.objects.filter(state="settled").exists())
    @rule(data=st.data(), told=st.booleans())
    def money_goes_back(self, data: st.DataObject, *, told: bool) -> None:
        payment = self.one_of(data, Payment.objects.filter(state="settled"))
        charge_back(payment_id=payment.pk, day=self.today)
        if told:
            for document in payment.allocations.exclude(document=None).values_list("document", flat=True):
                reopen_case(document_id=document, day=self.today)
                review_document(document_id=document, today=self.today)

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

    # Agreements

    def review(self) -> None:
        after: int | None = 0
        while after is not None:
            after = review_agreements(
                issuer=self.issuer, today=self.today, after_customer=after
            ).last_customer
        again = review_agreements(issuer=self.issuer, today=self.today)
        assert again.changed == [], "looked at twice, and changed twice"
        for agreement in Agreement.objects.filter(state__in=["running", "broken"]):
            self.check_verdict(agreement)

    def check_verdict(self, agreement: Agreement) -> None:
        """Broken ones have an instalment that was not paid by its day and the days of grace, running ones have none."""
        rows = list(agreement.agreement_documents.select_related("document__open_item"))
        paid = sum(paid_since(row) for row in rows)
        day = self.today if agreement.state == "running" else agreement.ended_on
        grace = timedelta(days=agreement.grace_days)
        late = agreement.instalments.filter(due_on__lt=day - grace)
        due = sum(late.values_list("amount_minor", flat=True))
        if agreement.state == "running":
            assert any(row.document.open_item.open_minor > 0 for row in rows), "paid, and it runs on"
            assert paid >= due, "broken, and it runs on"
        else:
            assert due > 0, "broken before anything was due"
            steps = CaseStep.objects.filter(
                kind="agreement_ended", case__document__in=[r.document for r in rows]
            )
            assert steps.count() <= len(rows) * 2, "told again and again"

    def agreeable(self) -> Any:
        """What is owed and in no agreement that runs."""
        running = AgreementDocument.objects.filter(running=True).values("document")
        return OpenItem.objects.filter(open_minor__gt=1).exclude(document__in=running)

    @rule(
        data=st.data(),
        kind=st.sampled_from(["promise", "plan", "deferral"]),
        days=st.integers(0, 25),
        opens=st.booleans(),
        everything=st.booleans(),
    )
    def agree(self, data: st.DataObject, kind: str, days: int, *, opens: bool, everything: bool) -> None:
        found = self.agreeable()
        if not found.exists():
            return
        item = self.one_of(data, found)
        ids = list(found.filter(customer=item.customer_id).values_list("pk", flat=True))
        terms = {
            "document_ids": ids if everything else [item.pk],
            "today": self.today,
            "opens_access": opens,
        }
        until = self.today + timedelta(days=days)
        if kind == "plan":
            make_instalment_plan(count=2, first_on=until, **terms)
        else:
            {"promise": make_promise, "deferral": make_deferral}[kind](until=until, **terms)
        locking = Case.objects.locking().filter(document__in=terms["document_ids"])
        assert not (opens and locking.exists()), "agreed to open, and still locked"

    @precondition(lambda self: Agreement.objects.running().exists())
    @rule(data=st.data())
    def a_person_ends_an_agreement(self, data: st.DataObject) -> None:
        agreement = self.one_of(data, Agreement.objects.running())
        end_agreement(agreement_id=agreement.pk, reason="x", today=self.today)

    @precondition(lambda self: Agreement.objects.running().exists())
    @rule(days=st.integers(35, 60))
    def agreements_are_forgotten(self, days: int) -> None:
        """Weeks later: what was not paid is broken, and nothing of it holds letters back."""
        self.today += timedelta(days=days)
        self.review()
        running = AgreementDocument.objects.filter(running=True)
        held = set(running.values_list("document__number", flat=True))
        for step in planned_steps(issuer=self.issuer, today=self.today):
            assert step.reason not in AGREED or held.issuperset(step.documents), "over, and it holds back"

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
        fee=st.sampled_from([0, 250]),
        interest=st.booleans(),
        since=st.sampled_from(DefaultFrom.values),
        left=st.sampled_from(ChargesLeft.values),
    )
    def change_the_charges(self, fee: int, since: str, left: str, *, interest: bool) -> None:
        levels = Level.objects.filter(procedure__issuer=self.issuer)
        levels.filter(number__gte=2).update(fee_minor=fee, claims_interest=interest)
        Procedure.objects.filter(issuer=self.issuer).update(default_from=since, charges_left=left)

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
        opened = AgreementDocument.objects.filter(running=True, agreement__opens_access=True)
        for case in Case.objects.locking().select_related("document__open_item"):
            item = case.document.open_item
            assert item.open_minor > item.charges_minor, "locked for charges only"
            assert not opened.filter(document=item.pk).exists(), "agreed to open, and still locked"
            letters = [step.letter for step in case.steps.filter(kind="letter").select_related("letter")]
            said = [letter for letter in letters if case.document.number in letter.extra["lock_notice"]]
            assert said, "locked, and never told"


def paid_since(row: AgreementDocument) -> int:
    """Of a document since it was agreed on; charges that came after it are not paid by that."""
    item = row.document.open_item
    return row.agreed_minor - max(item.open_minor, 0) + max(item.charges_minor - row.charges_minor, 0)


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
