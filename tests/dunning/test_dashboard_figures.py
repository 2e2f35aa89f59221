"""The figures of the dashboard, against stories counted by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.dunning import dashboard
from cms_billing.dunning.models import Case, Level, ProcedureVersion
from cms_billing.faktura.services import cancel_document
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FIRST, SECOND, THIRD = date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)
YEAR = {"since": date(2026, 1, 1), "until": date(2026, 12, 31)}


def at(day: date):
    return clock.frozen(datetime(day.year, day.month, day.day, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("days", "expected"), [((3,), 3), ((1, 9), 5), ((1, 2, 2, 9), 2), ((0, 4, 4, 9, 30), 4)]
)
def test_the_median(days, expected):
    assert dashboard.median(Counter(days)) == expected


def test_cases_are_grouped_by_level_and_age(issuer, customer):
    old = invoice_due(customer, date(2025, 11, 1), amount=10000)
    run(issuer, date(2025, 11, 10))
    invoice_due(CustomerFactory(issuer=issuer), DUE, amount=2500)
    run(issuer, FIRST)
    groups = dashboard.standing_cases([issuer.pk], today=date(2026, 1, 31))
    assert [(g.level, g.age, g.count, g.open) for g in groups] == [
        (1, "0-30", 1, Money.of("25.00", "EUR")),
        (2, "91", 1, Money.of("100.00", "EUR")),
    ]
    assert dashboard.standing_cases([IssuerFactory().pk], today=date(2026, 1, 31)) == []
    pay(old, date(2026, 1, 31))
    assert [g.level for g in dashboard.standing_cases([issuer.pk], today=date(2026, 1, 31))] == [1]


@pytest.mark.parametrize(
    ("due", "age"),
    [
        (date(2026, 3, 31), "0-30"),
        (date(2026, 3, 1), "0-30"),
        (date(2026, 2, 28), "31-60"),
        (date(2026, 1, 30), "31-60"),
        (date(2026, 1, 29), "61-90"),
        (date(2025, 12, 31), "61-90"),
        (date(2025, 12, 30), "91"),
    ],
)
def test_the_limits_of_an_age(issuer, customer, due, age):
    invoice = invoice_due(customer, due)
    Case.objects.create(issuer=issuer, customer=customer, document=invoice, opened_on=due, waiting_since=due)
    assert [g.age for g in dashboard.standing_cases([issuer.pk], today=date(2026, 3, 31))] == [age]


def test_a_locked_customer_counts_once(issuer, customer):
    for amount in (1000, 2000):
        invoice_due(customer, DUE, amount=amount, contract="V-1")
    assert dashboard.locked_customers([issuer.pk]) == 0
    for day in (FIRST, SECOND, THIRD):
        run(issuer, day)
    assert dashboard.locked_customers([issuer.pk]) == 1


def test_what_comes_in_before_the_first_letter_is_not_recovered(issuer, customer):
    soon = invoice_due(customer, DUE, amount=5000)
    pay(soon, date(2026, 1, 20))
    late = invoice_due(customer, DUE, amount=10000)
    run(issuer, FIRST)
    part = pay(late, date(2026, 1, 25), amount=Money.of("40.00", "EUR"))
    whole = dashboard.recovered([issuer.pk], since=date(2026, 1, 1), until=date(2026, 1, 31))
    assert whole == {"EUR": 4000}
    charge_back(payment_id=part.pk, day=date(2026, 2, 3))
    assert dashboard.recovered([issuer.pk], since=date(2026, 2, 1), until=date(2026, 2, 28)) == {"EUR": -4000}
    assert dashboard.recovered([issuer.pk], since=date(2026, 1, 1), until=date(2026, 2, 28)) == {}


@pytest.fixture
def story(issuer, after_commit):
    """Four claims of 100 are reminded: one is paid after 4 days, one after 10 in half, one is cancelled, one after
    the second letter paid the day it goes out."""
    documents = [invoice_due(CustomerFactory(issuer=issuer), DUE, amount=10000) for _number in range(4)]
    with at(FIRST):
        run(issuer, FIRST)
    with at(date(2026, 1, 26)), after_commit():
        pay(documents[0], date(2026, 1, 26))
    with at(date(2026, 2, 1)), after_commit():
        pay(documents[1], date(2026, 2, 1), amount=Money.of("50.00", "EUR"))
        cancel_document(document_id=documents[2].pk, reason="wrong", today=date(2026, 2, 1))
    with at(SECOND):
        run(issuer, SECOND)
    with at(SECOND), after_commit():
        pay(documents[3], SECOND)
    return documents


def test_success_of_each_level(issuer, story):
    first, second = dashboard.success([issuer.pk], **YEAR)
    assert (first.level, first.claims, first.paid, first.median_days) == (1, 4, 1, 4)
    assert (first.asked_minor, first.received_minor) == (40000, 15000)
    assert (second.level, second.claims, second.paid, second.median_days) == (2, 2, 1, 0)
    assert (second.asked_minor, second.received_minor) == (15000, 10000)
    assert (round(first.share_paid, 1), round(first.share_received, 1)) == (25.0, 37.5)


def test_success_of_the_letters_of_some_days_and_issuers_only(issuer, story):
    later = dashboard.success([issuer.pk], since=date(2026, 2, 1), until=date(2026, 2, 28))
    assert [row.level for row in later] == [2]
    assert dashboard.success([IssuerFactory().pk], **YEAR) == []


def test_fees_are_not_what_a_letter_asked_for(issuer, customer, procedure):
    Level.objects.filter(procedure=procedure).update(fee_minor=500)
    invoice_due(customer, DUE, amount=10000)
    run(issuer, FIRST)
    run(issuer, SECOND)
    assert [row.asked_minor for row in dashboard.success([issuer.pk], **YEAR)] == [10000, 10000]


def test_each_version_of_the_texts_by_itself(issuer, procedure, story):
    version = ProcedureVersion.objects.create(procedure=procedure, number=7, content={}, digest="x")
    case_of(story[0]).steps.filter(kind="letter").update(version=version)
    rows = dashboard.success([issuer.pk], **YEAR, by_version=True)
    by_name = {(row.level, row.version): (row.claims, row.paid) for row in rows}
    assert by_name[1, f"{procedure} · 7"] == (1, 1)
    assert sum(claims for claims, _paid in by_name.values()) == 6


def test_the_figures_ask_as_much_for_many_cases_as_for_few(issuer, story):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            dashboard.standing_cases([issuer.pk], today=SECOND)
            dashboard.locked_customers([issuer.pk])
            dashboard.recovered([issuer.pk], **YEAR)
            dashboard.success([issuer.pk], **YEAR)
            dashboard.success([issuer.pk], **YEAR, by_version=True)
        return len(captured)

    few = queries()
    assert few <= 8
    for _number in range(5):
        invoice_due(CustomerFactory(issuer=issuer), DUE)
    run(issuer, THIRD)
    assert queries() == few
