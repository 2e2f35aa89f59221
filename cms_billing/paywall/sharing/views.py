"""Reading a page free, opening a gift, and the giver's list of gift links."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.pages import keep_private, private_page

from .. import gate
from ..models import GiftLink
from ..passes import reader_of
from ..rules import PASSES_HELP, Decision
from ..visits import comes_from_our_page, is_let_in, is_navigation, is_visit, live_page
from . import cookies, selectors, services
from .tokens import token_of

TAB = "billing_gifts"


@csrf_exempt
@require_POST
def read_free(request: HttpRequest, page_id: int) -> HttpResponse:
    """One of the month's free pages. Its form is on the teaser, which is one for all guests and sets no cookie, so that
    there is no CSRF token: the browser's word for where the form was sent from stands in for it. What a forged request
    could do is to spend a free page, and the cookies that say whose would not come with it (``SameSite=Lax``).
    """
    page = live_page(request, page_id)
    decision = gate.access(request, page)
    rule, today = decision.rule, clock.today()
    if decision.granted or not comes_from_our_page(request) or not is_visit(request):
        return _to_page(request, page)
    if rule is None or decision.reason not in PASSES_HELP or not selectors.is_given_free(rule, today=today):
        return _to_page(request, page)
    reader = reader_of(request, visitor=cookies.visitor_of(request) or secrets.token_hex(16))
    try:
        services.read_free(reader=reader, page=page, rule=rule, today=today, now=clock.now())
    except services.FreePagesUsedUp as problem:
        return _used_up(request, page, decision, str(problem))
    response = _to_page(request, page)
    if reader.user_id is None:
        seconds = clock.seconds_until(selectors.next_month(today))
        cookies.remember_free_read(response, request, page, visitor=reader.visitor, seconds=seconds)
    return response


def _used_up(request: HttpRequest, page: Page, decision: Decision, problem: str) -> HttpResponse:
    """The teaser, with the reason why it is all there is."""
    response: Any = gate.refuse(request, page.specific, decision)
    response.context_data["free_pages_problem"] = problem
    response.context_data["free_again_on"] = selectors.next_month(clock.today())
    response["Cache-Control"] = "private, no-store"
    return response


def _to_page(request: HttpRequest, page: Page) -> HttpResponse:
    return keep_private(redirect(page.get_url(request)))


# -- gifts --------------------------------------------------------------------------------------------------------


@csrf_exempt
@sensitive_variables("token")
def open_gift(request: HttpRequest, token: str) -> HttpResponse:
    """From the link to the page. A browser that follows it opens it at once; whatever else fetches it (the program that
    draws the preview in a chat, a mail filter) gets a page with a button and uses no opening.

    The token is the only secret here, and no answer shows it to another site or writes it to our log: no Referer, and
    a redirect instead of an error, which Django would log with its address.
    """
    link = selectors.gift_by_token(token)
    if link is None or request.method not in ("GET", "HEAD", "POST"):
        return _quiet(redirect("cms_billing:gift_over"))
    page = link.page.specific
    try:
        response = _opened(request, link, page)
    except services.GiftIsOver:
        return _quiet(redirect("cms_billing:gift_over"))
    return _quiet(response or private_page(request, "cms_billing/paywall/gift.html", {"gift": page}))


def _opened(request: HttpRequest, link: GiftLink, page: Page) -> HttpResponse | None:
    """The way to the page; None where nobody has come yet. Raises GiftIsOver."""
    today = clock.today()
    if not is_let_in(request, page):
        raise services.GiftIsOver
    if page.live and gate.access(request, page).granted:
        return redirect(page.get_url(request))
    again = cookies.has_opened(request, link.pk) and selectors.gift_opens(link.pk, page, today=today)
    if not again:
        if not is_navigation(request) and not (request.method == "POST" and is_visit(request)):
            services.require_open(link=link, page=page, today=today)
            return None
        services.open_gift(link=link, page=page, today=today, now=clock.now())
    response = redirect(page.get_url(request))
    seconds = clock.seconds_until(link.expires_on + services.ONE_DAY)
    cookies.remember_gift(response, request, page, link_id=link.pk, seconds=seconds)
    return response


@require_safe
def gift_over(request: HttpRequest) -> HttpResponse:
    """One text, whatever the reason: it may be the giver's arrears."""
    return _quiet(private_page(request, "cms_billing/paywall/gift_over.html", {}, status=404))


def _quiet(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, noarchive"
    return keep_private(response)


@login_required
@require_safe
def account_gifts(request: HttpRequest) -> HttpResponse:
    today = clock.today()
    gifts = selectors.gifts_of(request.user, today=today)
    context = {
        "gifts": [{"gift": gift, "url": _url_of(request, gift.link) if gift.works else ""} for gift in gifts],
        "page_title": _("Gift links"),
        "active_tab": TAB,
    }
    return private_page(request, "cms_billing/paywall/account/gifts.html", context)


def _url_of(request: HttpRequest, link: GiftLink) -> str:
    token = token_of(link)
    return request.build_absolute_uri(reverse("cms_billing:open_gift", args=[token])) if token else ""


@login_required
@require_POST
def create_gift(request: HttpRequest, page_id: int) -> HttpResponse:
    page = live_page(request, page_id)
    try:
        link, _token = services.create_gift(
            giver=request.user, page=page, today=clock.today(), now=clock.now()
        )
    except BillingError as problem:
        messages.error(request, str(problem))
        return keep_private(redirect("cms_billing:account_gifts"))
    messages.success(request, _("Here is your link: copy it and pass it on."))
    return keep_private(redirect(f"{reverse('cms_billing:account_gifts')}?new={link.pk}"))


@login_required
@require_POST
def revoke_gift(request: HttpRequest, pk: int) -> HttpResponse:
    link = get_object_or_404(GiftLink.objects.select_related("page"), pk=pk, giver_id=request.user.pk)
    services.revoke_gift(link=link, user=request.user, now=clock.now())
    messages.success(request, _("The link to “%(page)s” opens nothing any more.") % {"page": link.page.title})
    return keep_private(redirect("cms_billing:account_gifts"))
