"""The access decision: a pure function of the rule, what the visitor holds, and how it stands with what they owe.

Nothing here is stored. The same function answers the request, the listing, the explanation for support and the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from .terms import OpensTo, Preview, RuleTerms

__all__ = [
    "Decision",
    "Holding",
    "OpensTo",
    "Passes",
    "Preview",
    "Reason",
    "Rule",
    "RuleTerms",
    "Visitor",
    "decide",
]


class Visitor(StrEnum):
    GUEST = "guest"
    USER = "user"
    # May edit the page: sees it whatever they hold.
    EDITOR = "editor"
    # A search engine's, verified (``crawlers``); never by its user agent alone.
    CRAWLER = "crawler"


class Reason(StrEnum):
    """Why a page is open or closed. ``texts.sentence`` says it in words, the same for member, support and log."""

    NOT_COVERED = "not_covered"
    FREE = "free"
    # Inside the days on which the rule lets everybody read.
    FREE_NOW = "free_now"
    EDITOR = "editor"
    CRAWLER = "crawler"
    MEMBER = "member"
    ARREARS_BUT_OPEN = "arrears_but_open"
    # Dunning locks, but what is paid stays open (§§ 273, 320 BGB ask for proportion).
    LOCKED_BUT_PAID = "locked_but_paid"
    PAID_FOR_GOOD = "paid_for_good"
    # A member gave the page away.
    GIFT = "gift"
    # One of the pages that a visitor reads free each month.
    FREE_READ = "free_read"
    NO_LOGIN = "no_login"
    NO_PLAN = "no_plan"
    LOCKED = "locked"
    # The rule shuts out members in arrears before dunning locks.
    IN_ARREARS = "in_arrears"
    # Members read it later: a lesson whose day has not come.
    NOT_YET = "not_yet"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    # The rules could not be read: nobody gets a full text on a guess.
    RULES_UNREADABLE = "rules_unreadable"


class OpensWith(StrEnum):
    """What would open a closed page."""

    NOTHING = "nothing"
    LOGIN = "login"
    PLAN = "plan"
    PAYMENT = "payment"
    START = "start"
    WAIT = "wait"
    RETRY = "retry"


class Level(StrEnum):
    """What dunning says of a contract today (Standing). Only the last two lock."""

    GOOD = "good"
    IN_ARREARS = "in_arrears"
    LOCKED = "locked"
    HANDED_OVER = "handed_over"


LOCKING = (Level.LOCKED, Level.HANDED_OVER)


@dataclass(frozen=True)
class RulePlan:
    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Rule(RuleTerms):
    """An access rule as decisions need it: its terms and where it stands.

    ``opens_to`` is PLANS or EVERYONE here; what refines another rule has become one. ``plans`` empty with PLANS: closed
    to all but editors.
    """

    page_id: int
    page_title: str
    plans: tuple[RulePlan, ...] = ()
    # The page whose rule grants the quota: what is read anywhere below it counts together.
    quota_page_id: int = 0
    # The same for gift links.
    gifts_page_id: int = 0
    # A page of a kind that is never closed: legal texts, the page for locked members.
    always: bool = False

    @property
    def plan_ids(self) -> frozenset[int]:
        return frozenset(plan.id for plan in self.plans)


class Phase(StrEnum):
    """Where a contract stands in its life, on the day asked for."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class Holding:
    """A contract of the visitor. ``for_good``: a course whose price is billed in full and owed no more."""

    contract_id: int
    contract: str
    plan_id: int
    plan: str
    begun: bool
    start: date
    customer_id: int = 0
    issuer_id: int = 0
    end: date | None = None
    closed: bool = False
    for_good: bool = False

    def phase(self, today: date) -> Phase:
        if self.closed or (self.end is not None and self.end < today):
            return Phase.ENDED
        return Phase.RUNNING if self.begun and self.start <= today else Phase.NOT_STARTED


