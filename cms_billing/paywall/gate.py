"""One gate for every door: decide for a request, refuse with the right page, say what caches may keep.

Guests are told by the absence of a session cookie, so that a teaser never opens a session and one copy serves all.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject, empty
from wagtail.models import Page

from cms_billing.core import clock

from . import selectors
from .rule_map import RulesUnreadable, current_rules
from .rules import RULES_UNREADABLE, Decision, OpensTo, Reason, Visitor, decide

logger = logging.getLogger("cms_billing.paywall")

_MEMO = "_cms_billing_decisions"
_REFUSED = "_cms_billing_refused"


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


def _decide(request: HttpRequest, page: Page) -> Decision:
    try:
        rule = current_rules().rule_for(page.path)
        if rule is None or rule.opens_to is OpensTo.EVERYONE or is_guest(request):
            # No date matters here, so none is asked for.
            return decide(rule, visitor=Visitor.GUEST, today=date.min)
        decision = selectors.decide_page(page, request.user, today=clock.today())
    except RulesUnreadable:
        logger.exception("Page %s stays closed", page.pk)
        return RULES_UNREADABLE
    if not decision.granted:
        logger.info("Page %s closed for user %s: %s", page.pk, request.user.pk, decision.reason)
    return decision


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
    elif decision.reason is Reason.LOCKED:
        response = views.arrears(request, page, decision)
    else:
        response = views.teaser(request, page, decision)
    setattr(response, _REFUSED, True)
    stamp(response, decision)
    return response


def stamp(response: HttpResponse, decision: Decision) -> None:
    """What caches may keep: the teaser of guests is one for all; everything else of a covered page is nobody's."""
    if not decision.covered:
        return
    patch_vary_headers(response, ["Cookie"])
    if decision.reason is not Reason.NO_LOGIN:
        response["Cache-Control"] = "private, no-store"
        for header in ("Expires", "Pragma"):
            del response[header]


def was_refused(response: Any) -> bool:
    return getattr(response, _REFUSED, False)
