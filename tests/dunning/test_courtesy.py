"""Good manners: payments under way, retries, statements, weekends, holidays, small amounts; each with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from cms_billing.core import clock
from cms_billing.dunning import courtesy
from cms_billing.dunning.models import Procedure
from cms_billing.dunning.rules import Hindrance, ProcedureFacts, Reason
from cms_billing.dunning.services import dun_next_customers, preview, take_next_step
from cms_billing.payments.exceptions import ImplausiblePayment
from cms_billing.payments.models import (
    ChargePlan,
    Payer,
    Payment,
    PaymentSession,
    SessionDocument,
    StatementDay,
)
from cms_billing.payments.services import note_statements
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, ProviderAccountFactory

from .conftest import case_of, invoice_due, run
from .test_holds import clerk

pytestmark = pytest.mark.django_db

DUE = date(2026, 1, 15)
FIRST = date(2026, 1, 22)  # a Thursday
SECOND = date(2026, 2, 5)
SATURDAY = date(2026, 1, 24)


def skips(issuer, today) -> list[str]:
    return [step.skipped_because for step in preview(issuer=issuer, today=today) if step.skipped_because]


def change(procedure: Procedure, **values) -> None:
    for row in Procedure.objects.filter(issuer=procedure.issuer):
        for name, value in values.items():
            setattr(row, name, value)
        row.full_clean()
        row.save()


# Days off


@pytest.mark.parametrize(
    ("weekends", "region", "day", "expected"),
    [
        (True, "", FIRST, None),
        (True, "", SATURDAY, Hindrance(Reason.WEEKEND, date(2026, 1, 25))),
        (True, "", date(2026, 1, 25), Hindrance(Reason.WEEKEND, date(2026, 1, 25))),
        (False, "", SATURDAY, None),
        # Good Friday to Easter Monday, whole of it where weekends are avoided too.
        (True, "DE", date(2026, 4, 3), Hindrance(Reason.HOLIDAY, date(2026, 4, 6), "Good Friday")),
        (False, "DE", date(2026, 4, 3), Hindrance(Reason.HOLIDAY, date(2026, 4, 3), "Good Friday")),
        (False, "DE", date(2026, 4, 4), None),
        # Corpus Christi is one in North Rhine-Westphalia, not in Berlin.
        (False, "DE-NW", date(2026, 6, 4), Hindrance(Reason.HOLIDAY, date(2026, 6, 4), "Corpus Christi")),
        (False, "DE-BE", date(2026, 6, 4), None),
        (False, "nowhere", date(2026, 6, 4), None),
    ],
)
def test_days_off(weekends, region, day, expected):
    facts = ProcedureFacts((), avoid_weekends=weekends, holidays=region)
    assert courtesy.day_off(facts, day) == expected


def test_holidays_are_named_in_the_readers_language_or_the_countrys_own():
    for language, name in (("de", "Karfreitag"), ("en", "Good Friday"), ("it", "Good Friday")):
        with override(language):
            assert courtesy.holidays_of("DE", 2026)[date(2026, 4, 3)] == name


def test_what_would_have_gone_out_at_the_weekend_goes_out_on_monday(issuer, procedure, customer):
    change(procedure, avoid_weekends=True)
    invoice_due(customer, SATURDAY - timedelta(days=7))
    assert run(issuer, SATURDAY) == []
    assert skips(issuer, SATURDAY) == ["No letters at weekends."]
    assert run(issuer, date(2026, 1, 25)) == []
    assert len(run(issuer, date(2026, 1, 26))) == 1


def test_on_a_holiday_the_day_is_named_and_a_person_may_write_all_the_same(issuer, procedure, customer):
    change(procedure, holidays="de-nw")
    invoice = invoice_due(customer, date(2026, 5, 10))
    run(issuer, date(2026, 5, 18))
    assert run(issuer, date(2026, 6, 4)) == []
    assert skips(issuer, date(2026, 6, 4)) == ["No letters on holidays. (Corpus Christi)"]
    take_next_step(case_id=case_of(invoice).pk, today=date(2026, 6, 4))
    assert case_of(invoice).level == 2


@pytest.mark.parametrize("region", ["XX", "DE-XX", "Germany, all of it"[:8]])
def test_an_unknown_region_is_refused_when_it_is_saved(procedure, region):
    procedure.holidays = region
    with pytest.raises(ValidationError, match="No holidays are known"):
        procedure.full_clean()


# Bank statements


def test_no_letter_before_the_statement_of_the_day_before_was_looked_through(issuer, procedure, customer):
    change(procedure, wait_for_statement=True)
    invoice_due(customer, DUE)
    assert run(issuer, FIRST) == []
    assert "has not been looked through yet" in skips(issuer, FIRST)[0]
    note_statements(issuer=issuer, through=date(2026, 1, 20), today=FIRST)
    assert run(issuer, FIRST) == []
    note_statements(issuer=issuer, through=date(2026, 1, 21), today=FIRST)
    assert skips(issuer, FIRST) == []
    assert len(run(issuer, FIRST)) == 1


def test_also_what_is_ready_for_collection_waits_for_the_statement(issuer, procedure, customer):
    invoice = invoice_due(customer, DUE)
    for day in (FIRST, SECOND, date(2026, 2, 19)):
        run(issuer, day)
    change(procedure, wait_for_statement=True)
    run(issuer, date(2026, 3, 2))
    assert case_of(invoice).state == "open"
    note_statements(issuer=issuer, through=date(2026, 3, 2), today=date(2026, 3, 2))
    run(issuer, date(2026, 3, 2))
    assert case_of(invoice).state == "ready_for_collection"


def test_statements_of_the_neighbour_say_nothing(issuer, procedure, customer):
    change(procedure, wait_for_statement=True)
    note_statements(issuer=IssuerFactory(), through=FIRST, today=FIRST)
    invoice_due(customer, DUE)
    assert run(issuer, FIRST) == []


def test_noting_statements_again_changes_nothing_and_a_day_to_come_is_refused(issuer):
    first = note_statements(issuer=issuer, through=FIRST, today=FIRST)
    again = note_statements(issuer=issuer, through=FIRST, today=SECOND)
    assert (again.pk, again.noted_at) == (first.pk, first.noted_at)
    with pytest.raises(ImplausiblePayment):
        note_statements(issuer=issuer, through=SECOND, today=FIRST)
    note_statements(issuer=issuer, through=DUE, today=FIRST)
    assert StatementDay.objects.get().through == DUE


def test_an_editor_notes_statements_on_the_page_of_the_issuer(client, issuer):
    with clock.frozen(datetime(2026, 1, 22, 10, tzinfo=UTC)):
        clerk(client, issuer, "view_issuer", "record_payment")
        url = reverse("billing_statements", args=[issuer.pk])
        page = reverse("billing-issuer:inspect", args=[issuer.pk])
        assert url in client.get(page).content.decode()
        assert "2026-01-21" in client.get(url).content.decode()
        client.post(url, {"through": "2026-01-21"})
        assert StatementDay.objects.get().through == date(2026, 1, 21)
        assert "01/21/2026" in client.get(page).content.decode()
        assert "still to come" in client.post(url, {"through": "2026-01-23"}).content.decode()


def test_statements_are_for_who_may_record_payments_of_this_issuer(client, issuer):
    url = reverse("billing_statements", args=[issuer.pk])
    clerk(client, IssuerFactory(), "view_issuer", "record_payment")
    assert client.post(url, {"through": "2026-01-21"}).status_code == 404
    clerk(client, issuer, "view_issuer")
    assert client.post(url, {"through": "2026-01-21"}).url == reverse("wagtailadmin_home")
    assert not StatementDay.objects.exists()


# Small amounts


def test_who_owes_less_than_the_minimum_in_all_gets_no_letter(issuer, procedure, customer):
    change(procedure, minimum_minor=1000)
    first = invoice_due(customer, DUE, amount=990)
    assert run(issuer, FIRST) == []
    assert skips(issuer, FIRST) == ["Less is owed than the amount letters are written for. (€10.00)"]
    second = invoice_due(customer, date(2026, 1, 20), amount=10)
    (letter,) = run(issuer, date(2026, 1, 23))
    assert {claim["number"] for claim in letter.extra["claims"]} == {first.number, second.number}


def test_what_is_held_counts_for_nothing_towards_the_minimum(issuer, procedure, customer):
    from cms_billing.dunning.services import set_hold

    change(procedure, minimum_minor=1000)
    small, big = invoice_due(customer, DUE, amount=100), invoice_due(customer, DUE, amount=5000)
    set_hold(customer_id=customer.pk, kind="dispute", document_id=big.pk, reason="x", today=FIRST)
    assert run(issuer, FIRST) == []
    assert not small.dunning_cases.exists()


# Money on its way


def under_way(document, state: str) -> Payment:
    return Payment.objects.create(
        issuer=document.issuer,
        customer=document.customer,
        way="provider",
        provider="fake",
        document=document,
        amount_minor=990,
        currency="EUR",
        state=state,
    )


@pytest.mark.usefixtures("procedure")
@pytest.mark.parametrize("state", ["created", "pending"])
def test_a_debit_in_clearing_keeps_the_letter_back(issuer, customer, state):
    invoice = invoice_due(customer, DUE)
    payment = under_way(invoice, state)
    assert run(issuer, FIRST) == []
    assert skips(issuer, FIRST) == ["A payment for the document is under way."]
    Payment.objects.filter(pk=payment.pk).update(state="failed")
    assert len(run(issuer, FIRST)) == 1


@pytest.mark.usefixtures("procedure")
@pytest.mark.parametrize(
    ("state", "money", "held"),
    [
        ("completed", "pending", True),
        ("completed", "settled", True),
        ("completed", "failed", False),
        ("expired", "", False),
    ],
)
def test_money_from_a_payment_page_that_is_not_booked_yet_keeps_the_letter_back(
    issuer, customer, state, money, held
):
    invoice = invoice_due(customer, DUE)
    account = ProviderAccountFactory(issuer=issuer)
    session = PaymentSession.objects.create(
        issuer=issuer,
        account=account,
        payer=Payer.objects.create(account=account),
        customer=customer,
        purpose="documents",
        subject="x",
        amount_minor=990,
        currency="EUR",
        state=state,
        money=money,
    )
    SessionDocument.objects.create(session=session, document=invoice)
    assert (run(issuer, FIRST) == []) is held


# Retries


def plan(document, *, next_on: date | None, stop: str = "", refused_on: date = DUE) -> ChargePlan:
    values = {"next_on": next_on, "stopped_because": stop, "attempts": 1, "refused_on": refused_on}
    return ChargePlan.objects.update_or_create(document=document, defaults=values)[0]


@pytest.mark.usefixtures("procedure")
def test_the_retry_falls_before_the_letter_and_the_waiting_days_count_on(issuer, customer):
    invoice = invoice_due(customer, DUE)
    plan(invoice, next_on=date(2026, 1, 24))
    for day in (FIRST, date(2026, 1, 23), date(2026, 1, 24)):
        assert run(issuer, day) == []
    assert skips(issuer, FIRST) == ["The payment is going to be tried again on 01/24/2026."]
    plan(invoice, next_on=date(2026, 1, 29), refused_on=date(2026, 1, 24))
    assert run(issuer, date(2026, 1, 29)) == []
    # Not seven days after the last attempt: they have been over since 22 January.
    assert len(run(issuer, date(2026, 1, 30))) == 1
    plan(invoice, next_on=date(2026, 2, 13), refused_on=date(2026, 2, 12))
    assert run(issuer, date(2026, 2, 13)) == []
    (second,) = run(issuer, date(2026, 2, 14))
    assert second.extra["level"] == 2


# How much is asked


def test_courtesy_takes_the_same_statements_for_many(issuer, procedure):
    change(procedure, wait_for_statement=True, avoid_weekends=True, holidays="DE-NW", minimum_minor=1)
    note_statements(issuer=issuer, through=FIRST, today=FIRST)

    def statements(customers: int) -> int:
        made = CustomerFactory.create_batch(customers, issuer=issuer)
        for customer in made:
            invoice_due(customer, DUE)
            plan(invoice_due(customer, DUE, amount=500), next_on=FIRST)
        with CaptureQueriesContext(connection) as captured:
            batch = dun_next_customers(issuer=issuer, today=FIRST, after_customer=made[0].pk - 1)
        assert len(batch.done) == customers
        return len(captured)

    statements(1)
    assert statements(1) == statements(10)
