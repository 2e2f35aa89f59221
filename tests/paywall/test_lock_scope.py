"""What a lock reaches: its scope, and never what is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cms_billing.core.money import Money
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document, LedgerEntry
from cms_billing.faktura.services import Entry, issue_next_invoices, post_entries
from cms_billing.memberships.models import Contract, ContractLine
from cms_billing.payments.services import record_payment
from cms_billing.paywall.rules import Decision, Reason, Rule, RulePlan, Visitor, decide
from cms_billing.paywall.selectors import explain
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.texts import sentence
from cms_billing.testing.factories import (
    BookingFactory,
    CustomerFactory,
    PlanFactory,
    UserFactory,
    signed_contract,
)

from .conftest import TODAY, Magazine, in_dunning, member

pytestmark = pytest.mark.django_db

MARCH = (date(2026, 3, 1), date(2026, 3, 31))
FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))
YEAR = (date(2026, 1, 1), date(2026, 12, 31))
LATER = date(2026, 4, 1)
PRICE = 990


def invoice(*contracts: Contract, period: tuple[date, date] = MARCH, amount: int = PRICE) -> Document:
    """One invoice over all of these contracts of a customer, each for the same period."""
    customer = contracts[0].customer
    for contract in contracts:
        BookingFactory(
            customer=customer,
            period_start=period[0],
            period_end=period[1],
            due_on=min(period[0], TODAY),
            unit_price_minor=amount,
            contract_reference=contract.number,
            invoice_group=f"{period[0]} {contracts[0].number} {len(contracts)} {Document.objects.count()}",
        )
    batch = issue_next_invoices(issuer=customer.issuer, today=TODAY)
    assert not batch.problems
    (document,) = batch.done
    return document


def pay(document: Document, minor: int) -> None:
    record_payment(
        customer_id=document.customer_id,
        amount=Money(minor, "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[document],
    )


def post(document: Document, kind: str, minor: int) -> None:
    post_entries(
        issuer_id=document.issuer_id,
        customer_id=document.customer_id,
        entries=[Entry(kind, Money(minor, "EUR"), document.pk)],
        booked_on=TODAY,
    )


def lock(document: Document, scope: str = "contract", **facts: Any) -> Case:
    return Case.objects.create(
        issuer=document.issuer,
        customer=document.customer,
        document=document,
        level=3,
        lock_scope=scope,
        announced_scope=scope,
        opened_on=date(2026, 2, 11),
        waiting_since=date(2026, 3, 1),
        **facts,
    )


def billed_until(contract: Contract, day: date | None) -> None:
    ContractLine.objects.filter(contract=contract).update(next_due=day)


@dataclass
class Reader:
    """A member of the magazine with a second contract, on a plan that opens nothing here."""

    user: Any
    contract: Contract
    other: Contract
    magazine: Magazine

    def decision(self, day: date = TODAY) -> Decision:
        return explain(self.magazine.article, self.user, today=day)


@pytest.fixture
def reader(magazine) -> Reader:
    user, contract = member(magazine.plan)
    other = signed_contract(
        plan=PlanFactory(issuer=magazine.plan.issuer, name="Course"),
        customer=contract.customer,
        start=date(2026, 1, 1),
        today=TODAY,
    )
    for one in (contract, other):
        billed_until(one, LATER)
    return Reader(user, contract, other, magazine)


def test_lock_of_one_contract_leaves_the_others_open(reader):
    lock(invoice(reader.other), "contract")
    assert reader.decision().reason is Reason.MEMBER


def test_lock_of_the_customer_closes_a_contract_that_owes_nothing_of_its_own_but_is_not_paid(reader):
    lock(invoice(reader.other), "customer")
    billed_until(reader.contract, TODAY)
    decision = reader.decision()
    assert decision.reason is Reason.LOCKED
    assert [paper.lock_scope for paper in decision.documents] == ["customer"]
    assert "locks all contracts" in sentence(decision)


def test_lock_of_the_customer_leaves_a_prepaid_year_open_until_it_is_over(reader):
    """Killbill #1997: whoever has paid for the year may use it, whatever else is owed."""
    pay(invoice(reader.contract, period=YEAR), PRICE)
    billed_until(reader.contract, date(2027, 1, 1))
    lock(invoice(reader.other), "customer")
    decision = reader.decision()
    assert (decision.granted, decision.reason) == (True, Reason.LOCKED_BUT_PAID)
    assert decision.paid_until == date(2026, 12, 31)
    assert "paid until 12/31/2026" in sentence(decision)
    assert reader.decision(date(2026, 12, 31)).granted
    assert reader.decision(date(2027, 1, 1)).reason is Reason.LOCKED


