"""When a contract line is due: a pure function of its terms and an explicit date.

Periods are counted from the anchor (the first day of the first period), never from the period before, so a contract
that starts on 31 January bills 28 February and 31 March. Periods are billed in advance: due on their first day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from cms_billing.core.money import allocate_minor


class Interval(StrEnum):
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"
    ONCE = "once"
    INSTALMENTS = "instalments"


MONTHS = {
    Interval.MONTHLY: 1,
    Interval.QUARTERLY: 3,
    Interval.HALF_YEARLY: 6,
    Interval.YEARLY: 12,
    Interval.INSTALMENTS: 1,
}


@dataclass(frozen=True)
class LineTerms:
    """``price_minor``: of one period; of the whole for instalments. ``first_due``: the first period not yet booked.

    ``end``: last day of the contract (inclusive), None without end. ``instalments`` counts only for that interval.
    """

    anchor: date
    interval: Interval
    price_minor: int
    first_due: date
    end: date | None = None
    instalments: int = 1


@dataclass(frozen=True)
class Period:
    """A service period, both days inclusive. ``number`` counts from 1; ``of`` is set for instalments."""

    start: date
    end: date
    amount_minor: int
    number: int
    of: int | None = None


def add_months(day: date, months: int) -> date:
    """The same day of the month, or the month's last day where it is shorter."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def due_periods(terms: LineTerms, *, until: date) -> list[Period]:
    """The periods that became due from ``first_due`` to ``until`` (inclusive), oldest first."""
    periods = []
    for period in _periods(terms):
        if period.start > until:
            break
        periods.append(period)
    return periods


def next_due(terms: LineTerms, *, after: date) -> date | None:
    """The first due date later than ``after``, or None where the line has nothing more to bill."""
    for period in _periods(terms):
        if period.start > after:
            return period.start
    return None


def period_number_on(terms: LineTerms, day: date) -> int:
    """How many periods (from 1) have begun by ``day``; 0 before the anchor."""
    if day < terms.anchor:
        return 0
    if terms.interval is Interval.ONCE:
        return 1
    months = MONTHS[terms.interval]
    number = (day.year - terms.anchor.year) * 12 + day.month - terms.anchor.month
    number = number // months + 2
    while add_months(terms.anchor, (number - 1) * months) > day:
        number -= 1
    return number


def _periods(terms: LineTerms) -> Iterator[Period]:
    """From ``first_due`` on, in order; endless for contracts without end."""
    if terms.interval is Interval.ONCE:
        yield from _once(terms)
        return
    months = MONTHS[terms.interval]
    parts = _instalments(terms)
    number = max(1, period_number_on(terms, terms.first_due))
    while parts is None or number <= len(parts):
        start = add_months(terms.anchor, (number - 1) * months)
        if terms.end is not None and start > terms.end and parts is None:
            return
        end = add_months(terms.anchor, number * months) - timedelta(days=1)
        if start >= terms.first_due:
            amount = terms.price_minor if parts is None else parts[number - 1]
            yield Period(start, end, amount, number, len(parts) if parts else None)
        number += 1


def _once(terms: LineTerms) -> Iterator[Period]:
    if terms.first_due <= terms.anchor:
        yield Period(terms.anchor, terms.end or terms.anchor, terms.price_minor, 1)


def _instalments(terms: LineTerms) -> list[int] | None:
    """Equal parts; the cents left over go on the last one, so that all but one instalment are the same."""
    if terms.interval is not Interval.INSTALMENTS:
        return None
    count = terms.instalments
    equal = allocate_minor(terms.price_minor, [1] * count)[-1]
    return [equal] * (count - 1) + [terms.price_minor - equal * (count - 1)]
