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

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urljoin, urlsplit

from django.contrib.syndication.views import Feed
from django.urls import NoReverseMatch, reverse
from lxml import html
from wagtail.documents import get_document_model
from wagtail.models import Page, ReferenceIndex

from ..files.by_page import is_shown_free
from ..files.collections import closed_collections
from ..files.moving import model_of
from ..files.selectors import ProtectedFile, files_visible_to, protected_files
from .clients import Probe
from .ground import Ground, telling_words
from .routes import Route, plain_routes
from .visitors import Visitor

SEARCHED_PAGES = 5
LINKS = 200
API_PORTION = 20


class Door(Protocol):
    name: str

    def probes(self, ground: Ground) -> Iterable[Probe]: ...


_doors: dict[str, Door] = {}
_files: list[Callable[[Ground], Iterable[Probe]]] = []


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
        for header in (
            ("Range", "bytes=0-200"),
            ("Accept", "application/json"),
            ("X-Requested-With", "XMLHttpRequest"),
        ):
            yield Probe(self.name, url, headers=(header,), **about)


class OpenPagesDoor:
    """Pages that everybody may read: their templates may print what belongs to a closed one."""

    name = "other page"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for page in ground.open_pages():
            if url := page.get_full_url():
                yield Probe(self.name, url)


class SearchDoor:
    """Search and autocomplete views, asked for titles and for words that only stand in the text."""

    name = "search"
    words = ("search", "suche", "autocomplete", "complete", "find")
    parameters = ("q", "query", "search", "search_query", "term")

    def probes(self, ground: Ground) -> Iterator[Probe]:
        routes = [route for route in _site_routes() if route.speaks_of(*self.words)]
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
        for route in _site_routes():
            if isinstance(route.callback, Feed) or route.speaks_of(*self.words):
                yield Probe(self.name, route.path)


class ApiDoor:
    """Wagtail's API v2 and v3, wherever they are mounted, with all fields."""

    name = "API"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for listing in _api_listings():
            # Fields of a page's own kind are listed only where the kind is named.
            for kind, total in (("wagtailcore.Page", sum(ground.kinds().values())), *ground.kinds().items()):
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


class DocumentsDoor:
    """Documents that only closed pages use, at Wagtail's address and at the one of the file."""

    name = "document"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        closed = set(ground.ids("closed"))
        # Closed collections have rules of their own: the door “file” asks for those.
        open_ones = get_document_model().objects.exclude(collection__in=closed_collections())
        for document in open_ones.order_by("pk").iterator(chunk_size=200):
            pages = pages_that_use(document)
            if pages and pages <= closed:
                for url in {document.url, _file_url(document.file)} - {""}:
                    yield Probe(self.name, url, file_of=tuple(sorted(pages)))


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


class RoutesDoor:
    """All other addresses of the site that need no argument: views of its own may print a page."""

    name = "view"
    left_out = ("logout", "log-out", "signout")

    def probes(self, ground: Ground) -> Iterator[Probe]:
        known = (*SearchDoor.words, *FeedsDoor.words, *self.left_out)
        for route in _site_routes():
            if not route.speaks_of(*known) and route.path != "/":
                yield Probe(self.name, route.path, variant=True)


class LinksDoor:
    """What a guest finds by following links from the start pages, two steps far: what no other door knows."""

    name = "link"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        known = {
            _split(page.get_full_url() or "")[1] for page in (*ground.closed_pages(), *ground.open_pages())
        }
        known |= {route.path for route in plain_routes()}
        found: dict[str, None] = {"/": None}
        for _step in range(2):
            for url in list(found)[:LINKS]:
                found |= dict.fromkeys(links_in(ground, url))
        fresh = [url for url in found if urlsplit(url).path not in known]
        yield from (Probe(self.name, url) for url in fresh[:LINKS])


class FilesDoor:
    """Documents, images and renditions of closed collections, and files that other apps name by ``register_files``."""

    name = "file"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for file in protected_files():
            for url in file.urls:
                yield Probe(self.name, url, may_have=partial(_may_have, file, ground.today))
        for files in _files:
            yield from files(ground)


def _may_have(file: ProtectedFile, today: date, visitor: Visitor) -> bool:
    row = model_of(file.kind).objects.filter(pk=file.id)
    if files_visible_to(row, visitor.person(), today=today).exists():
        return True
    found = row.first()
    return found is not None and is_shown_free(found, today=today)


def register_files(files: Callable[[Ground], Iterable[Probe]]) -> None:
    """A function that yields probes with ``file_of`` or ``may_have`` for the door “file”."""
    if files not in _files:
        _files.append(files)


def pages_that_use(thing: Any) -> set[int]:
    """Ids of the live pages that refer to a document or image; 0 for anything else that does."""
    pages = set()
    for group in ReferenceIndex.get_grouped_references_to(thing):
        source = group[0]
        pages.add(source.pk if isinstance(source, Page) else 0)
    return pages


def links_in(ground: Ground, url: str) -> list[str]:
    """Addresses of this site that the page at ``url`` links to, as a guest sees it."""
    answer = ground.client.ask(Probe("link", url), ground.guest)
    if answer.status != 200 or "html" not in answer.content_type or not answer.body:
        return []
    links = html.document_fromstring(answer.body).xpath(
        "//a/@href | //link[@rel='alternate']/@href | //iframe/@src"
    )
    here = f"http://{ground.host}{urlsplit(url).path}"
    absolute = (urljoin(here, str(link)).partition("#")[0] for link in links)
    return [_split(link)[1] for link in absolute if urlsplit(link).netloc == ground.host]


def _site_routes() -> list[Route]:
    """Without the back offices, whose own permissions guard them."""
    offices = []
    for name in ("wagtailadmin_home", "admin:index"):
        try:
            offices.append(reverse(name))
        except NoReverseMatch:
            continue
    return [
        route
        for route in plain_routes()
        if not route.path.startswith(tuple(offices))
        and "admin" not in route.namespaces
        and not _is_api(route)
    ]


def _is_api(route: Route) -> bool:
    if "wagtailapi_v3" in route.namespaces:
        return True
    from rest_framework.viewsets import ViewSetMixin

    return route.view_class is not None and issubclass(route.view_class, ViewSetMixin)


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


def _file_url(file: Any) -> str:
    try:
        return file.url
    except (ValueError, NotImplementedError):
        return ""


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
    AdminDoor(),
    RoutesDoor(),
    LinksDoor(),
):
    register_door(door)
