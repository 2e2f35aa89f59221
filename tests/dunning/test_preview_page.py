"""The preview of a day's run: letters, effects, reasons, filters, pages and files. It writes nothing."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.dunning.models import Case, CaseStep, Level
from cms_billing.dunning.rules import Reason, Step
from cms_billing.dunning.services import create_default_procedure, planned_steps, stop_case
from cms_billing.dunning.viewsets import preview as page_module
from cms_billing.dunning.viewsets.preview_sections import REASON_NAMES
from cms_billing.faktura.models import Customer, Document
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, run
from .test_admin import accountant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

FIRST, SECOND, THIRD = date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 2, 6, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def claims(issuer, customer) -> dict[str, Document]:
    """One on level 2, one without a letter yet, one stopped."""
    old = invoice_due(customer, date(2026, 1, 15), amount=10000, contract="V-1")
    stopped = invoice_due(CustomerFactory(issuer=issuer, last_name="Ruhe"), date(2026, 1, 15))
    for day in (FIRST, SECOND):
        run(issuer, day)
    stop_case(case_id=case_of(stopped).pk, reason="asked by phone")
    young = invoice_due(CustomerFactory(issuer=issuer, last_name="Neu"), date(2026, 2, 1))
    return {"old": old, "stopped": stopped, "young": young}


def shown(client, query: str = "") -> dict[str, list]:
    response = client.get(f"{reverse('billing-dunning:preview')}?{query}")
    assert response.status_code == 200
    return {str(section.title): section.rows for section in response.context["sections"]}


def test_each_day_has_its_own_plan(client, issuer, claims):
    accountant(client, issuer, "view_case")
    today = shown(client)
    assert today["Letters"] == []
    assert len(today["Left out, and why"]) == 3
    later = shown(client, "day=2026-02-19")
    assert {row.documents for row in later["Letters"]} == {(claims["old"].number,), (claims["young"].number,)}
    assert [row.skipped_because for row in later["Left out, and why"]] == ["The case was stopped by hand."]
    over = shown(client, "day=2026-05-01")
    assert [row.level for row in over["Letters"]] == [3, 1]


def test_a_letter_says_what_it_locks_and_asks_for(client, issuer, procedure, claims):
    accountant(client, issuer, "view_case")
    Level.objects.filter(procedure=procedure, number=3).update(fee_minor=250)
    (letter,) = (row for row in shown(client, "day=2026-02-19")["Letters"] if row.level == 3)
    assert letter.locks == (claims["old"].number,)
    assert (letter.principal_minor, letter.fees_minor, letter.amount.minor) == (10000, 250, 10250)
    assert letter.pay_until == date(2026, 3, 1)
    content = client.get(f"{reverse('billing-dunning:preview')}?day=2026-02-19").content.decode()
    assert f"locks {claims['old'].number}" in content


def test_the_letter_before_announces(issuer, customer):
    invoice = invoice_due(customer, date(2026, 1, 15), contract="V-1")
    run(issuer, FIRST)
    (letter,) = planned_steps(issuer=issuer, today=SECOND)
    assert (letter.locks, letter.announces) == ((), (invoice.number,))
    assert "announces to lock" in letter.label


def test_a_reason_shows_only_its_claims(client, issuer, claims):
    accountant(client, issuer, "view_case")
    only = shown(client, f"reason={Reason.STOPPED.value}")
    assert [row.documents for row in only["Left out, and why"]] == [(claims["stopped"].number,)]
    assert "Letters" not in only
    assert set(shown(client, "day=2026-02-19&step=letter")) == {"Letters"}
    assert set(REASON_NAMES) | {Reason.LEVEL_DUE, Reason.LAST_LEVEL_OVER} == set(Reason)


def test_the_dry_run_is_a_file(client, issuer, claims):
    Customer.objects.filter(last_name="Neu").update(first_name="", last_name="=1+1", company="")
    Customer.objects.filter(last_name="=1+1").update(number="=1+1")
    accountant(client, issuer, "view_case")
    response = client.get(f"{reverse('billing-dunning:preview')}?day=2026-02-19&export=csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["Step"] for row in rows} == {"Letter", "Left out"}
    assert any(row["Customer"].startswith("'=1+1") for row in rows)
    book = client.get(f"{reverse('billing-dunning:preview')}?day=2026-02-19&export=xlsx&step=letter")
    assert book["Content-Type"].endswith("sheet")


def test_many_customers_come_in_pages(client, issuer, claims, monkeypatch):
    accountant(client, issuer, "view_case")
    monkeypatch.setattr(page_module, "PER_PAGE", 2)
    response = client.get(reverse("billing-dunning:preview"))
    first = {row.customer_id for section in response.context["sections"] for row in section.rows}
    assert len(first) == 2
    rest = client.get(reverse("billing-dunning:preview") + response.context["more_url"])
    second = {row.customer_id for section in rest.context["sections"] for row in section.rows}
    assert len(second) == 1
    assert not first & second
    assert rest.context["more_url"] == ""


@pytest.mark.parametrize(
    "query", ["day=soon", "day=2026-02-05", "issuer=999999", "reason=x", "step=x", "after=x", "export=pdf"]
)
def test_nonsense_in_the_address_is_answered(client, issuer, claims, query):
    accountant(client, issuer, "view_case")
    assert client.get(f"{reverse('billing-dunning:preview')}?{query}").status_code == 200


def test_the_neighbours_run_is_not_shown(client, issuer, claims):
    neighbour = IssuerFactory()
    create_default_procedure(neighbour)
    accountant(client, neighbour, "view_case")
    url = f"{reverse('billing-dunning:preview')}?issuer={issuer.pk}&day=2026-02-19"
    assert claims["old"].number not in client.get(url).content.decode()
    answer = client.get(f"{url}&export=csv")
    assert not answer.streaming


def test_looking_writes_nothing(client, issuer, claims):
    accountant(client, issuer, "view_case")
    before = (Document.objects.count(), CaseStep.objects.count(), list(Case.objects.values_list("level")))
    shown(client, "day=2026-02-19")
    assert before == (
        Document.objects.count(),
        CaseStep.objects.count(),
        list(Case.objects.values_list("level")),
    )


def test_the_daily_dry_run_says_what_is_locked(issuer, claims, capsys):
    call_command("billing_daily", "--dry-run", "--date", "2026-02-19")
    out = capsys.readouterr().out
    assert f"level 3 for {claims['old'].number}; locks {claims['old'].number}" in out
    assert "The case was stopped by hand." in out


def test_a_preview_of_more_asks_no_more_often(issuer, claims, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        few = len(list(planned_steps(issuer=issuer, today=THIRD)))
    for _number in range(5):
        invoice_due(CustomerFactory(issuer=issuer), date(2026, 2, 1))
    with django_assert_max_num_queries(20):
        steps = list(planned_steps(issuer=issuer, today=THIRD))
    assert len(steps) == few + 5
    assert {step.step for step in steps} == {Step.LETTER, Step.NONE}
