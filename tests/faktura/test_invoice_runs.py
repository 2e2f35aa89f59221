"""Invoice runs: period, filters, preview, repeatable into the same run, by hand and on a schedule."""

from datetime import UTC, date, datetime

import pytest

from cms_billing.core import clock, outbox
from cms_billing.faktura.exceptions import WrongPeriod
from cms_billing.faktura.models import Booking, Document, InvoiceRun, RunSchedule
from cms_billing.faktura.services import (
    cancel_document,
    delete_draft,
    finalise_drafts,
    preview_run,
    start_due_schedules,
    start_invoice_run,
)
from cms_billing.faktura.services.runs import latest_day
from cms_billing.testing.factories import BookingFactory, CustomerFactory, IssuerFactory

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 2)
FEBRUARY = {"period_start": date(2026, 2, 1), "period_end": date(2026, 2, 28)}


@pytest.fixture(autouse=True)
def second_of_march():
    with clock.frozen(datetime(2026, 3, 2, 9, tzinfo=UTC)):
        yield


@pytest.fixture
def issuer(db):
    return IssuerFactory(invoice_daily=False)


def booking(issuer, due_on=date(2026, 2, 10), **changes) -> Booking:
    changes = {"customer": None, **changes}
    changes["customer"] = changes["customer"] or CustomerFactory(issuer=issuer)
    return BookingFactory(due_on=due_on, **changes)


def run(issuer, **changes) -> InvoiceRun:
    run = start_invoice_run(issuer=issuer, today=TODAY, **{**FEBRUARY, **changes})
    outbox.drain(InvoiceRun, now=clock.now())
    return InvoiceRun.objects.get(pk=run.pk)


def test_run_makes_drafts_of_what_is_due_in_its_period(issuer):
    inside, _before, _after = (
        booking(issuer),
        booking(issuer, date(2026, 1, 31)),
        booking(issuer, date(2026, 3, 1)),
    )
    made = run(issuer)
    [draft] = made.documents.all()
    assert (draft.state, draft.customer) == ("draft", inside.customer)
    assert (made.work_state, made.taken, made.expected) == ("done", 1, 1)


def test_run_issues_at_once_where_asked(issuer):
    booking(issuer)
    [invoice] = run(issuer, result="issued").documents.all()
    assert invoice.number == "RE-2026-000001"


def test_drafts_of_a_run_wait_for_the_issuers_days(issuer):
    issuer.draft_days = 3
    issuer.save()
    booking(issuer)
    assert run(issuer).documents.get().finalise_on == date(2026, 3, 5)


@pytest.mark.parametrize(
    "filters", [{"customer_kind": "business"}, {"source": "contract_line"}, {"contract": "V-"}]
)
def test_filters_take_only_their_bookings(issuer, filters):
    booking(issuer, contract_reference="X-1")
    wanted = booking(
        issuer,
        customer=CustomerFactory(issuer=issuer, kind="business"),
        source="contract_line",
        contract_reference="V-000001",
    )
    assert [d.customer for d in run(issuer, **filters).documents.all()] == [wanted.customer]


def test_same_period_and_filters_add_to_the_same_run(issuer):
    booking(issuer)
    first = run(issuer)
    booking(issuer)
    again = run(issuer)
    assert again.pk == first.pk
    assert (again.documents.count(), again.taken, again.expected) == (2, 1, 1)
    assert run(issuer, result="issued").pk != first.pk


def test_repeated_without_news_it_makes_nothing(issuer):
    booking(issuer)
    run(issuer)
    assert run(issuer).documents.count() == 1


def test_deleted_draft_comes_back_with_the_next_repeat(issuer):
    booking(issuer)
    delete_draft(document_id=run(issuer).documents.get().pk)
    assert run(issuer).documents.count() == 1


def test_cancelled_invoice_is_billed_again_by_the_same_run(issuer):
    booking(issuer)
    first = run(issuer)
    finalise_drafts(issuer=issuer, document_ids=[first.documents.get().pk], today=TODAY)
    cancel_document(document_id=first.documents.get().pk, reason="Adresse", today=TODAY)
    assert run(issuer).documents.filter(state="draft").count() == 1


