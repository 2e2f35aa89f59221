"""Where members find, renew and end their own address of the feed."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cms_billing.core.conf import billing_settings
from cms_billing.core.pages import private_page

from .feed_services import renew_feed_address, revoke_feed_address
from .feeds import token_of
from .models import FeedAddress


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account_feed(request: HttpRequest) -> HttpResponse:
    if not billing_settings().member_feed:
        raise Http404
    if request.method == "POST":
        (revoke_feed_address if "revoke" in request.POST else renew_feed_address)(user=request.user)
        return redirect("cms_billing:account_feed")
    row = FeedAddress.objects.filter(user=request.user.pk, revoked_at=None).first()
    context = {
        "address": request.build_absolute_uri(_path_of(row)) if row else "",
        "page_title": _("My feed"),
        "active_tab": "billing_feed",
    }
    return private_page(request, "cms_billing/paywall/account/feed.html", context)


def _path_of(row: FeedAddress) -> str:
    name = billing_settings().member_feed
    try:
        return reverse(name, args=[token_of(row)])
    except NoReverseMatch as error:
        raise Http404(f"CMS_BILLING['MEMBER_FEED'] is {name!r}, which is no URL with a token.") from error
