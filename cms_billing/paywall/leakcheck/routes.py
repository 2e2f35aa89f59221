"""The addresses that the site's URL configuration knows without any argument, and what answers there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from wagtail.models import Page

_ARGUMENT = re.compile(r"[<(\[*+?\\|]")
# Regular expressions say nothing of what they want.
_NO_PATTERN = re.compile(r"[(\[*+?\\|]")
_NAMED = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    path: str
    name: str
    namespaces: tuple[str, ...]
    callback: Any

    @property
    def view_class(self) -> type | None:
        return next(
            (
                found
                for key in ("cls", "view_class")
                if isinstance(found := getattr(self.callback, key, None), type)
            ),
            None,
        )

    def speaks_of(self, *words: str) -> bool:
        """Is one of the words in the address or the name?"""
        text = f"{self.path} {self.name}".lower()
        return any(word in text for word in words)


def plain_routes() -> Iterator[Route]:
    """Every address without arguments, such as ``/search/``; none with ``<slug>`` or a regular expression."""
    seen: set[str] = set()
    for route in _walk(get_resolver(), "/", ()):
        if route.path not in seen:
            seen.add(route.path)
            yield route


def routes_of_pages(page: Page) -> Iterator[Route]:
    """Every address that needs a page and nothing else, such as ``/print/<int:pk>/``, filled in for this one."""
    known = {
        **dict.fromkeys(("pk", "id", "page", "page_id", "page_pk", "article_id"), str(page.pk)),
        **dict.fromkeys(("slug", "page_slug", "article_slug"), page.slug),
        **dict.fromkeys(("path", "url_path", "page_path"), page.url_path.strip("/")),
        **dict.fromkeys(("revision", "revision_id", "revision_pk"), str(page.latest_revision_id or "")),
        **dict.fromkeys(("lang", "language", "locale"), page.locale.language_code),
    }
    for route in _walk(get_resolver(), "/", (), _NO_PATTERN):
        names = _NAMED.findall(route.path)
        if names and all(known.get(name) for name in names):
            yield replace(route, path=_NAMED.sub(lambda found: known[found[1]], route.path))


def _walk(
    resolver: URLResolver, prefix: str, namespaces: tuple[str, ...], left_out: re.Pattern[str] = _ARGUMENT
) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        text = str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            if not left_out.search(text):
                inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
                yield from _walk(pattern, prefix + text, inner, left_out)
        elif isinstance(pattern, URLPattern):
            text = text.removesuffix(r"\Z").removesuffix("$")
            if not left_out.search(text):
                yield Route(prefix + text, pattern.name or "", namespaces, pattern.callback)
