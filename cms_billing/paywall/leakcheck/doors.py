"""The doors a text may come out by. Add your own with ``register_door``::

    class PrintedDoor:
        name = "print"

        def probes(self, ground):
            for page in ground.closed_pages():
                yield Probe(self.name, f"/print/{page.pk}/", page_id=page.pk)

    register_door(PrintedDoor())

Every probe is asked as every visitor; whatever text of a closed page is in the answer to somebody who may not read it
is a leak. A probe with ``file_of`` (pages) or ``may_have`` (a function of the visitor) gives out a file: an answer with
content to somebody else is a leak whatever is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urljoin, urlsplit

from django.contrib.syndication.views import Feed
from django.urls import NoReverseMatch, reverse
from lxml import html

from .clients import Probe
from .file_doors import DocumentsDoor, FilesDoor
from .ground import Ground, telling_words
from .mail_door import MailsDoor
from .routes import Route, plain_routes
from .view_doors import GuardedViewsDoor, RoutesDoor, site_routes

SEARCHED_PAGES = 5
LINKS = 200
API_PORTION = 20


class Door(Protocol):
    name: str

    def probes(self, ground: Ground) -> Iterable[Probe]: ...


_doors: dict[str, Door] = {}


def register_door(door: Door) -> None:
    """Once, when your app is ready; one of the same name takes the place of the first."""
    _doors[door.name] = door


def registered_doors() -> list[Door]:
    return list(_doors.values())


class PagesDoor:
    """Every closed page at its own address, in the ways in which servers and templates might take it for another."""

    name = "page"
    queries = ("page=2", "format=json", "print=1", "amp=1", "preview=true", "nocache=1")
    headers = (
        ("Range", "bytes=0-200"),
        ("Accept", "application/json"),
        ("X-Requested-With", "XMLHttpRequest"),
    )

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for page in ground.closed_pages():
            url = page.get_full_url()
            if url is None:
                continue
            yield Probe(self.name, url, page_id=page.pk)
            yield from self._variants(url, page.pk)

    def _variants(self, url: str, page_id: int) -> Iterator[Probe]:
        about: dict[str, Any] = {"page_id": page_id, "variant": True}
        for method in ("HEAD", "OPTIONS", "POST"):
            yield Probe(self.name, url, method=method, **about)
        for query in self.queries:
            yield Probe(self.name, f"{url}?{query}", **about)
        host, path = _split(url)
        yield Probe(self.name, host + path.rstrip("/"), **about)
        yield Probe(self.name, host + "/" + path, **about)
        yield Probe(self.name, host + path.upper(), **about)
        for header in self.headers:
            yield Probe(self.name, url, headers=(header,), **about)


class OpenPagesDoor:
    """Pages that everybody may read: their templates may print what belongs to a closed one."""

    name = "other page"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for page in ground.open_pages():
            if url := page.get_full_url():
                yield Probe(self.name, url, page_id=page.pk)


class SearchDoor:
    """Search and autocomplete views, asked for titles and for words that only stand in the text."""

    name = "search"
    words = ("search", "suche", "autocomplete", "complete", "find")
    parameters = ("q", "query", "search", "search_query", "term")

    def probes(self, ground: Ground) -> Iterator[Probe]:
        routes = [route for route in site_routes() if route.speaks_of(*self.words)]
        for page in ground.sample(SEARCHED_PAGES) if routes else ():
            for asked in (page.title, telling_words(page)):
                query = urlencode(dict.fromkeys(self.parameters, asked))
                for route in routes:
                    yield Probe(self.name, f"{route.path}?{query}")


class FeedsDoor:
    """Sitemaps and feeds."""

    name = "feed"
    words = ("sitemap", "feed", "rss", "atom")

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for route in site_routes():
            if isinstance(route.callback, Feed) or route.speaks_of(*self.words):
                yield Probe(self.name, route.path)


class ApiDoor:
    """Wagtail's API v2 and v3, wherever they are mounted, with all fields."""

    name = "API"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        listings = _api_listings()
        kinds = ground.kinds() if listings else {}
        for listing in listings:
            # Fields of a page's own kind are listed only where the kind is named.
            for kind, total in (("wagtailcore.Page", sum(kinds.values())), *kinds.items()):
                for offset in range(0, total, API_PORTION):
                    asked = f"?type={kind}&fields=*&limit={API_PORTION}&offset={offset}"
                    yield Probe(self.name, listing + asked)
            for page in ground.closed_pages():
                yield Probe(self.name, f"{listing}{page.pk}/?fields=*", page_id=page.pk)
                yield Probe(
                    self.name, f"{listing}{page.pk}/?fields=*&version=draft", page_id=page.pk, variant=True
                )
            for page in ground.sample(SEARCHED_PAGES):
                yield Probe(self.name, f"{listing}?fields=*&search={quote(telling_words(page))}")
                path = urlsplit(page.get_full_url() or "/").path
                yield Probe(self.name, f"{listing}find/?html_path={quote(path)}&fields=*", page_id=page.pk)


