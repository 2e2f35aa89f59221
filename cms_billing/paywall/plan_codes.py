"""Rules that code and settings write: plans by their code, for views and beginnings of addresses."""

from __future__ import annotations

from collections.abc import Iterable

from cms_billing.memberships.models import Plan

from .rule_map import current_rules
from .rules import Rule, RulePlan

_known: dict[tuple[str, frozenset[str]], tuple[RulePlan, ...]] = {}
# More would only be rules of stamps gone by.
_AS_MANY = 200


def rule_of_codes(codes: Iterable[str], *, title: str = "", closes_at: int | None = None) -> Rule:
    """Open to members of any plan with one of these codes, of whichever issuer. No plan has them: closed to all.

    Read from the database once a process and change of plans. Raises RulesUnreadable.
    """
    return Rule(page_id=0, page_title=title, plans=_plans(frozenset(codes)), closes_at=closes_at)


def _plans(codes: frozenset[str]) -> tuple[RulePlan, ...]:
    version = current_rules().version
    if version and (version, codes) in _known:
        return _known[version, codes]
    rows = Plan.objects.filter(code__in=codes).order_by("name", "pk").values_list("pk", "name")
    found = tuple(RulePlan(pk, name) for pk, name in rows)
    if len(_known) >= _AS_MANY:
        _known.clear()
    if version:
        _known[version, codes] = found
    return found
