"""The list of cases: filters, sums, export, and what is done with many at once."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.dunning import services
from cms_billing.dunning.models import Case, Hold, Level
from cms_billing.faktura.models import Customer
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, pay, run
from .test_admin import accountant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

FIRST, SECOND, THIRD = date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)
INDEX = "billing-dunning:index"


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 2, 6, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def cases(issuer, customer) -> dict[str, Case]:
    """Two customers: one on level 2 since yesterday, a business on level 1."""
    firm = CustomerFactory(
        issuer=issuer, number="K-2", company="Orgelbau Löwe", kind=Customer.Kind.BUSINESS, last_name="Löwe"
    )
    old = invoice_due(customer, date(2026, 1, 1), amount=12000, contract="V-1")
    young = invoice_due(firm, date(2026, 1, 25), amount=990)
    for day in (FIRST, SECOND):
        run(issuer, day)
    return {"old": case_of(old), "young": case_of(young)}


def numbers(client, query: str) -> set[str]:
    context = client.get(f"{reverse(INDEX)}?{query}").context
    return {case.document.number for case in context["object_list"]}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"old", "young"}),
        ("level=2", {"old"}),
        ("age=31-60", {"old"}),
        ("age=0-30", {"young"}),
        ("age=91", set()),
        ("open_min=100", {"old"}),
        ("open_max=9.90", {"young"}),
        ("kind=business", {"young"}),
        ("held=yes", {"young"}),
        ("held=no", {"old"}),
        ("q=Löwe", {"young"}),
        ("q=120,00", {"old"}),
        ("lock_scope=customer", set()),
    ],
)
def test_cases_are_filtered(client, issuer, cases, query, found):
    accountant(client, issuer, "view_case")
    Hold.objects.create(
        issuer=issuer, customer=cases["young"].customer, document=cases["young"].document, reason="asks back"
    )
    assert numbers(client, query) == {cases[name].document.number for name in found}


def test_a_hold_of_another_contract_or_that_is_over_holds_nothing(client, issuer, customer, cases):
    accountant(client, issuer, "view_case")
    Hold.objects.create(issuer=issuer, customer=customer, contract_reference="V-9", reason="x")
    Hold.objects.create(issuer=issuer, customer=customer, until=date(2026, 2, 5), reason="x")
    assert numbers(client, "held=yes") == set()
    Hold.objects.create(issuer=issuer, customer=customer, contract_reference="V-1", reason="x")
    assert numbers(client, "held=yes") == {cases["old"].document.number}


def test_the_list_adds_up_what_the_filters_leave(client, issuer, cases):
    accountant(client, issuer, "view_case")
    facts = client.get(reverse(INDEX)).context["summary"]
    assert [(str(fact.label), fact.value) for fact in facts] == [("Cases", "2"), ("Open", "€129.90")]
    facts = client.get(f"{reverse(INDEX)}?level=1").context["summary"]
    assert [fact.value for fact in facts] == ["1", "€9.90"]


def queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


def test_queries_of_the_list_do_not_grow(client, issuer, cases):
    accountant(client, issuer, "view_case", "decide_case")
    client.get(reverse(INDEX))
    few = queries(client, reverse(INDEX))
    for _number in range(4):
        invoice_due(CustomerFactory(issuer=issuer), date(2026, 1, 20))
    run(issuer, date(2026, 2, 6))
    assert Case.objects.count() == 6
    assert queries(client, reverse(INDEX)) == few


def test_the_export_is_the_filtered_list_and_runs_no_formula(client, issuer, cases):
    accountant(client, issuer, "view_case")
    Customer.objects.filter(number="K-2").update(company="=HYPERLINK(1)")
    response = client.get(f"{reverse(INDEX)}?level=1&export=csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["Customer"].startswith("'=HYPERLINK")
    assert (row["Open"], row["Currency"], row["Level"], row["Days overdue"]) == ("9.90", "EUR", "1", "12")


def bulk(client, action: str, cases, **data):
    address = reverse("wagtail_bulk_action", args=["cms_billing_dunning", "case", action])
    keys = "&".join(f"id={case.pk}" for case in cases)
    page = client.get(f"{address}?{keys}&next=/admin/billing-dunning/")
    if page.status_code != 200:
        return page, None
    ids = page.context["ids"]
    return page, client.post(f"{address}?{keys}&next=/admin/billing-dunning/", {"ids": ids, **data})


def test_the_next_step_of_many_says_what_became_of_each(client, issuer, cases):
    accountant(client, issuer, "view_case", "decide_case")
    third = invoice_due(CustomerFactory(issuer=issuer, last_name="Zwei"), date(2026, 1, 25))
    run(issuer, date(2026, 2, 6))
    stopped = case_of(third)
    services.stop_case(case_id=stopped.pk, reason="asked by phone")
    page, done = bulk(client, "dun_now", [*cases.values(), stopped])
    assert "It is “stopped”." in page.content.decode()
    for case in (*cases.values(), stopped):
        case.refresh_from_db()
    assert (cases["old"].level, cases["young"].level, stopped.level) == (3, 2, 1)
    assert "The next step of 2 cases is taken." in client.get(done["Location"]).content.decode()


def test_one_broken_row_stops_nobody(client, issuer, cases, monkeypatch):
    accountant(client, issuer, "view_case", "decide_case")
    real = services.take_next_step

    def fails_for_one(*, case_id, **kwargs):
        if case_id == cases["old"].pk:
            raise RuntimeError("disk full")
        return real(case_id=case_id, **kwargs)

    monkeypatch.setattr("cms_billing.dunning.viewsets.case_bulk.take_next_step", fails_for_one)
    _page, done = bulk(client, "dun_now", cases.values())
    assert "disk full" not in done.content.decode()
    assert "unexpected" in done.content.decode()
    for case in cases.values():
        case.refresh_from_db()
    assert (cases["old"].level, cases["young"].level) == (2, 2)


def test_many_are_stopped_and_resumed_with_one_reason(client, issuer, cases):
    user = accountant(client, issuer, "view_case", "decide_case")
    _page, refused = bulk(client, "stop_dunning", cases.values(), reason="")
    assert "required" in refused.content.decode()
    bulk(client, "stop_dunning", cases.values(), reason="Storm in the valley")
    assert set(Case.objects.values_list("state", flat=True)) == {Case.State.STOPPED}
    assert {step.user for step in cases["old"].steps.filter(kind="stopped")} == {user}
    bulk(client, "resume_dunning", cases.values())
    assert set(Case.objects.values_list("state", flat=True)) == {Case.State.OPEN}


def test_the_neighbours_cases_are_not_touched(client, issuer, cases):
    accountant(client, IssuerFactory(), "view_case", "decide_case", "waive_fee")
    for action in ("dun_now", "stop_dunning", "resume_dunning", "waive_fee"):
        _page, done = bulk(client, action, cases.values(), reason="mine")
        assert cases["old"].document.number not in done.content.decode()
    assert list(Case.objects.order_by("pk").values_list("state", flat=True)) == ["open", "open"]


def test_who_only_looks_decides_nothing(client, issuer, cases):
    accountant(client, issuer, "view_case")
    page = client.get(reverse(INDEX)).content.decode()
    assert "bulk-action-btn" not in page
    response, _none = bulk(client, "stop_dunning", cases.values(), reason="x")
    assert response.status_code == 302
    assert set(Case.objects.values_list("state", flat=True)) == {Case.State.OPEN}


def test_fees_of_many_are_waived(client, issuer, customer, procedure):
    Level.objects.filter(procedure=procedure, number=1).update(fee_minor=250)
    with_fee = invoice_due(customer, date(2026, 1, 10))
    run(issuer, FIRST)
    Level.objects.filter(procedure=procedure).update(fee_minor=0)
    without = invoice_due(CustomerFactory(issuer=issuer), date(2026, 1, 20))
    run(issuer, date(2026, 2, 1))
    accountant(client, issuer, "view_case", "waive_fee")
    page, _done = bulk(client, "waive_fee", [case_of(with_fee), case_of(without)], reason="goodwill")
    assert "€2.50" in page.content.decode()
    assert "no fee" in page.content.decode()
    with_fee.open_item.refresh_from_db()
    assert with_fee.open_item.open_amount == Money.of("9.90", "EUR")


def test_a_paid_claim_owes_nothing_in_the_sum(client, issuer, cases, after_commit):
    accountant(client, issuer, "view_case")
    with after_commit():
        pay(cases["old"].document, date(2026, 2, 6))
    facts = client.get(reverse(INDEX)).context["summary"]
    assert [fact.value for fact in facts] == ["2", "€9.90"]


def test_many_are_paused_until_a_day(client, issuer, cases):
    user = accountant(client, issuer, "view_case", "decide_hold")
    _page, refused = bulk(client, "pause_dunning", cases.values(), reason="x", until="2026-02-01")
    assert "has passed" in refused.content.decode()
    bulk(client, "pause_dunning", cases.values(), reason="Floods", until="2026-03-31")
    holds = Hold.objects.values_list("document", "until", "reason", "created_by", "state")
    assert set(holds) == {
        (case.document_id, date(2026, 3, 31), "Floods", user.pk, Hold.State.STANDING)
        for case in cases.values()
    }
    assert run(issuer, date(2026, 3, 20)) == []
    assert numbers(client, "held=yes") == {case.document.number for case in cases.values()}


def test_cases_with_an_agreement_are_found(client, issuer, cases):
    accountant(client, issuer, "view_case")
    services.make_promise(
        document_ids=[cases["old"].document_id], until=date(2026, 2, 20), today=date(2026, 2, 6)
    )
    assert numbers(client, "agreed=yes") == {cases["old"].document.number}
    assert numbers(client, "agreed=no") == {cases["young"].document.number}