@dataclass(frozen=True)
class OwedDocument:
    """One unpaid paper in dunning, as the arrears page and the explanation show it. Amount in minor units."""

    id: int
    number: str
    issued_on: date | None
    due_on: date
    open_minor: int
    currency: str
    level: int
    lock_scope: str = ""
    last_letter_on: date | None = None
    charges_minor: int = 0
    handed_over: bool = False

    @property
    def locks(self) -> bool:
        return bool(self.lock_scope)


@dataclass(frozen=True)
class Standing:
    """How one contract stands. ``documents`` are filled in where somebody asks what is owed.

    ``arrears_level``: the highest level of a reminder that was sent and is unpaid, where a rule asks for it.
    ``paid``: today is paid for, so that no lock reaches it; ``paid_until`` is the last day of that period, None where
    nothing more will be billed.
    """

    level: Level = Level.GOOD
    arrears_level: int = 0
    paid: bool = False
    paid_until: date | None = None
    documents: tuple[OwedDocument, ...] = ()


@dataclass(frozen=True)
class Passes:
    """What a visitor brings beside contracts: a gift link for the page, one of the month's free reads.

    ``free_left``: how many free reads are left. ``personal``: something of the request said so, so that the answer is
    not that of every guest.
    """

    gift: bool = False
    free_read: bool = False
    free_left: int = 0
    personal: bool = False


@dataclass(frozen=True)
class Decision:
    """Open or closed, why, and what would open it.

    ``opens_on``: the first day for members, with NOT_YET. ``free_left``: pages the visitor may still read free this
    month. ``changes_on``: the next day on which the answer changes for everybody.
    """

    granted: bool
    reason: Reason
    opens_with: OpensWith = OpensWith.NOTHING
    rule: Rule | None = None
    holding: Holding | None = None
    paid_until: date | None = None
    documents: tuple[OwedDocument, ...] = ()
    opens_on: date | None = None
    free_left: int = 0
    personal: bool = False
    changes_on: date | None = None

    @property
    def covered(self) -> bool:
        """Is the full text only for some? Then it may not lie in any shared cache."""
        return self.reason is Reason.RULES_UNREADABLE or (
            self.rule is not None
            and self.rule.opens_to is OpensTo.PLANS
            and self.reason is not Reason.FREE_NOW
        )

    @property
    def for_all_guests(self) -> bool:
        """The teaser that every guest gets, so that one copy serves them all."""
        return self.reason is Reason.NO_LOGIN and not self.personal


RULES_UNREADABLE = Decision(granted=False, reason=Reason.RULES_UNREADABLE, opens_with=OpensWith.RETRY)


def decide(
    rule: Rule | None,
    *,
    visitor: Visitor,
    holdings: Sequence[Holding] = (),
    standings: Mapping[int, Standing] | None = None,
    today: date,
    passes: Passes | None = None,
) -> Decision:
    """May the visitor read the page that ``rule`` (the nearest upwards, or None) covers?

    ``standings`` by contract id; a contract without one stands well. Of several contracts the best answer counts: who
    is locked out of one but holds another that opens the page may read. ``passes`` None: the visitor brings nothing.
    """
    if rule is None:
        return Decision(granted=True, reason=Reason.NOT_COVERED)
    if rule.opens_to is OpensTo.EVERYONE:
        return Decision(granted=True, reason=Reason.FREE, rule=rule)
    changes_on = rule.changes_after(today) if rule.has_dates else None
    if rule.has_dates and rule.is_free_on(today):
        return Decision(granted=True, reason=Reason.FREE_NOW, rule=rule, changes_on=changes_on)
    best = _by_contracts(rule, visitor, holdings, standings or {}, today)
    if visitor is Visitor.EDITOR and not best.granted:
        best = Decision(granted=True, reason=Reason.EDITOR)
    if visitor is Visitor.CRAWLER:
        best = Decision(granted=True, reason=Reason.CRAWLER)
    if best.reason in PASSES_HELP:
        best = _with_passes(best, passes or Passes(free_left=rule.quota or 0))
    return replace(best, rule=rule, changes_on=changes_on)


