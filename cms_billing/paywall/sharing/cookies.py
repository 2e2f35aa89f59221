"""The cookies of those who read without a contract, and what is believed of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from wagtail.models import Page

# A proxy that keeps pages passes requests with a cookie of this name on (docs, "sharing").
PREFIX = "cms_billing_pass_"
FREE, GIFT = f"{PREFIX}free_%d", f"{PREFIX}gift_%d"
VISITOR = "cms_billing_visitor"
OPENED = "cms_billing_opened_%d"
SALT = "cms_billing.paywall.pass"

# Where the files of a page are asked for: an address there, and the part of it that differs. The cookie of a page is
# not sent to them, so each door gets one of its own; by another name, as an answer sets each name once.
DOORS: dict[str, tuple[str, list[Any], str]] = {
    "files": ("cms_billing:private_file", ["-", "-"], "-/-"),
    "documents": ("wagtaildocs_serve", [0, "-"], "0/-"),
    "images": ("wagtailimages_serve", ["-", 0, "-"], "-/0/-/"),
}
FREE_AT, GIFT_AT = f"{PREFIX}free_at_%s", f"{PREFIX}gift_%d_at_%s"
_GIFT_AT = re.compile(rf"{PREFIX}gift_(?P<page>\d{{1,18}})_at_(?:{'|'.join(DOORS)})")


@dataclass(frozen=True)
class Brought:
    """What the cookies of a request say of passes, signed: the guest's random id where they have read something free,
    and gift links by the page that they were opened for. It is for others to say whether these still work."""

    visitor: str = ""
    gifts: dict[int, int] = field(default_factory=dict)


def brought_to_page(request: HttpRequest, page: Page) -> Brought:
    """By the cookies of this very page."""
    link = _value(request, GIFT % page.pk)
    return Brought(_value(request, FREE % page.pk), {page.pk: int(link)} if link else {})


def brought_to_file(request: HttpRequest) -> Brought:
    """By the cookies that only the doors of files get."""
    visitor = next((found for door in DOORS if (found := _value(request, FREE_AT % door))), "")
    gifts = {}
    for name in request.COOKIES:
        named = _GIFT_AT.fullmatch(name)
        if named and (link := _value(request, name)):
            gifts[int(named["page"])] = int(link)
    return Brought(visitor, gifts)


def visitor_of(request: HttpRequest) -> str:
    """The guest's random id, known only where free pages are asked for."""
    return _value(request, VISITOR)


def has_opened(request: HttpRequest, link_id: int) -> bool:
    return _value(request, OPENED % link_id) == str(link_id)


def remember_free_read(
    response: HttpResponseBase, request: HttpRequest, page: Page, *, visitor: str, seconds: int
) -> None:
    asking = reverse("cms_billing:read_free", args=[0]).removesuffix("0/")
    _set(response, request, VISITOR, visitor, path=asking, seconds=seconds)
    _set(response, request, FREE % page.pk, visitor, path=_path(request, page), seconds=seconds)
    for door, path in _doors():
        _set(response, request, FREE_AT % door, visitor, path=path, seconds=seconds)


def remember_gift(
    response: HttpResponseBase, request: HttpRequest, page: Page, *, link_id: int, seconds: int
) -> None:
    opening = reverse("cms_billing:gift_over")
    _set(response, request, OPENED % link_id, str(link_id), path=opening, seconds=seconds)
    _set(response, request, GIFT % page.pk, str(link_id), path=_path(request, page), seconds=seconds)
    for door, path in _doors():
        _set(response, request, GIFT_AT % (page.pk, door), str(link_id), path=path, seconds=seconds)


def _doors() -> Iterator[tuple[str, str]]:
    """The doors that this site has, with the path that their addresses begin with. None at its root: a cookie that
    every page gets would take this visitor past every cache."""
    for door, (name, sample, differs) in DOORS.items():
        with suppress(NoReverseMatch):
            path = reverse(name, args=sample).removesuffix(differs)
            if path != "/":
                yield door, path


def _set(response: Any, request: HttpRequest, name: str, value: str, *, path: str, seconds: int) -> None:
    response.set_cookie(
        name,
        # The name is signed with it, so that the cookie of one page is worth nothing on another.
        signing.Signer(salt=f"{SALT}.{name}").sign(value),
        max_age=seconds,
        path=path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def _value(request: HttpRequest, name: str) -> str:
    if name not in request.COOKIES:
        return ""
    try:
        return signing.Signer(salt=f"{SALT}.{name}").unsign(request.COOKIES[name])
    except signing.BadSignature:
        return ""


def _path(request: HttpRequest, page: Page) -> str:
    return urlsplit(page.get_url(request) or "/").path
