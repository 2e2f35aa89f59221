"""Many pages in one answer: lists, tags in other pages, APIs, feeds.

A page that is listed is judged as a reader would be, by what the visitor holds; gifts and free reads count where the
page itself is asked for. However many pages are listed, what the visitor holds is asked once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from wagtail.models import Page

from cms_billing.core import clock

from . import gate, selectors
from .rule_map import RulesUnreadable, current_rules
from .rules import RULES_UNREADABLE, Decision

logger = logging.getLogger("cms_billing.paywall")

_DECIDER = "_cms_billing_listing"
_GLANCES = "_cms_billing_glances"
_PRIVATE = "_cms_billing_private"

Decider = Callable[[Page], Decision]


def glance(request: Any, page: Page) -> Decision:
    """May the visitor read a page that this answer only mentions? Never raises; no query after the first page."""
    inner = django_request(request)
    if (known := gate.decisions(inner).get(page.pk)) is not None:
        return known
    glances = _glances(inner)
    if page.pk not in glances:
        glances[page.pk] = _decide(request, inner, page)
    return glances[page.pk]


def glances(request: HttpRequest) -> Iterator[Decision]:
    """All decisions about pages that this answer mentions; they say what caches may keep of it."""
    yield from _glances(request).values()


def keep_private(request: Any) -> None:
    """The answer is the caller's alone, whatever it mentions: a token has said who they are."""
    setattr(django_request(request), _PRIVATE, True)


def stamp_listing(request: Any, response: HttpResponse) -> None:
    inner = django_request(request)
    for decision in glances(inner):
        gate.stamp(response, decision)
    if getattr(inner, _PRIVATE, False):
        patch_vary_headers(response, ["Authorization"])
        response["Cache-Control"] = "private, no-store"


def readable_pages(request: Any, pages: Iterable[Page]) -> list[Page]:
    return [page for page in pages if glance(request, page).granted]


def django_request(request: Any) -> HttpRequest:
    """The request itself, where REST framework has wrapped it."""
    return getattr(request, "_request", request)


def _glances(request: HttpRequest) -> dict[int, Decision]:
    if not hasattr(request, _GLANCES):
        setattr(request, _GLANCES, {})
    return getattr(request, _GLANCES)


def _decide(request: Any, inner: HttpRequest, page: Page) -> Decision:
    try:
        stand_in = gate.stand_in_of(inner)
        if stand_in is not None:
            return stand_in.decide(current_rules().rule_for(page.path), today=clock.today())
        if not hasattr(inner, _DECIDER):
            setattr(inner, _DECIDER, selectors.decider_for(reader_of(request), today=clock.today()))
        return getattr(inner, _DECIDER)(page)
    except RulesUnreadable:
        logger.exception("Page %s stays closed in a listing", page.pk)
        return RULES_UNREADABLE


def reader_of(request: Any) -> Any:
    """The user, without opening a session for who has none."""
    if not hasattr(request, "user"):
        return AnonymousUser()
    gate.settle_guest(django_request(request))
    return request.user
