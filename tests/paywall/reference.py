"""Who may read, said once more in the plainest way: what every door is compared with.

Written from the documentation, not from the code; it shares only the enums with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from cms_billing.paywall.rules import Holding, Level, Standing
from cms_billing.paywall.terms import OpensTo, RuleTerms


@dataclass
class Node:
    """A page: what it stands below, the rule on itself, the page it is an alias of, and the one it translates.

    Or a collection of files: then only its place and its rule.
    """

    parent: int | None = None
    terms: RuleTerms | None = None
    plans: frozenset[int] = frozenset()
    alias_of: int | None = None
    translates: int | None = None


@dataclass(frozen=True)
class Closed:
    """The terms that count for a page, with the plans that open it."""

    terms: RuleTerms
    plans: frozenset[int]


@dataclass(frozen=True)
class Person:
    """``kind``: guest, user or editor. What they hold, how that stands, and the gift or free read they bring."""

    kind: str = "guest"
    holdings: Sequence[Holding] = ()
    standings: Mapping[int, Standing] = field(default_factory=dict)
    pass_: bool = False


def what_counts(nodes: Sequence[Node], number: int) -> Closed | None:
    """The nearest rule upwards; a rule that keeps to its section takes from above what it does not say. An alias is
    closed as its source is. Of two pages that translate each other the rule of one counts for both, at the place of
    each, unless the other has its own. None: open."""
    node = nodes[number]
    if node.alias_of is not None and (of_source := what_counts(nodes, node.alias_of)) is not None:
        return of_source
    above = what_counts(nodes, node.parent) if node.parent is not None else None
    terms, plans = _own_rule(nodes, number)
    if terms is None:
        return above
    if terms.opens_to is OpensTo.EVERYONE:
        return None
    if terms.opens_to is OpensTo.PLANS:
        return Closed(terms, plans)
    return _filled_in(terms, above) if above else None


def _own_rule(nodes: Sequence[Node], number: int) -> tuple[RuleTerms | None, frozenset[int]]:
    node = nodes[number]
    if node.terms is None and node.alias_of is None:
        others = [
            one for other, one in enumerate(nodes) if number == one.translates or other == node.translates
        ]
        node = next((one for one in others if one.terms is not None), node)
    return node.terms, node.plans


def _filled_in(own: RuleTerms, above: Closed) -> Closed:
    said: dict[str, object] = {
        "closes_at": own.closes_at if own.closes_at is not None else above.terms.closes_at
    }
    for together in (("free_until", "free_from"), ("opens_on", "opens_after_days")):
        source = own if any(getattr(own, name) is not None for name in together) else above.terms
        said |= {name: getattr(source, name) for name in together}
    return Closed(RuleTerms(**said), above.plans)


def reads(closed: Closed | None, person: Person, *, today: date) -> bool:
    """May the person read the full text?"""
    if closed is None or _free(closed.terms, today):
        return True
    if person.kind == "editor":
        return True
    if person.kind == "guest":
        return person.pass_
    answers = [
        _by_contract(closed.terms, holding, person.standings.get(holding.contract_id, Standing()), today)
        for holding in person.holdings
        if holding.plan_id in closed.plans
    ]
    if "open" in answers:
        return True
    # Who owes money or has to wait is not helped by a gift.
    return person.pass_ and "shut" not in answers


def _free(terms: RuleTerms, today: date) -> bool:
    until, start = terms.free_until, terms.free_from
    return (until is not None and today <= until) or (start is not None and start <= today)


def _by_contract(terms: RuleTerms, holding: Holding, standing: Standing, today: date) -> str:
    """``open``, ``shut`` (money or time is missing), or ``nothing`` (no running contract)."""
    over = holding.closed or (holding.end is not None and holding.end < today)
    if over and not holding.for_good:
        return "nothing"
    if not over and (not holding.begun or holding.start > today):
        return "nothing"
    if not over and _shut_by_arrears(terms, standing) and not standing.paid:
        return "shut"
    days = [terms.opens_on]
    if terms.opens_after_days is not None:
        days.append(holding.start + timedelta(days=terms.opens_after_days))
    return "shut" if any(day is not None and today < day for day in days) else "open"


def _shut_by_arrears(terms: RuleTerms, standing: Standing) -> bool:
    if standing.level is Level.GOOD:
        return False
    if terms.closes_at is None:
        return standing.level in (Level.LOCKED, Level.HANDED_OVER)
    return terms.closes_at != 0 and standing.arrears_level >= terms.closes_at
