"""The page of a stand-in on which a payer chooses how it ends. One for all vendors; each keeps its own books.

A dialect offers ``hosted_page(page_id) -> HostedPage | None``; its page is then at ``stand_in_url(vendor, page_id)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.core.queue import enqueue

from ..views import where_allowed
from .behaviours import Behaviour
from .passing_time import DIALECTS


@dataclass(frozen=True)
class HostedPage:
    """What the payer sees and what their choice does. ``pay`` and ``cancel`` write the vendor's books and return the
    address to which the vendor sends the payer. ``left_for``: where to go when nothing can be paid any more.
    ``problem``: why the payer is here again.
    """

    vendor: str
    amount: Money
    description: str
    pay: Callable[[Behaviour], str]
    cancel: Callable[[], str]
    behaviours: Sequence[Behaviour] = tuple(Behaviour)
    left_for: str = ""
    problem: str = ""


def stand_in_url(vendor: str, page_id: str) -> str:
    path = reverse("cms_billing:stand_in", args=[vendor, page_id])
    return billing_settings().site_url.rstrip("/") + path


@where_allowed
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_page(request: HttpRequest, vendor: str, page_id: str) -> HttpResponse:
    """``choice``: a behaviour or "cancel". A card that asks for authentication is confirmed by a second click."""
    page = _page(vendor, page_id)
    if page.left_for:
        return redirect(page.left_for)
    choice = request.POST.get("choice", "")
    if request.method == "POST" and choice == "cancel":
        return _leave(page.cancel())
    chosen = Behaviour(choice) if choice in page.behaviours else None
    if request.method == "POST" and chosen is None:
        raise Http404
    if chosen is not None and (not chosen.asks_for_authentication or "authenticated" in request.POST):
        return _leave(page.pay(chosen))
    context = {"page": page, "amount": page.amount.format(_language(request)), "authenticates": chosen}
    return render(request, "cms_billing/testing/stand_in.html", context)


def _leave(address: str) -> HttpResponse:
    """The vendor's news go out by themselves: the payer may close the browser here."""
    enqueue("cms_billing.testing.tasks.tell_vendors_news")
    return redirect(address)


def _page(vendor: str, page_id: str) -> HostedPage:
    if vendor not in DIALECTS:
        raise Http404
    page = import_module(f"{__package__}.{vendor}").hosted_page(page_id)
    if page is None:
        raise Http404
    return page


def _language(request: HttpRequest) -> str:
    return getattr(request, "LANGUAGE_CODE", "") or "en"
