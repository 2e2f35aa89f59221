"""When a claim gets its next letter, and why not. Pure functions; the same for run, preview and case page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise


class Step(Enum):
    NONE = "none"
    LETTER = "letter"
    READY_FOR_COLLECTION = "ready_for_collection"


class Reason(Enum):
    """Why a step is due, or why there is none; the sentences for people are in ``reasons``."""

    LEVEL_DUE = "level_due"
    LAST_LEVEL_OVER = "last_level_over"
    NOTHING_OWED = "nothing_owed"
    NOT_DUE = "not_due"
    STOPPED = "stopped"
    IN_COLLECTION = "in_collection"
    NO_PROCEDURE = "no_procedure"
    HANDED_OVER = "handed_over"
    BLOCKED = "blocked"
    DISPUTED = "disputed"
    PROMISE = "promise"
    INSTALMENT_PLAN = "instalment_plan"
    DEFERRED = "deferred"
    PAYMENT_UNDER_WAY = "payment_under_way"
    RETRY_PLANNED = "retry_planned"
    ONLY_CHARGES_LEFT = "only_charges_left"
    BELOW_MINIMUM = "below_minimum"
    WAITING_FOR_STATEMENT = "waiting_for_statement"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    WAITING_FOR_LEVEL = "waiting_for_level"
    WAITING_AFTER_LAST_LEVEL = "waiting_after_last_level"
    LETTER_TODAY = "letter_today"


@dataclass(frozen=True)
class LevelFacts:
    """``days_after``: since the due date at the first level, since the last letter at later ones. ``channel``: how the
    letter travels; empty: as documents do."""

    number: int
    days_after: int
    days_to_pay: int
    lock_scope: str = ""
    fee_minor: int = 0
    channel: str = ""
    attach_invoices: bool = False
    claims_interest: bool = False
    claims_flat: bool = False

    @property
    def locks(self) -> bool:
        return bool(self.lock_scope)


@dataclass(frozen=True)
class ProcedureFacts:
    """``levels`` in ascending order. ``minimum_minor``: who owes less in all, in the issuer's currency, gets no letter.

    ``failure_level``, ``chargeback_level``: where a failed payment or one that came back starts; None: nowhere.
    """

    levels: tuple[LevelFacts, ...]
    minimum_minor: int = 0
    failure_level: int | None = None
    chargeback_level: int | None = None
    wait_for_statement: bool = False
    avoid_weekends: bool = False
    holidays: str = ""

    def level(self, number: int) -> LevelFacts | None:
        return next((level for level in self.levels if level.number == number), None)

    def after(self, number: int) -> LevelFacts | None:
        """The next level; a case never skips one that is there."""
        return next((level for level in self.levels if level.number > number), None)


@dataclass(frozen=True)
class Hindrance:
    """What stands against a letter, whatever the calendar says. ``until``: the last day it does; None: not known.

    ``detail`` goes into the sentence as it is: a reason somebody gave, an amount.
    """

    reason: Reason
    until: date | None = None
    detail: str = ""

    def holds_on(self, day: date) -> bool:
        return self.until is None or day <= self.until


@dataclass(frozen=True)
class CaseFacts:
    """One claim. ``level`` 0: no letter yet. ``waiting_since``: the day the days of the next level count from; None
    without a case. ``state`` is that of the case, "" without one.

    ``started``: a failed payment or one that came back has opened the case, and nothing was written since.
    ``calm`` stands against letters by the calendar only: a weekend, a small amount. A person may write all the same.
    """

    due_on: date
    open_minor: int
    level: int = 0
    state: str = ""
    waiting_since: date | None = None
    started: bool = False
    hindrance: Hindrance | None = None
    calm: Hindrance | None = None
    letter_today: bool = False


@dataclass(frozen=True)
class Decision:
    """What happens to a claim. ``level``: the letter's, or the one it waits for; ``until``: what a skip waits for;
    ``detail``: that of a hindrance."""

    step: Step
    reason: Reason
    level: int = 0
    until: date | None = None
    detail: str = ""


def decide(case: CaseFacts, procedure: ProcedureFacts | None, today: date) -> Decision:
    """The next step of a claim today. Everything that stands against a letter comes before the calendar."""
    obstacle = _obstacle(case, procedure, today)
    if obstacle is not None or procedure is None:
        return obstacle or Decision(Step.NONE, Reason.NO_PROCEDURE, case.level)
    due = _by_calendar(case, procedure, today)
    if due.step is Step.LETTER and case.calm is not None:
        return Decision(Step.NONE, case.calm.reason, due.level, case.calm.until, case.calm.detail)
    if due.step is Step.LETTER and case.letter_today:
        # A second run of the day, a second worker, or a person who was faster: one letter a day and customer.
        return Decision(Step.NONE, Reason.LETTER_TODAY, due.level, today + timedelta(days=1))
    return due


def decide_by_hand(case: CaseFacts, procedure: ProcedureFacts | None, today: date) -> Decision:
    """The next step when a person asks for it now: the same obstacles, without the waiting days."""
    obstacle = _obstacle(case, procedure, today)
    if obstacle is not None or procedure is None:
        return obstacle or Decision(Step.NONE, Reason.NO_PROCEDURE, case.level)
    if case.letter_today:
        return Decision(Step.NONE, Reason.LETTER_TODAY, case.level, today + timedelta(days=1))
    following = procedure.after(case.level)
    if following is None:
        return Decision(Step.READY_FOR_COLLECTION, Reason.LAST_LEVEL_OVER, case.level)
    return Decision(Step.LETTER, Reason.LEVEL_DUE, following.number)


def _obstacle(case: CaseFacts, procedure: ProcedureFacts | None, today: date) -> Decision | None:
    def skip(reason: Reason, until: date | None = None, detail: str = "") -> Decision:
        return Decision(Step.NONE, reason, case.level, until, detail)

    if case.open_minor <= 0:
        return skip(Reason.NOTHING_OWED)
    if case.due_on >= today:
        return skip(Reason.NOT_DUE, case.due_on)
    if case.state == "stopped":
        return skip(Reason.STOPPED)
    if case.state == "handed_over":
        return skip(Reason.HANDED_OVER)
    if case.hindrance is not None and case.hindrance.holds_on(today):
        return skip(case.hindrance.reason, case.hindrance.until, case.hindrance.detail)
    if case.state == "ready_for_collection":
        return skip(Reason.IN_COLLECTION)
    if procedure is None or not procedure.levels:
        return skip(Reason.NO_PROCEDURE)
    return None


def _by_calendar(case: CaseFacts, procedure: ProcedureFacts, today: date) -> Decision:
    since = max(case.due_on, case.waiting_since or case.due_on)
    following = procedure.after(case.level)
    if following is not None:
        # Who was told that a payment failed waits for no due date's days: the letter goes out the day after.
        on = since + timedelta(days=1 if case.started else following.days_after)
        if today < on:
            return Decision(Step.NONE, Reason.WAITING_FOR_LEVEL, following.number, on)
        return Decision(Step.LETTER, Reason.LEVEL_DUE, following.number)
    last = procedure.level(case.level) or procedure.levels[-1]
    over = since + timedelta(days=last.days_to_pay + 1)
    if today < over:
        return Decision(Step.NONE, Reason.WAITING_AFTER_LAST_LEVEL, case.level, over)
    return Decision(Step.READY_FOR_COLLECTION, Reason.LAST_LEVEL_OVER, case.level)


# Narrower first.
SCOPES = ("", "contract", "customer")


def wider(*scopes: str) -> str:
    return max(scopes, key=SCOPES.index)


def scope_locked(announced: str, level: LevelFacts | None) -> str:
    """What a level locks: never more than an earlier letter has announced (§§ 273, 320 BGB)."""
    return min(announced, level.lock_scope if level else "", key=SCOPES.index)


def scope_announced(announced: str, following: LevelFacts | None) -> str:
    """What has been announced once a letter is out that another one follows."""
    return wider(announced, following.lock_scope if following else "")


def weaknesses(levels: Sequence[LevelFacts], *, starts: Sequence[int | None] = ()) -> list[str]:
    """What is wrong with a procedure, as keys of ``reasons.WEAKNESSES``. ``starts``: levels at which cases begin that a
    failed payment or a chargeback opens."""
    numbers = sorted(level.number for level in levels)
    found = []
    if not levels:
        found.append("none")
    if len(set(numbers)) != len(numbers):
        found.append("twice")
    elif numbers != list(range(1, len(numbers) + 1)):
        found.append("gap")
    in_order = sorted(levels, key=lambda level: level.number)
    if any(level.number == 1 and level.locks for level in in_order):
        found.append("first_locks")
    if any(
        wider(before.lock_scope, after.lock_scope) != after.lock_scope for before, after in pairwise(in_order)
    ):
        found.append("unlocks")
    if any(after.days_after <= before.days_to_pay for before, after in pairwise(in_order)):
        found.append("impatient")
    if numbers and any(start and start not in numbers for start in starts):
        found.append("start")
    return found