class AdminDoor:
    """Drafts, previews, revisions and choosers of Wagtail's admin."""

    name = "admin"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        try:
            home = reverse("wagtailadmin_home")
        except NoReverseMatch:
            return
        for page in ground.sample(SEARCHED_PAGES * 4):
            latest = page.latest_revision_id
            for rest in (
                f"pages/{page.pk}/view_draft/",
                f"pages/{page.pk}/edit/",
                f"pages/{page.pk}/edit/preview/?in_preview_panel=true",
                f"pages/{page.pk}/history/",
                f"api/main/pages/{page.pk}/?fields=*",
                *([f"pages/{page.pk}/revisions/{latest}/view/"] if latest else []),
                *([f"pages/{page.pk}/revisions/compare/earliest...latest/"] if latest else []),
            ):
                yield Probe(self.name, home + rest, page_id=page.pk, variant=True)
        yield Probe(self.name, f"{home}api/main/pages/?fields=*", variant=True)


class LinksDoor:
    """What a guest finds by following links from the start pages, two steps far: what no other door knows."""

    name = "link"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        found: dict[str, None] = {"/": None}
        for _step in range(2):
            for url in list(found)[:LINKS]:
                found |= dict.fromkeys(links_in(ground, url))
        for path in _known_paths(ground):
            found.pop(path, None)
        yield from (Probe(self.name, url) for url in list(found)[:LINKS])


def _known_paths(ground: Ground) -> Iterator[str]:
    """What other doors ask for."""
    yield from (route.path for route in plain_routes())
    for pages in (ground.closed_pages(), ground.open_pages()):
        yield from (_split(page.get_full_url() or "")[1] for page in pages)


def links_in(ground: Ground, url: str) -> list[str]:
    """Addresses of this site that the page at ``url`` links to, as a guest sees it."""
    answer = ground.client.ask(Probe("link", url), ground.guest)
    if answer.status != 200 or "html" not in answer.content_type or not answer.body:
        return []
    links = html.document_fromstring(answer.body).xpath(
        "//a/@href | //link[@rel='alternate']/@href | //iframe/@src"
    )
    here = f"http://{ground.host}{urlsplit(url).path}"
    absolute = (_joined(here, str(link)) for link in links)
    return [_split(link)[1] for link in absolute if _is_page(link) and ground.client.is_own(link)]


def _joined(here: str, link: str) -> str:
    """Empty for what is no address at all."""
    try:
        return urljoin(here, link).partition("#")[0]
    except ValueError:
        return ""


def _is_page(link: str) -> bool:
    return link.startswith(("http://", "https://"))


def _api_listings() -> list[str]:
    """Addresses of page listings: of v2 (any view set of pages outside the admin) and v3."""
    found = []
    for route in plain_routes():
        v3 = "wagtailapi_v3" in route.namespaces and route.path.endswith("/pages/")
        if v3 or (
            route.name == "listing" and _of_pages(route) and "wagtailadmin_api" not in route.namespaces
        ):
            found.append(route.path)
    return found


def _of_pages(route: Route) -> bool:
    try:
        from wagtail.api.v2.views import PagesAPIViewSet
    except ImportError:
        return False
    return route.view_class is not None and issubclass(route.view_class, PagesAPIViewSet)


def _split(url: str) -> tuple[str, str]:
    """``("http://host", "/path?query")``."""
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return host, url[len(host) :] or "/"


for door in (
    PagesDoor(),
    OpenPagesDoor(),
    SearchDoor(),
    ApiDoor(),
    FeedsDoor(),
    DocumentsDoor(),
    FilesDoor(),
    GuardedViewsDoor(),
    MailsDoor(),
    AdminDoor(),
    RoutesDoor(*SearchDoor.words, *FeedsDoor.words),
    LinksDoor(),
):
    register_door(door)
