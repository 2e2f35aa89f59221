"""What an agreement asks for, when it is kept and when broken, and what may be offered: pure rules."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.core.money import Money
from cms_billing.dunning.agreements import (
    Limits,
    Outcome,
    due_by,
    held_until,
    judge,
    monthly,
    months_later,
    next_payment,
    offer,
    paid_of,
    payable_now,
    whole,
)

START = date(2026, 1, 31)
amounts = st.integers(min_value=120, max_value=10**8)
counts = st.integers(min_value=2, max_value=60)
days = st.integers(min_value=0, max_value=2000)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def test_a_plan_has_equal_parts_on_the_same_day_of_each_month():
    parts = monthly(eur(10000), count=3, first_on=START)
    assert [(part.number, part.due_on, part.amount.minor) for part in parts] == [
        (1, date(2026, 1, 31), 3334),
        (2, date(2026, 2, 28), 3333),
        (3, date(2026, 3, 31), 3333),
    ]


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2028, 1, 30), 1, date(2028, 2, 29)),
        (date(2026, 5, 31), 25, date(2028, 6, 30)),
    ],
)
def test_months_end_where_they_end(day, months, later):
    assert months_later(day, months) == later


@given(amounts, counts)
def test_the_instalments_add_up_to_the_debt_and_differ_by_a_cent_at_most(minor, count):
    parts = [part.amount.minor for part in monthly(eur(minor), count=count, first_on=START)]
    assert sum(parts) == minor
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)


@given(amounts, counts, st.integers(0, 10**8), st.integers(0, 30), days)
def test_broken_exactly_when_something_is_missing_after_its_day_and_grace(minor, count, paid, grace, day):
    parts = monthly(eur(minor), count=count, first_on=START)
    today = START + timedelta(days=day)
    paid = min(paid, minor)
    verdict = judge(parts, paid_minor=paid, open_minor=minor - paid, grace_days=grace, today=today)
    late = any(
        paid < sum(p.amount.minor for p in parts[: n + 1]) and today > part.due_on + timedelta(days=grace)
        for n, part in enumerate(parts)
    )
    expected = Outcome.KEPT if paid == minor else Outcome.BROKEN if late else Outcome.RUNNING
    assert verdict.outcome is expected


@given(amounts, counts, st.integers(0, 10**8), days)
def test_whoever_pays_what_is_asked_for_next_is_never_late(minor, count, paid, day):
    parts = monthly(eur(minor), count=count, first_on=START)
    today, paid = START + timedelta(days=day), min(paid, minor)
    asked = next_payment(parts, paid_minor=paid, open_minor=minor - paid, today=today)
    if asked is None:
        assert paid == minor
        return
    paid += asked[0]
    assert paid <= minor
    assert paid >= due_by(parts, today)
    verdict = judge(parts, paid_minor=paid, open_minor=minor - paid, grace_days=0, today=today)
    assert verdict.outcome is not Outcome.BROKEN


@given(amounts, st.integers(0, 10**8), st.integers(0, 10**8), days)
def test_never_more_is_charged_than_is_due_and_open(minor, paid, still_open, day):
    parts = monthly(eur(minor), count=6, first_on=START)
    today = START + timedelta(days=day)
    now = payable_now(parts, paid_minor=paid, open_minor=still_open, today=today)
    assert 0 <= now <= still_open
    assert now <= max(0, due_by(parts, today) - paid)


def test_a_promise_holds_through_its_grace_and_not_a_day_longer():
    parts = whole(eur(990), due_on=date(2026, 2, 10))
    on = lambda day: judge(parts, paid_minor=0, open_minor=990, grace_days=3, today=day)  # noqa: E731
    assert on(date(2026, 2, 13)).outcome is Outcome.RUNNING
    broken = on(date(2026, 2, 14))
    assert (broken.outcome, broken.missing_minor) == (Outcome.BROKEN, 990)
    assert held_until(on(date(2026, 2, 1)), grace_days=3, today=date(2026, 2, 1)) == date(2026, 2, 10)
    assert held_until(on(date(2026, 2, 12)), grace_days=3, today=date(2026, 2, 12)) == date(2026, 2, 13)
    assert held_until(broken, grace_days=3, today=date(2026, 2, 14)) is None


def test_a_fee_that_comes_later_neither_pays_nor_breaks():
    assert paid_of(agreed_minor=1000, charges_minor=0, open_minor=1500, charges_now_minor=500) == 0
    assert paid_of(agreed_minor=1000, charges_minor=0, open_minor=500, charges_now_minor=500) == 1000
    # A fee that is waived makes the debt smaller: that counts as paid.
    assert paid_of(agreed_minor=1000, charges_minor=250, open_minor=750, charges_now_minor=0) == 250
    kept = judge(whole(eur(1000), due_on=START), paid_minor=1000, open_minor=500, grace_days=0, today=START)
    assert kept.outcome is Outcome.KEPT


@pytest.mark.parametrize(
    ("debt", "counts"),
    [(4999, ()), (5000, (2,)), (10000, (2, 3, 4)), (100000, (2, 3, 4, 5, 6)), (100001, ())],
)
def test_instalments_are_offered_within_the_limits(debt, counts):
    limits = Limits(
        promise_days=14, instalments_max=6, instalment_min_minor=2500, instalments_up_to_minor=100000
    )
    offered = offer(limits, debt=eur(debt), today=START)
    assert offered.counts == counts
    assert offered.promise_until == date(2026, 2, 14)


def test_nothing_is_offered_where_the_issuer_offers_nothing():
    assert not offer(
        Limits(instalment_min_minor=2500, instalments_up_to_minor=100000), debt=eur(9900), today=START
    )
