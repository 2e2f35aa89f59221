"""Many pages in one answer: lists, tags in other pages, APIs, feeds.

A page that is listed is judged as a reader would be, by what the visitor holds; gifts and free reads count where the
page itself is asked for. However many pages are listed, what the visitor holds is asked once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from wagtail.models import Page

from cms_billing.core import clock

from . import gate, selectors
from .rule_map import RuleMap, RulesUnreadable, current_rules
from .rules import RULES_UNREADABLE, Decision, Rule

logger = logging.getLogger("cms_billing.paywall")

_DECIDER = "_cms_billing_listing"
_GLANCES = "_cms_billing_glances"
_PRIVATE = "_cms_billing_private"

Decider = Callable[[Rule | None], Decision]


def glance(request: Any, page: Page) -> Decision:
    """May the visitor read a page that this answer only mentions? Never raises; no query after the first page."""
    inner = django_request(request)
    if (known := gate.decisions(inner).get(page.pk)) is not None:
        return known
    return _glance(request, page.pk, lambda known: known.rule_for(page.path))


def file_glance(request: Any, file: Any) -> Decision:
    """The same for a document or image."""
    key = (file._meta.label, file.pk)
    return _glance(request, key, lambda known: known.collections.get(file.collection_id))


def _glance(request: Any, key: Hashable, rule_in: Callable[[RuleMap], Rule | None]) -> Decision:
    known = _glances(django_request(request))
    if key not in known:
        known[key] = _decide(request, key, rule_in)
    return known[key]


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


def _glances(request: HttpRequest) -> dict[Hashable, Decision]:
    if not hasattr(request, _GLANCES):
        setattr(request, _GLANCES, {})
    return getattr(request, _GLANCES)


def _decide(request: Any, key: Hashable, rule_in: Callable[[RuleMap], Rule | None]) -> Decision:
    inner, today = django_request(request), clock.today()
    try:
        if stand_in := gate.stand_in_of(inner):
            return stand_in.decide(rule_in(current_rules()), today=today)
        if not hasattr(inner, _DECIDER):
            setattr(inner, _DECIDER, _decider(reader_of(request)))
        known, decide = getattr(inner, _DECIDER)
        return decide(rule_in(known))
    except RulesUnreadable:
        logger.exception("%s stays closed in a listing", key)
        return RULES_UNREADABLE


def _decider(user: Any) -> tuple[RuleMap, Decider]:
    known = current_rules()
    return known, selectors.decider_by_rule(known, user, today=clock.today())


def reader_of(request: Any) -> Any:
    """The user, without opening a session for who has none."""
    if not hasattr(request, "user"):
        return AnonymousUser()
    gate.settle_guest(django_request(request))
    return request.user
