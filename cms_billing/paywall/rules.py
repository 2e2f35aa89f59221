"""The access decision: a pure function of the rule, what the visitor holds, and how it stands with what they owe.

Nothing here is stored. The same function answers the request, the listing, the explanation for support and the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum


class OpensTo(StrEnum):
    """Whom a rule lets in. ``EVERYONE`` is the exception inside a closed section: a free sample lesson."""

    PLANS = "plans"
    EVERYONE = "everyone"


class Visitor(StrEnum):
    GUEST = "guest"
    USER = "user"
    # May edit the page: sees it whatever they hold.
    EDITOR = "editor"


class Reason(StrEnum):
    """Why a page is open or closed. ``texts.sentence`` says it in words, the same for member, support and log."""

    NOT_COVERED = "not_covered"
    FREE = "free"
    EDITOR = "editor"
    MEMBER = "member"
    ARREARS_BUT_OPEN = "arrears_but_open"
    # Dunning locks, but what is paid stays open (§§ 273, 320 BGB ask for proportion).
    LOCKED_BUT_PAID = "locked_but_paid"
    PAID_FOR_GOOD = "paid_for_good"
    NO_LOGIN = "no_login"
    NO_PLAN = "no_plan"
    LOCKED = "locked"
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


@dataclass(frozen=True)
class Rule:
    """An access rule as decisions need it. ``plans`` empty with ``OpensTo.PLANS``: closed to all but editors."""

    page_id: int
    page_title: str
    opens_to: OpensTo = OpensTo.PLANS
    plans: tuple[RulePlan, ...] = ()
    preview: str = "page"
    teaser_text: str = ""
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

    ``paid``: today is paid for, so that no lock reaches it; ``paid_until`` is the last day of that period, None where
    nothing more will be billed.
    """

    level: Level = Level.GOOD
    paid: bool = False
    paid_until: date | None = None
    documents: tuple[OwedDocument, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Open or closed, why, and what would open it."""

    granted: bool
    reason: Reason
    opens_with: OpensWith = OpensWith.NOTHING
    rule: Rule | None = None
    holding: Holding | None = None
    paid_until: date | None = None
    documents: tuple[OwedDocument, ...] = ()

    @property
    def covered(self) -> bool:
        """Is the full text only for some? Then it may not lie in any shared cache."""
        return self.reason is Reason.RULES_UNREADABLE or (
            self.rule is not None and self.rule.opens_to is OpensTo.PLANS
        )


RULES_UNREADABLE = Decision(granted=False, reason=Reason.RULES_UNREADABLE, opens_with=OpensWith.RETRY)


def decide(
    rule: Rule | None,
    *,
    visitor: Visitor,
    holdings: Sequence[Holding] = (),
    standings: Mapping[int, Standing] | None = None,
    today: date,
) -> Decision:
    """May the visitor read the page that ``rule`` (the nearest upwards, or None) covers?

    ``standings`` by contract id; a contract without one stands well. Of several contracts the best answer counts: who
    is locked out of one but holds another that opens the page may read.
    """
    if rule is None:
        return Decision(granted=True, reason=Reason.NOT_COVERED)
    if rule.opens_to is OpensTo.EVERYONE:
        return Decision(granted=True, reason=Reason.FREE, rule=rule)
    if visitor is Visitor.GUEST:
        return Decision(granted=False, reason=Reason.NO_LOGIN, opens_with=OpensWith.LOGIN, rule=rule)
    answers = [
        decide_holding(holding, (standings or {}).get(holding.contract_id, Standing()), today=today)
        for holding in holdings
        if holding.plan_id in rule.plan_ids
    ]
    best = min(answers, key=_rank, default=None)
    if best is None:
        best = Decision(granted=False, reason=Reason.NO_PLAN, opens_with=OpensWith.PLAN)
    if visitor is Visitor.EDITOR and not best.granted:
        best = Decision(granted=True, reason=Reason.EDITOR)
    return replace(best, rule=rule)


def decide_holding(holding: Holding, standing: Standing, *, today: date) -> Decision:
    """What one contract opens, without regard to any rule."""
    phase = holding.phase(today)
    if phase is Phase.RUNNING:
        return _while_running(holding, standing)
    if phase is Phase.ENDED and holding.for_good:
        return Decision(granted=True, reason=Reason.PAID_FOR_GOOD, holding=holding)
    if phase is Phase.NOT_STARTED:
        return Decision(granted=False, reason=Reason.NOT_STARTED, opens_with=OpensWith.START, holding=holding)
    return Decision(granted=False, reason=Reason.ENDED, opens_with=OpensWith.PLAN, holding=holding)


def _while_running(holding: Holding, standing: Standing) -> Decision:
    if standing.level is Level.GOOD:
        return Decision(granted=True, reason=Reason.MEMBER, holding=holding)
    locked = standing.level in LOCKING
    reason = Reason.LOCKED if locked else Reason.ARREARS_BUT_OPEN
    return Decision(
        granted=standing.paid or not locked,
        reason=Reason.LOCKED_BUT_PAID if locked and standing.paid else reason,
        opens_with=OpensWith.PAYMENT,
        holding=holding,
        paid_until=standing.paid_until,
        documents=standing.documents,
    )


_BEST_FIRST = (
    Reason.MEMBER,
    Reason.PAID_FOR_GOOD,
    Reason.ARREARS_BUT_OPEN,
    Reason.LOCKED_BUT_PAID,
    Reason.LOCKED,
    Reason.NOT_STARTED,
    Reason.ENDED,
)


def _rank(decision: Decision) -> tuple[int, int]:
    """Of two locked contracts always the same one is shown: the older."""
    return _BEST_FIRST.index(decision.reason), decision.holding.contract_id if decision.holding else 0