# Gifts and free reads stand in for a contract; they neither pay what is owed nor bring a lesson forward.
PASSES_HELP = (Reason.NO_LOGIN, Reason.NO_PLAN, Reason.NOT_STARTED, Reason.ENDED)


def _with_passes(closed: Decision, passes: Passes) -> Decision:
    if passes.gift:
        return Decision(granted=True, reason=Reason.GIFT, personal=True)
    if passes.free_read:
        return Decision(granted=True, reason=Reason.FREE_READ, free_left=passes.free_left, personal=True)
    return replace(closed, free_left=passes.free_left, personal=passes.personal)


def _by_contracts(
    rule: Rule,
    visitor: Visitor,
    holdings: Sequence[Holding],
    standings: Mapping[int, Standing],
    today: date,
) -> Decision:
    if visitor is Visitor.GUEST:
        return Decision(granted=False, reason=Reason.NO_LOGIN, opens_with=OpensWith.LOGIN)
    answers = [
        _on_this_page(rule, holding, standings.get(holding.contract_id, Standing()), today)
        for holding in holdings
        if holding.plan_id in rule.plan_ids
    ]
    nothing = Decision(granted=False, reason=Reason.NO_PLAN, opens_with=OpensWith.PLAN)
    return min(answers, key=_rank, default=nothing)


def _on_this_page(rule: Rule, holding: Holding, standing: Standing, today: date) -> Decision:
    """What a contract opens by the rule's own terms: its level of arrears, and the day of a lesson."""
    answer = decide_holding(holding, standing, closes_at=rule.closes_at, today=today)
    first_day = rule.first_day(holding.start)
    if answer.granted and first_day is not None and today < first_day:
        return Decision(
            granted=False,
            reason=Reason.NOT_YET,
            opens_with=OpensWith.WAIT,
            holding=holding,
            opens_on=first_day,
        )
    return answer


def decide_holding(
    holding: Holding, standing: Standing, *, closes_at: int | None = None, today: date
) -> Decision:
    """What one contract opens, without regard to any page. ``closes_at`` as in RuleTerms."""
    phase = holding.phase(today)
    if phase is Phase.RUNNING:
        return _while_running(holding, standing, closes_at)
    if phase is Phase.ENDED and holding.for_good:
        return Decision(granted=True, reason=Reason.PAID_FOR_GOOD, holding=holding)
    if phase is Phase.NOT_STARTED:
        return Decision(granted=False, reason=Reason.NOT_STARTED, opens_with=OpensWith.START, holding=holding)
    return Decision(granted=False, reason=Reason.ENDED, opens_with=OpensWith.PLAN, holding=holding)


def _while_running(holding: Holding, standing: Standing, closes_at: int | None) -> Decision:
    if standing.level is Level.GOOD:
        return Decision(granted=True, reason=Reason.MEMBER, holding=holding)
    locked = standing.level in LOCKING
    closed = locked if closes_at is None else 0 < closes_at <= standing.arrears_level
    return Decision(
        granted=standing.paid or not closed,
        reason=_arrears_reason(locked=locked, closed=closed, paid=standing.paid),
        opens_with=OpensWith.PAYMENT,
        holding=holding,
        paid_until=standing.paid_until,
        documents=standing.documents,
    )


def _arrears_reason(*, locked: bool, closed: bool, paid: bool) -> Reason:
    if not closed or (paid and not locked):
        return Reason.ARREARS_BUT_OPEN
    if paid:
        return Reason.LOCKED_BUT_PAID
    return Reason.LOCKED if locked else Reason.IN_ARREARS


_BEST_FIRST = (
    Reason.MEMBER,
    Reason.PAID_FOR_GOOD,
    Reason.ARREARS_BUT_OPEN,
    Reason.LOCKED_BUT_PAID,
    Reason.NOT_YET,
    Reason.IN_ARREARS,
    Reason.LOCKED,
    Reason.NOT_STARTED,
    Reason.ENDED,
)


def _rank(decision: Decision) -> tuple[int, int]:
    """Of two locked contracts always the same one is shown: the older."""
    return _BEST_FIRST.index(decision.reason), decision.holding.contract_id if decision.holding else 0
