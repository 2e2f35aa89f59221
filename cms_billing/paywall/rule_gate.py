"""The gate for what is no page: files of a collection, views, beginnings of addresses. Same decision, same answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.private_files import for_one_person

from . import gate, selectors, texts, views
from .offers import offers_on
from .rule_map import RulesUnreadable, current_rules
from .rules import RULES_UNREADABLE, Decision, OpensTo, OpensWith, Reason, Rule, Visitor, decide

# For what should have a rule and has none: a view that follows a page which is gone.
CLOSED_TO_ALL = Decision(granted=False, reason=Reason.NO_PLAN, rule=Rule(page_id=0, page_title=""))

logger = logging.getLogger("cms_billing.paywall")


@dataclass(frozen=True)
class Titled:
    """In place of a page, for the page that locked members get."""

    title: str


def access_by_rule(
    request: HttpRequest,
    key: Hashable,
    find_rule: Callable[[], Rule | None],
    *,
    is_editor: Callable[[], bool] = lambda: False,
) -> Decision:
    """The decision about the thing called ``key`` in this request, worked out once; never raises."""
    known: dict[Any, Decision] = gate.decisions(request)
    if key not in known:
        known[key] = _decide(request, key, find_rule, is_editor)
    return known[key]


def _decide(
    request: HttpRequest, key: Hashable, find_rule: Callable[[], Rule | None], is_editor: Callable[[], bool]
) -> Decision:
    try:
        rule = find_rule()
        if stand_in := gate.stand_in_of(request):
            return stand_in.decide(rule, today=clock.today())
        if rule is None or rule.opens_to is OpensTo.EVERYONE or gate.is_guest(request):
            return decide(rule, visitor=Visitor.GUEST, today=date.min)
        decision = selectors.decide_by_rule(rule, request.user, today=clock.today(), is_editor=is_editor)
    except RulesUnreadable:
        logger.exception("%s stays closed", key)
        return RULES_UNREADABLE
    if not decision.granted:
        logger.info("%s closed for user %s: %s", key, request.user.pk, decision.reason)
    return decision


def status_of(decision: Decision) -> int:
    """402 for who has only to pay, 503 while the rules cannot be read, else 403."""
    if decision.reason is Reason.RULES_UNREADABLE:
        return 503
    return 402 if decision.opens_with is OpensWith.PAYMENT else 403


def refuse(request: HttpRequest, decision: Decision, *, title: str) -> HttpResponse:
    """A page that says why, with the plans or what is owed; JSON for programs. No cache keeps it."""
    unreadable = decision.reason is Reason.RULES_UNREADABLE
    response: HttpResponse
    if wants_json(request):
        headers = views.UNREADABLE_HEADERS if unreadable else None
        response = JsonResponse(_facts(decision), status=status_of(decision), headers=headers)
    elif unreadable:
        response = views.unreadable(request)
    elif decision.opens_with is OpensWith.PAYMENT:
        response = views.arrears(request, Titled(title), decision)
    else:
        response = _closed(request, decision, title)
    setattr(response, gate._REFUSED, True)
    for_one_person(response)
    return response


def wants_json(request: HttpRequest) -> bool:
    return not request.accepts("text/html") and request.accepts("application/json")


def _facts(decision: Decision) -> dict[str, str]:
    return {
        "reason": decision.reason.value,
        "detail": texts.sentence(decision),
        "opens_with": decision.opens_with.value,
    }


def _closed(request: HttpRequest, decision: Decision, title: str) -> HttpResponse:
    rule = decision.rule
    context = {
        **_common(request, decision, title),
        "offers": offers_on(current_rules().plans_of(rule), day=clock.today()) if rule else [],
        "login_url": views.login_url(request),
    }
    return TemplateResponse(request, "cms_billing/paywall/closed.html", context, status=403)


def _common(request: HttpRequest, decision: Decision, title: str) -> dict[str, Any]:
    return {
        "title": title or _("For members"),
        "request": request,
        "decision": decision,
        "paywall_decision": decision,
        "reason": texts.sentence(decision),
        "base_template": billing_settings().base_template,
    }
