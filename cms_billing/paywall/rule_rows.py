"""The rules of pages as they stand in the database, without a model object for each: every process reads all of them
again each few seconds, and a thousand take milliseconds so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from .models import AccessRule
from .offers import PlanFacts
from .rules import Rule, RulePlan
from .terms import OpensTo, Preview, RuleTerms

TERMS = tuple(field.name for field in fields(RuleTerms))


@dataclass(frozen=True)
class RuleRow:
    """A rule before what refines another is resolved, and the page that it stands on."""

    path: str
    translation_key: UUID
    rule: Rule


def plans_of_rules() -> dict[int, list[int]]:
    """Ids of the plans that each rule of a page names, by the rule's id."""
    named: dict[int, list[int]] = defaultdict(list)
    links = AccessRule.plans.through.objects.values_list("accessrule_id", "plan_id")
    for rule_id, plan_id in links:
        named[rule_id].append(plan_id)
    return named


def rules_of_pages(named: Mapping[int, Collection[int]], plans: Mapping[int, PlanFacts]) -> Iterator[RuleRow]:
    """In the order of the tree. ``plans`` in the order in which they are told. An alias has no rule of its own: it is
    sold as its source is, whatever was copied with it."""
    order = {pk: place for place, pk in enumerate(plans)}
    rows = AccessRule.objects.filter(page__alias_of=None).order_by("page__path")
    columns = ("pk", "page_id", "page__path", "page__title", "page__translation_key")
    for pk, page_id, path, title, key, *terms in rows.values_list(*columns, *TERMS):
        known = sorted((plan for plan in named.get(pk, ()) if plan in order), key=order.__getitem__)
        rule = Rule(
            page_id=page_id,
            page_title=title,
            quota_page_id=page_id,
            gifts_page_id=page_id,
            plans=tuple(RulePlan(plan, plans[plan].name) for plan in known),
            **_typed(dict(zip(TERMS, terms, strict=True))),
        )
        yield RuleRow(path=path, translation_key=key, rule=rule)


def _typed(terms: dict[str, Any]) -> dict[str, Any]:
    return {**terms, "opens_to": OpensTo(terms["opens_to"]), "preview": Preview(terms["preview"])}
