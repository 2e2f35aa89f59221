"""Made-up visitors: whom an editor may be while looking at a page. Plain values; nobody's contracts are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from . import rules
from .rules import Decision, Holding, Level, OpensTo, OwedDocument, Passes, Rule, RulePlan, Standing, Visitor

# Long enough for every lesson that opens some days after a contract's start.
LONG_AGO = timedelta(days=3650)
CONTRACT = "V-0000123"
INVOICE = "R-2026-00042"


@dataclass(frozen=True)
class ViewAs:
    """A visitor by name. ``kind`` with ``level`` says how they stand; ``plan`` is what they hold, if anything.

    ``tried``: a rule that is being written, in place of the page's.
    """

    kind: str
    plan: RulePlan | None = None
    level: int = 0
    tried: Rule | None = None

    @property
    def key(self) -> str:
        """What tells visitors apart in addresses: ``guest``, ``member-7``, ``arrears-2``."""
        detail = {"member": self.plan.id if self.plan else "", "arrears": self.level}.get(self.kind, "")
        return f"{self.kind}-{detail}" if detail else self.kind

    @property
    def visitor(self) -> Visitor:
        return Visitor.GUEST if self.kind in GUESTS else Visitor.USER

    def decide(self, rule: Rule | None, *, today: date) -> Decision:
        """The decision that a visitor of this kind meets. Rules of blocks have no page, and are not replaced."""
        if self.tried is not None and (rule is None or rule.page_id):
            rule = self.tried
        holding = self.holding(today)
        return rules.decide(
            rule,
            visitor=self.visitor,
            holdings=[holding] if holding else [],
            standings={holding.contract_id: self.standing(today)} if holding else {},
            today=today,
            passes=self.passes(rule),
        )

    def holding(self, today: date) -> Holding | None:
        if self.plan is None or self.kind in (*GUESTS, "user"):
            return None
        running = Holding(
            contract_id=0,
            contract=CONTRACT,
            plan_id=self.plan.id,
            plan=self.plan.name,
            begun=True,
            start=today - LONG_AGO,
        )
        if self.kind == "new":
            return replace(running, start=today)
        if self.kind == "not_started":
            return replace(running, begun=False, start=today + timedelta(days=14))
        if self.kind == "ended":
            return replace(running, end=today - timedelta(days=14), closed=True)
        return running

    def standing(self, today: date) -> Standing:
        """In arrears something is owed and nothing is paid in advance; a lock follows the third reminder."""
        if self.kind not in ("arrears", "locked"):
            return Standing()
        locked = self.kind == "locked"
        level = 3 if locked else self.level
        owed = OwedDocument(
            id=0,
            number=INVOICE,
            issued_on=today - timedelta(days=59),
            due_on=today - timedelta(days=45),
            open_minor=1980,
            currency="EUR",
            level=level,
            lock_scope="contract" if locked else "",
        )
        standing = Level.LOCKED if locked else Level.IN_ARREARS
        return Standing(level=standing, arrears_level=level, documents=(owed,))

    def passes(self, rule: Rule | None) -> Passes:
        quota = (rule.quota or 0) if rule else 0
        if self.kind == "gift":
            return Passes(gift=True)
        if self.kind == "quota":
            return Passes(free_read=True, free_left=max(0, quota - 1))
        if self.kind == "used_up":
            return Passes(personal=True)
        return Passes(free_left=quota)


GUESTS = ("guest", "quota", "used_up", "gift")
GUEST = ViewAs("guest")


def visitors(rule: Rule | None, plans: Sequence[RulePlan] = ()) -> list[ViewAs]:
    """Those who may meet something else on a page with this rule. ``plans``: of members where the page is open."""
    closed = rule is not None and rule.opens_to is OpensTo.PLANS
    held = rule.plans if closed and rule else tuple(plans)
    everyone = [GUEST, ViewAs("user"), *(ViewAs("member", plan) for plan in held)]
    if not held:
        return everyone
    first = held[0]
    found = [*everyone, *(ViewAs("arrears", first, level) for level in (1, 2, 3))]
    found += [ViewAs(kind, first) for kind in ("locked", "ended", "not_started")]
    if closed and rule:
        found += [ViewAs("new", first)] if rule.opens_after_days else []
        found += [ViewAs("quota"), ViewAs("used_up")] if rule.quota else []
        found += [ViewAs("gift")] if rule.gifts else []
    return found


def visitor_called(key: str, found: Sequence[ViewAs]) -> ViewAs | None:
    return next((visitor for visitor in found if visitor.key == key), None)