def test_broken_customer_stops_nobody_and_is_named(issuer):
    booking(issuer, customer=CustomerFactory(issuer=issuer, street=""))
    booking(issuer)
    made = run(issuer)
    assert made.documents.count() == 1
    [problem] = made.problems
    assert "street of the customer" in problem["reason"]


def test_preview_shows_what_the_run_then_makes_and_writes_nothing(issuer):
    for _n in range(3):
        booking(issuer)
    booking(issuer, customer=CustomerFactory(issuer=issuer, street=""))
    preview = preview_run(InvoiceRun(issuer=issuer, **FEBRUARY), today=TODAY, shown=2)
    assert (preview.documents, str(preview.totals["EUR"]), len(preview.first)) == (3, "29.70 EUR", 2)
    assert len(preview.problems) == 1
    assert not Document.objects.exists()
    assert run(issuer).documents.count() == 3


def test_killed_run_goes_on_after_its_last_chunk(issuer, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "CHUNK_SIZE": 2}
    for _n in range(5):
        booking(issuer)
    started = start_invoice_run(issuer=issuer, today=TODAY, **FEBRUARY)
    from cms_billing.faktura.services.runs import _next_chunk

    assert _next_chunk(started.pk)
    assert Document.objects.count() == 2
    outbox.drain(InvoiceRun, now=clock.now())
    started.refresh_from_db()
    assert (started.documents.count(), started.taken, started.work_state) == (5, 5, "done")


@pytest.mark.parametrize(
    "period",
    [
        {"period_start": date(2026, 2, 2), "period_end": date(2026, 2, 1)},
        {"period_start": date(2026, 2, 2), "period_end": date(2026, 3, 3)},
    ],
)
def test_periods_that_cannot_be_meant_are_refused(issuer, period):
    with pytest.raises(WrongPeriod):
        start_invoice_run(issuer=issuer, today=TODAY, **period)


@pytest.mark.parametrize(
    ("every", "day", "today", "latest"),
    [
        ("month", 1, date(2026, 3, 2), date(2026, 3, 1)),
        ("month", 15, date(2026, 3, 2), date(2026, 2, 15)),
        ("month", 31, date(2026, 3, 2), date(2026, 2, 28)),
        ("month", 31, date(2028, 2, 29), date(2028, 2, 29)),
        ("month", 2, date(2026, 3, 2), date(2026, 3, 2)),
        ("month", 31, date(2026, 1, 2), date(2025, 12, 31)),
        ("week", 1, date(2026, 3, 2), date(2026, 3, 2)),
        ("week", 7, date(2026, 3, 2), date(2026, 3, 1)),
        ("week", 2, date(2026, 3, 2), date(2026, 2, 24)),
    ],
)
def test_schedule_was_last_due(every, day, today, latest):
    assert latest_day(every, day, today=today) == latest


class TestSchedule:
    @pytest.fixture
    def monthly(self, issuer):
        return RunSchedule.objects.create(issuer=issuer, name="Monatlich", every="month", day=2)

    def test_it_starts_once_on_its_day(self, issuer, monthly):
        booking(issuer)
        [started] = start_due_schedules(issuer=issuer, today=TODAY)
        assert (started.schedule, started.period_end) == (monthly, TODAY)
        assert start_due_schedules(issuer=issuer, today=TODAY) == []

    def test_day_without_daily_run_is_made_up_for(self, issuer, monthly):
        monthly.last_day = date(2026, 2, 2)
        monthly.save()
        [started] = start_due_schedules(issuer=issuer, today=date(2026, 3, 5))
        assert started.period_end == TODAY

    def test_new_schedule_waits_for_its_next_day(self, issuer, monthly):
        assert start_due_schedules(issuer=issuer, today=date(2026, 3, 5)) == []
        assert len(start_due_schedules(issuer=issuer, today=date(2026, 4, 2))) == 1

    def test_inactive_schedule_stays_quiet(self, issuer, monthly):
        RunSchedule.objects.update(is_active=False)
        assert start_due_schedules(issuer=issuer, today=TODAY) == []
