"""The payment page, by signed link or for the member who is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.core.pages import keep_private, private_page
from cms_billing.faktura.models import Customer, Document

from .claims import Choice, Claim, claims_of, purpose_of
from .completion import completion_of
from .exceptions import AlreadyCompleted, LinkNotValid, link_unreadable, nothing_chosen
from .links import read_session_token, read_token, read_visit_token, session_url
from .models import PaymentSession
from .outcomes import Outcome, outcome_of
from .page_offers import page_offers
from .services import Visitor, come_back, pay_documents

PAGE_METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True)
class Place:
    """One payment page: its documents, its address, and whether the visitor is signed in as who owes them."""

    documents: Sequence[int]
    path: str
    of: Sequence[int] = ()
    is_owner: bool = False
    token: str = ""

    @property
    def address(self) -> str:
        return f"{self.path}?{urlencode({'of': self.of}, doseq=True)}" if self.of else self.path


@require_http_methods(PAGE_METHODS)
@transaction.non_atomic_requests
def payment_page(request: HttpRequest, token: str) -> HttpResponse:
    """Without login: shows what the link names and nothing else of the person."""
    try:
        documents = read_token(token)
        if not Document.objects.filter(pk__in=documents, state=Document.State.ISSUED).exists():
            raise link_unreadable()
    except LinkNotValid as error:
        return _not_valid(request, error)
    return _page(request, Place(documents, request.path, token=token))


@require_http_methods(PAGE_METHODS)
@csrf_exempt
@transaction.non_atomic_requests
def session_back(request: HttpRequest, token: str) -> HttpResponse:
    """The payer comes back from the provider's page, which may POST. What became of it is asked, never believed."""
    try:
        session = PaymentSession.objects.select_related("account", "payer").get(pk=read_session_token(token))
    except LinkNotValid as error:
        return _not_valid(request, error)
    except PaymentSession.DoesNotExist:
        return _not_valid(request, link_unreadable())
    session = come_back(session, returned_with={**request.GET.dict(), **request.POST.dict()})
    return keep_private(redirect(completion_of(session.purpose).next_url(request, session)))


def _not_valid(request: HttpRequest, error: LinkNotValid) -> HttpResponse:
    context = {"page_title": _("Payment link not valid"), "message": str(error)}
    return private_page(request, "cms_billing/payments/link_not_valid.html", context, status=404)


@login_required
@require_http_methods(PAGE_METHODS)
@transaction.non_atomic_requests
def pay_document(request: HttpRequest, pk: int) -> HttpResponse:
    """The same page for the signed-in owner; somebody else's document does not exist here."""
    document = get_object_or_404(Document.objects.of_user(request.user), pk=pk)
    return _page(request, Place([document.pk], request.path, is_owner=True))


@login_required
@require_http_methods(PAGE_METHODS)
@transaction.non_atomic_requests
def pay_open(request: HttpRequest) -> HttpResponse:
    """All that is open of the signed-in member, or those of their documents that ``of`` names."""
    mine = Document.objects.of_user(request.user)
    asked = _numbers(request.GET, "of")
    named = list(mine.filter(pk__in=asked).order_by("pk").values_list("pk", flat=True))
    if asked and not named:
        return redirect("cms_billing:account_documents")
    documents = named or list(mine.filter(open_item__open_minor__gt=0).values_list("pk", flat=True))
    return _page(request, Place(documents, request.path, of=named, is_owner=True))


def _page(request: HttpRequest, place: Place) -> HttpResponse:
    if request.method != "POST":
        return _show(request, place, _choice(request.GET))
    choice = Choice(documents=frozenset(_numbers(request.POST, "documents")), part=_part(request.POST))
    try:
        session = _open(request, place, choice)
    except AlreadyCompleted as error:
        # Paid in another window: finished and told as if they came back from there.
        return keep_private(redirect(session_url(error.session)))
    except BillingError as error:
        return _show(request, place, choice, error=str(error))
    response = keep_private(redirect(session.url))
    response.status_code = 303
    return response


def _open(request: HttpRequest, place: Place, choice: Choice) -> PaymentSession:
    """What is paid, and how much, is read from the books; of the form only what the payer chose counts."""
    today = clock.today()
    claims = claims_of(place.documents, today=today, choice=choice)
    claim = next((claim for claim in claims if str(claim.key) == request.POST.get("claim")), None)
    ways = {way.key: way for way in claim.page_ways} if claim else {}
    way = ways.get(request.POST.get("way", ""))
    if claim is None or way is None:
        raise nothing_chosen()
    customer = Customer.objects.select_related("issuer").get(pk=claim.rows[0].document.customer_id)
    return pay_documents(
        account=way.account,
        customer=customer,
        documents=[row.document.pk for row in claim.chosen],
        shown=_shown(request, claim),
        description=purpose_of([row.document.number for row in claim.chosen]),
        keeps_method=way.keeps and request.POST.get("keep") == "on",
        visitor=Visitor(request.user, place.is_owner, get_language() or ""),
        now=clock.now(),
        part=claim.amount if claim.part else None,
    )


def _shown(request: HttpRequest, claim: Claim) -> Money:
    """The amount the payer saw, only to be compared with the books."""
    shown = request.POST.get("shown", "")
    return Money(int(shown) if shown.isdecimal() else 0, claim.amount.currency)


def _show(request: HttpRequest, place: Place, choice: Choice, *, error: str = "") -> HttpResponse:
    claims = claims_of(place.documents, today=clock.today(), choice=choice)
    settled = all(claim.is_settled for claim in claims)
    context = {
        "claims": claims,
        "settled": settled,
        "place": place,
        "choice": choice,
        "offers": page_offers(
            [row.document.pk for claim in claims for row in claim.payable],
            token=place.token,
            today=clock.today(),
        ),
        "outcome": _outcome(request, place),
        "error": error,
        "error_claim": request.POST.get("claim", ""),
        "keep": request.POST.get("keep") == "on" if request.method == "POST" else place.is_owner,
        "page_title": _("Paid, thank you") if settled and claims else _("Pay"),
    }
    status = 409 if error else 200
    response = private_page(request, "cms_billing/payments/payment_page.html", context, status=status)
    # The address is the key to the page: it is told to nobody else, and not to search engines.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _outcome(request: HttpRequest, place: Place) -> Outcome | None:
    """Of the visit the payer is back from, where it was about documents of this very page."""
    pk = read_visit_token(request.GET.get("visit", ""))
    if pk is None:
        return None
    session = PaymentSession.objects.filter(pk=pk, purpose=PaymentSession.Purpose.DOCUMENTS).first()
    if session is None or not _is_about(session, place):
        return None
    return outcome_of(session)


def _is_about(session: PaymentSession, place: Place) -> bool:
    paid: set[Any] = set(session.documents.values_list("pk", flat=True))
    return bool(paid) and paid <= set(place.documents)


def _part(query: QueryDict) -> int | None:
    return next(iter(_numbers(query, "part")), None)


def _choice(query: QueryDict) -> Choice:
    if "part" in query:
        return Choice(part=_part(query))
    if "documents" in query or "chosen" in query:
        return Choice(documents=frozenset(_numbers(query, "documents")))
    return Choice(only_due=query.get("what") == "due")


def _numbers(query: QueryDict, name: str) -> list[int]:
    return [int(value) for value in query.getlist(name)[:500] if value.isdecimal() and len(value) < 19]
