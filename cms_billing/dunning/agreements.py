"""What an agreement asks for by a day, whether it is kept, and what may be offered. Pure functions on plain values."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from cms_billing.core.money import Money

# A member's first instalment is due so many days after the agreement, the others monthly from there.
FIRST_INSTALMENT_AFTER = 7
# An editor's plan has no more parts than this: ten years, monthly.
MOST_INSTALMENTS = 120


class Outcome(Enum):
    RUNNING = "running"
    KEPT = "kept"
    BROKEN = "broken"


@dataclass(frozen=True)
class Part:
    """One payment that was agreed on: an instalment, or the whole debt of a promise or deferral."""

    number: int
    due_on: date
    amount: Money


@dataclass(frozen=True)
class Verdict:
    """How an agreement stands. ``part``: the first that is not paid in full, None where all are.

    ``missing_minor``: what is missing of it.
    """

    outcome: Outcome
    part: Part | None = None
    missing_minor: int = 0


@dataclass(frozen=True)
class Limits:
    """What members may choose themselves, in minor units and days; 0 days or instalments: not offered."""

    promise_days: int = 0
    deferral_days: int = 0
    instalments_max: int = 0
    instalment_min_minor: int = 0
    instalments_up_to_minor: int = 0


@dataclass(frozen=True)
class Offer:
    """``promise_until``: the last day a member may promise to pay by; ``deferral_until``: up to which they may put it
    off; ``counts``: of how many instalments."""

    promise_until: date | None = None
    deferral_until: date | None = None
    counts: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.promise_until is not None or self.deferral_until is not None or bool(self.counts)


def whole(amount: Money, *, due_on: date) -> tuple[Part, ...]:
    """The debt in one part: of a promise or a deferral."""
    return (Part(1, due_on, amount),)


def monthly(amount: Money, *, count: int, first_on: date) -> tuple[Part, ...]:
    """Equal instalments that add up to the debt; where it cannot be divided, the first ones are a cent higher.

    The same day each month, or the last one of months that are shorter.
    """
    amounts = amount.allocate([1] * count)
    return tuple(
        Part(number, months_later(first_on, number - 1), part) for number, part in enumerate(amounts, start=1)
    )


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def paid_of(*, agreed_minor: int, charges_minor: int, open_minor: int, charges_now_minor: int) -> int:
    """How much of a document has been paid since the agreement, from the sums of its ledger.

    Fees and interest that came after it are no part of it: they raise what is open, and pay nothing back.
    """
    return agreed_minor - open_minor + max(0, charges_now_minor - charges_minor)


def due_by(parts: Sequence[Part], day: date) -> int:
    """Minor units that had to be paid by the end of the day."""
    return sum(part.amount.minor for part in parts if part.due_on <= day)


def judge(
    parts: Sequence[Part], *, paid_minor: int, open_minor: int, grace_days: int, today: date
) -> Verdict:
    """Kept once everything agreed is paid or nothing is owed any more; broken when a part is not paid in full by its
    day and the days of grace after it; else it runs. ``parts`` in the order of their days."""
    if open_minor <= 0:
        return Verdict(Outcome.KEPT)
    asked = 0
    for part in parts:
        asked += part.amount.minor
        if paid_minor < asked:
            late = part.due_on + timedelta(days=grace_days) < today
            missing = min(asked - paid_minor, part.amount.minor)
            return Verdict(Outcome.BROKEN if late else Outcome.RUNNING, part, missing)
    return Verdict(Outcome.KEPT)


def payable_now(parts: Sequence[Part], *, paid_minor: int, open_minor: int, today: date) -> int:
    """What is due by today and not paid yet: so much may be charged."""
    return max(0, min(due_by(parts, today) - paid_minor, open_minor))


def next_payment(
    parts: Sequence[Part], *, paid_minor: int, open_minor: int, today: date
) -> tuple[int, date] | None:
    """What to pay next, and by when: everything that is due, or the rest of the next part. None: nothing is left."""
    ahead = [part for part in parts if part.due_on > today]
    due = payable_now(parts, paid_minor=paid_minor, open_minor=open_minor, today=today)
    if due > 0:
        return due, max(part.due_on for part in parts if part.due_on <= today)
    asked = due_by(parts, today)
    for part in ahead:
        asked += part.amount.minor
        if paid_minor < asked:
            return min(asked - paid_minor, open_minor), part.due_on
    return None


def held_until(verdict: Verdict, *, grace_days: int, today: date) -> date | None:
    """The last day the agreement keeps letters away: the next payment's, and in the days of grace the last of them."""
    if verdict.outcome is not Outcome.RUNNING or verdict.part is None:
        return None
    due_on = verdict.part.due_on
    return due_on if today <= due_on else due_on + timedelta(days=grace_days)


def offer(limits: Limits, *, debt: Money, today: date) -> Offer:
    """What a member may choose for this debt."""

    def within(days: int) -> date | None:
        return today + timedelta(days=days) if days and debt.minor > 0 else None

    return Offer(within(limits.promise_days), within(limits.deferral_days), _counts(limits, debt.minor))


def _counts(limits: Limits, debt_minor: int) -> tuple[int, ...]:
    if not 0 < debt_minor <= limits.instalments_up_to_minor:
        return ()
    smallest = max(limits.instalment_min_minor, 1)
    return tuple(count for count in range(2, limits.instalments_max + 1) if debt_minor // count >= smallest)