def test_lock_of_the_customer_leaves_a_course_open_that_is_billed_in_full_and_paid(reader):
    pay(invoice(reader.contract, period=(date(2026, 1, 1), date(2026, 1, 1))), PRICE)
    billed_until(reader.contract, None)
    lock(invoice(reader.other), "customer")
    decision = reader.decision()
    assert (decision.granted, decision.reason, decision.paid_until) == (True, Reason.LOCKED_BUT_PAID, None)
    assert "it is paid, so the lock" in sentence(decision)


def test_lock_of_the_customer_leaves_an_imported_contract_open_that_was_paid_elsewhere(reader):
    lock(invoice(reader.other), "customer")
    billed_until(reader.contract, date(2026, 9, 1))
    assert reader.decision().paid_until == date(2026, 8, 31)


def test_paid_month_stays_open_although_an_older_one_of_the_same_contract_locks(reader):
    lock(invoice(reader.contract, period=FEBRUARY))
    pay(invoice(reader.contract), PRICE)
    assert reader.decision().reason is Reason.LOCKED_BUT_PAID
    assert reader.decision(LATER).reason is Reason.LOCKED


def test_month_that_is_both_paid_and_unpaid_is_locked(reader):
    """An extra invoice for the same days: what it bills cannot be told from the rest."""
    pay(invoice(reader.contract), PRICE)
    lock(invoice(reader.contract, amount=500))
    assert reader.decision().reason is Reason.LOCKED


def test_cancelled_or_given_back_period_is_not_paid(reader):
    returned = invoice(reader.contract)
    pay(returned, PRICE)
    post(returned, LedgerEntry.Kind.REFUND, PRICE)
    post(returned, LedgerEntry.Kind.CREDIT, -PRICE)
    lock(invoice(reader.contract, period=FEBRUARY))
    assert reader.decision().reason is Reason.LOCKED


def test_claim_that_is_covered_locks_nothing_though_its_fee_is_owed(reader):
    document = invoice(reader.contract)
    lock(document)
    post(document, LedgerEntry.Kind.FEE, 250)
    assert reader.decision().reason is Reason.LOCKED
    pay(document, PRICE)
    decision = reader.decision()
    assert decision.reason is Reason.ARREARS_BUT_OPEN
    assert [(paper.open_minor, paper.charges_minor, paper.lock_scope) for paper in decision.documents] == [
        (250, 250, "")
    ]


def test_another_issuer_of_the_same_user_is_not_locked(reader, magazine):
    lock(invoice(reader.other), "customer")
    elsewhere = PlanFactory(name="Studio")
    second = CustomerFactory(issuer=elsewhere.issuer, user=reader.user)
    signed_contract(plan=elsewhere, customer=second, start=date(2026, 1, 1), today=TODAY)
    set_rule(page=magazine.section, plans=[elsewhere])
    assert reader.decision().reason is Reason.MEMBER


def test_handed_over_claim_says_so(reader):
    case = lock(invoice(reader.contract), "contract", state=Case.State.HANDED_OVER)
    decision = reader.decision()
    assert decision.reason is Reason.LOCKED
    assert "handed over to collection, locks this contract" in sentence(decision)
    assert case.document.number in sentence(decision)


def test_completed_course_stays_for_good(magazine):
    course = PlanFactory(issuer=magazine.plan.issuer, kind="course", name="Course")
    set_rule(page=magazine.section, plans=[course])
    user, contract = member(course)
    pay(invoice(contract, period=FEBRUARY), PRICE)
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.ENDED, end=date(2026, 2, 28))
    billed_until(contract, None)
    other = signed_contract(
        plan=magazine.plan, customer=contract.customer, start=date(2026, 1, 1), today=TODAY
    )
    lock(invoice(other), "customer")
    assert explain(magazine.article, user, today=TODAY).reason is Reason.PAID_FOR_GOOD


def test_part_payment_keeps_the_lock(magazine):
    reader, contract = member(magazine.plan)
    case = in_dunning(contract, level=3, locked=True)
    pay(case.document, case.open_amount.minor - 1)
    assert explain(magazine.article, reader, today=TODAY).reason is Reason.LOCKED


