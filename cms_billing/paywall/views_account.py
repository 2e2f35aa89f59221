"""What a member reads in the account about what is unpaid: documents, what happens next, what is locked, how to pay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cms_billing.core import clock
from cms_billing.core.pages import private_page
from cms_billing.dunning.models import Agreement, Case
from cms_billing.dunning.plans import decision_for
from cms_billing.dunning.reasons import sentence as next_step
from cms_billing.faktura.models import Customer
from cms_billing.memberships.models import Contract

from . import selectors, texts
from .arrears import Arrears
from .rules import Decision, Reason

# Contracts that have begun and are not over: what arrears can lock.
CONCERNED = (Reason.LOCKED, Reason.LOCKED_BUT_PAID, Reason.ARREARS_BUT_OPEN)


@dataclass(frozen=True)
class Next:
    """What the next run does about a document, and until when nothing happens."""

    number: str
    sentence: str
    until: date | None


@dataclass(frozen=True)
class IssuerArrears:
    """Towards one issuer."""

    arrears: Arrears
    steps: tuple[Next, ...]
    contracts: tuple[tuple[Decision, str], ...]
    agreements: tuple[str, ...]


@login_required
@require_safe
def account_arrears(request: HttpRequest) -> HttpResponse:
    customers = Customer.objects.of_user(request.user).select_related("issuer").order_by("pk")
    context = {
        "groups": list(_groups(customers)),
        "page_title": _("Unpaid"),
        "active_tab": "billing_arrears",
    }
    return private_page(request, "cms_billing/paywall/account/arrears.html", context)


def _groups(customers: Iterable[Customer]) -> Iterable[IssuerArrears]:
    for customer in customers:
        arrears = selectors.arrears_of_customer(customer)
        if arrears is not None:
            yield IssuerArrears(
                arrears,
                tuple(_next_steps(customer)),
                tuple(_contracts(customer)),
                tuple(_agreements(customer)),
            )


def _next_steps(customer: Customer) -> Iterable[Next]:
    cases = Case.objects.standing().filter(customer=customer, level__gte=1)
    for case in cases.select_related("issuer", "customer", "document__open_item").order_by("document_id"):
        decision = decision_for(case, today=clock.today(customer.issuer))
        yield Next(case.document.number, next_step(decision), decision.until)


def _contracts(customer: Customer) -> Iterable[tuple[Decision, str]]:
    contracts = Contract.objects.filter(customer=customer)
    for decision in selectors.access_of_contracts(contracts, today=clock.today(customer.issuer)):
        if decision.reason in CONCERNED:
            yield decision, texts.sentence(selectors.with_documents(decision))


def _agreements(customer: Customer) -> Iterable[str]:
    for agreement in Agreement.objects.running().filter(customer=customer).order_by("until"):
        yield _("Agreed: %(what)s, to be paid until %(day)s.") % {
            "what": agreement,
            "day": date_format(agreement.until, "DATE_FORMAT"),
        }
