"""Who sees a block: one answer for pages, APIs, search and mails.

A block is seen by everyone, by those who may read its page as members, by those with chosen plans, or only by those
outside. Without a request there is a guest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from wagtail.models import PAGE_TEMPLATE_VAR, Page

from cms_billing.core import clock

from . import gate, selectors
from .holdings import Holdings, holdings_of
from .rule_map import RuleMap, RulesUnreadable, current_rules
from .rules import Decision, OpensTo, Reason, Rule, RulePlan, Visitor, decide
from .stream_blocks import Audience


@dataclass(frozen=True)
class Sight:
    """``marked``: an editor sees it who, as a visitor, would not."""

    shown: bool
    marked: bool = False


SEEN, HIDDEN, MARKED = Sight(True), Sight(False), Sight(True, marked=True)

# Those outside: a locked member, or one whose contract starts tomorrow, is not courted again.
OUTSIDE = (Reason.NO_LOGIN, Reason.NO_PLAN, Reason.ENDED)
_MEMO = "_cms_billing_sights"


def sight(audience: str, plan_ids: Iterable[int], context: Mapping[str, Any] | None) -> Sight:
    """Does the visitor of ``context["request"]`` see a block for ``audience`` on ``context["page"]``?

    ``plan_ids`` count for PLANS. Never raises: where rules cannot be read, only what is for everyone is shown.
    """
    if audience == Audience.EVERYONE:
        return SEEN
    request = _request_of(context)
    if request is None:
        return SEEN if audience == Audience.GUESTS else HIDDEN
    page = (context or {}).get(PAGE_TEMPLATE_VAR)
    page = page if isinstance(page, Page) else None
    chosen = frozenset(plan_ids) if audience == Audience.PLANS else None
    key = (page.pk if page else None, audience, chosen)
    known = _sights(request)
    if key not in known:
        known[key] = _sight(request, page, Audience(audience), chosen)
    return known[key]


def is_shown_as_editor(context: Mapping[str, Any] | None) -> bool:
    """Is this a closed page that the visitor reads only because they may edit it?"""
    request, page = _request_of(context), (context or {}).get(PAGE_TEMPLATE_VAR)
    if request is None or not isinstance(page, Page) or not page.pk:
        return False
    return gate.access(request, page).reason is Reason.EDITOR


def stamp(request: HttpRequest, response: HttpResponse) -> None:
    """Where a block was not for everyone, guests share one answer, and nobody else's may be kept."""
    if not getattr(request, _MEMO, None):
        return
    patch_vary_headers(response, ["Cookie"])
    if not gate.is_guest(request):
        response["Cache-Control"] = "private, no-store"
        for header in ("Expires", "Pragma"):
            del response[header]


def _sight(
    request: HttpRequest, page: Page | None, audience: Audience, plan_ids: frozenset[int] | None
) -> Sight:
    try:
        decision = _decision(request, page, plan_ids)
    except RulesUnreadable:
        return HIDDEN
    inside = decision.granted and decision.reason is not Reason.EDITOR
    shown = decision.reason in OUTSIDE if audience is Audience.GUESTS else inside
    if shown:
        return SEEN
    return MARKED if decision.reason is Reason.EDITOR or _may_edit(request, page) else HIDDEN


def _decision(request: HttpRequest, page: Page | None, plan_ids: frozenset[int] | None) -> Decision:
    """Of the page where it is closed, else of the plans that stand for it."""
    if plan_ids is None and page is not None and page.pk:
        of_page = gate.access(request, page)
        if of_page.covered:
            return of_page
    known = current_rules()
    plans = _plans_of_members(known, page) if plan_ids is None else plan_ids
    rule = Rule(page_id=0, page_title="", plans=tuple(RulePlan(pk, "") for pk in sorted(plans)))
    if stand_in := gate.stand_in_of(request):
        return stand_in.decide(rule, today=clock.today())
    if gate.is_guest(request):
        return decide(rule, visitor=Visitor.GUEST, today=clock.today())
    return _as_member(request, rule)


def _as_member(request: HttpRequest, rule: Rule) -> Decision:
    user, today = request.user, clock.today()
    held = Holdings() if user.is_superuser else holdings_of(user, plan_ids=rule.plan_ids, today=today)
    visitor = Visitor.EDITOR if user.is_superuser else Visitor.USER
    return decide(rule, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today)


def _plans_of_members(known: RuleMap, page: Page | None) -> Iterable[int]:
    """On an open page members are those of the section around it, or of any section where none is around it."""
    path = page.path if page is not None else ""
    for length in range(len(path or ""), 0, -Page.steplen):
        rule = known.rules.get(path[:length])
        if rule is not None and rule.opens_to is OpensTo.PLANS:
            return rule.plan_ids
    return known.plans


def _may_edit(request: HttpRequest, page: Page | None) -> bool:
    if gate.is_guest(request) or gate.stand_in_of(request):
        return False
    if page is None or not page.pk:
        # Only who writes a page that is not saved yet is shown it.
        return request.user.is_superuser or bool(getattr(request, "is_preview", False))
    return selectors.may_edit(request.user, page)


def _request_of(context: Mapping[str, Any] | None) -> HttpRequest | None:
    request = (context or {}).get("request")
    # Django REST framework puts its own around it.
    request = getattr(request, "_request", request)
    return request if isinstance(request, HttpRequest) else None


def _sights(request: HttpRequest) -> dict[Any, Sight]:
    if not hasattr(request, _MEMO):
        setattr(request, _MEMO, {})
    return getattr(request, _MEMO)