# -- against a small function ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """An invoice over some of the customer's contracts for a month (-1: the last, 0: this, 1: the next one)."""

    bills: frozenset[int]
    month: int
    paid: int
    fee: int
    credited: int
    level: int
    scope: str
    state: str

    @property
    def price(self) -> int:
        return PRICE * len(self.bills)

    @property
    def claim_is_owed(self) -> bool:
        """What came in for more than is owed is put on account by the ledger."""
        return self.price + self.fee - self.credited - self.received > self.fee

    @property
    def received(self) -> int:
        return min(self.paid, self.price + self.fee - self.credited)

    @property
    def locks(self) -> bool:
        live = self.state not in ("stopped", "closed", "")
        return live and bool(self.scope) and self.claim_is_owed


@dataclass(frozen=True)
class Books:
    papers: tuple[Paper, ...]
    next_due: tuple[date | None, ...]


def expected(books: Books, contract: int) -> Reason:
    """The reference: what ``paywall.holdings`` and the rule find out in one query."""
    own = [paper for paper in books.papers if contract in paper.bills]
    locking = [paper for paper in books.papers if paper.locks and (paper in own or paper.scope == "customer")]
    if not locking:
        told = any(p.state and p.level and p.price + p.fee - p.credited > p.received for p in own)
        return Reason.ARREARS_BUT_OPEN if told else Reason.MEMBER
    due = books.next_due[contract]
    if not any(paper.claim_is_owed for paper in own) and (due is None or due > TODAY):
        return Reason.LOCKED_BUT_PAID
    current = [paper for paper in own if paper.month == 0]
    paid = any(not paper.claim_is_owed and paper.received for paper in current)
    return Reason.LOCKED_BUT_PAID if paid and not set(current) & set(locking) else Reason.LOCKED


CONTRACTS = 3
papers = st.builds(
    Paper,
    bills=st.frozensets(st.integers(0, CONTRACTS - 1), min_size=1),
    month=st.integers(-1, 1),
    paid=st.sampled_from([0, 0, 500, PRICE, 2 * PRICE, 5000]),
    fee=st.sampled_from([0, 0, 250]),
    credited=st.sampled_from([0, 0, 0, 300, PRICE]),
    level=st.integers(0, 3),
    scope=st.sampled_from(["", "contract", "customer"]),
    state=st.sampled_from(["", "open", "open", "ready_for_collection", "handed_over"]),
)
all_books = st.builds(
    Books,
    papers=st.lists(papers, max_size=4, unique=True).map(tuple),
    next_due=st.tuples(*[st.sampled_from([None, TODAY, date(2026, 1, 31), LATER])] * CONTRACTS),
)


class TestAgainstTheReference(TestCase):
    """The SQL answers as the small function does, for every contract of random books."""

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
    @given(books=all_books)
    def test_random_books(self, books: Books) -> None:
        user = UserFactory()
        customer = CustomerFactory(user=user)
        contracts = [
            signed_contract(
                plan=PlanFactory(issuer=customer.issuer, name=f"Plan {number}"),
                customer=customer,
                start=date(2026, 1, 1),
                today=TODAY,
            )
            for number in range(CONTRACTS)
        ]
        for contract, due in zip(contracts, books.next_due, strict=True):
            billed_until(contract, due)
        for paper in books.papers:
            self.write(paper, contracts)
        for number, contract in enumerate(contracts):
            assert self.found(user, contract) is expected(books, number), (number, books)

    def write(self, paper: Paper, contracts: list[Contract]) -> None:
        first = date(2026, 3 + paper.month, 1)
        period = (first, first + timedelta(days=(27, 30, 29)[paper.month + 1]))
        document = invoice(*[contracts[number] for number in sorted(paper.bills)], period=period)
        if paper.fee:
            post(document, LedgerEntry.Kind.FEE, paper.fee)
        if paper.credited:
            post(document, LedgerEntry.Kind.CREDIT, -paper.credited)
        if paper.received:
            pay(document, paper.received)
        if paper.state:
            Case.objects.create(
                issuer=document.issuer,
                customer=document.customer,
                document=document,
                level=paper.level,
                lock_scope=paper.scope,
                announced_scope=paper.scope,
                state=paper.state,
                opened_on=TODAY,
                waiting_since=TODAY,
            )

    def found(self, user: Any, contract: Contract) -> Reason:
        from cms_billing.paywall.holdings import holdings_of

        rule = Rule(page_id=1, page_title="Section", plans=(RulePlan(contract.plan_id, "Plan"),))
        held = holdings_of(user, plan_ids=rule.plan_ids, today=TODAY)
        return decide(
            rule, visitor=Visitor.USER, holdings=held.contracts, standings=held.standings, today=TODAY
        ).reason
