"""Members promise to pay, or choose instalments: by the signed link of a letter, or signed in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.core.pages import keep_private, private_page
from cms_billing.faktura.models import Document
from cms_billing.payments.exceptions import LinkNotValid
from cms_billing.payments.links import read_token

from .agreements import Part, whole
from .exceptions import CannotAgree
from .member_offers import DebtOffer, debts_of, running_for
from .services import deferral_by_member, instalments_by_member, promise_by_member

METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(METHODS)
def agree(request: HttpRequest, token: str) -> HttpResponse:
    """Without login: about the documents the link names, and nothing else of the person."""
    try:
        documents = read_token(token)
    except LinkNotValid as error:
        context = {"page_title": _("Payment link not valid"), "message": str(error)}
        return private_page(request, "cms_billing/payments/link_not_valid.html", context, status=404)
    return _page(request, documents, pay_url=reverse("cms_billing:payment_page", args=[token]))


@login_required
@require_http_methods(METHODS)
def agree_account(request: HttpRequest) -> HttpResponse:
    """Everything that is overdue of the signed-in member."""
    mine = Document.objects.of_user(request.user).filter(open_item__open_minor__gt=0)
    documents = list(mine.values_list("pk", flat=True))
    return _page(request, documents, pay_url=reverse("cms_billing:pay_open"))


def _page(request: HttpRequest, documents: Collection[int], *, pay_url: str) -> HttpResponse:
    today = clock.today()
    if request.method != "POST":
        return _show(request, documents, today=today, pay_url=pay_url)
    try:
        debt = _debt(request, debts_of(documents, today=today))
        if "confirm" not in request.POST:
            plan = _plan(request, debt)
            return _show(request, documents, today=today, pay_url=pay_url, debt=debt, plan=plan)
        _agree(request, debt, today=today)
    except BillingError as error:
        return _show(request, documents, today=today, pay_url=pay_url, error=str(error))
    return keep_private(redirect(f"{request.path}?agreed=1"))


def _debt(request: HttpRequest, debts: Sequence[DebtOffer]) -> DebtOffer:
    found = next((debt for debt in debts if str(debt.key) == request.POST.get("debt")), None)
    if found is None:
        raise CannotAgree.not_offered()
    return found


def _plan(request: HttpRequest, debt: DebtOffer) -> tuple[Part, ...]:
    """What the member has chosen, worked out here; nothing is written. Raises CannotAgree."""
    count = _count(request)
    if count is not None and count in debt.offer.counts:
        return debt.plan(count)
    for name, last in (("until", debt.offer.promise_until), ("defer", debt.offer.deferral_until)):
        day = _day(request, name)
        if count is None and day is not None and last is not None and debt.today <= day <= last:
            return whole(debt.amount, due_on=day)
    raise CannotAgree.not_offered()


def _agree(request: HttpRequest, debt: DebtOffer, *, today: date) -> None:
    shown = request.POST.get("shown", "")
    common: dict[str, Any] = {
        "document_ids": debt.debt.documents,
        "shown": Money(int(shown) if shown.isdecimal() and len(shown) < 15 else 0, debt.amount.currency),
        "today": today,
        "user": request.user,
    }
    count, until, defer = _count(request), _day(request, "until"), _day(request, "defer")
    if count is not None:
        instalments_by_member(count=count, **common)
    elif until is not None:
        promise_by_member(until=until, **common)
    elif defer is not None:
        deferral_by_member(until=defer, **common)
    else:
        raise CannotAgree.not_offered()


def _count(request: HttpRequest) -> int | None:
    """None: the member promises to pay by a day, or puts it off, instead."""
    value = request.POST.get("count", "")
    return int(value) if value.isdecimal() and len(value) < 4 else None


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return parse_date(request.POST.get(name, ""))
    except ValueError:
        return None


def _show(
    request: HttpRequest,
    documents: Collection[int],
    *,
    today: date,
    pay_url: str,
    debt: DebtOffer | None = None,
    plan: Sequence[Part] = (),
    error: str = "",
) -> HttpResponse:
    context = {
        "page_title": _("Pay later or in instalments"),
        "debts": [debt] if debt else debts_of(documents, today=today),
        "running": running_for(documents),
        "plan": plan,
        "count": _count(request),
        "until": _day(request, "until"),
        "defer": _day(request, "defer"),
        "today": today,
        "pay_url": pay_url,
        "agreed": "agreed" in request.GET,
        "error": error,
    }
    return private_page(
        request, "cms_billing/dunning/account/agree.html", context, status=400 if error else 200
    )
