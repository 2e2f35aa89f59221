"""The member's cards and accounts: listed, added, replaced, chosen and removed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.pages import keep_private, private_page
from cms_billing.faktura.models import Customer

from .exceptions import AlreadyCompleted
from .kinds import name_of_kind
from .links import read_visit_token, session_url
from .models import Payment, PaymentMethod, PaymentSession, ProviderAccount
from .outcomes import Outcome, outcome_of
from .providers import all_providers
from .services import Visitor, make_default, remove_method, store_new_method
from .upcoming import Upcoming, collected_next
from .ways import PageWay, page_ways

_TAB = "billing_payment_methods"
_PAGE = "cms_billing:payment_methods"
# A card that works no longer than this is spoken of.
EXPIRES_SOON = timedelta(days=60)


@dataclass(frozen=True)
class MethodRow:
    """A stored method in words. ``expiry``: expired, soon, later, or empty where it does not expire."""

    method: PaymentMethod
    provider: str
    kind: str
    expiry: str
    may_be_replaced: bool


@dataclass(frozen=True)
class Shelf:
    """One issuer's part of the page: what is stored there for the member, and through which accounts they may add."""

    customer: Customer
    methods: Sequence[MethodRow]
    ways: Sequence[PageWay]


@login_required
@require_safe
def payment_methods(request: HttpRequest) -> HttpResponse:
    context = {
        "shelves": _shelves(request),
        "outcome": _outcome(request),
        "page_title": _("Payment methods"),
        "active_tab": _TAB,
    }
    return private_page(request, "cms_billing/payments/account/payment_methods.html", context)


def _shelves(request: HttpRequest) -> list[Shelf]:
    customers = list(_customers(request.user).select_related("issuer").order_by("pk"))
    ways = page_ways(customer.issuer_id for customer in customers)
    methods = PaymentMethod.objects.of_user(request.user).usable().select_related("account")
    by_customer: dict[int, list[PaymentMethod]] = {}
    for method in methods.order_by("-is_default", "-pk"):
        by_customer.setdefault(method.customer_id, []).append(method)
    shelves = []
    for customer in customers:
        keeping = [way for way in ways.get(customer.issuer_id, []) if way.keeps]
        replaceable = {way.account.pk for way in keeping}
        today = clock.today(customer.issuer)
        rows = [_row(method, replaceable, today=today) for method in by_customer.get(customer.pk, [])]
        shelves.append(Shelf(customer, rows, keeping))
    return shelves


def _row(method: PaymentMethod, replaceable: set[int], *, today: date) -> MethodRow:
    provider = all_providers().get(method.provider)
    return MethodRow(
        method=method,
        provider=str(provider.label) if provider else method.provider,
        kind=name_of_kind(method.kind) if method.kind != PaymentMethod.Kind.OTHER else "",
        expiry=_expiry(method.expires_on, today=today),
        may_be_replaced=method.account_id in replaceable,
    )


def _expiry(expires_on: date | None, *, today: date) -> str:
    if expires_on is None:
        return ""
    if expires_on < today:
        return "expired"
    return "soon" if expires_on <= today + EXPIRES_SOON else "later"


def _outcome(request: HttpRequest) -> Outcome | None:
    """Of the visit to the provider's page that the member is back from, if it was their own."""
    pk = read_visit_token(request.GET.get("visit", ""))
    user: Any = request.user
    sessions = PaymentSession.objects.filter(purpose=PaymentSession.Purpose.METHOD, user=user)
    session = sessions.filter(pk=pk).first() if pk else None
    return outcome_of(session) if session else None


@login_required
@require_POST
@transaction.non_atomic_requests
def add_method(request: HttpRequest) -> HttpResponse:
    mine = _customers(request.user).select_related("issuer")
    number = request.POST.get("customer", "")
    customer = get_object_or_404(mine, pk=int(number) if number.isdecimal() else 0)
    way = next(
        (
            way
            for way in page_ways([customer.issuer_id]).get(customer.issuer_id, [])
            if way.keeps and way.key == request.POST.get("way")
        ),
        None,
    )
    if way is None:
        messages.error(request, _("This way to pay is not offered any more. Please choose another one."))
        return keep_private(redirect(_PAGE))
    return _store(request, customer, way.account)


@login_required
@require_POST
@transaction.non_atomic_requests
def replace_method(request: HttpRequest, pk: int) -> HttpResponse:
    method = _own(request, pk)
    ways = page_ways([method.customer.issuer_id]).get(method.customer.issuer_id, [])
    way = next((way for way in ways if way.keeps and way.account == method.account), None)
    if way is None:
        messages.error(request, _("This one cannot be replaced here. Add a new one, and remove it then."))
        return keep_private(redirect(_PAGE))
    return _store(request, method.customer, way.account, replaces=method)


def _store(
    request: HttpRequest,
    customer: Customer,
    account: ProviderAccount,
    replaces: PaymentMethod | None = None,
) -> HttpResponse:
    try:
        session = store_new_method(
            account=account,
            customer=customer,
            visitor=Visitor(request.user, is_owner=True, language=get_language() or ""),
            description=_("Payment method for %(issuer)s") % {"issuer": customer.issuer.name},
            replaces=replaces,
            now=clock.now(),
        )
    except AlreadyCompleted as error:
        return keep_private(redirect(session_url(error.session)))
    except BillingError as error:
        messages.error(request, str(error))
        return keep_private(redirect(_PAGE))
    response = keep_private(redirect(session.url))
    response.status_code = 303
    return response


@login_required
@require_POST
def set_default(request: HttpRequest, pk: int) -> HttpResponse:
    method = make_default(method_id=_own(request, pk).pk)
    if method.is_default:
        messages.success(request, _("From now on we collect from %(method)s.") % {"method": method})
    return keep_private(redirect(_PAGE))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_removal(request: HttpRequest, pk: int) -> HttpResponse:
    """What follows is shown first; removed is only what was seen so, or it is shown again."""
    method = _own(request, pk)
    today = clock.today(method.customer.issuer)
    others = PaymentMethod.objects.usable().filter(customer=method.customer).exclude(pk=method.pk)
    heir = others.order_by("-is_default", "-pk").first()
    upcoming = collected_next(method.customer_id, today=today) if method.is_default else []
    seen = _mark(upcoming, heir)
    if request.method == "POST" and request.POST.get("seen") == seen:
        remove_method(method_id=method.pk, by=PaymentMethod.RevokedBy.MEMBER)
        messages.success(request, _("%(method)s is removed.") % {"method": method})
        return keep_private(redirect(_PAGE))
    context = {
        "method": method,
        "heir": heir,
        "upcoming": upcoming,
        "charges": Payment.objects.filter(method=method, state__in=["created", "pending"]),
        "seen": seen,
        "shown_again": request.method == "POST",
        "page_title": _("Remove payment method"),
        "active_tab": _TAB,
    }
    return private_page(request, "cms_billing/payments/account/remove_method.html", context)


def _mark(upcoming: Sequence[Upcoming], heir: PaymentMethod | None) -> str:
    """A fingerprint of what the page shows."""
    parts = [str(heir.pk if heir else ""), *(one.mark for one in upcoming)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _customers(user: Any) -> QuerySet[Customer]:
    return Customer.objects.filter(user=user)


def _own(request: HttpRequest, pk: int) -> PaymentMethod:
    """Somebody else's method, and one that was removed, do not exist here."""
    mine = PaymentMethod.objects.of_user(request.user).usable()
    return get_object_or_404(mine.select_related("customer__issuer", "account"), pk=pk)
