"""What a page takes along that somebody reads without a contract: the files of closed collections that it shows.

A gift link, a free page of the month and days on which a rule lets everybody read open one page. The files that this
page uses are open with it, to the same visitor and no longer, where its members have them as well; no other file is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from wagtail.models import Page, ReferenceIndex

from cms_billing.core import clock

from .. import gate, selectors
from ..passes import passes_of, reader_of
from ..rule_map import current_rules
from ..rules import Decision, OpensTo, Reason, Rule, Visitor, decide
from ..sharing import cookies
from ..sharing.cookies import Brought
from ..sharing.selectors import MAY_GIVE, giver_of, pages_read
from ..visits import is_let_in

WITHOUT_CONTRACT = (Reason.GIFT, Reason.FREE_READ, Reason.FREE_NOW)


def decision_by_page(request: HttpRequest, file: Any, rule: Rule) -> Decision | None:
    """The decision of a page that shows the file and is open to this visitor without a contract; None if there is none.

    ``rule`` is the file's. Asked only about whom it refuses, so members pay nothing. No query for who brings nothing
    while no page is free. Raises RulesUnreadable.
    """
    today, brought = clock.today(), cookies.brought_to_file(request)
    with_pass = _pages_with_pass(request, rule, brought, today=today)
    for page in pages_showing(file, None if frees_pages(rule, today=today) else with_pass):
        decision = _decision_of(request, page, rule, brought, today=today)
        if decision is not None and is_let_in(request, page):
            # What changes on that day is the page's answer for caches; none of them keeps a file.
            return replace(decision, changes_on=None)
    return None


def is_shown_free(file: Any, *, today: date) -> bool:
    """Is a page that shows this file of a closed collection free for everybody today?"""
    rule = current_rules().collections.get(file.collection_id)
    if rule is None or not frees_pages(rule, today=today):
        return False
    of_pages = (current_rules().rule_for(page.path) for page in pages_showing(file, None))
    return any(_is_of_page(rule, of_page) and of_page.is_free_on(today) for of_page in of_pages if of_page)


def pages_showing(file: Any, among: Iterable[int] | None) -> list[Page]:
    """Live pages that use the file in a field, a block, a rich text or an object of theirs, as published; ``among``:
    only of these. Wagtail's index of references knows them: two queries."""
    if among is not None and not among:
        return []
    references = ReferenceIndex.get_references_to(file).filter(
        base_content_type=ContentType.objects.get_for_model(Page)
    )
    if among is not None:
        references = references.filter(object_id__in=[str(pk) for pk in among])
    found = list(references.values_list("object_id", flat=True).distinct())
    return list(Page.objects.live().filter(pk__in=found).order_by("path")) if found else []


def frees_pages(rule: Rule, *, today: date) -> bool:
    """Is there a page free today whose members have what ``rule`` covers? Known without a query."""
    return any(
        of_page.has_dates and of_page.is_free_on(today) and _is_of_page(rule, of_page)
        for of_page in current_rules().rules.values()
    )


def _is_of_page(rule: Rule, of_page: Rule) -> bool:
    """Do members of the page have the file? A pass stands in for their contract, and for no other."""
    return of_page.opens_to is OpensTo.PLANS and not rule.plan_ids.isdisjoint(of_page.plan_ids)


def _pages_with_pass(request: HttpRequest, rule: Rule, brought: Brought, *, today: date) -> set[int]:
    """Pages for which the visitor has had a pass; whether it still works is asked of each."""
    gate.settle_guest(request)
    quota = any(of_page.quota and _is_of_page(rule, of_page) for of_page in current_rules().rules.values())
    read = pages_read(reader_of(request, visitor=brought.visitor), today=today) if quota else set()
    return read | set(brought.gifts)


def _decision_of(
    request: HttpRequest, page: Page, rule: Rule, brought: Brought, *, today: date
) -> Decision | None:
    of_page = current_rules().rule_for(page.path)
    if of_page is None or not _is_of_page(rule, of_page):
        return None
    if of_page.has_dates and of_page.is_free_on(today):
        return decide(of_page, visitor=Visitor.GUEST, today=today)
    user = AnonymousUser() if gate.is_guest(request) else request.user
    passes = partial(passes_of, request, page, of_page, brought)
    decision = selectors.decide_page(page, user, today=today, passes=passes)
    if decision.reason not in WITHOUT_CONTRACT:
        return None
    given = decision.reason is not Reason.GIFT or _giver_has(brought.gifts[page.pk], rule, today=today)
    return decision if given else None


def _giver_has(link_id: int, rule: Rule, *, today: date) -> bool:
    """A link gives what its giver has."""
    giver = giver_of(link_id)
    if giver is None:
        return False
    return selectors.decide_by_rule(rule, giver, today=today, visitor=Visitor.USER).reason in MAY_GIVE
