"""Made-up visitors: a guest, a member of every plan that opens something, and members whom nothing opens (any more).

None of them is in the database. What a visitor holds is said by the object that stands for them
(``holdings.holdings_of`` asks it), so no contract, invoice or reminder is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from wagtail.models import Page

from .. import selectors
from ..files.by_page import is_shown_free
from ..files.gate import user_may_handle
from ..files.moving import model_of
from ..files.selectors import files_visible_to
from ..holdings import MADE_UP_HOLDINGS, Holdings
from ..rule_map import RuleMap
from ..rules import Holding, Level, RulePlan, Standing

# Contracts that nobody has: below every real key, so that a query for what they owe finds nothing.
MADE_UP = -1
LONG_AGO = timedelta(days=400)
# Beyond the level at which any rule closes.
MOST = 99


@dataclass(frozen=True)
class Visitor:
    """Who asks. ``key`` is for machines; ``held`` is None for a guest; ``cookie`` is a session over HTTP."""

    key: str
    label: str
    held: Holdings | None = None
    user: Any = None
    cookie: str = field(default="", repr=False)
    # Tries every way to ask for a page; one guest and one who is logged in do it for all.
    bold: bool = True
    _known: dict[int, bool] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_guest(self) -> bool:
        return self.held is None and self.user is None

    def person(self) -> Any:
        """The user that the site sees; a new object each time, for views may write on it."""
        if self.user is not None:
            return self.user
        if self.held is None:
            return AnonymousUser()
        model = get_user_model()
        person = model(**{model.USERNAME_FIELD: f"leakcheck-{self.key}@leakcheck.invalid"})
        person.set_unusable_password()
        setattr(person, MADE_UP_HOLDINGS, self.held)
        return person

    def may_read(self, page: Page, *, today: date) -> bool:
        """By the site's own decision, remembered by rule; whoever may edit a page reads it."""
        rule = selectors.current_rules().rule_for(page.path)
        key = hash(rule)
        if key not in self._known:
            decision = selectors.decisions_for([page], self.person(), today=today)[page.pk]
            self._known[key] = decision.granted
        return self._known[key] or (self.user is not None and selectors.may_edit(self.user, page))

    def may_have(self, kind: str, pk: int, *, today: date) -> bool:
        """A document or image, by the rule of its collection or with a page that is free today; its editors have it as
        well."""
        rows = model_of(kind).objects.filter(pk=pk)
        if files_visible_to(rows, self.person(), today=today).exists():
            return True
        if any(is_shown_free(row, today=today) for row in rows):
            return True
        return self.user is not None and any(user_may_handle(self.user, row) for row in rows)


def visitors_for(rules: RuleMap, *, today: date) -> list[Visitor]:
    """Plans that open the same pages are one visitor; who is in arrears, locked or gone holds all plans."""
    groups = plan_groups(rules)
    everything = [plan for group in groups for plan in group]
    guest = Visitor("guest", _("guest"))
    if not groups:
        return [guest]
    members = [
        Visitor(
            f"member-{group[0].id}",
            _("member: %(plans)s") % {"plans": ", ".join(plan.name for plan in group)},
            _held(group[:1], today=today),
            bold=False,
        )
        for group in groups
    ]
    locked = _held(everything, today=today, standing=Standing(level=Level.LOCKED, arrears_level=MOST))
    ended = _held(everything, today=today, start=today - LONG_AGO, end=today - timedelta(days=1))
    to_come = _held(everything, today=today, start=today + timedelta(days=30), begun=False)
    return [
        # Members first: what a cache of the site keeps of their answers would then come out to the others.
        *members,
        *(_in_arrears(everything, level, today=today) for level in levels_of(rules)),
        Visitor("locked", _("member, locked by a reminder, all plans"), locked, bold=False),
        Visitor("ended", _("former member, all plans"), ended, bold=False),
        Visitor("to-come", _("member from next month on, all plans"), to_come, bold=False),
        Visitor("no-plan", _("logged in, without a plan"), Holdings()),
        guest,
    ]


def _in_arrears(plans: list[RulePlan], level: int, *, today: date) -> Visitor:
    standing = Standing(level=Level.IN_ARREARS, arrears_level=level)
    label = _("member in arrears, reminder %(level)s, all plans") % {"level": level}
    return Visitor(f"arrears-{level}", label, _held(plans, today=today, standing=standing), bold=False)


def levels_of(rules: RuleMap) -> list[int]:
    """The levels of reminders that make a difference: the first, and those at which a rule closes."""
    return sorted({1, *(rule.closes_at for rule in rules.rules.values() if rule.closes_at)})


def plan_groups(rules: RuleMap) -> list[list[RulePlan]]:
    """The plans that rules name, those together that open the very same rules."""
    opened: dict[int, set[int]] = {}
    plans: dict[int, RulePlan] = {}
    for rule in rules.rules.values():
        for plan in rule.plans:
            plans[plan.id] = plan
            opened.setdefault(plan.id, set()).add(rule.page_id)
    groups: dict[frozenset[int], list[RulePlan]] = {}
    for plan_id in sorted(plans):
        groups.setdefault(frozenset(opened[plan_id]), []).append(plans[plan_id])
    return list(groups.values())


def _held(
    plans: Iterable[RulePlan],
    *,
    today: date,
    standing: Standing | None = None,
    start: date | None = None,
    **facts: Any,
) -> Holdings:
    contracts = tuple(
        Holding(
            contract_id=MADE_UP - number,
            contract=f"LEAKCHECK-{number}",
            plan_id=plan.id,
            plan=plan.name,
            customer_id=MADE_UP,
            issuer_id=MADE_UP,
            start=start or today - LONG_AGO,
            **{"begun": True, **facts},
        )
        for number, plan in enumerate(plans)
    )
    standings: Mapping[int, Standing] = {holding.contract_id: standing or Standing() for holding in contracts}
    return Holdings(contracts, standings)
