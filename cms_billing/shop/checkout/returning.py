"""The payer is back, or gives up: what they see, and what becomes of their basket."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from oscar.apps.checkout.signals import post_checkout
from oscar.core.loading import get_class, get_model

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.pages import private_page
from cms_billing.payments.services import cancel_session
from cms_billing.shop.links import read_result_token, result_path
from cms_billing.shop.models import CheckoutAttempt

from .attempts import is_given_up, release_attempt
from .orders import order_of_basket
from .owners import owns

Basket = get_model("basket", "Basket")
CheckoutSessionData = get_class("checkout.utils", "CheckoutSessionData")
logger = logging.getLogger("cms_billing.shop")


@require_safe
def checkout_result(request: HttpRequest, token: str) -> HttpResponse:
    """Shows its owner what became of the order; whoever else has the link learns nothing of it."""
    attempt = _attempt(token)
    if not owns(request, attempt):
        return _stranger(request)
    if attempt.order is not None:
        return _show_order(request, attempt)
    if is_given_up(attempt.session):
        return _give_back(request, attempt)
    if attempt.session.state == attempt.session.State.COMPLETED:
        return _wait(request, attempt)
    return redirect("basket:summary")


@require_POST
@transaction.non_atomic_requests
def give_up(request: HttpRequest, token: str) -> HttpResponse:
    """Cancel: the page is closed and the basket given back – or the order is shown, if it was paid after all."""
    attempt = _attempt(token)
    if not owns(request, attempt):
        raise Http404
    try:
        session = cancel_session(attempt.session)
    except BillingError:
        messages.error(
            request, _("The payment cannot be cancelled right now. Please try again in a few minutes.")
        )
        return redirect("basket:summary")
    return HttpResponseRedirect(result_path(session.pk))


def _attempt(token: str) -> CheckoutAttempt:
    rows = CheckoutAttempt.objects.select_related("session__account", "session__payer", "order", "user")
    attempt = rows.filter(session=read_result_token(token)).first()
    if attempt is None:
        raise Http404
    return attempt


def _stranger(request: HttpRequest) -> HttpResponse:
    login = f"{resolve_url('customer:login')}?{urlencode({'next': request.get_full_path()})}"
    context = {"page_title": _("Thank you"), "login_url": login}
    return private_page(request, "cms_billing/shop/checkout/come_back.html", context)


def _show_order(request: Any, attempt: CheckoutAttempt) -> HttpResponse:
    CheckoutSessionData(request).flush()
    request.session["checkout_order_id"] = attempt.order_id
    response = redirect("checkout:thank-you")
    unseen = CheckoutAttempt.objects.filter(pk=attempt.pk, returned_at=None)
    if unseen.update(returned_at=clock.now()):
        _announce(request, response, attempt)
    return response


def _announce(request: Any, response: HttpResponse, attempt: CheckoutAttempt) -> None:
    """Oscar's news of a finished checkout, once, as soon as there is a browser."""
    results = post_checkout.send_robust(
        sender=checkout_result, order=attempt.order, user=request.user, request=request, response=response
    )
    for receiver, result in results:
        if isinstance(result, Exception):
            logger.error("Order %s: %r failed after checkout: %s", attempt.order, receiver, result)


def _wait(request: HttpRequest, attempt: CheckoutAttempt) -> HttpResponse:
    """Paid, and not ordered yet: a worker is at it, or a person has to look."""
    session = attempt.session
    context = {
        "page_title": _("Your payment"),
        "is_checked": bool(session.problem) or order_of_basket(attempt.basket_id) is not None,
        "amount": session.amount,
    }
    return private_page(request, "cms_billing/shop/checkout/payment_received.html", context)


def _give_back(request: Any, attempt: CheckoutAttempt) -> HttpResponse:
    release_attempt(attempt_id=attempt.pk, now=clock.now())
    take_basket_back(request, attempt)
    session = attempt.session
    if session.money == session.Money.FAILED:
        text = _(
            "Your payment has failed; nothing has been ordered. Please try again, or choose another way to pay."
        )
    elif session.state == session.State.EXPIRED:
        text = _("The payment page has expired; nothing has been ordered and nothing was charged.")
    else:
        text = _("You have cancelled the payment; nothing has been ordered and nothing was charged.")
    messages.warning(request, text)
    return redirect("checkout:payment-method" if session.money else "basket:summary")


def take_basket_back(request: Any, attempt: CheckoutAttempt) -> None:
    """The basket that was frozen is the visitor's basket again; what they put into a new one meanwhile joins it."""
    basket = Basket.objects.filter(pk=attempt.basket_id, status=Basket.OPEN).first()
    current = request.basket
    if basket is None or current.pk == basket.pk:
        return
    if basket.owner_id is None and request.user.is_authenticated:
        # A guest who has signed in meanwhile.
        current.merge(basket, add_quantities=False)
        return
    if current.pk:
        basket.merge(current, add_quantities=False)
    basket.strategy = request.strategy
    request.basket = basket
    if basket.owner_id is None:
        # Oscar's middleware writes a cookie for the basket where the old one is to be deleted.
        request.cookies_to_delete.append(settings.OSCAR_BASKET_COOKIE_OPEN)
