"""When a contract line is due: literal calendars, and what must hold for all of them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.memberships.schedule import (
    MONTHS,
    Interval,
    LineTerms,
    add_months,
    due_periods,
    next_due,
    period_number_on,
)


def terms(anchor: date, interval: Interval = Interval.MONTHLY, **changes) -> LineTerms:
    values = {"price_minor": 990, "first_due": anchor, **changes}
    return LineTerms(anchor=anchor, interval=interval, **values)


def starts(line: LineTerms, until: date) -> list[date]:
    return [period.start for period in due_periods(line, until=until)]


def test_contract_from_the_31st_is_due_on_the_last_day_of_shorter_months():
    assert starts(terms(date(2026, 1, 31)), date(2026, 6, 30)) == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
        date(2026, 6, 30),
    ]


def test_periods_follow_on_each_other_without_gap_or_overlap():
    first, second, third = due_periods(terms(date(2026, 1, 31)), until=date(2026, 3, 31))
    assert (first.end, second.end, third.end) == (date(2026, 2, 27), date(2026, 3, 30), date(2026, 4, 29))


def test_leap_day_is_billed_on_the_28th_and_comes_back():
    assert starts(terms(date(2024, 2, 29), Interval.YEARLY), date(2028, 2, 29)) == [
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]


@pytest.mark.parametrize(
    ("interval", "second"),
    [
        (Interval.MONTHLY, date(2025, 12, 30)),
        (Interval.QUARTERLY, date(2026, 2, 28)),
        (Interval.HALF_YEARLY, date(2026, 5, 30)),
        (Interval.YEARLY, date(2026, 11, 30)),
    ],
)
def test_second_period_of_every_interval(interval, second):
    assert next_due(terms(date(2025, 11, 30), interval), after=date(2025, 11, 30)) == second


def test_once_is_due_once():
    line = terms(date(2026, 5, 4), Interval.ONCE, end=date(2026, 8, 4))
    assert [(p.start, p.end) for p in due_periods(line, until=date(2099, 1, 1))] == [
        (date(2026, 5, 4), date(2026, 8, 4))
    ]
    assert next_due(line, after=date(2026, 5, 4)) is None


def test_nothing_is_due_before_its_day_and_something_on_it():
    line = terms(date(2026, 5, 4))
    assert starts(line, date(2026, 5, 3)) == []
    assert starts(line, date(2026, 5, 4)) == [date(2026, 5, 4)]


def test_no_period_starts_after_the_last_day_but_one_that_began_is_billed_whole():
    line = terms(date(2026, 1, 15), end=date(2026, 3, 15))
    assert starts(line, date(2026, 12, 31)) == [date(2026, 1, 15), date(2026, 2, 15), date(2026, 3, 15)]
    assert next_due(line, after=date(2026, 3, 15)) is None


def test_ending_a_contract_does_not_forgive_instalments():
    line = terms(
        date(2026, 1, 15), Interval.INSTALMENTS, instalments=6, price_minor=24_000, end=date(2026, 2, 1)
    )
    assert len(due_periods(line, until=date(2026, 12, 31))) == 6


def test_cents_left_over_go_on_the_last_instalment():
    line = terms(date(2026, 1, 1), Interval.INSTALMENTS, instalments=6, price_minor=25_000)
    assert [p.amount_minor for p in due_periods(line, until=date(2027, 1, 1))] == [4166] * 5 + [4170]
    assert [(p.number, p.of) for p in due_periods(line, until=date(2027, 1, 1))][-1] == (6, 6)


def test_remaining_instalments_keep_their_number():
    line = terms(
        date(2026, 1, 1), Interval.INSTALMENTS, instalments=6, price_minor=24_000, first_due=date(2026, 4, 1)
    )
    assert [p.number for p in due_periods(line, until=date(2027, 1, 1))] == [4, 5, 6]


# -- for all calendars ----------------------------------------------------------------------------------------------

DAYS = st.dates(date(2000, 1, 1), date(2080, 12, 31))
RECURRING = st.sampled_from([Interval.MONTHLY, Interval.QUARTERLY, Interval.HALF_YEARLY, Interval.YEARLY])


@given(anchor=DAYS, interval=RECURRING, days=st.integers(0, 2000))
def test_periods_tile_the_time_from_the_anchor(anchor, interval, days):
    until = anchor + timedelta(days=days)
    periods = due_periods(terms(anchor, interval), until=until)
    assert periods[0].start == anchor
    for before, after in pairwise(periods):
        assert after.start == before.end + timedelta(days=1)
        assert after.number == before.number + 1
    assert periods[-1].start <= until <= periods[-1].end


@given(anchor=DAYS, interval=RECURRING, days=st.integers(0, 2000), cut=st.integers(0, 2000))
def test_billing_in_two_steps_bills_the_same_as_in_one(anchor, interval, days, cut):
    line, until = terms(anchor, interval), anchor + timedelta(days=days)
    middle = anchor + timedelta(days=min(cut, days))
    first = due_periods(line, until=middle)
    due = next_due(line, after=middle)
    second = due_periods(terms(anchor, interval, first_due=due), until=until)
    assert first + second == due_periods(line, until=until)


@given(anchor=DAYS, interval=RECURRING, days=st.integers(-100, 3000))
def test_period_number_counts_the_periods_begun(anchor, interval, days):
    day = anchor + timedelta(days=days)
    assert period_number_on(terms(anchor, interval), day) == len(
        due_periods(terms(anchor, interval), until=day)
    )


@given(anchor=DAYS, months=st.integers(-1200, 1200))
def test_adding_months_keeps_the_day_or_takes_the_last_one(anchor, months):
    moved = add_months(anchor, months)
    assert (moved.year * 12 + moved.month) - (anchor.year * 12 + anchor.month) == months
    assert moved.day == anchor.day or (moved.day < anchor.day and (moved + timedelta(days=1)).day == 1)


@given(price=st.integers(0, 10**9), count=st.integers(1, 120), anchor=DAYS)
def test_instalments_add_up_and_all_but_the_last_are_equal(price, count, anchor):
    line = terms(anchor, Interval.INSTALMENTS, instalments=count, price_minor=price)
    amounts = [period.amount_minor for period in due_periods(line, until=add_months(anchor, count + 1))]
    assert (sum(amounts), len(amounts)) == (price, count)
    assert len(set(amounts[:-1])) <= 1
    assert amounts[-1] - amounts[0] in range(count)


def test_every_interval_that_repeats_has_its_months():
    assert set(MONTHS) == set(Interval) - {Interval.ONCE}
