"""The payment page, by signed link or for the member who is signed in, and the member's stored payment methods."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cms_billing.core import clock
from cms_billing.core.pages import private_page
from cms_billing.faktura.models import Document

from .claims import Claim, claims_of
from .exceptions import LinkNotValid, link_unreadable
from .links import read_token
from .models import PaymentMethod
from .providers import all_providers


@require_safe
def payment_page(request: HttpRequest, token: str) -> HttpResponse:
    """Without login: shows what the link names and nothing else of the person."""
    try:
        claims = claims_of(read_token(token), today=clock.today())
        if not claims:
            raise link_unreadable()
    except LinkNotValid as error:
        context = {"page_title": _("Payment link not valid"), "message": str(error)}
        return private_page(request, "cms_billing/payments/link_not_valid.html", context, status=404)
    return _page(request, claims)


@login_required
@require_safe
def pay_document(request: HttpRequest, pk: int) -> HttpResponse:
    """The same page for the signed-in owner; somebody else's document does not exist here."""
    document = get_object_or_404(Document.objects.of_user(request.user), pk=pk)
    return _page(request, claims_of([document.pk], today=clock.today()))


def _page(request: HttpRequest, claims: Sequence[Claim]) -> HttpResponse:
    settled = all(claim.is_settled for claim in claims)
    context = {
        "claims": claims,
        "settled": settled,
        "page_title": _("Paid, thank you") if settled else _("Pay"),
    }
    response = private_page(request, "cms_billing/payments/payment_page.html", context)
    # The address is the key to the page: it is told to nobody else, and not to search engines.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@login_required
@require_safe
def payment_methods(request: HttpRequest) -> HttpResponse:
    labels = {code: provider.label for code, provider in all_providers().items()}
    methods = (
        PaymentMethod.objects.of_user(request.user)
        .filter(state=PaymentMethod.State.USABLE)
        .select_related("customer__issuer")
    )
    context = {
        "methods": [(method, labels.get(method.provider, method.provider)) for method in methods],
        "page_title": _("Payment methods"),
        "active_tab": "billing_payment_methods",
    }
    return private_page(request, "cms_billing/payments/account/payment_methods.html", context)
