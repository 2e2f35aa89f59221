"""What doors work with: closed and open pages, the rules, a client. Pages come in portions, never all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _
from wagtail.models import Page, Site

from .. import selectors
from ..rule_map import RuleMap, current_rules
from .clients import Client
from .texts_of import texts_of
from .visitors import Visitor
from .words import words_of

_PORTION = 200


@dataclass
class Ground:
    """``pages``: as many closed and open pages at most, spread evenly; ``section``: that page and what is below."""

    client: Client
    today: date
    pages: int | None = None
    section: Page | None = None
    guest: Visitor = field(default_factory=lambda: Visitor("guest", _("guest")))
    _kept: dict[str, list[int]] = field(default_factory=dict)

    @property
    def rules(self) -> RuleMap:
        return current_rules()

    @property
    def host(self) -> str:
        return host_of(Site.objects.filter(is_default_site=True).first() or Site.objects.first())

    def closed_pages(self) -> Iterator[Page]:
        """Live pages that a guest may not read, as their own kind."""
        return self._specific("closed")

    def open_pages(self) -> Iterator[Page]:
        return self._specific("open")

    def sample(self, count: int) -> list[Page]:
        """Some closed pages, spread evenly."""
        ids = self.ids("closed")
        chosen = ids[:: max(1, len(ids) // count)][:count]
        return list(Page.objects.filter(pk__in=chosen).order_by("path").specific())

    def kinds(self) -> dict[str, int]:
        """How many closed pages there are of each kind, such as ``blog.ArticlePage``."""
        found: Counter[int] = Counter()
        ids = self.ids("closed")
        for start in range(0, len(ids), _PORTION):
            portion = Page.objects.filter(pk__in=ids[start : start + _PORTION])
            found.update(portion.values_list("content_type", flat=True))
        models = {pk: ContentType.objects.get_for_id(pk).model_class() for pk in found}
        return {model._meta.label: found[pk] for pk, model in models.items() if model is not None}

    def ids(self, kind: str) -> list[int]:
        if not self._kept:
            self._kept = self._sorted_out()
        return self._kept[kind]

    def _sorted_out(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"closed": [], "open": []}
        portion: list[Page] = []
        for page in self._live().iterator(chunk_size=_PORTION):
            portion.append(page)
            if len(portion) == _PORTION:
                self._sort(portion, found)
                portion = []
        self._sort(portion, found)
        return {kind: self._thinned(ids) for kind, ids in found.items()}

    def _live(self) -> Any:
        pages = Page.objects.live().filter(depth__gt=1).order_by("path")
        return pages.descendant_of(self.section, inclusive=True) if self.section else pages

    def _sort(self, portion: list[Page], found: dict[str, list[int]]) -> None:
        answers = selectors.decisions_for(portion, AnonymousUser(), today=self.today)
        for page in portion:
            found["open" if answers[page.pk].granted else "closed"].append(page.pk)

    def _thinned(self, ids: list[int]) -> list[int]:
        if not self.pages or len(ids) <= self.pages:
            return ids
        return [ids[number * len(ids) // self.pages] for number in range(self.pages)]

    def _specific(self, kind: str) -> Iterator[Page]:
        ids = self.ids(kind)
        for start in range(0, len(ids), _PORTION):
            yield from Page.objects.filter(pk__in=ids[start : start + _PORTION]).order_by("path").specific()


def host_of(site: Site | None) -> str:
    if site is None:
        return "localhost"
    return site.hostname if site.port in (80, 443) else f"{site.hostname}:{site.port}"


def telling_words(page: Page) -> str:
    """Three long words of the page's text that its title does not have: what somebody might search for."""
    title = set(words_of(page.title))
    words = {word for _name, text in texts_of(page) for word in words_of(text)} - title
    return " ".join(sorted(words, key=lambda word: (-len(word), word))[:1])
