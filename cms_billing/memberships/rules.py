"""What a member may do with a contract. Pure functions on plain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from .schedule import Interval, LineTerms, next_due

# Bought as a whole: there is no period to give notice for.
_BOUGHT = {Interval.ONCE, Interval.INSTALMENTS}


def last_day_if_terminated(lines: Sequence[LineTerms], *, today: date) -> date | None:
    """The last day of a contract that its member terminates today: the end of what is billed or running.

    None where nothing recurs: a course that was bought, at once or in instalments, is not terminated.
    """
    recurring = [terms for terms in lines if terms.interval not in _BOUGHT]
    starts = [start for terms in recurring if (start := next_due(terms, after=today))]
    return max(starts) - timedelta(days=1) if starts else None
