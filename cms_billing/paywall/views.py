"""The pages that visitors get in place of a full text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch
from django.utils import translation
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money, total
from cms_billing.faktura.models import Customer
from cms_billing.payments.links import payment_url

from . import selectors, texts
from .offers import offers_on
from .rule_map import current_rules
from .rules import Decision, OwedDocument
from .teasers import teaser_of

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class InLanguage(TemplateResponse):
    """Rendered in a person's language, whatever the request's is; None leaves it as it is."""

    language: str | None = None

    @property
    def rendered_content(self) -> str:
        if not self.language:
            return super().rendered_content
        with translation.override(self.language):
            return super().rendered_content


def teaser(request: HttpRequest, page: Page, decision: Decision) -> HttpResponse:
    """What everybody may read, and the plans that open the rest. The page may name a ``paywall_template`` of its own.

    200, so that search engines know the page; 403 for methods that would change something.
    """
    rule = decision.rule
    known = current_rules()
    template = getattr(page, "paywall_template", "") or "cms_billing/paywall/teaser.html"
    context = {
        **_common(request, page, decision),
        "teaser": teaser_of(page, rule),
        "offers": offers_on(known.plans_of(rule), day=clock.today()) if rule else [],
        "login_url": login_url(request),
    }
    status = 200 if request.method in SAFE_METHODS else 403
    return TemplateResponse(request, template, context, status=status)


def arrears(request: HttpRequest, page: Page, decision: Decision) -> HttpResponse:
    """402: what is owed, why it locks, and the way to pay, in the member's language."""
    decision = selectors.with_documents(decision)
    owner = decision.holding.customer_id if decision.holding else 0
    customer = Customer.objects.select_related("issuer").filter(pk=owner).first()
    response = InLanguage(request, "cms_billing/paywall/arrears.html", status=402)
    response.language = customer.language if customer else None
    language = response.language or translation.get_language() or "en"
    response.context_data = {
        **_common(request, page, decision),
        "claims": [OwedRow.of(paper, language) for paper in decision.documents],
        "total": amount_owed(decision.documents, language),
        "issuer": customer.issuer if customer else None,
        "payment_url": _payment_url([paper.id for paper in decision.documents]),
        "highest_level": max((paper.level for paper in decision.documents), default=0),
    }
    return response


def unreadable(request: HttpRequest) -> HttpResponse:
    """503 in plain words, without the site's template: what failed may be what the template needs."""
    text = _("This page cannot be shown at the moment. Please try again in a minute.")
    return HttpResponse(
        text, status=503, content_type="text/plain; charset=utf-8", headers={"Retry-After": "60"}
    )


@dataclass(frozen=True)
class OwedRow:
    """A document in the words of the arrears page."""

    number: str
    issued_on: date | None
    due_on: date
    amount: str
    level: int

    @classmethod
    def of(cls, paper: OwedDocument, language: str) -> OwedRow:
        amount = Money(paper.open_minor, paper.currency).format(language)
        return cls(paper.number, paper.issued_on, paper.due_on, amount, paper.level)


def amount_owed(papers: Sequence[OwedDocument], language: str) -> str:
    """The sum, or sums where currencies differ."""
    sums = [
        total((Money(p.open_minor, p.currency) for p in papers if p.currency == currency), currency)
        for currency in sorted({paper.currency for paper in papers})
    ]
    return " + ".join(amount.format(language) for amount in sums)


def login_url(request: HttpRequest) -> str:
    """Where Wagtail sends visitors to log in, and back to this page."""
    target = getattr(settings, "WAGTAIL_FRONTEND_LOGIN_URL", None) or settings.LOGIN_URL
    try:
        url = resolve_url(target)
    except NoReverseMatch:
        return ""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'next': request.get_full_path()})}"


def _common(request: HttpRequest, page: Page, decision: Decision) -> dict[str, Any]:
    return {
        "page": page,
        "self": page,
        "request": request,
        "decision": decision,
        "paywall_decision": decision,
        "reason": texts.sentence(decision),
        "base_template": billing_settings().base_template,
    }


def _payment_url(document_ids: Sequence[int]) -> str:
    """Empty on a site that has not included the billing addresses."""
    try:
        return payment_url(document_ids) if document_ids else ""
    except NoReverseMatch:
        return ""
