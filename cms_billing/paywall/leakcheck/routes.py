"""The addresses that the site's URL configuration knows without any argument, and what answers there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

_ARGUMENT = re.compile(r"[<(\[*+?\\|]")


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


def _walk(resolver: URLResolver, prefix: str, namespaces: tuple[str, ...]) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        text = str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            if not _ARGUMENT.search(text):
                inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
                yield from _walk(pattern, prefix + text, inner)
        elif isinstance(pattern, URLPattern):
            text = text.removesuffix(r"\Z").removesuffix("$")
            if not _ARGUMENT.search(text):
                yield Route(prefix + text, pattern.name or "", namespaces, pattern.callback)
