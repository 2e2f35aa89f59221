"""The site's own search. ``.public()`` leaves out what Wagtail restricts."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from wagtail.models import Page, Site

RESULTS_A_PAGE = 10


def site_search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    results = search_pages(request, query) if query else Page.objects.none()
    page = Paginator(results, RESULTS_A_PAGE).get_page(request.GET.get("page"))
    for result in page:
        result.teaser = getattr(result.specific, "intro", "")
    return render(request, "sandbox_site/search.html", {"query": query, "page_obj": page})


def search_pages(request: HttpRequest, query: str):
    pages = Page.objects.live().public()
    site = Site.find_for_request(request)
    if site:
        pages = pages.descendant_of(site.root_page, inclusive=True)
    return pages.search(query)
