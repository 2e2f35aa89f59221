"""Feeds behind the same decision: of closed pages the teaser alone; the whole only at a member's own address.

class MagazineFeed(PaywallFeed):
    title, link = "Magazine", "/magazine/"

    def items(self, obj):
        return ArticlePage.objects.live().order_by("-first_published_at")[:20]

    def item_full_text(self, page):
        return page.body.render_as_block(self.context_for(page))

path("magazine/feed/", MagazineFeed()), path("magazine/feed/<str:token>/", MagazineFeed())
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.syndication.views import Feed
from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.html import escape
from django.utils.safestring import SafeString
from wagtail.models import Page

from cms_billing.core import clock

from . import gate, selectors
from .excerpts import absolute
from .models import FeedAddress
from .rules import Decision
from .teasers import teaser_of

_signer = Signer(salt="cms_billing.paywall.feeds")


def token_of(address: FeedAddress) -> str:
    """The part of a member's address that says whose it is."""
    return _signer.sign(f"{address.pk}-{address.secret}").replace(":", ".")


def owner_of(token: str) -> Any:
    """The user whose address it is, None for one that was altered or revoked, or whose owner is no longer active."""
    try:
        pk, _dash, secret = _signer.unsign(token.replace(".", ":")).partition("-")
    except BadSignature:
        return None
    if not pk.isdecimal():
        return None
    row = FeedAddress.objects.filter(pk=pk, secret=secret, revoked_at=None).select_related("user").first()
    return row.user if row is not None and row.user.is_active else None


class PaywallFeed(Feed):
    """For everybody at its address; for one member, with what they may read, at the address with their token.

    Every fetch decides anew: who stops paying gets teasers from the next one on. While the rules cannot be read it is
    answered with 503 (by the middleware), so that readers keep what they have. Subclasses give ``items`` and, for
    more than teasers, ``item_full_text``.
    """

    # Set on the copy that answers one request.
    _decide: Callable[[Page], Decision]
    _changes: list[date]
    _request: HttpRequest

    def __call__(self, request: HttpRequest, *args: Any, token: str = "", **kwargs: Any) -> HttpResponse:
        reader = owner_of(token) if token else AnonymousUser()
        if reader is None:
            raise Http404("This address of a feed does not exist any more.")
        # One feed serves all requests of a process; who reads belongs to one of them.
        mine = copy(self)
        request.user = reader
        mine._request, mine._changes = request, []
        mine._decide = selectors.decider_for(reader, today=clock.today())
        response = super(PaywallFeed, mine).__call__(request, *args, **kwargs)
        if token:
            _keep_private(response)
        elif mine._changes:
            patch_cache_control(response, max_age=gate.seconds_to_keep(until=min(mine._changes)))
        return response

    def item_description(self, item: Page) -> SafeString:
        decision = self._decide(item)
        if decision.changes_on is not None:
            self._changes.append(decision.changes_on)
        full = self.item_full_text(item.specific) if decision.granted else None
        if full is None:
            full = teaser_of(item.specific, decision.rule)
        return absolute(str(full), base=item.get_full_url() or "")

    def item_title(self, item: Page) -> str:
        return escape(item.title)

    def item_link(self, item: Page) -> str:
        return item.get_full_url() or ""

    def item_guid(self, item: Page) -> str:
        return str(item.translation_key)

    item_guid_is_permalink = False

    def item_pubdate(self, item: Page) -> Any:
        return item.first_published_at

    def item_updateddate(self, item: Page) -> Any:
        return item.last_published_at

    def item_full_text(self, item: Page) -> Any:
        """The whole page as HTML for who may read it; left as it is, members get the teaser too."""
        return None

    def context_for(self, item: Page) -> dict[str, Any]:
        """For rendering blocks: those of them that are not for everybody ask who reads."""
        return {"request": self._request, "page": item, "self": item}


def _keep_private(response: HttpResponse) -> None:
    """Nobody keeps a member's feed, and nobody is told that it has not changed: access may have."""
    del response["Last-Modified"]
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
