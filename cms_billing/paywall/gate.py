"""One gate for every door: decide for a request, refuse with the right page, say what caches may keep.

Guests are told by the absence of a session cookie, so that a teaser never opens a session and one copy serves all.
"""

from __future__ import annotations

import logging
from datetime import date
from functools import partial
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import SimpleLazyObject, empty
from wagtail.models import Page

from cms_billing.core import clock

from . import crawlers, selectors
from .passes import passes_of
from .rule_map import RulesUnreadable, current_rules
from .rules import RULES_UNREADABLE, Decision, OpensTo, Reason, Rule, Visitor, decide

logger = logging.getLogger("cms_billing.paywall")

_MEMO = "_cms_billing_decisions"
_REFUSED = "_cms_billing_refused"
_STAND_IN = "_cms_billing_stand_in"
# Seconds that caches may keep what everybody sees of a page whose dates will change it: never past that day.
LONGEST = 3600


class StandIn(Protocol):
    """Somebody made up, in whose place an editor looks at a page (``view_as``)."""

    def decide(self, rule: Rule | None, *, today: date) -> Decision: ...


def access(request: HttpRequest, page: Page) -> Decision:
    """The decision for this page in this request, worked out once. Never raises: unreadable rules are a closed door."""
    known = decisions(request)
    if page.pk not in known:
        known[page.pk] = _decide(request, page)
    return known[page.pk]


def decisions(request: HttpRequest) -> dict[int, Decision]:
    """All decisions of this request so far, by page id."""
    if not hasattr(request, _MEMO):
        setattr(request, _MEMO, {})
    return getattr(request, _MEMO)


def view_as(request: HttpRequest, stand_in: StandIn) -> None:
    """Every decision of this request is the stand-in's: for previews. Never from anything that the request says."""
    setattr(request, _STAND_IN, stand_in)


def stand_in_of(request: HttpRequest) -> StandIn | None:
    return getattr(request, _STAND_IN, None)


def _decide(request: HttpRequest, page: Page) -> Decision:
    try:
        rule = current_rules().rule_for(page.path)
        if stand_in := stand_in_of(request):
            return stand_in.decide(rule, today=clock.today())
        if rule is None or rule.opens_to is OpensTo.EVERYONE:
            # No date matters here, so none is asked for.
            return decide(rule, visitor=Visitor.GUEST, today=date.min)
        decision = _for_visitor(request, page, rule)
    except RulesUnreadable:
        logger.exception("Page %s stays closed", page.pk)
        return RULES_UNREADABLE
    if not decision.granted and not is_guest(request):
        logger.info("Page %s closed for user %s: %s", page.pk, request.user.pk, decision.reason)
    return decision


def _for_visitor(request: HttpRequest, page: Page, rule: Rule) -> Decision:
    passes = partial(passes_of, request, page, rule)
    if not is_guest(request):
        return selectors.decide_page(page, request.user, today=clock.today(), passes=passes)
    today = clock.today() if rule.has_dates else date.min
    free = rule.has_dates and rule.is_free_on(today)
    if not free and crawlers.is_verified_crawler(request):
        return decide(rule, visitor=Visitor.CRAWLER, today=today)
    return decide(rule, visitor=Visitor.GUEST, today=today, passes=None if free else passes())


def is_guest(request: HttpRequest) -> bool:
    settle_guest(request)
    return not hasattr(request, "user") or not request.user.is_authenticated


def settle_guest(request: HttpRequest) -> None:
    """Who sends no session cookie is a guest, known without opening a session: its answer may serve all guests.

    An authentication of another kind that comes later in ``MIDDLEWARE`` sets ``request.user`` itself.
    """
    user = getattr(request, "user", None)
    undecided = isinstance(user, SimpleLazyObject) and user._wrapped is empty
    if undecided and settings.SESSION_COOKIE_NAME not in request.COOKIES:
        request.user = AnonymousUser()


def refuse(request: HttpRequest, page: Page, decision: Decision) -> HttpResponse:
    """The answer in place of the full text: teaser, arrears page, or “try again later”."""
    from . import views

    if decision.reason is Reason.RULES_UNREADABLE:
        response = views.unreadable(request)
    elif decision.reason in (Reason.LOCKED, Reason.IN_ARREARS):
        response = views.arrears(request, page, decision)
    else:
        response = views.teaser(request, page, decision)
    setattr(response, _REFUSED, True)
    stamp(response, decision)
    return response


def stamp(response: HttpResponse, decision: Decision) -> None:
    """What caches may keep: the teaser of guests is one for all; everything else of a covered page is nobody's."""
    if decision.changes_on is not None and (decision.for_all_guests or not decision.covered):
        patch_cache_control(response, max_age=seconds_to_keep(until=decision.changes_on))
    if not decision.covered:
        return
    patch_vary_headers(response, ["Cookie"])
    if not decision.for_all_guests:
        response["Cache-Control"] = "private, no-store"
        for header in ("Expires", "Pragma"):
            del response[header]


def seconds_to_keep(*, until: date) -> int:
    """How long caches may keep what changes at the beginning of that day. One less than there are: caches count whole
    seconds, and nginx the one in which an answer ends as well."""
    return max(0, min(clock.seconds_until(until) - 1, LONGEST))


def was_refused(response: Any) -> bool:
    return getattr(response, _REFUSED, False)
