"""Default interest, and the day default begins. Pure functions on plain values.

- The debtor is in default from the day after the reminder, after 30 days, or after the due date that a calendar fixes
  (§ 286 (1)–(3) BGB); the day of the event itself is not counted (§ 187 (1) BGB). A last day to pay that is a Saturday
  or Sunday is the Monday after it (§ 193 BGB).
- So many points above the base rate (§ 288 (1), (2) BGB), which changes on 1 January and 1 July (§ 247 BGB) and was
  below zero from 2013 to 2022.
- On the principal alone, never on interest or charges (§ 289 BGB); by actual days over 365, in leap years over 366.
  The day on which money arrives still counts (§ 188 (1) BGB).
- Rounded once a claim, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

DAY = timedelta(days=1)
CONSUMER_POINTS = Decimal(5)
# Days a debtor has after due date and invoice before default comes by itself (§ 286 (3) BGB).
THIRTY_DAYS = timedelta(days=30)

# (valid from, percent a year), and (day, amount open at its end); each in ascending order.
Rates = Sequence[tuple[date, Decimal]]
Balances = Sequence[tuple[date, int]]


@dataclass(frozen=True)
class InterestRow:
    """A part of the period with one amount, one rate and one year; both days are counted.

    ``minor`` are whole minor units such that the rows of a claim add up to its rounded interest.
    """

    start: date
    end: date
    days: int
    base_minor: int
    percent: Decimal
    minor: int

    def stored(self) -> dict[str, object]:
        return {
            "from": f"{self.start:%Y-%m-%d}",
            "to": f"{self.end:%Y-%m-%d}",
            "days": self.days,
            "base_minor": self.base_minor,
            "percent": str(self.percent),
            "minor": self.minor,
        }


def default_since(
    rule: str,
    *,
    due_on: date,
    issued_on: date | None = None,
    first_letter_on: date | None = None,
) -> date | None:
    """The first day of default; None while no event has brought it about.

    ``rule`` is a ``DefaultFrom``. The 30 days count from due date and invoice, whichever is later; against consumers
    they hold only where the invoice says so (§ 286 (3) BGB), which whoever chooses the rule answers for.
    """
    days = [first_letter_on + DAY] if first_letter_on else []
    if rule == "thirty_days":
        days.append(_day_to_pay(max(due_on, issued_on or due_on) + THIRTY_DAYS) + DAY)
    elif rule == "due_date":
        days.append(_day_to_pay(due_on) + DAY)
    return min(days, default=None)


def _day_to_pay(day: date) -> date:
    """§ 193 BGB, as far as weekends go; holidays differ from place to place."""
    return day + DAY * max(0, 7 - day.weekday()) if day.weekday() > 4 else day


def points_for(points: Decimal | None, *, is_consumer: bool) -> Decimal | None:
    """What the law gives (§ 288 (1), (2) BGB): never more than five points where the debtor is a consumer."""
    return min(points, CONSUMER_POINTS) if points is not None and is_consumer else points


def interest_rows(
    balances: Balances, rates: Rates, points: Decimal, *, since: date, until: date
) -> list[InterestRow]:
    """Interest from ``since`` through ``until``; empty where default has not begun, or no base rate is known.

    What was posted on a day counts from the day after. Days before the first known rate have that one.
    """
    rows: list[InterestRow] = []
    exact, rounded = Fraction(0), 0
    for start, end in _periods(balances, rates, since=since, until=until):
        base, percent = _on(balances, start - DAY), _percent(rates, points, start)
        days = (end - start).days + 1
        if base <= 0 or percent <= 0:
            continue
        exact += Fraction(base) * Fraction(percent) * days / (100 * _days_of_year(start.year))
        minor = _round_half_up(exact) - rounded
        rounded += minor
        rows.append(InterestRow(start, end, days, base, percent, minor))
    return rows


def interest_minor(rows: Sequence[InterestRow]) -> int:
    return sum(row.minor for row in rows)


def _periods(balances: Balances, rates: Rates, *, since: date, until: date) -> Iterator[tuple[date, date]]:
    """Split at the end of a year and wherever amount or rate change."""
    if not rates or until < since:
        return
    cuts = {date(year, 1, 1) for year in range(since.year + 1, until.year + 1)}
    cuts |= {day + DAY for day in _changes(balances)}
    cuts |= set(_changes(rates))
    starts = [since, *sorted(cut for cut in cuts if since < cut <= until)]
    for start, following in zip(starts, [*starts[1:], until + DAY], strict=True):
        yield start, following - DAY


def _changes(steps: Sequence[tuple[date, int]] | Rates) -> list[date]:
    """The days on which there is another value than before."""
    first = [day for day, _value in steps[:1]]
    return first + [day for (_before, old), (day, new) in pairwise(steps) if new != old]


def _on(balances: Balances, day: date) -> int:
    return next((amount for changed, amount in reversed(balances) if changed <= day), 0)


def _percent(rates: Rates, points: Decimal, day: date) -> Decimal:
    base = next((percent for valid_from, percent in reversed(rates) if valid_from <= day), rates[0][1])
    return max(base + points, Decimal(0))


def _days_of_year(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def _round_half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2))
