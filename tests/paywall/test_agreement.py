"""Random trees, rules, contracts and standings: every door says what one small reference function says."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import transaction
from hypothesis import HealthCheck, given, settings

from cms_billing.paywall.rule_map import forget_rules, nearest, resolved
from cms_billing.paywall.rules import (
    Holding,
    Level,
    OpensTo,
    Passes,
    Rule,
    RulePlan,
    Standing,
    Visitor,
    decide,
)
from cms_billing.paywall.terms import RuleTerms

from . import doors, doors_of_files  # noqa: F401  (they register themselves)
from .asking import FILE_DOORS, PAGE_DOORS, Asking, open_doors
from .conftest import TODAY
from .reference import Node, Person, reads, what_counts
from .worlds import World, collection_trees, days, people, plant, terms, trees, user_of, with_real_plans

# -- without a database: the decision and the map ----------------------------------------------------------------------


def path_of(nodes: list[Node], number: int) -> str:
    parent = nodes[number].parent
    return (path_of(nodes, parent) if parent is not None else "0001") + f"{number:04}"


def rule_at(nodes: list[Node], number: int) -> Rule:
    node = nodes[number]
    return Rule(
        **vars(node.terms),
        page_id=number + 1,
        page_title=f"Page {number}",
        plans=tuple(RulePlan(plan, f"Plan {plan}") for plan in sorted(node.plans)),
    )


@settings(max_examples=400)
@given(tree=trees(most=9, plain=True), person=people())
def test_decision_of_any_page_is_the_references(tree, person):
    own = {path_of(tree, n): rule_at(tree, n) for n, node in enumerate(tree) if node.terms is not None}
    rules = resolved(own)
    for number, node in enumerate(tree):
        decision = decide(
            nearest(rules, path_of(tree, number)),
            visitor=Visitor(person.kind),
            holdings=person.holdings,
            standings=person.standings,
            today=TODAY,
            passes=Passes(gift=person.pass_),
        )
        assert decision.granted == reads(what_counts(tree, number), person, today=TODAY), (number, node)


@given(person=people(), of=terms(), at=days)
def test_more_time_and_better_standing_never_close(person, of, at):
    """Whoever may read in arrears may read in good standing, other things being equal."""
    rule = Rule(
        **{**vars(of), "opens_to": OpensTo.PLANS}, page_id=1, page_title="", plans=(RulePlan(1, "A"),)
    )
    given_ = {"visitor": Visitor(person.kind), "holdings": person.holdings, "today": at}
    now = decide(rule, standings=person.standings, **given_)
    better = decide(rule, standings={key: Standing() for key in person.standings}, **given_)
    assert better.granted or not now.granted


# -- with pages and files: every door ----------------------------------------------------------------------------------


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tree=trees(), collections=collection_trees(), person=people())
@pytest.mark.django_db
def test_every_door_of_any_site_agrees(tree, collections, person, db):
    # Wagtail remembers scaled copies by the image's key, and each world has the same keys.
    cache.clear()
    with transaction.atomic():
        try:
            world = plant(tree, collections)
            compare(world, with_real_plans(person, world.plans))
        finally:
            transaction.set_rollback(True)
    forget_rules()


def compare(world: World, person: Person) -> None:
    asking = Asking(world, person, user_of(person))
    with open_doors(person):
        for name, (door, answer) in PAGE_DOORS.items():
            assert door(asking) == answer(asking), name
        for name, (door, to) in FILE_DOORS.items():
            assert door(asking) == world.open_collections(to or person), name


# -- one site with everything ------------------------------------------------------------------------------------------

CLOSED = Node(0, RuleTerms(), frozenset({1}))
OPEN = RuleTerms(opens_to=OpensTo.EVERYONE)
PAGES = {
    "home": Node(),
    "section": CLOSED,
    "article": Node(1),
    "sample": Node(1, OPEN),
    "alias of the article in the open": Node(0, alias_of=2),
    "translated section": Node(0, translates=1),
    "translated article": Node(5),
    "translated sample, closed by a rule of its own": Node(5, RuleTerms(), frozenset({2}), translates=3),
}
COLLECTIONS = {
    "root": Node(),
    "closed": CLOSED,
    "inside": Node(1),
    "sample": Node(1, OPEN),
    "open": Node(0),
}


def holding(plan: int) -> Holding:
    return Holding(contract_id=1, contract="C-1", plan_id=plan, plan="", begun=True, start=TODAY)


PEOPLE = {
    "guest": (Person(), 1),
    "guest with a gift": (Person(pass_=True), 7),
    "without a plan": (Person("user"), 1),
    "member": (Person("user", [holding(1)]), 6),
    "member of another plan": (Person("user", [holding(2)]), 2),
    "locked": (Person("user", [holding(1)], {1: Standing(level=Level.LOCKED, arrears_level=3)}), 1),
    "editor": (Person("editor"), 7),
}


@pytest.mark.django_db
def test_every_door_of_one_site_agrees_for_everybody():
    world = plant(list(PAGES.values()), list(COLLECTIONS.values()))
    for who, (one, pages) in PEOPLE.items():
        person = with_real_plans(one, world.plans)
        assert len(world.readable(person)) == pages, who
        compare(world, person)
    assert world.open_collections(Person()) == {3, 4}
    assert (len(PAGE_DOORS), len(FILE_DOORS)) == (23, 7)
