"""Random trees, rules, contracts and standings: every door says what one small reference function says."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail.models import Page, Site

from cms_billing.paywall import gate, selectors
from cms_billing.paywall.holdings import Holdings
from cms_billing.paywall.leakcheck.clients import InProcess, Probe
from cms_billing.paywall.leakcheck.visitors import Visitor as Asker
from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rule_map import forget_rules, nearest, resolved
from cms_billing.paywall.rules import Holding, Level, Passes, Rule, RulePlan, Standing, Visitor, decide
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY
from .reference import Node, Person, reads, what_counts

PLANS = (1, 2, 3)

days = st.integers(-3, 3).map(lambda n: TODAY + timedelta(days=n))
maybe_day = st.none() | days


@st.composite
def terms(draw: Any) -> RuleTerms:
    """Mostly plain; each refinement now and then."""
    rare = st.sampled_from([False, False, True])
    return RuleTerms(
        opens_to=draw(st.sampled_from([OpensTo.PLANS, OpensTo.PLANS, OpensTo.SECTION, OpensTo.EVERYONE])),
        closes_at=draw(st.sampled_from([None, 0, 1, 2, 3])),
        free_until=draw(maybe_day) if draw(rare) else None,
        free_from=draw(maybe_day) if draw(rare) else None,
        opens_on=draw(maybe_day) if draw(rare) else None,
        opens_after_days=draw(st.integers(0, 5)) if draw(rare) else None,
    )


@st.composite
def trees(draw: Any, *, most: int = 7) -> list[Node]:
    """The first is the home page; an alias is of a page before it."""
    nodes = [Node()]
    for number in range(1, draw(st.integers(2, most))):
        alias_of = draw(st.none() | st.integers(1, number - 1)) if number > 1 else None
        if alias_of is not None and nodes[alias_of].alias_of is not None:
            alias_of = None
        has_rule = alias_of is None and draw(st.booleans())
        nodes.append(
            Node(
                parent=draw(st.integers(0, number - 1)),
                terms=draw(terms()) if has_rule else None,
                plans=frozenset(draw(st.sets(st.sampled_from(PLANS), min_size=1)))
                if has_rule
                else frozenset(),
                alias_of=alias_of,
            )
        )
    return nodes


@st.composite
def holdings(draw: Any, number: int) -> Holding:
    start = draw(days)
    return Holding(
        contract_id=number,
        contract=f"C-{number}",
        plan_id=draw(st.sampled_from(PLANS)),
        plan="Plan",
        begun=draw(st.sampled_from([True, True, True, False])),
        start=start,
        end=draw(st.none() | days),
        closed=draw(st.sampled_from([False, False, False, True])),
        for_good=draw(st.booleans()),
    )


standings = st.builds(
    Standing, level=st.sampled_from(Level), arrears_level=st.integers(0, 3), paid=st.booleans()
)


@st.composite
def people(draw: Any) -> Person:
    kind = draw(st.sampled_from(["guest", "user", "user", "user", "editor"]))
    held = [draw(holdings(number)) for number in range(draw(st.integers(0, 3)))] if kind == "user" else []
    stands = {one.contract_id: draw(standings) for one in held if draw(st.booleans())}
    return Person(kind=kind, holdings=held, standings=stands, pass_=draw(st.booleans()))


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
@given(tree=trees(most=9), person=people())
def test_decision_of_any_page_is_the_references(tree, person):
    own = {path_of(tree, n): rule_at(tree, n) for n, node in enumerate(tree) if node.terms is not None}
    rules = resolved(own)
    for number, node in enumerate(tree):
        if any(ancestor.alias_of is not None for ancestor in upwards(tree, number)):
            continue  # aliases need pages: below
        decision = decide(
            nearest(rules, path_of(tree, number)),
            visitor=Visitor(person.kind),
            holdings=person.holdings,
            standings=person.standings,
            today=TODAY,
            passes=Passes(gift=person.pass_),
        )
        assert decision.granted == reads(what_counts(tree, number), person, today=TODAY), (number, node)


def upwards(nodes: list[Node], number: int | None):
    while number is not None:
        yield nodes[number]
        number = nodes[number].parent


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


# -- with pages: every door ------------------------------------------------------------------------------------------


@dataclass
class Planted:
    nodes: list[Node]
    pages: list[Page]
    plans: dict[int, Any]


def plant(tree: list[Node]) -> Planted:
    """The tree as pages below the home page, moved once on the way, with its rules and aliases."""
    home = Site.objects.get(is_default_site=True).root_page
    plans = {number: PlanFactory(name=f"Plan {number}") for number in PLANS}
    pages: list[Page] = [home]
    for number, node in enumerate(tree[1:], start=1):
        parent = Page.objects.get(pk=pages[node.parent].pk)
        if node.alias_of is not None:
            source = Page.objects.get(pk=pages[node.alias_of].pk)
            pages.append(source.specific.create_alias(parent=parent, update_slug=f"p{number}"))
            continue
        # Made elsewhere, with its rule, and moved to its place.
        root = Page.objects.get(pk=home.pk)
        page = root.add_child(
            instance=ArticlePage(title=f"P {number}", slug=f"p{number}", teaser="x", body=SECRET)
        )
        if node.terms is not None:
            set_rule(page=page, terms=node.terms, plans=[plans[n] for n in sorted(node.plans)])
        if node.parent != 0:
            Page.objects.get(pk=page.pk).move(Page.objects.get(pk=parent.pk), pos="last-child")
        pages.append(page)
    forget_rules()
    return Planted(tree, [Page.objects.get(pk=page.pk) for page in pages], plans)


def with_real_plans(person: Person, plans: dict[int, Any]) -> Person:
    return replace(person, holdings=[replace(one, plan_id=plans[one.plan_id].pk) for one in person.holdings])


def user_of(person: Person) -> Any:
    from django.contrib.auth.models import AnonymousUser

    if person.kind == "guest":
        return AnonymousUser()
    user = UserFactory(is_superuser=person.kind == "editor")
    user.paywall_holdings = Holdings(tuple(person.holdings), person.standings)
    return user


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tree=trees(), person=people())
@pytest.mark.django_db
def test_every_door_agrees(tree, person, db):
    with transaction.atomic():
        planted = plant(tree)
        try:
            compare(planted, with_real_plans(person, planted.plans))
        finally:
            transaction.set_rollback(True)
    forget_rules()


def compare(planted: Planted, person: Person) -> None:
    nodes = [
        replace(node, plans=frozenset(planted.plans[plan].pk for plan in node.plans))
        for node in planted.nodes
    ]
    user, pages = user_of(person), planted.pages[1:]
    brought = replace(person, pass_=False)
    listed = {p.pk: reads(what_counts(nodes, n), brought, today=TODAY) for n, p in enumerate(pages, start=1)}
    opened = {p.pk: reads(what_counts(nodes, n), person, today=TODAY) for n, p in enumerate(pages, start=1)}
    said = selectors.decisions_for(pages, user, today=TODAY)
    assert {pk: one.granted for pk, one in said.items()} == listed, "decisions_for"
    mine = Page.objects.filter(pk__in=list(listed))
    assert set(selectors.visible_to(mine, user, today=TODAY).values_list("pk", flat=True)) == {
        pk for pk, granted in listed.items() if granted
    }, "visible_to"
    assert {p.pk: selectors.explain(p, user, today=TODAY).granted for p in pages} == listed, "explain"
    asker = Asker("x", "x", user=user) if person.kind != "guest" else Asker("guest", "guest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "passes_of", lambda request, page, rule: Passes(gift=person.pass_))
        client = InProcess(host="localhost")
        answers = {p.pk: client.ask(Probe("page", p.get_full_url()), asker) for p in pages}
        assert {pk: SECRET in answer.body.decode() for pk, answer in answers.items()} == opened, "page"
    for pk, answer in answers.items():
        if said[pk].covered and opened[pk]:
            assert answer.cache_control == "private, no-store", "cache"
    with override_settings(ROOT_URLCONF="tests.security.urls_api"):
        api = InProcess(host="localhost")
        answer = api.ask(Probe("API", "/api/v2/pages/?limit=20"), asker)
        found = {item["id"] for item in json.loads(answer.body)["items"]} & set(listed)
        assert found == {pk for pk, granted in listed.items() if granted}, "API v2"


def test_tree_has_the_depths_it_should(db):
    """The machinery itself: an alias of a closed page in the open is closed."""
    closed = RuleTerms()
    tree = [Node(), Node(0, closed, frozenset({1})), Node(1), Node(0, alias_of=2)]
    planted = plant(tree)
    compare(planted, Person())
    assert AccessRule.objects.count() == 1
