"""The pages that visitors get in place of a full text."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf
from django.utils import translation
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.pages import keep_private
from cms_billing.faktura.models import Customer, Issuer
from cms_billing.memberships.models import Plan

from . import gate, selectors, texts
from .arrears import Arrears, arrears_of, example
from .holdings import is_made_up
from .models import ArrearsPage
from .offers import offers_on
from .rule_map import current_rules
from .rules import Decision
from .teasers import teaser_of

logger = logging.getLogger("cms_billing.paywall")

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

in_words = lazy(texts.sentence, str)


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
        "teaser": teaser_of(page, rule, request=request),
        "offers": offers_on(known.plans_of(rule), day=clock.today()) if rule else [],
        "login_url": login_url(request),
    }
    status = 200 if request.method in SAFE_METHODS else 403
    return TemplateResponse(request, template, context, status=status)


def arrears(request: HttpRequest, page: Page, decision: Decision) -> HttpResponse:
    """402: what is owed, why it locks, and the way to pay, in the member's language.

    On the page that editors wrote for the issuer, or the shipped one where there is none.
    """
    issuer, language, facts = _owed_facts(request, decision)
    own = selectors.arrears_page_of(issuer, language=language)
    template = own.get_template(request) if own else "cms_billing/paywall/arrears.html"
    response = InLanguage(request, template, status=402)
    response.language = language
    response.context_data = {
        **_common(request, own or page, decision),
        "arrears": facts,
        "locked_page": page,
        "content_language": own.language if own else language,
    }
    return _never_found(response)


def _owed_facts(request: HttpRequest, decision: Decision) -> tuple[Issuer, str, Arrears]:
    """To whom it is owed, in which language to say so, and what; made up for a visitor who is."""
    if gate.stand_in_of(request) or is_made_up(request.user):
        plan_id = decision.holding.plan_id if decision.holding else 0
        issuer = Plan.objects.select_related("issuer").get(pk=plan_id).issuer
        with translation.override(issuer.language):
            made_up = example(issuer=issuer, language=issuer.language, today=clock.today(), decision=decision)
        return issuer, issuer.language, made_up
    decision = selectors.with_documents(decision)
    owner = decision.holding.customer_id if decision.holding else 0
    customer = Customer.objects.select_related("issuer").get(pk=owner)
    with translation.override(customer.language):
        facts = arrears_of(
            decision.documents,
            issuer=customer.issuer,
            language=customer.language,
            reason=texts.sentence(decision),
        )
    return customer.issuer, customer.language, facts


def own_arrears(request: HttpRequest, page: ArrearsPage) -> HttpResponse:
    """The page at its own address: what the visitor owes this issuer, or neutral words; nothing of anybody else."""
    customer = None
    if request.user.is_authenticated:
        customers = Customer.objects.filter(user_id=request.user.pk, issuer=page.issuer_id)
        customer = customers.select_related("issuer").first()
    language = customer.language if customer else page.language
    with translation.override(language):
        facts = selectors.arrears_of_customer(customer) if customer else None
    response = InLanguage(request, page.get_template(request))
    response.language = language
    response.context_data = {
        **page.get_context(request),
        "base_template": billing_settings().base_template,
        "arrears": facts,
        "content_language": page.language,
        "login_url": "" if request.user.is_authenticated else login_url(request),
    }
    return _never_found(keep_private(response))


def example_arrears(request: HttpRequest, page: ArrearsPage) -> HttpResponse:
    """The editors' preview, with an example member."""
    response = InLanguage(request, page.get_template(request))
    response.language = page.language
    with translation.override(page.language):
        facts = example(issuer=_issuer_of(page), language=page.language, today=clock.today())
    response.context_data = {
        **page.get_context(request),
        "base_template": billing_settings().base_template,
        "arrears": facts,
        "locked_page": {"title": _("An article")},
        "content_language": page.language,
    }
    return response


def _issuer_of(page: ArrearsPage) -> Issuer:
    """A page that is being written may have none yet."""
    return page.issuer if page.issuer_id else Issuer(name=_("Your company"), email="mail@example.org")


def _never_found(response: TemplateResponse) -> TemplateResponse:
    response["X-Robots-Tag"] = "noindex, noarchive"
    return response


# Seconds after which it is worth trying again; nobody keeps the answer.
UNREADABLE_HEADERS = {"Retry-After": "60", "Cache-Control": "private, no-store"}


def unreadable(request: HttpRequest) -> HttpResponse:
    """503 in plain words, without the site's template: what failed may be what the template needs."""
    return HttpResponse(
        try_again(), status=503, content_type="text/plain; charset=utf-8", headers=UNREADABLE_HEADERS
    )


def try_again() -> str:
    return _("This page cannot be shown at the moment. Please try again in a minute.")


def log_unreadable(request: HttpRequest, error: Exception) -> None:
    logger.error("%s is not answered", request.path, exc_info=error)


def login_url(request: HttpRequest) -> str:
    """Where Wagtail sends visitors to log in, and back to this page."""
    target = getattr(settings, "WAGTAIL_FRONTEND_LOGIN_URL", None) or settings.LOGIN_URL
    urlconf = get_urlconf() or settings.ROOT_URLCONF
    url = _login_page(str(target), urlconf, get_script_prefix(), translation.get_language())
    if not url:
        return ""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'next': request.get_full_path()})}"


@lru_cache(maxsize=64)
def _login_page(target: str, urlconf: str, prefix: str, language: str | None) -> str:
    """Looked up once for each of what an address depends on: every teaser has it."""
    try:
        return resolve_url(target)
    except NoReverseMatch:
        return ""


def _common(request: HttpRequest, page: Page, decision: Decision) -> dict[str, Any]:
    return {
        "page": page,
        "self": page,
        "request": request,
        "decision": decision,
        "paywall_decision": decision,
        # Only where a template says it.
        "reason": in_words(decision),
        "base_template": billing_settings().base_template,
    }
