"""When a refused charge is tried again. Pure: plain values in, a day or the reason for none out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from .refusal_codes import RefusalClass


class Stop(Enum):
    """Why there is no further attempt."""

    HARD = "hard"
    NEEDS_MEMBER = "needs_member"
    UNKNOWN = "unknown"
    ALL_ATTEMPTS = "all_attempts"
    WINDOW = "window"
    CHARGED_BACK = "charged_back"


@dataclass(frozen=True)
class RetryTerms:
    """One policy. ``waits``: days from a refusal to the next attempt, the last one repeats.

    ``attempts`` counts the first one. ``window``: days from the first attempt to the last. ``gap``: the least time
    between two attempts. ``cap`` refusals in ``cap_days`` are the most that one card or account gets, of all documents.
    ``clearing``: days a direct debit may come back in; none is repeated before they are over.
    """

    waits: tuple[int, ...] = (3, 5, 7)
    attempts: int = 4
    window: int = 21
    gap: timedelta = timedelta(hours=24)
    cap: int = 15
    cap_days: int = 30
    clearing: int = 0
    avoids_weekends: bool = True
    retries_unknown: bool = True
    after_chargeback: bool = False


# Card networks allow 15 to 20 attempts in 30 days and fine more; refusals of the same kind seldom turn in a few days.
CARDS = RetryTerms()
# A returned direct debit costs both sides a fee: two more at most, five days apart, and only where it may help.
DEBITS = RetryTerms(
    waits=(5, 7), attempts=3, window=35, gap=timedelta(days=5), clearing=5, retries_unknown=False
)
# Kinds of methods whose money may still come back days after it was taken.
DEBIT_KINDS = frozenset({"sepa_debit"})


def shipped_terms(kind: str) -> RetryTerms:
    return DEBITS if kind in DEBIT_KINDS else CARDS


@dataclass(frozen=True)
class Policy:
    """Terms and whom they are for. Empty: for all."""

    issuer_id: int | None
    provider: str
    kind: str
    valid_from: date
    terms: RetryTerms


def terms_for(
    policies: Iterable[Policy], *, issuer_id: int, provider: str, kind: str, today: date
) -> RetryTerms:
    """The most particular policy of those valid today: by issuer, then kind of method, then provider, then the latest.

    Without one the shipped terms.
    """
    fitting = [
        policy
        for policy in policies
        if policy.valid_from <= today
        and policy.issuer_id in (None, issuer_id)
        and policy.provider in ("", provider)
        and policy.kind in ("", kind)
    ]
    if not fitting:
        return shipped_terms(kind)
    return max(
        fitting,
        key=lambda p: (p.issuer_id is not None, bool(p.kind), bool(p.provider), p.valid_from),
    ).terms


@dataclass(frozen=True)
class RetryDecision:
    """The day of the next attempt, or why there is none."""

    on: date | None
    stop: Stop | None = None


_STOPS = {RefusalClass.HARD: Stop.HARD, RefusalClass.NEEDS_MEMBER: Stop.NEEDS_MEMBER}


def next_attempt(
    terms: RetryTerms,
    kind: RefusalClass,
    attempts: Sequence[datetime],
    *,
    today: date,
    wait_days: int = 0,
    on_instrument: Iterable[date] = (),
) -> RetryDecision:
    """After the latest refusal. ``attempts``: when the document was charged so far, in local time, oldest first.

    ``wait_days``: what the card network asks for. ``on_instrument``: days on which the card or account refused a
    charge of any document, this one included.
    """
    if stop := _STOPS.get(kind):
        return RetryDecision(None, stop)
    if kind is RefusalClass.UNKNOWN and not terms.retries_unknown:
        return RetryDecision(None, Stop.UNKNOWN)
    if len(attempts) >= terms.attempts:
        return RetryDecision(None, Stop.ALL_ATTEMPTS)
    day = _wished(terms, attempts, today=today, wait_days=wait_days)
    day = allowed_day(terms, day, on_instrument)
    first = min((attempt.date() for attempt in attempts), default=today)
    if day > first + timedelta(days=terms.window):
        return RetryDecision(None, Stop.WINDOW)
    return RetryDecision(day)


def allowed_day(terms: RetryTerms, day: date, on_instrument: Iterable[date]) -> date:
    """The first day from ``day`` on that is no weekend, where those are avoided, and on which the cap leaves room."""
    refused = sorted(on_instrument)
    while True:
        if terms.avoids_weekends:
            day += timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))
        counted = [one for one in refused if day - timedelta(days=terms.cap_days) < one <= day]
        if len(counted) < max(1, terms.cap):
            return day
        # There is room again when enough of the oldest have left the span.
        day = counted[len(counted) - max(1, terms.cap)] + timedelta(days=terms.cap_days)


def _wished(terms: RetryTerms, attempts: Sequence[datetime], *, today: date, wait_days: int) -> date:
    made = max(1, len(attempts))
    wait = terms.waits[min(made, len(terms.waits)) - 1] if terms.waits else 1
    day = today + timedelta(days=max(1, wait, wait_days))
    if attempts:
        last = max(attempts)
        day = max(day, _first_whole_day(last + terms.gap), last.date() + timedelta(days=terms.clearing))
    return day


def _first_whole_day(moment: datetime) -> date:
    """The first day all of which is at or after the moment: at which hour the run starts is not known."""
    return moment.date() if moment.time() == time() else moment.date() + timedelta(days=1)
