"""The comparison of all doors finds each of them when it is left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache

from cms_billing.paywall import (
    api,
    api_v3,
    excerpts,
    feeds,
    gate,
    listings,
    rule_gate,
    rule_map,
    search,
    selectors,
    sitemaps,
    structured_data,
)
from cms_billing.paywall.files import gate as files_gate
from cms_billing.paywall.files import selectors as files_selectors
from cms_billing.paywall.files import views as files_views
from cms_billing.paywall.rules import Decision, Reason

from .asking import FILE_DOORS, PAGE_DOORS, Asking, open_doors
from .reference import Person
from .test_agreement import COLLECTIONS, PAGES, PEOPLE
from .worlds import World, plant, rules_remembered, user_of, with_real_plans

pytestmark = pytest.mark.django_db
GRANTED = Decision(granted=True, reason=Reason.NOT_COVERED)


def granted(*args: Any, **kwargs: Any) -> Decision:
    return GRANTED


def everything(found: Any, *args: Any, **kwargs: Any) -> Any:
    return found


def nothing(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {}


class Superuser:
    """In place of the guest whom a public feed is for."""

    is_authenticated = is_superuser = is_active = True
    pk = 0


@dataclass(frozen=True)
class Mutant:
    """``where`` does not do its work any more; ``doors`` have to notice when ``who`` asks."""

    where: tuple[Any, str]
    instead: Any
    doors: tuple[str, ...]
    who: str = "guest"


def no_decision(*args: Any, **kwargs: Any) -> Any:
    return granted


MUTANTS = {
    "decision of a page": Mutant((gate, "_decide"), granted, ("page",)),
    "what caches are told": Mutant((gate, "stamp"), nothing, ("page",), "member"),
    "what caches are told of lists": Mutant(
        (listings, "stamp_listing"), nothing, ("API v3 with a token",), "editor"
    ),
    "decisions of lists": Mutant(
        (selectors, "decider_by_rule"),
        no_decision,
        ("decisions_for", "feed", "a member's feed", "mail", "if_readable", "readable_by", "excerpt"),
        "locked",
    ),
    "feed": Mutant((feeds.selectors, "decider_for"), no_decision, ("feed", "a member's feed"), "locked"),
    "reader of the public feed": Mutant((feeds, "AnonymousUser"), Superuser, ("feed",)),
    "sitemap": Mutant((sitemaps, "visible_to"), everything, ("sitemap without closed pages",)),
    "search": Mutant((search, "visible_to"), everything, ("search", "autocomplete", "search for teasers")),
    "filter": Mutant(
        (rule_map, "closed_parts"), lambda parts: [], ("visible_to", "visible_to of plain pages")
    ),
    "rules that may open": Mutant(
        (rule_map.RuleMap, "in_question"),
        lambda self, plans: [],
        ("visible_to",),
        "member",
    ),
    "API v2": Mutant((api, "visible_to"), everything, ("API v2",)),
    "API v2, fields": Mutant((api.listings, "glance"), granted, ("API v2 with teasers", "paywall_content")),
    "API v2, files": Mutant((api, "files_visible_to"), everything, ("API v2, files",)),
    "API v3": Mutant((api_v3, "readable"), everything, ("API v3 without a token",)),
    "API v3, token": Mutant(
        (api_v3, "readable"), lambda pages, user: pages.none(), ("API v3 with a token",), "editor"
    ),
    "API v3, details": Mutant((api_v3, "_refuse_detail"), nothing, ("API v3, details with teasers",)),
    "API v3, files": Mutant((api_v3, "collections_closed_to"), lambda *_, **__: set(), ("API v3, files",)),
    "translations": Mutant(
        (rule_map, "_with_translations"),
        lambda rows: {row.path: row.rule for row in rows},
        ("page", "visible_to", "API v2", "feed", "JSON-LD", "sitemap without closed pages"),
    ),
    "aliases": Mutant(
        (rule_map, "_aliases"), nothing, ("page", "visible_to", "API v2", "API v3 without a token")
    ),
    "gate of files": Mutant(
        (rule_gate, "_decide"), granted, ("document", "image", "scaled copy of an image")
    ),
    "hook of documents": Mutant((files_gate, "access"), granted, ("document",)),
    "signed links": Mutant((files_views, "decision_for"), granted, ("signed link of a document",), "locked"),
    "lists of files": Mutant(
        (files_selectors, "collections_closed_to"), lambda *_, **__: set(), ("files_visible_to",)
    ),
    "mail": Mutant((excerpts, "_decision_for"), granted, ("mail",), "locked"),
    "JSON-LD": Mutant((structured_data, "is_sold"), lambda page: False, ("JSON-LD",)),
}


def test_no_open_door_stays_unnoticed():
    world = plant(list(PAGES.values()), list(COLLECTIONS.values()))
    unnoticed = []
    for name, mutant in MUTANTS.items():
        person = with_real_plans(PEOPLE[mutant.who][0], world.plans)
        for one in mutant.doors:
            assert agrees(world, person, one), one
        unnoticed += [(name, one) for one in mutant.doors if mutated(mutant, world, person, one)]
    assert unnoticed == []


def mutated(mutant: Mutant, world: World, person: Person, door: str) -> bool:
    """Does the door say the same, wrong as it is?"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*mutant.where, mutant.instead)
        rules_remembered()
        found = agrees(world, person, door)
    rules_remembered()
    return found


def agrees(world: World, person: Person, door: str) -> bool:
    cache.clear()
    asking = Asking(world, person, user_of(person))
    with open_doors(person):
        try:
            if door in PAGE_DOORS:
                function, answer = PAGE_DOORS[door]
                return function(asking) == answer(asking)
            function, to = FILE_DOORS[door]
            return function(asking) == world.open_collections(to or person)
        except AssertionError:
            return False
