"""The dashboard of dunning: what stands on it, for whom, and what it says where there is nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.dunning.services import create_default_procedure
from cms_billing.dunning.viewsets.dashboard import begin_of
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, pay, run
from .test_admin import accountant

pytestmark = pytest.mark.django_db

URL = "/admin/billing/dunning/"


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 2, 20, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def in_dunning(issuer, procedure, customer):
    paid = invoice_due(CustomerFactory(issuer=issuer), date(2026, 1, 15), amount=10000)
    invoice_due(customer, date(2026, 1, 15), amount=24000, contract="V-1")
    for day in (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)):
        run(issuer, day)
    pay(paid, date(2026, 2, 20))
    return customer


def facts(response) -> dict[str, str]:
    return {str(fact.label): str(fact.value) for fact in response.context["facts"]}


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("month", date(2026, 5, 1)),
        ("quarter", date(2026, 4, 1)),
        ("year", date(2026, 1, 1)),
        ("12", date(2025, 5, 17)),
    ],
)
def test_a_period_begins(period, first):
    assert begin_of(period, today=date(2026, 5, 17)) == first


def test_the_dashboard_says_what_is_at_stake(client, issuer, in_dunning):
    accountant(client, issuer, "view_case")
    response = client.get(URL)
    shown = facts(response)
    assert shown["Open cases"] == "1"
    assert shown["At stake"] == "€240.00"
    assert shown["Locked members"] == "1"
    assert shown["Recovered this month"] == shown["Recovered this quarter"] == "€100.00"
    assert shown["Ready for collection"] == "0"


def test_a_chart_has_the_figures_of_its_table(client, issuer, in_dunning):
    accountant(client, issuer, "view_case")
    response = client.get(URL)
    counts, money = response.context["charts"]
    drawn = json.loads(money.chart)
    assert drawn["labels"] == ["Level 3"]
    assert drawn["currency"] == "EUR"
    assert [series["values"] for series in drawn["series"]] == [[0.0], [240.0], [0.0], [0.0]]
    assert counts.rows[0].values == (0, 1, 0, 0)
    page = response.content.decode()
    assert page.count("<canvas") == 3
    assert page.count('role="img"') == 3
    assert "<script>" not in page.split("<main")[1].split("</main>")[0]


def test_success_is_of_the_chosen_period(client, issuer, in_dunning):
    accountant(client, issuer, "view_case")
    (section,) = client.get(URL).context["sections"]
    assert [row.level for row in section.rows] == [1, 2, 3]
    (section,) = client.get(f"{URL}?period=month").context["sections"]
    assert [row.level for row in section.rows] == [2, 3]
    assert client.get(f"{URL}?period=nonsense&issuer=x").status_code == 200


def test_only_ones_own_issuers_count(client, issuer, in_dunning):
    neighbour = IssuerFactory()
    create_default_procedure(neighbour)
    accountant(client, neighbour, "view_case")
    shown = facts(client.get(f"{URL}?issuer={issuer.pk}"))
    assert shown["Open cases"] == "0"
    assert "At stake" not in shown


def test_one_issuer_of_several_is_chosen(client, issuer, in_dunning):
    other = IssuerFactory(name="Verlag")
    accountant(client, issuer, "view_case")
    group = issuer.groups.get()
    other.groups.add(group)
    assert facts(client.get(f"{URL}?issuer={other.pk}"))["Open cases"] == "0"
    assert facts(client.get(f"{URL}?issuer={issuer.pk}"))["Open cases"] == "1"
    assert facts(client.get(URL))["Open cases"] == "1"


def test_an_empty_dashboard_says_what_to_do(client, issuer):
    accountant(client, issuer, "view_case")
    page = client.get(URL).content.decode()
    assert "reminds nobody" in page
    assert reverse("billing-issuer:inspect", args=[issuer.pk]) in page
    assert reverse("billing-dunning:preview") in page
    create_default_procedure(issuer)
    page = client.get(URL).content.decode()
    assert "reminds nobody" not in page
    assert "No claim is in dunning" in page


def test_who_may_not_see_cases_sees_no_dashboard(client, issuer, in_dunning):
    accountant(client, issuer, "view_document")
    assert client.get(URL).status_code == 302
    assert URL not in client.get("/admin/").content.decode()


def test_the_dashboard_is_first_in_the_menu(client, issuer, in_dunning):
    accountant(client, issuer, "view_case", "view_procedure")
    home = client.get("/admin/").content.decode()
    assert (
        home.index(URL)
        < home.index("/admin/billing-dunning/")
        < home.index("/admin/billing-dunning-procedure/")
    )


def test_queries_do_not_grow_with_the_cases(client, issuer, in_dunning):
    accountant(client, issuer, "view_case")
    client.get(URL)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(URL)
        return len(captured)

    few = queries()
    for _number in range(5):
        document = invoice_due(CustomerFactory(issuer=issuer), date(2026, 2, 1))
    run(issuer, date(2026, 2, 20))
    assert case_of(document).level == 1
    assert queries() == few
