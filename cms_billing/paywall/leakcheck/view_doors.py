"""Django views: addresses without arguments, those that name a page, and what decorators and prefixes guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from .. import selectors
from ..address_readings import prefix_of
from ..plan_codes import rule_of_codes
from ..prefixes import prefixes
from ..views_guard import Guard, guard_of
from .clients import Probe
from .findings import Kind
from .ground import Ground
from .routes import Route, plain_routes, routes_of_pages
from .visitors import Visitor

# Views that take a page are asked for so many closed pages.
PAGES_A_VIEW = 3
LEFT_OUT = ("logout", "log-out", "signout", "delete", "remove")


class RoutesDoor:
    """All other addresses of the site that need no argument, and those whose only argument is a page: views of its own
    may print one."""

    name = "view"

    def __init__(self, *known: str) -> None:
        # What other doors ask for.
        self.known = known

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for route in site_routes():
            if not route.speaks_of(*self.known, *LEFT_OUT) and route.path != "/":
                yield Probe(self.name, route.path, variant=True)
        # On a server that takes nothing back nobody guesses what an address with an argument does.
        if ground.client.undoes:
            yield from self._about_pages(ground)

    def _about_pages(self, ground: Ground) -> Iterator[Probe]:
        for page in ground.sample(PAGES_A_VIEW):
            for route in routes_of_pages(page):
                if is_of_the_site(route) and not route.speaks_of(*LEFT_OUT):
                    yield Probe(self.name, route.path, page_id=page.pk, variant=True)


class GuardedViewsDoor:
    """Views behind ``requires_plans`` and the like, and what is below ``PAYWALL_PREFIXES``, however it is spelt."""

    name = "guarded view"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for route in plain_routes():
            guard = guard_of(route.callback)
            if guard is not None and guard.codes:
                yield self._probe(route.path, guard, ground)
        if guarded := prefixes():
            for prefix in guarded:
                for path in (prefix, *_spellings(prefix)):
                    yield self._below(path, guarded, ground, variant=path != prefix)
            for path in _addresses(ground):
                if _prefix_of(path, guarded) not in (None, path):
                    yield self._below(path, guarded, ground)

    def _below(self, path: str, guarded: Any, ground: Ground, *, variant: bool = False) -> Probe:
        codes: Sequence[str] = guarded[_prefix_of(path, guarded)]
        # With its host: two slashes at the beginning would be taken for one.
        url = f"http://{ground.host}{path}" if path.startswith("//") else path
        return self._probe(url, Guard(tuple(codes)), ground, variant=variant)

    def _probe(self, path: str, guard: Guard, ground: Ground, *, variant: bool = False) -> Probe:
        may_have = partial(_may_see, guard, ground)
        return Probe(self.name, path, may_have=may_have, kind=Kind.VIEW, variant=variant)


def _may_see(guard: Guard, ground: Ground, visitor: Visitor) -> bool:
    rule = rule_of_codes(guard.codes, closes_at=guard.closes_at)
    return selectors.decide_by_rule(rule, visitor.person(), today=ground.today).granted


def _prefix_of(path: str, guarded: Any) -> str | None:
    return prefix_of(path, guarded, languages=[code.casefold() for code, _label in settings.LANGUAGES])


def _spellings(prefix: str) -> Iterator[str]:
    """As proxies, views and people write the same address."""
    yield prefix.rstrip("/")
    yield f"/{prefix}"
    yield f"/x/..{prefix}"
    yield prefix.upper()
    yield f"/%{ord(prefix[1]):x}{prefix[2:]}"


def _addresses(ground: Ground) -> Iterator[str]:
    for route in plain_routes():
        yield route.path
    for page in chain(ground.closed_pages(), ground.open_pages()):
        yield quote(urlsplit(page.get_full_url() or "/").path)


def site_routes() -> list[Route]:
    """Addresses without arguments, without the back offices, whose own permissions guard them, and APIs."""
    return [route for route in plain_routes() if is_of_the_site(route) and not is_api(route)]


def is_of_the_site(route: Route) -> bool:
    return "admin" not in route.namespaces and not route.path.startswith(tuple(_offices()))


def _offices() -> Iterator[str]:
    for name in ("wagtailadmin_home", "admin:index", "dashboard:index"):
        try:
            yield reverse(name)
        except NoReverseMatch:
            continue


def is_api(route: Route) -> bool:
    if "wagtailapi_v3" in route.namespaces:
        return True
    from rest_framework.viewsets import ViewSetMixin

    return route.view_class is not None and issubclass(route.view_class, ViewSetMixin)
