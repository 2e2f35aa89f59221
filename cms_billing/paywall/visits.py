"""Is somebody really looking, does the request come from our own page, and may they know of the page it names?"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest
from wagtail.models import Page


def is_visit(request: HttpRequest) -> bool:
    """Not HEAD, not what browsers and proxies fetch ahead, not an editor's preview."""
    purpose = request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose", "")
    return (
        request.method in ("GET", "POST")
        and "prefetch" not in purpose
        and "prerender" not in purpose
        and request.headers.get("X-Moz", "") != "prefetch"
        and not getattr(request, "is_preview", False)
    )


def is_navigation(request: HttpRequest) -> bool:
    """A person followed a link in a browser. Programs that make previews of links in chats do not say so."""
    return is_visit(request) and request.headers.get("Sec-Fetch-Mode") == "navigate"


def comes_from_our_page(request: HttpRequest) -> bool:
    """Is this form sent by a page of this very host? In place of a CSRF token, where a page may set no cookie.

    Browsers send ``Sec-Fetch-Site`` (where the connection is trusted) or ``Origin`` with every form, and no page can
    forge either; who sends neither is refused. A site on a sibling domain counts as a stranger.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return bool(origin) and urlsplit(origin).netloc == request.get_host()


def live_page(request: HttpRequest, page_id: int) -> Page:
    """The page that an address of ours names by its id. Raises Http404 where it is not live, or where one of Wagtail's
    own restrictions keeps the visitor out: they learn neither its title nor its address."""
    page = Page.objects.live().filter(pk=page_id).first()
    if page is None or not is_let_in(request, page):
        raise Http404
    return page


def is_let_in(request: HttpRequest, page: Page) -> bool:
    """By Wagtail's own restrictions: login, groups, password."""
    return all(restriction.accept_request(request) for restriction in page.get_view_restrictions())
