"""Somebody at the doors of a site: how each way to a page's text or a file is asked what it gives out.

A door is a function that says so by keys, registered with whose answer it has to be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings
from wagtail.models import APIToken

from cms_billing.paywall.holdings import MADE_UP_HOLDINGS, Holdings
from cms_billing.paywall.leakcheck.clients import Answer, InProcess, Probe
from cms_billing.paywall.leakcheck.visitors import Visitor
from tests.testsite.models import ArticlePage

from .conftest import TODAY
from .reference import Person
from .worlds import World, text_of

GUEST = Visitor("guest", "guest")
NOBODY = Person()


@dataclass
class Asking:
    """A person at the doors of a world; nothing comes out at any of them that they may not read at all, and no cache
    keeps what is not for everybody."""

    world: World
    person: Person
    user: Any
    client: InProcess = field(default_factory=lambda: InProcess(host="localhost"))

    @property
    def visitor(self) -> Visitor:
        return GUEST if self.person.kind == "guest" else Visitor("x", "x", user=self.user)

    @property
    def pages(self) -> Any:
        return ArticlePage.objects.filter(pk__in=[page.pk for page in self.world.pages.values()])

    @property
    def who(self) -> dict[str, Any]:
        return {"user": self.user, "today": TODAY}

    def ask(self, url: str, *, visitor: Visitor | None = None, **headers: str) -> Answer:
        probe = Probe("door", url, headers=tuple(headers.items()))
        answer = self.client.ask(probe, visitor or self.visitor)
        assert answer.status < 500, (url, answer.body)
        told = {n for n in self.world.pages if text_of(n) in answer.body.decode("utf-8", "replace")}
        assert told <= self._texts_of(self.person), url
        if told - self._texts_of(NOBODY):
            assert answer.cache_control == "private, no-store", url
        return answer

    def _texts_of(self, person: Person) -> set[int]:
        """Numbers of the pages and files whose text the person may read somewhere; an alias has its source's."""
        readable = self.world.readable(person)
        pages = {n for n, page in self.world.pages.items() if page.pk in readable}
        sources = {self.world.nodes[n].alias_of for n in pages} - {None}
        return pages | sources | self.world.open_collections(person)

    def items(self, url: str, **options: Any) -> dict[int, dict[str, Any]]:
        """What an API lists, by key."""
        return {row["id"]: row for row in json.loads(self.ask(url, **options).body)["items"]}

    def token(self) -> dict[str, str]:
        _token, key = APIToken.create_token(user=self.user, name="test")
        return {"Authorization": f"Bearer {key}"}


# -- whose answer it has to be -----------------------------------------------------------------------------------------


def the_visitors(asking: Asking) -> set[int]:
    """With the gift or free read that they bring."""
    return asking.world.readable(asking.person)


def the_readers(asking: Asking) -> set[int]:
    """Where a page is only mentioned: by what the person holds."""
    return asking.world.readable(replace(asking.person, pass_=False))


def a_guests(asking: Asking) -> set[int]:
    return asking.world.readable(NOBODY)


def everybodys(asking: Asking) -> set[int]:
    return {page.pk for page in asking.world.pages.values()}


def the_editors(asking: Asking) -> set[int]:
    return everybodys(asking) if asking.person.kind == "editor" else set()


Door = Callable[[Asking], set[int]]
PAGE_DOORS: dict[str, tuple[Door, Door]] = {}
FILE_DOORS: dict[str, tuple[Door, Person | None]] = {}


def door(name: str, answer: Door) -> Callable[[Door], Door]:
    def register(function: Door) -> Door:
        PAGE_DOORS[name] = (function, answer)
        return function

    return register


def file_door(name: str, *, person: Person | None = None) -> Callable[[Door], Door]:
    """Numbers of the collections whose files it gives out: to the one who asks, or always to ``person``."""

    def register(function: Door) -> Door:
        FILE_DOORS[name] = (function, person)
        return function

    return register


@contextmanager
def open_doors(person: Person) -> Iterator[None]:
    """Whoever is loaded from the database holds what the person does: no contract has to be written."""
    held = Holdings(tuple(person.holdings), person.standings)
    with pytest.MonkeyPatch.context() as patch, override_settings(ROOT_URLCONF="tests.paywall.urls_doors"):
        patch.setattr(get_user_model(), MADE_UP_HOLDINGS, held, raising=False)
        yield
