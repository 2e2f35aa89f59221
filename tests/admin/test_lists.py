"""Filters and search, and that a list of a hundred rows asks no more questions than one of ten."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.services import book_next_due
from cms_billing.testing.factories import CustomerFactory, PlanFactory, signed_contract

from .conftest import START, TODAY

pytestmark = pytest.mark.django_db


def fill(issuer, count: int) -> None:
    plan = PlanFactory(issuer=issuer)
    for _number in range(count):
        signed_contract(
            start=START, plan=plan, customer=CustomerFactory(issuer=issuer, email=""), today=TODAY
        )
    book_next_due(issuer=issuer, today=TODAY)
    issue_next_invoices(issuer=issuer, today=TODAY)


def queries_of(client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "name",
    [
        "billing-customer:index",
        "billing-document:index",
        "billing-payment:index",
        "billing-contract:index",
        "billing-plan:index",
        "billing-dailyrun:index",
        "billing_todo",
        "billing_failed_work",
        "wagtailadmin_home",
    ],
)
def test_queries_of_a_list_do_not_grow_with_its_rows(name, accountant, ours):
    fill(ours.issuer, 10)
    url = reverse(name)
    accountant.get(url)
    few = queries_of(accountant, url)
    fill(ours.issuer, 30)
    assert queries_of(accountant, url) <= few


def numbers(client, **query) -> set[str]:
    page = client.get(reverse("billing-document:index"), query)
    return {document.number for document in page.context["object_list"]}


def test_documents_are_filtered_by_their_state(accountant, ours):
    assert numbers(accountant, standing="paid") == {ours.paid.number}
    assert ours.open.number in numbers(accountant, standing="open")
    assert numbers(accountant, standing="overdue") == set()
    assert numbers(accountant, standing="cancelled") == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"gross_min": "9.90", "gross_max": "9.90"}, 3),
        ({"gross_min": "9.91"}, 0),
        ({"gross_max": "9.89"}, 0),
        ({"gross_min": "1e300"}, 0),
        ({"issued_on_from": "2026-03-31", "issued_on_to": "2026-03-31"}, 3),
        ({"issued_on_from": "2026-04-01"}, 0),
        ({"kind": "cancellation"}, 0),
        ({"kind": "invoice"}, 3),
        ({"q": "RE-2026-000002"}, 1),
        ({"q": "kundin ours"}, 3),
        ({"q": "nobody"}, 0),
        ({"customer": "no such number"}, 0),
        ({"issued_on_from": "nonsense"}, 3),
        ({"ordering": "nonsense", "p": "nonsense"}, 3),
    ],
)
def test_documents_are_found(query, found, accountant, ours):
    assert len(numbers(accountant, **query)) == found


def test_customers_are_found_by_number_name_company_and_mail(accountant, ours):
    CustomerFactory(issuer=ours.issuer, company="Chorverband", email="post@chor.example")
    for text in (ours.customer.number, "Kundin Ours", "Chorverband", "post@chor.example"):
        page = accountant.get(reverse("billing-customer:index"), {"q": text})
        assert len(page.context["object_list"]) == 1, text


def test_customers_who_owe_something(accountant, ours):
    CustomerFactory(issuer=ours.issuer)
    page = accountant.get(reverse("billing-customer:index"), {"owes": "true"})
    assert list(page.context["object_list"]) == [ours.customer]


def test_issuer_filter_offers_own_issuers_only(accountant, ours, theirs):
    page = accountant.get(reverse("billing-document:index"), {"issuer": theirs.issuer.pk})
    assert "issuer" not in page.context["filters"].form.fields
    theirs.issuer.groups.add(*accountant.user.groups.all())
    page = accountant.get(reverse("billing-document:index"), {"issuer": theirs.issuer.pk})
    assert {document.issuer_id for document in page.context["object_list"]} == {theirs.issuer.pk}
    assert set(page.context["filters"].form.fields["issuer"].queryset) == {ours.issuer, theirs.issuer}


def test_statement_ends_with_the_balance(accountant, ours):
    from cms_billing.faktura.viewsets.customers import statement_of

    statement = statement_of(Customer.objects.get(pk=ours.customer.pk))
    assert [entry.balance.minor for entry in statement] == [990, 1980, 2970, 1980]
    assert Document.objects.count() == 3
