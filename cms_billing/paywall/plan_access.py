"""The paywall's answer to upper neighbours that sell files to plans (``memberships.access``)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from cms_billing.memberships.access import PlanAccess
from cms_billing.memberships.models import Plan

from . import rules, texts
from .holdings import Holdings, holdings_of
from .rules import Reason, Rule, RulePlan, Visitor


def access_by_plans(user: Any, plan_sets: Sequence[Collection[int]], *, today: date) -> list[PlanAccess]:
    """Two queries, however many sets."""
    wanted = {pk for plans in plan_sets for pk in plans}
    names = dict(Plan.objects.filter(pk__in=wanted).values_list("pk", "name"))
    held = holdings_of(user, plan_ids=wanted, today=today) if user.is_authenticated else Holdings()
    return [_answer(user, held, sorted(plans), names, today) for plans in plan_sets]


def _answer(
    user: Any, held: Holdings, plans: Sequence[int], names: dict[int, str], today: date
) -> PlanAccess:
    rule = Rule(page_id=0, page_title="", plans=tuple(RulePlan(pk, names.get(pk, "")) for pk in plans))
    visitor = Visitor.USER if user.is_authenticated else Visitor.GUEST
    decision = rules.decide(
        rule, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today
    )
    nobody = decision.reason in (Reason.NO_PLAN, Reason.NO_LOGIN)
    return PlanAccess(decision.granted, texts.sentence(decision), concerned=not nobody)
