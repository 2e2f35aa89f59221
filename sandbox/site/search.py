"""The site's own search: what the visitor may read, by all its words; what is closed to them, by its title.

``.public()`` leaves out what Wagtail restricts.
"""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.vary import vary_on_cookie
from wagtail.models import Page, Site
from wagtail.query import PageQuerySet

from cms_billing.core import clock
from cms_billing.core.pages import keep_private
from cms_billing.paywall.gate import is_guest
from cms_billing.paywall.listings import reader_of
from cms_billing.paywall.search import search_teasers, search_visible

RESULTS_A_PAGE = 10
TEASERS = 5


@vary_on_cookie
def site_search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    who: dict[str, Any] = {"user": reader_of(request), "today": clock.today()}
    results = search_visible(pages_of(request), query, **who) if query else Page.objects.none()
    closed = search_teasers(pages_of(request), query, **who)[:TEASERS] if query else []
    context = {
        "query": query,
        "page_obj": Paginator(results, RESULTS_A_PAGE).get_page(request.GET.get("page")),
        "closed": [result.specific for result in closed],
    }
    response = render(request, "sandbox_site/search.html", context)
    return response if is_guest(request) else keep_private(response)


def pages_of(request: HttpRequest) -> PageQuerySet:
    pages = Page.objects.live().public()
    site = Site.find_for_request(request)
    return pages.descendant_of(site.root_page, inclusive=True) if site else pages
