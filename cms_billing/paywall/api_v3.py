"""Wagtail's API v3 behind the same decision.

API v3 has views and no view sets: nothing to mix in. All of its doors to pages ask one function for the pages that the
caller may see; that one is wrapped here when the app starts (``install``), wherever the API is mounted.

Its callers are nobody or the owner of a token, who sees the pages that they may edit; sessions do not count there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, JsonResponse
from wagtail.models import Page
from wagtail.permission_policies.pages import PagePermissionPolicy

from cms_billing.core import clock

from . import api_teasers, gate, listings
from .listings import glance
from .selectors import visible_to

PAGES = ("wagtail.api.v3.querysets", "wagtail.api.v3.routers.pages")
NAME = "get_pages_queryset"
DETAIL = "detail_page"


class PageClosed(Exception):
    """The caller may not read the page that they ask for, and gets its teaser."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.pk)
        self.page = page


def install() -> None:
    """Modules that have not been imported yet take the guarded function from the first."""
    from wagtail.api.v3 import querysets

    if not getattr(querysets.get_pages_queryset, "guarded", False):
        guarded = guard(querysets.get_pages_queryset)
        for name in PAGES:
            if name in sys.modules:
                setattr(sys.modules[name], NAME, guarded)


def is_guarded() -> bool:
    """Is every door of this process that has been opened the guarded one?"""
    loaded = [sys.modules[name] for name in PAGES if name in sys.modules]
    return all(getattr(getattr(module, NAME), "guarded", False) for module in loaded)


def guard(open_pages: Callable[..., QuerySet[Any]]) -> Callable[..., QuerySet[Any]]:
    @wraps(open_pages)
    def guarded(request: HttpRequest, model: Any = Page) -> QuerySet[Any]:
        pages = open_pages(request, model)
        if "Authorization" in request.headers:
            listings.keep_private(request)
        if not api_teasers.are_listed(request.GET):
            return readable(pages, request.user)
        _refuse_detail(request, pages)
        return pages

    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded


def readable(pages: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Who may change a page reads it."""
    visible = visible_to(pages, user, today=clock.today())
    if not user.is_authenticated:
        return visible
    editable = PagePermissionPolicy().instances_user_has_permission_for(user, "change")
    return pages.filter(
        Q(pk__in=visible.order_by().values("pk")) | Q(pk__in=editable.order_by().values("pk"))
    )


def _refuse_detail(request: HttpRequest, pages: QuerySet[Any]) -> None:
    match = request.resolver_match
    if match is None or match.url_name != DETAIL or request.method not in ("GET", "HEAD"):
        return
    page = pages.filter(pk=match.kwargs.get("page_id")).first()
    if page is not None and not _may_read(request, page):
        _answer_with_teasers()
        raise PageClosed(page)


def _may_read(request: HttpRequest, page: Page) -> bool:
    return (request.user.is_authenticated and gate.access(request, page).granted) or glance(
        request, page
    ).granted


def _answer_with_teasers() -> None:
    from wagtail.api.v3.api import api

    api.add_exception_handler(PageClosed, _teaser)


def _teaser(request: HttpRequest, closed: PageClosed) -> JsonResponse:
    page = closed.page
    meta = {
        "type": (page.specific_class or Page)._meta.label,
        "html_url": page.get_full_url(request),
        "slug": page.slug,
        "locale": page.locale.language_code,
        "search_description": page.search_description,
    }
    body = {"id": page.pk, "title": page.title, "meta": meta}
    return JsonResponse({**body, **api_teasers.closed_part(page, glance(request, page))})
