"""The time machine in the page: for everyone who looks, where the site allows it, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError

from .models import TimeTravel
from .timemachine import ask_for_journey, go_on, is_left_alone, next_due_date

# A page that had to do a worker's work answers after about so many seconds.
INLINE_SECONDS = 2.0
STEPS = {"day": 1, "week": 7, "month": 30}

View = Callable[..., HttpResponse]


def where_allowed(view: View) -> View:
    """404 unless the clock may be moved here: the address is not there."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not billing_settings().time_machine:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def from_this_site(view: View) -> View:
    """Guards against forged posts by the browser's ``Origin``, so that the banner needs no token: a token in each page
    would give every guest a cookie, and caches nothing to keep. Without an ``Origin`` the token is asked for."""
    with_token = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        origin = urlsplit(request.headers.get("Origin", ""))
        known = origin.netloc == request.get_host() and origin.scheme in ("http", "https")
        return (view if known else with_token)(request, *args, **kwargs)

    return guarded


@from_this_site
@where_allowed
@require_POST
def move(request: HttpRequest) -> HttpResponse:
    """``step``: ``day``, ``week``, ``month`` or ``next_due``; ``next``: where to go back to."""
    today = clock.today()
    back = _back(request, request.POST.get("next", ""))
    until = _until(request.POST.get("step", ""), today)
    if until is None:
        messages.info(request, _("No contract has anything more to bill."))
        return redirect(back)
    try:
        ask_for_journey(until=until, today=today)
    except BillingError as error:
        messages.error(request, str(error))
        return redirect(back)
    request.session["cms_billing_time_machine_back"] = back
    return redirect("cms_billing:time_machine")


@where_allowed
@never_cache
@require_safe
def time_machine(request: HttpRequest) -> HttpResponse:
    """How far the clock has come; the page asks again until it is there, and helps where no worker does."""
    travel = TimeTravel.objects.first()
    if travel is not None and is_left_alone(travel):
        travel = go_on(travel, seconds=INLINE_SECONDS)
    context = {
        "base_template": billing_settings().base_template,
        "travel": travel,
        "days_total": (travel.until - travel.day).days + len(travel.lines) if travel else 0,
        "back": _back(request, request.session.get("cms_billing_time_machine_back", "")),
        "today": clock.today(),
    }
    return render(request, "cms_billing/testing/time_machine.html", context)


def _until(step: str, today: date) -> date | None:
    if step == "next_due":
        return next_due_date(after=today)
    if step not in STEPS:
        raise Http404
    return today + timedelta(days=STEPS[step])


def _back(request: HttpRequest, address: str) -> str:
    here = {request.get_host()}
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=here) else "/"
