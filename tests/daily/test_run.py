"""The run step by step: what is parked, what is shown before it happens, and when it starts by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_billing.core.money import Money
from cms_billing.daily.contract_days import contract_days
from cms_billing.daily.models import DailyRun, ParkedRow, RunStep
from cms_billing.daily.preview import preview
from cms_billing.daily.services import WrongDay, check_day, run_daily
from cms_billing.daily.steps import Book, ChunkStep, Issue, Taken
from cms_billing.daily.tasks import start_due_runs
from cms_billing.faktura.models import Booking, Document, OpenItem
from cms_billing.faktura.services import cancel_document
from cms_billing.memberships.models import ContractLine
from cms_billing.payments.models import Payment
from cms_billing.payments.services import record_payment
from cms_billing.testing.factories import (
    CustomerFactory,
    IssuerFactory,
    PaymentMethodFactory,
    PlanFactory,
    signed_contract,
)

START, TODAY = date(2026, 1, 15), date(2026, 2, 16)

pytestmark = pytest.mark.django_db


def contracts(count: int, **of_customer) -> list:
    plan = PlanFactory()
    return [
        signed_contract(
            start=START, plan=plan, customer=CustomerFactory(issuer=plan.issuer, **of_customer), today=START
        )
        for _number in range(count)
    ]


def test_run_records_its_steps_and_what_the_day_brought():
    issuer = contracts(3)[0].issuer
    run = run_daily(issuer=issuer, today=START)
    assert run.state == DailyRun.State.DONE
    assert [(step.name, step.done) for step in run.steps.all()] == [
        ("book", 3), ("runs", 0), ("issue", 3), ("finalise", 0), ("settle", 0), ("agreements", 0),
        ("collect", 0), ("render", 3), ("deliver", 3), ("dun", 0), ("hand_over", 0), ("reconcile", 0), ("report", 1),
    ]  # fmt: skip
    assert {step.state for step in run.steps.all()} == {RunStep.State.DONE}
    assert run.report["issued"] == {"invoice": {"count": 3, "currency": "EUR", "gross_minor": 2970}}
    assert run.report["open_minor"] == {"EUR": 2970}


def test_credit_settles_the_new_invoice_before_anything_is_collected():
    """Cancelled for a wrong address after it was paid, billed again: nobody pays twice."""
    [contract] = contracts(1)
    run_daily(issuer=contract.issuer, today=START)
    [wrong] = Document.objects.all()
    record_payment(
        customer_id=contract.customer_id, amount=wrong.gross, received_on=START, way="transfer", today=START
    )
    cancel_document(document_id=wrong.pk, reason="Adresse", today=START)
    run_daily(issuer=contract.issuer, today=START)
    again = Document.objects.filter(kind="invoice").latest("pk")
    assert again != wrong
    assert again.open_item.open_minor == 0


def test_issuer_may_keep_credit_for_a_refund():
    [contract] = contracts(1)
    contract.issuer.use_credit = False
    contract.issuer.save()
    credit = Money.of("20.00", "EUR")
    record_payment(
        customer_id=contract.customer_id, amount=credit, received_on=START, way="cash", today=START
    )
    run_daily(issuer=contract.issuer, today=START)
    assert Document.objects.get().open_item.open_minor == 990


def test_customer_without_address_is_parked_by_name_and_stops_nobody():
    good, bad = contracts(2)
    bad.customer.street = ""
    bad.customer.save()
    run_daily(issuer=good.issuer, today=START)
    assert [document.customer for document in Document.objects.all()] == [good.customer]
    parked = ParkedRow.objects.get()
    assert (parked.step, parked.label) == ("issue", str(bad.customer))
    assert "street of the customer" in parked.reason

    run_daily(issuer=good.issuer, today=START)
    assert ParkedRow.objects.count() == 1

    bad.customer.street = "Gartenweg 3"
    bad.customer.save()
    run_daily(issuer=good.issuer, today=START)
    assert Document.objects.count() == 2
    assert ParkedRow.objects.get().resolved_at


def test_contract_with_a_due_date_of_another_century_is_parked_and_the_others_are_billed():
    good, bad = contracts(2)
    ContractLine.objects.filter(contract=bad).update(anchor=date(1926, 1, 15), next_due=date(1926, 1, 15))
    run_daily(issuer=good.issuer, today=START)
    assert Document.objects.count() == 1
    assert bad.number in ParkedRow.objects.get().reason


class Stumbling(ChunkStep):
    """A step over customers that stumbles over one of them, as a bug or a database error would make it."""

    name, label, subject = "stumbling", "stumbling", "app.Row"

    def __init__(self, bad: int) -> None:
        self.bad, self.taken = bad, []

    def due(self, issuer, today):
        return issuer.customers.exclude(pk__in=self.taken)

    def take(self, issuer, today, *, after, wait, limit):
        keys = list(
            self.due(issuer, today).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit]
        )
        if self.bad in keys:
            raise ZeroDivisionError("division by zero")
        self.taken += keys
        return Taken(len(keys), [], keys[-1] if keys else None)


def test_row_that_breaks_its_chunk_is_isolated():
    issuer = IssuerFactory()
    customers = [CustomerFactory(issuer=issuer) for _number in range(5)]
    step, parked = Stumbling(customers[2].pk), []
    step.run(issuer, TODAY, park=parked.extend, progress=lambda done, failed: None)
    assert sorted(step.taken) == [c.pk for c in customers if c != customers[2]]
    assert {(problem.subject_id, problem.reason) for problem in parked} == {
        (customers[2].pk, "division by zero")
    }


def test_dry_run_tells_what_the_run_then_does_and_writes_nothing(
    django_assert_max_num_queries, fake_provider
):
    signed = contracts(2)
    issuer = signed[0].issuer
    PaymentMethodFactory(customer=signed[0].customer)
    planned = list(preview(issuer, today=TODAY))
    assert not Booking.objects.exists()
    assert not DailyRun.objects.exists()
    booked = [line.amount.minor for line in planned if line.step == "book"]
    issued = sum(line.amount.minor for line in planned if line.step == "issue")

    run_daily(issuer=issuer, today=TODAY)
    assert sorted(booked) == sorted(Booking.objects.values_list("unit_price_minor", flat=True)) == [990] * 4
    assert issued == sum(Document.objects.values_list("gross_minor", flat=True)) == 3960


def test_dry_run_asks_no_more_of_the_database_for_more_contracts(django_assert_max_num_queries):
    issuer = contracts(25)[0].issuer
    with django_assert_max_num_queries(16):
        assert len(list(preview(issuer, today=START))) == 50


@pytest.mark.postgres
def test_run_takes_as_many_statements_for_sixty_contracts_as_for_thirty():
    counts = []
    for size in (30, 60):
        issuer = contracts(size)[0].issuer
        with CaptureQueriesContext(connection) as queries:
            for step in (Book(), Issue()):
                step.run(issuer, START, park=lambda problems: None, progress=lambda done, failed: None)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_due_invoice_is_collected_from_the_stored_method_on_its_due_date(fake_provider):
    contract = contracts(1)[0]
    PaymentMethodFactory(customer=contract.customer)
    run_daily(issuer=contract.issuer, today=START)
    assert not Payment.objects.exists()
    due = Document.objects.get().due_on
    run_daily(issuer=contract.issuer, today=due)
    run_daily(issuer=contract.issuer, today=due)
    assert Payment.objects.get().state == Payment.State.SETTLED
    assert not OpenItem.objects.open().exists()


def test_hourly_task_starts_the_run_when_morning_has_come_to_the_issuer(clock, monkeypatch):
    started = []
    monkeypatch.setattr(
        "cms_billing.daily.tasks.start_run", lambda *, issuer, today: started.append((issuer, today))
    )
    berlin = IssuerFactory(time_zone="Europe/Berlin")
    auckland = IssuerFactory(time_zone="Pacific/Auckland")
    clock.set(datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
    start_due_runs()
    assert started == [(auckland, date(2026, 4, 1))]
    clock.set(datetime(2026, 4, 1, 3, 30, tzinfo=UTC))
    started.clear()
    DailyRun.objects.create(issuer=auckland, day=date(2026, 4, 1), state=DailyRun.State.DONE)
    start_due_runs()
    assert started == [(berlin, date(2026, 4, 1))]


@pytest.mark.parametrize("day", [date(2026, 2, 17), date(2025, 2, 16)])
def test_run_of_a_day_to_come_or_long_past_is_refused(day):
    with pytest.raises(WrongDay):
        check_day(day, today=TODAY)


def test_command_shows_steps_sums_and_parked_rows(clock):
    clock.set(START)
    contract, bad = contracts(2)
    bad.customer.city = ""
    bad.customer.save()
    out = StringIO()
    call_command("billing_daily", issuer=contract.issuer.name, stdout=out, no_color=True)
    assert "book     2 of 2" in out.getvalue()
    assert "issued today: 1 × invoice, 9.90 EUR" in out.getvalue()
    assert "city of the customer" in out.getvalue()


def test_command_dry_run_lists_amounts(clock):
    clock.set(START)
    contract = contracts(1)[0]
    out = StringIO()
    call_command("billing_daily", "--dry-run", stdout=out, no_color=True)
    assert contract.number in out.getvalue()
    assert "issue: 1, 9.90 EUR" in out.getvalue()
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--issuer", "Nobody"], "no active issuer called 'Nobody'"),
        (["--date", "31.12.2026"], "write it like 2026-11-22"),
        (["--date", "2199-01-01"], "still to come"),
    ],
)
def test_command_says_what_is_wrong_with_its_arguments(arguments, message):
    IssuerFactory()
    with pytest.raises(CommandError, match=message):
        call_command("billing_daily", *arguments)


def test_a_file_for_an_agency_says_when_the_contract_was_made():
    contract = contracts(1)[0]
    run_daily(issuer=contract.issuer, today=START)
    invoice = Document.objects.get(kind="invoice")
    made = min(contract.start, contract.created_at.date())
    assert contract_days([invoice]) == {invoice.pk: {"contract_day": made.isoformat()}}
    assert contract_days([]) == {}
