"""Random sites and people: page trees with rules, aliases and translations, collections of files, contracts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from hypothesis import strategies as st
from wagtail.models import Collection, Locale, Page, Site

from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.rule_map import current_rules, forget_rules
from cms_billing.paywall.rules import Holding, Level, Standing
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY
from .files import new_collection, new_document, new_image
from .reference import Node, Person, reads, what_counts

PLANS = (1, 2, 3)

days = st.integers(-3, 3).map(lambda n: TODAY + timedelta(days=n))
maybe_day = st.none() | days
some_plans = st.sets(st.sampled_from(PLANS), min_size=1).map(frozenset)
levels = st.sampled_from([None, 0, 1, 2, 3])


@st.composite
def terms(draw: Any) -> RuleTerms:
    """Mostly plain; each refinement now and then."""
    rare = st.sampled_from([False, False, True])
    return RuleTerms(
        opens_to=draw(st.sampled_from([OpensTo.PLANS, OpensTo.PLANS, OpensTo.SECTION, OpensTo.EVERYONE])),
        closes_at=draw(levels),
        free_until=draw(maybe_day) if draw(rare) else None,
        free_from=draw(maybe_day) if draw(rare) else None,
        opens_on=draw(maybe_day) if draw(rare) else None,
        opens_after_days=draw(st.integers(0, 5)) if draw(rare) else None,
    )


@st.composite
def trees(draw: Any, *, most: int = 7, plain: bool = False) -> list[Node]:
    """The first is the home page; an alias or a translation is of a page before it, and of a page itself. ``plain``:
    without them."""
    nodes = [Node()]
    for number in range(1, draw(st.integers(2, most))):
        alone = [n for n in range(1, number) if nodes[n].alias_of is None]
        untranslated = {
            n for n in alone if nodes[n].translates is None and all(one.translates != n for one in nodes)
        }
        kinds = ["page", "page"]
        kinds += [] if plain else [*["alias"][: len(alone)], *["translation"][: len(untranslated)]]
        kind = draw(st.sampled_from(kinds))
        has_rule = kind != "alias" and draw(st.booleans())
        nodes.append(
            Node(
                parent=draw(st.integers(0, number - 1)),
                terms=draw(terms()) if has_rule else None,
                plans=draw(some_plans) if has_rule else frozenset(),
                alias_of=draw(st.sampled_from(alone)) if kind == "alias" else None,
                translates=draw(st.sampled_from(sorted(untranslated))) if kind == "translation" else None,
            )
        )
    return nodes


@st.composite
def collection_trees(draw: Any) -> list[Node]:
    """The first is the root of all collections. Their rules know neither dates nor refinements."""
    nodes = [Node()]
    for number in range(1, draw(st.integers(1, 4))):
        opens_to = draw(st.sampled_from([None, OpensTo.PLANS, OpensTo.PLANS, OpensTo.EVERYONE]))
        terms_ = RuleTerms(opens_to=opens_to, closes_at=draw(levels)) if opens_to else None
        plans = draw(some_plans) if opens_to is OpensTo.PLANS else frozenset()
        nodes.append(Node(parent=draw(st.integers(0, number - 1)), terms=terms_, plans=plans))
    return nodes


@st.composite
def holdings(draw: Any, number: int) -> Holding:
    return Holding(
        contract_id=number,
        contract=f"C-{number}",
        plan_id=draw(st.sampled_from(PLANS)),
        plan="Plan",
        begun=draw(st.sampled_from([True, True, True, False])),
        start=draw(days),
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


# -- in the database -------------------------------------------------------------------------------------------------


@dataclass
class World:
    """The pages of ``nodes`` without the home page, by their number; documents and images by that of a collection.

    Rules of ``nodes`` and ``collections`` name the plans that are in the database.
    """

    nodes: list[Node]
    collections: list[Node]
    pages: dict[int, Page]
    documents: dict[int, Any]
    images: dict[int, Any]
    plans: dict[int, Any]

    def readable(self, person: Person) -> set[int]:
        """Keys of the pages whose text the person may read, by the reference."""
        return {
            page.pk
            for n, page in self.pages.items()
            if reads(what_counts(self.nodes, n), person, today=TODAY)
        }

    def open_collections(self, person: Person) -> set[int]:
        brought = replace(person, pass_=False)
        return {n for n in self.documents if reads(what_counts(self.collections, n), brought, today=TODAY)}


def text_of(number: int) -> str:
    return f"{SECRET} {number}."


def plant(tree: list[Node], collections: list[Node] | None = None) -> World:
    plans = {number: PlanFactory(name=f"Plan {number}") for number in PLANS}
    pages = plant_pages(tree, plans)
    documents, images = plant_files(collections or [Node()], plans)
    rules_remembered()
    known = {number: plan.pk for number, plan in plans.items()}
    return World(
        nodes=[replace(node, plans=frozenset(known[n] for n in node.plans)) for node in tree],
        collections=[
            replace(node, plans=frozenset(known[n] for n in node.plans)) for node in collections or [Node()]
        ],
        pages={n: Page.objects.get(pk=page.pk) for n, page in enumerate(pages) if n},
        documents=documents,
        images=images,
        plans=plans,
    )


def rules_remembered() -> None:
    """As in a request after the one that changed them: a test's transaction never ends, and what it has changed would
    be read anew at each look."""
    forget_rules()
    connection.run_on_commit = []
    current_rules()


def plant_pages(tree: list[Node], plans: dict[int, Any]) -> list[Page]:
    """The tree below the home page; pages are made elsewhere, with their rule, and moved to their place."""
    german = Locale.objects.get_or_create(language_code="de")[0]
    home = Site.objects.get(is_default_site=True).root_page
    pages: list[Page] = [home]
    for number, node in enumerate(tree[1:], start=1):
        parent = Page.objects.get(pk=pages[node.parent].pk)
        if node.alias_of is not None:
            source = Page.objects.get(pk=pages[node.alias_of].pk)
            pages.append(source.specific.create_alias(parent=parent, update_slug=f"p{number}"))
            continue
        new = ArticlePage(title=f"Strings {number}", slug=f"p{number}", teaser="x", body=text_of(number))
        if node.translates is not None:
            new.locale, new.translation_key = german, pages[node.translates].translation_key
        page = Page.objects.get(pk=home.pk).add_child(instance=new)
        if node.terms is not None:
            set_rule(page=page, terms=node.terms, plans=[plans[n] for n in sorted(node.plans)])
        if node.parent != 0:
            Page.objects.get(pk=page.pk).move(parent, pos="last-child")
        pages.append(page)
    return pages


def plant_files(collections: list[Node], plans: dict[int, Any]) -> tuple[dict[int, Any], dict[int, Any]]:
    """A document and an image in each collection but the root."""
    planted = [Collection.get_first_root_node()]
    documents, images = {}, {}
    for number, node in enumerate(collections[1:], start=1):
        above = Collection.objects.get(pk=planted[node.parent].pk)
        collection = new_collection(f"Files {number}", under=above)
        planted.append(collection)
        if node.terms is not None:
            set_collection_rule(
                collection=collection,
                plans=[plans[n] for n in sorted(node.plans)],
                opens_to=node.terms.opens_to,
                closes_at=node.terms.closes_at,
            )
        documents[number] = new_document(collection, f"file{number}.pdf", text_of(number).encode())
        images[number] = new_image(collection, f"image{number}.png")
    return documents, images


def with_real_plans(person: Person, plans: dict[int, Any]) -> Person:
    return replace(person, holdings=[replace(one, plan_id=plans[one.plan_id].pk) for one in person.holdings])


def user_of(person: Person) -> Any:
    if person.kind == "guest":
        return AnonymousUser()
    return UserFactory(is_superuser=person.kind == "editor")
