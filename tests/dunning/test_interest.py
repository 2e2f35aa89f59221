"""Default interest to the cent. Every figure is worked out in the comment beside it: amount × rate × days / days of the
year, each part exact, the sum rounded once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.dunning.interest import (
    default_since,
    interest_minor,
    interest_rows,
    points_for,
)

# § 247 BGB, as the Bundesbank announced it.
RATES = [
    (date(2012, 1, 1), Decimal("0.12")),
    (date(2013, 1, 1), Decimal("-0.13")),
    (date(2015, 1, 1), Decimal("-0.83")),
    (date(2016, 7, 1), Decimal("-0.88")),
    (date(2023, 1, 1), Decimal("1.62")),
    (date(2023, 7, 1), Decimal("3.12")),
    (date(2024, 1, 1), Decimal("3.62")),
    (date(2024, 7, 1), Decimal("3.37")),
    (date(2025, 1, 1), Decimal("2.27")),
    (date(2025, 7, 1), Decimal("1.27")),
    (date(2026, 1, 1), Decimal("1.27")),
]
FIVE, NINE = Decimal(5), Decimal(9)
LONG_AGO = date(2001, 1, 1)


class Example(NamedTuple):
    source: str
    balances: list[tuple[date, int]]
    points: Decimal
    since: date
    until: date
    minor: int
    days: list[int]


EXAMPLES = [
    # 1,000.00 × 7.27 % × 150/365 = 10,905 / 365 = 29.8767
    Example(
        "§ 288 (1): five points where a consumer is involved",
        [(LONG_AGO, 100000)],
        FIVE,
        date(2025, 2, 1),
        date(2025, 6, 30),
        2988,
        [150],
    ),
    # 47 days: 2,500.00 × 11.27 % × 47/365 = 36.2801; 45 days: × 10.27 % = 31.6541; together 67.9342
    Example(
        "§§ 247, 288 (2): nine points, over the change of 1 July 2025",
        [(LONG_AGO, 250000)],
        NINE,
        date(2025, 5, 15),
        date(2025, 8, 14),
        6793,
        [47, 45],
    ),
    # 12 days of 365: 800.00 × 8.12 % = 2.1357; 70 days of 366: × 8.62 % = 13.1891; together 15.3247
    Example(
        "§§ 187, 188: over the end of a year into a leap year",
        [(LONG_AGO, 80000)],
        FIVE,
        date(2023, 12, 20),
        date(2024, 3, 10),
        1532,
        [12, 70],
    ),
    # A whole leap year is a whole year: 1,200.00 × 4.12 % = 49.44
    Example(
        "§ 247: the base rate was below zero, leap year",
        [(LONG_AGO, 120000)],
        FIVE,
        date(2020, 1, 1),
        date(2020, 12, 31),
        4944,
        [366],
    ),
    # 500.00 × 8.12 % = 40.60
    Example(
        "§ 247: below zero, between businesses",
        [(LONG_AGO, 50000)],
        NINE,
        date(2021, 1, 1),
        date(2021, 12, 31),
        4060,
        [365],
    ),
    # 30 days: 3,000.00 × 4.17 % × 30/366 = 10.2541; 31 days: × 4.12 % × 31/366 = 10.4689; together 20.7230
    Example(
        "§ 247: from below zero to further below, in a leap year",
        [(LONG_AGO, 300000)],
        FIVE,
        date(2016, 6, 1),
        date(2016, 7, 31),
        2072,
        [30, 31],
    ),
    # Through the day of the payment 1,000.00 × 6.27 % × 37/365 = 6.3559; then 600.00 × 6.27 % × 44/365 = 4.5350;
    # together 10.8909
    Example(
        "§ 367: 400.00 of the principal paid on 15 February",
        [(LONG_AGO, 100000), (date(2026, 2, 15), 60000)],
        FIVE,
        date(2026, 1, 10),
        date(2026, 3, 31),
        1089,
        [37, 44],
    ),
    # 500.00 × 10.27 % × 11/365 = 1.5476 until it was paid on 20 January; nothing while it was; from the day after it
    # came back (10 February) 18 days = 2.5323; together 4.0799
    Example(
        "§ 286: a payment that came back",
        [(LONG_AGO, 50000), (date(2026, 1, 20), 0), (date(2026, 2, 10), 50000)],
        NINE,
        date(2026, 1, 10),
        date(2026, 2, 28),
        408,
        [11, 18],
    ),
    # 365 of 365 days at 6.27 %: 9.90 × 6.27 % = 0.62073
    Example(
        "a membership fee for a whole year",
        [(LONG_AGO, 990)],
        FIVE,
        date(2026, 1, 1),
        date(2026, 12, 31),
        62,
        [365],
    ),
    # 18.25 × 10.00 % × 1/365 = 0.005
    Example(
        "rounding: half a cent is a cent",
        [(LONG_AGO, 1825)],
        Decimal("8.73"),
        date(2026, 3, 1),
        date(2026, 3, 1),
        1,
        [1],
    ),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.source)
def test_worked_examples(example: Example) -> None:
    rows = interest_rows(example.balances, RATES, example.points, since=example.since, until=example.until)

    assert interest_minor(rows) == example.minor
    assert [row.days for row in rows] == example.days


def test_rows_say_how_it_was_worked_out() -> None:
    rows = interest_rows([(LONG_AGO, 250000)], RATES, NINE, since=date(2025, 5, 15), until=date(2025, 8, 14))

    assert [row.stored() for row in rows] == [
        {"from": "2025-05-15", "to": "2025-06-30", "days": 47, "base_minor": 250000, "percent": "11.27", "minor": 3628},
        {"from": "2025-07-01", "to": "2025-08-14", "days": 45, "base_minor": 250000, "percent": "10.27", "minor": 3165},
    ]  # fmt: skip


def test_a_rate_that_goes_on_unchanged_splits_nothing_within_a_year() -> None:
    rates = [(date(2026, 1, 1), Decimal("1.27")), (date(2026, 7, 1), Decimal("1.27"))]

    rows = interest_rows([(LONG_AGO, 100000)], rates, FIVE, since=date(2026, 6, 1), until=date(2026, 7, 31))

    assert [row.days for row in rows] == [61]


def test_no_interest_without_a_known_rate() -> None:
    assert interest_rows([(LONG_AGO, 100000)], [], FIVE, since=LONG_AGO, until=date(2026, 1, 1)) == []


def test_a_base_rate_below_the_points_never_gives_negative_interest() -> None:
    rates = [(date(2020, 1, 1), Decimal("-6"))]

    assert interest_rows([(LONG_AGO, 100000)], rates, FIVE, since=LONG_AGO, until=date(2021, 1, 1)) == []


@pytest.mark.parametrize(
    ("points", "is_consumer", "expected"),
    [(NINE, False, NINE), (NINE, True, FIVE), (FIVE, True, FIVE), (Decimal(3), True, Decimal(3)), (None, True, None)],
)  # fmt: skip
def test_consumers_owe_five_points_at_most(
    points: Decimal | None, is_consumer: bool, expected: Decimal | None
) -> None:
    """§ 288 (1) BGB; nine points are for payments no consumer is involved in (§ 288 (2))."""
    assert points_for(points, is_consumer=is_consumer) == expected


# 15 January 2026 is a Thursday, 14 February a Saturday.
DUE = date(2026, 1, 15)


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        # § 286 (1): the reminder; its own day is not counted (§ 187 (1)).
        ("first_letter", {"first_letter_on": date(2026, 1, 22)}, date(2026, 1, 23)),
        ("first_letter", {}, None),
        # § 286 (3): 30 days after 15 January is Saturday 14 February, so Monday the 16th (§ 193): default on the 17th.
        ("thirty_days", {}, date(2026, 2, 17)),
        ("thirty_days", {"first_letter_on": date(2026, 1, 22)}, date(2026, 1, 23)),
        ("thirty_days", {"first_letter_on": date(2026, 3, 2)}, date(2026, 2, 17)),
        # An invoice that came after the due date: from then on (Tuesday 3 March + 30 days is Thursday 2 April).
        ("thirty_days", {"issued_on": date(2026, 3, 3)}, date(2026, 4, 3)),
        # § 286 (2) no. 1: a date fixed by the calendar.
        ("due_date", {}, date(2026, 1, 16)),
        ("due_date", {"due_on": date(2026, 2, 15)}, date(2026, 2, 17)),  # a Sunday
    ],
)
def test_first_day_of_default(rule: str, facts: dict[str, date], expected: date | None) -> None:
    assert default_since(rule, **{"due_on": DUE, **facts}) == expected


AMOUNTS = st.integers(0, 10**7)
BALANCES = st.lists(
    st.tuples(st.dates(date(2014, 1, 1), date(2026, 12, 31)), AMOUNTS), min_size=1, max_size=6
).map(lambda rows: sorted(dict(rows).items()))


@given(BALANCES, st.dates(date(2014, 1, 1), date(2025, 1, 1)), st.integers(0, 700), st.integers(0, 700))
def test_periods_add_up_to_a_cent(
    balances: list[tuple[date, int]], since: date, first: int, second: int
) -> None:
    middle, until = since + timedelta(days=first), since + timedelta(days=first + 1 + second)
    whole = interest_rows(balances, RATES, FIVE, since=since, until=until)
    parts = [
        *interest_rows(balances, RATES, FIVE, since=since, until=middle),
        *interest_rows(balances, RATES, FIVE, since=middle + timedelta(days=1), until=until),
    ]

    assert abs(interest_minor(whole) - interest_minor(parts)) <= 1
    assert sum(row.days for row in whole) == sum(row.days for row in parts)


@given(BALANCES, st.dates(date(2014, 1, 1), date(2026, 1, 1)), st.integers(0, 1000))
def test_every_row_is_exact_and_their_sum_is_rounded_once(
    balances: list[tuple[date, int]], since: date, days: int
) -> None:
    rows = interest_rows(balances, RATES, FIVE, since=since, until=since + timedelta(days=days))
    exact = sum(
        (
            Fraction(row.base_minor) * Fraction(row.percent) * row.days
            / (36600 if row.start.year % 4 == 0 else 36500)
            for row in rows
        ),
        Fraction(0),
    )  # fmt: skip

    assert abs(exact - interest_minor(rows)) <= Fraction(1, 2)
    assert all(row.minor >= 0 and row.start.year == row.end.year for row in rows)


@given(BALANCES, st.dates(date(2014, 1, 1), date(2026, 1, 1)), st.integers(1, 1000))
def test_nothing_before_default(balances: list[tuple[date, int]], since: date, days: int) -> None:
    assert interest_rows(balances, RATES, FIVE, since=since, until=since - timedelta(days=days)) == []
