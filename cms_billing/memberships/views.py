"""What members see of their contracts, and how they end one."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.pages import keep_private, private_page

from . import rules
from .models import Contract
from .selectors import terms_of
from .services import terminate_contract

PER_PAGE = 25
_TAB = "billing_contracts"


@login_required
@require_safe
def account_contracts(request: HttpRequest) -> HttpResponse:
    contracts = (
        Contract.objects.of_user(request.user)
        .select_related("plan", "issuer")
        .annotate(next_due=Min("lines__next_due"))
        .order_by("-start", "-pk")
    )
    page = Paginator(contracts, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "page_title": _("Contracts"), "active_tab": _TAB}
    return private_page(request, "cms_billing/memberships/account/contracts.html", context)


@login_required
@require_safe
def account_contract(request: HttpRequest, pk: int) -> HttpResponse:
    contract = _own(request, pk)
    context = {
        "contract": contract,
        "lines": contract.lines.all(),
        "last_day": _last_day(contract),
        "page_title": str(contract.plan),
        "active_tab": _TAB,
    }
    return private_page(request, "cms_billing/memberships/account/contract.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def terminate(request: HttpRequest, pk: int) -> HttpResponse:
    """Quote the last day, then terminate to exactly that day: a quote that is stale by now is shown again."""
    contract = _own(request, pk)
    last_day = _last_day(contract)
    if last_day is None:
        messages.info(request, _("This contract cannot be terminated here."))
        return keep_private(redirect("cms_billing:account_contract", pk))
    if request.method == "POST" and request.POST.get("last_day") == last_day.isoformat():
        _terminate(request, contract, last_day)
        return keep_private(redirect("cms_billing:account_contract", pk))
    context = {
        "contract": contract,
        "last_day": last_day,
        "page_title": _("Terminate contract"),
        "active_tab": _TAB,
    }
    return private_page(request, "cms_billing/memberships/account/terminate.html", context)


def _terminate(request: HttpRequest, contract: Contract, last_day: date) -> None:
    try:
        terminate_contract(
            contract_id=contract.pk,
            last_day=last_day,
            today=clock.today(contract.issuer),
            reason=_("by the member in the account"),
            user=request.user,
        )
    except BillingError as error:
        messages.error(request, str(error))
    else:
        day = date_format(last_day, "DATE_FORMAT")
        messages.success(request, _("Your contract is terminated. It runs until %(day)s.") % {"day": day})


def _own(request: HttpRequest, pk: int) -> Contract:
    """Somebody else's contract does not exist here."""
    contracts = Contract.objects.of_user(request.user).select_related("plan", "issuer", "customer")
    return get_object_or_404(contracts.prefetch_related("lines"), pk=pk)


def _last_day(contract: Contract) -> date | None:
    if contract.state != Contract.State.ACTIVE:
        return None
    return rules.last_day_if_terminated(terms_of(contract), today=clock.today(contract.issuer))
