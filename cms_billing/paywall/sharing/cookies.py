"""The cookies of those who read without a contract, and what is believed of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from wagtail.models import Page

# A proxy that keeps pages passes requests with a cookie of this name on (docs, "sharing").
PREFIX = "cms_billing_pass_"
FREE, GIFT = f"{PREFIX}free_%d", f"{PREFIX}gift_%d"
VISITOR = "cms_billing_visitor"
OPENED = "cms_billing_opened_%d"
SALT = "cms_billing.paywall.pass"


def free_read_visitor(request: HttpRequest, page: Page) -> str:
    """The guest who has read this very page free, by the cookie of the page; empty without one."""
    return _value(request, FREE % page.pk)


def gift_link_id(request: HttpRequest, page: Page) -> int | None:
    """The gift link that was opened for this very page; it is for others to say whether it still works."""
    value = _value(request, GIFT % page.pk)
    return int(value) if value else None


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


def remember_gift(
    response: HttpResponseBase, request: HttpRequest, page: Page, *, link_id: int, seconds: int
) -> None:
    opening = reverse("cms_billing:gift_over")
    _set(response, request, OPENED % link_id, str(link_id), path=opening, seconds=seconds)
    _set(response, request, GIFT % page.pk, str(link_id), path=_path(request, page), seconds=seconds)


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
    try:
        return signing.Signer(salt=f"{SALT}.{name}").unsign(request.COOKIES[name])
    except (KeyError, signing.BadSignature):
        return ""


def _path(request: HttpRequest, page: Page) -> str:
    return urlsplit(page.get_url(request) or "/").path
