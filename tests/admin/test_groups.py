"""Every page of the admin that is about one row, found by its address: nobody reaches a neighbour's, auditors write
nothing, strangers to billing see nothing. Pages that are added later are in here by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse

from cms_billing.dunning.models import Case
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.models import (
    Customer,
    Delivery,
    Document,
    DocumentText,
    InvoiceRun,
    Issuer,
    MailText,
    NumberSeries,
)
from cms_billing.faktura.services import create_draft
from cms_billing.memberships.models import Contract, Plan
from cms_billing.payments.models import Payment, RetryPolicy

from .conftest import TODAY, Business

pytestmark = pytest.mark.django_db

# Pages whose view is no class with a model, or a class for several.
MODELS = {
    "billing-document": Document,
    "billing-draft": Document,
    "billing-correction": Document,
    "billing-delivery": Delivery,
    "billing-mailtext": MailText,
}
# Rows that belong to no issuer.
FOR_ALL = {
    "billing-taxrate",
    "billing-productclasstax",
    "billing-paywall",
    "billing-paywall-rules",
    "billing-refusalrule",
}


def pages_of_rows() -> Iterator[tuple[str, str, type[Model] | None]]:
    """(name, keyword, model) of every page below a billing namespace that takes one key."""
    for namespace, (_prefix, resolver) in sorted(_namespaces().items()):
        if not namespace.startswith("billing-") or namespace in FOR_ALL:
            continue
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLPattern) and pattern.name:
                keys = list(pattern.pattern.regex.groupindex)
                if len(keys) == 1 and "legacy" not in pattern.name:
                    view = getattr(pattern.callback, "view_class", None)
                    model = getattr(view, "model", None) or pattern.callback.__dict__.get(
                        "view_initkwargs", {}
                    ).get("model")
                    yield f"{namespace}:{pattern.name}", keys[0], model or MODELS.get(namespace)


def _namespaces() -> dict:
    """Those of Wagtail's admin, whose addresses lie at the root."""
    found: dict = {}

    def look(resolver) -> None:
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                if pattern.namespace:
                    found[pattern.namespace] = ("", pattern)
                look(pattern)

    look(get_resolver())
    return found


def rows_of(business: Business) -> dict[type[Model], list[Model]]:
    line = DraftLine(
        description="Beratung",
        quantity=Decimal(1),
        unit_price_minor=5000,
        tax_code="standard",
        tax_percent=Decimal(19),
    )
    draft = create_draft(
        issuer=business.issuer,
        draft=Draft(
            kind="invoice",
            customer_id=business.customer.pk,
            currency="EUR",
            prices_include_tax=True,
            lines=(line,),
        ),
        today=TODAY,
    )
    run = InvoiceRun.objects.create(
        issuer=business.issuer, period_start=date(2026, 3, 1), period_end=date(2026, 3, 31)
    )
    case = Case.objects.create(
        issuer=business.issuer,
        customer=business.customer,
        document=business.open,
        opened_on=TODAY,
        waiting_since=TODAY,
    )
    return {
        Customer: [business.customer],
        Document: [business.open, draft],
        Payment: [business.payment],
        Contract: [business.contract],
        Plan: [business.plan],
        Issuer: [business.issuer],
        NumberSeries: [business.series],
        MailText: [business.mail_text],
        DocumentText: [business.document_text],
        Delivery: [business.failed],
        type(business.run): [business.run],
        InvoiceRun: [run],
        Case: [case],
        RetryPolicy: [RetryPolicy.objects.create(issuer=business.issuer, valid_from=TODAY)],
    }


def addresses(business: Business) -> list[str]:
    rows = rows_of(business)
    found = []
    for name, _keyword, model in pages_of_rows():
        for row in rows.get(model, []):
            try:
                found.append(reverse(name, args=[row.pk]))
            except NoReverseMatch:
                found.append(reverse(name, args=[str(row.pk)]))
    return found


def test_every_page_of_a_row_is_looked_at(ours):
    found = addresses(ours)
    assert len(found) > 70
    for part in (
        "billing-draft",
        "billing-correction",
        "billing-invoicerun",
        "billing-dunning",
        "billing-dunning-hold",
    ):
        assert any(part in url for url in found), part


def test_neighbours_rows_exist_on_no_page_at_all(accountant, ours, theirs):
    wrong = {}
    for url in addresses(theirs):
        for answer in (accountant.get(url), accountant.post(url, {})):
            if answer.status_code not in (404, 405):
                wrong[url] = answer.status_code
    assert wrong == {}


def writes(captured) -> list[str]:
    verbs = ("INSERT", "UPDATE", "DELETE")
    return [q["sql"] for q in captured if q["sql"].startswith(verbs) and "cms_billing" in q["sql"]]


@pytest.mark.parametrize("role", ["auditor", "stranger"])
def test_whoever_may_only_look_writes_nothing_anywhere(role, ours, request):
    client = request.getfixturevalue(role)
    for url in addresses(ours):
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(url, {"reason": "x", "then": "void", "amount": "1.00"})
        assert writes(captured) == [], url
        assert answer.status_code != 500, url


def test_strangers_to_billing_read_no_page_of_a_row(stranger, ours):
    seen = [url for url in addresses(ours) if stranger.get(url).status_code == 200]
    assert seen == []


def test_accountants_reach_every_page_of_their_rows(accountant, ours):
    wrong = {url: status for url in addresses(ours) if (status := accountant.get(url).status_code) >= 500}
    assert wrong == {}
