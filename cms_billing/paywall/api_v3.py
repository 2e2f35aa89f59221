"""Wagtail's API v3 behind the same decision.

API v3 has views and no view sets: nothing to mix in. All of its doors to pages ask one function for the pages that the
caller may see, and those to documents and images one for the collections that are closed; both are wrapped here when
the app starts (``install``), wherever the API is mounted.

Its callers are nobody or the owner of a token, who sees the pages that they may edit; sessions do not count there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Page
from wagtail.permission_policies.pages import PagePermissionPolicy
from wagtail.permissions import policy_registry

from cms_billing.core import clock

from . import api_teasers, gate, listings, views
from .files.selectors import collections_closed_to
from .listings import glance
from .rule_map import RulesUnreadable, current_rules
from .selectors import visible_to

PAGES = "get_pages_queryset"
FILES = "get_restricted_collection_ids"
# Where the functions are, first of all where they are made.
PLACES = {
    PAGES: ("wagtail.api.v3.querysets", "wagtail.api.v3.routers.pages"),
    FILES: (
        "wagtail.api.v3.permissions",
        "wagtail.documents.api.v3.router",
        "wagtail.images.api.v3.router",
    ),
}
DETAIL = "detail_page"


class PageClosed(Exception):
    """The caller may not read the page that they ask for, and gets its teaser."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.pk)
        self.page = page


def install() -> None:
    """Modules that have not been imported yet take the guarded functions from the first."""
    for name, wrap in ((PAGES, guard), (FILES, guard_files)):
        made = getattr(import_module(PLACES[name][0]), name)
        guarded = made if getattr(made, "guarded", False) else wrap(made)
        for module in _loaded(name):
            setattr(module, name, guarded)


def is_guarded() -> bool:
    """Is every door of this process that has been opened a guarded one?"""
    return all(
        getattr(getattr(module, name), "guarded", False) for name in PLACES for module in _loaded(name)
    )


def _loaded(name: str) -> list[ModuleType]:
    return [sys.modules[place] for place in PLACES[name] if place in sys.modules]


def guard(open_pages: Callable[..., QuerySet[Any]]) -> Callable[..., QuerySet[Any]]:
    @wraps(open_pages)
    def guarded(request: HttpRequest, model: Any = Page) -> QuerySet[Any]:
        pages = open_pages(request, model)
        if "Authorization" in request.headers:
            listings.keep_private(request)
        _check_rules()
        if not api_teasers.are_listed(request.GET):
            return readable(pages, request.user)
        _refuse_detail(request, pages)
        return pages

    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded


def guard_files(closed_by_wagtail: Callable[..., set[int]]) -> Callable[..., set[int]]:
    @wraps(closed_by_wagtail)
    def guarded(request: HttpRequest) -> set[int]:
        if "Authorization" in request.headers:
            listings.keep_private(request)
        _check_rules()
        closed = collections_closed_to(request.user, today=clock.today())
        return closed_by_wagtail(request) | (closed - _handled(request) if closed else closed)

    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded


def _handled(request: HttpRequest) -> set[int]:
    """The collections whose files the owner of the token works with."""
    if not request.user.is_authenticated:
        return set()
    match = request.resolver_match
    images = match is not None and "image" in (match.url_name or "")
    policy = policy_registry.get_by_type(get_image_model() if images else get_document_model())
    mine = policy.collections_user_has_any_permission_for(request.user, ["change", "choose"])
    return set(mine.values_list("pk", flat=True))


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
        _api().add_exception_handler(PageClosed, _teaser)
        raise PageClosed(page)


def _may_read(request: HttpRequest, page: Page) -> bool:
    return (request.user.is_authenticated and gate.access(request, page).granted) or glance(
        request, page
    ).granted


def _check_rules() -> None:
    try:
        current_rules()
    except RulesUnreadable:
        _api().add_exception_handler(RulesUnreadable, _unreadable)
        raise


def _api() -> Any:
    """Whoever asks it has loaded it; it wants all models when it is."""
    from wagtail.api.v3.api import api

    return api


def _unreadable(request: HttpRequest, error: RulesUnreadable) -> HttpResponse:
    from wagtail.api.v3.errors import problem_response

    views.log_unreadable(request, error)
    response = problem_response(status=503, detail=views.try_again())
    for name, value in views.UNREADABLE_HEADERS.items():
        response[name] = value
    return response


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
