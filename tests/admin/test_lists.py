"""Filters and search, and that a list of a hundred rows asks no more questions than one of ten."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.faktura.models import Customer, LedgerEntry
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.faktura.viewsets.customer_account import account_page
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


def test_account_begins_with_the_balance(accountant, ours):
    page = account_page(Customer.objects.get(pk=ours.customer.pk), since=None, until=None)
    assert [entry.balance.minor for entry in page.object_list] == [1980, 2970, 1980, 990]


def test_account_of_a_period_has_the_balances_of_its_days(accountant, ours):
    customer = Customer.objects.get(pk=ours.customer.pk)
    entries = [
        LedgerEntry(
            issuer=ours.issuer,
            customer=customer,
            kind="payment",
            amount_minor=-100,
            currency="EUR",
            booked_on=date(2026, 4, day),
        )
        for day in range(1, 11)
    ]
    LedgerEntry.objects.bulk_create(entries)
    page = account_page(customer, since=date(2026, 4, 3), until=date(2026, 4, 5))
    assert [entry.balance.minor for entry in page.object_list] == [1480, 1580, 1680]
    answer = accountant.get(
        reverse("billing-customer:inspect", args=[customer.pk]),
        {"since": "2026-04-03", "until": "2026-04-05"},
    )
    assert "€14.80" in answer.content.decode()
    assert "€9.80" in answer.content.decode()  # the balance of today, among the facts


@pytest.mark.parametrize(
    "query", [{"since": "soon"}, {"until": "2026-02-30"}, {"account": "x"}, {"account": "99"}]
)
def test_account_stands_nonsense_in_its_address(query, accountant, ours):
    assert (
        accountant.get(reverse("billing-customer:inspect", args=[ours.customer.pk]), query).status_code == 200
    )


def test_queries_of_a_customer_do_not_grow_with_the_account(accountant, ours):
    url = reverse("billing-customer:inspect", args=[ours.customer.pk])
    accountant.get(url)
    few = queries_of(accountant, url)
    for _number in range(3):
        plan = PlanFactory(issuer=ours.issuer)
        signed_contract(start=START, plan=plan, customer=ours.customer, today=TODAY)
    book_next_due(issuer=ours.issuer, today=TODAY)
    issue_next_invoices(issuer=ours.issuer, today=TODAY)
    assert ours.customer.documents.count() > 9
    assert queries_of(accountant, url) <= few
