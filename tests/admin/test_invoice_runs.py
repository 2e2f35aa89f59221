"""Invoice runs in the admin: tried out, started, watched, their drafts issued; and their schedules."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Document, InvoiceRun, RunSchedule
from cms_billing.faktura.services import next_day, start_invoice_run
from cms_billing.faktura.tasks import issue_due_drafts
from cms_billing.faktura.viewsets import invoice_runs
from cms_billing.testing.factories import BookingFactory, CustomerFactory

from .conftest import TODAY

pytestmark = pytest.mark.django_db

NEW = "billing-invoicerun:new"
MARCH = {"period_start": "2026-03-01", "period_end": "2026-03-31"}


def asked(issuer, **changes) -> dict:
    return {
        "issuer": issuer.pk,
        **MARCH,
        "customer_kind": "",
        "source": "manual",
        "contract": "",
        "result": "drafts",
        **changes,
    }


def bookings(issuer, count: int = 1, **changes) -> None:
    for _n in range(count):
        customer = CustomerFactory(issuer=issuer, **changes)
        BookingFactory(customer=customer, due_on=date(2026, 3, 5))


def work() -> None:
    outbox.drain(InvoiceRun, now=clock.now())


def finished(issuer, count: int = 2) -> InvoiceRun:
    bookings(issuer, count)
    run = start_invoice_run(
        issuer=issuer,
        period_start=date(2026, 3, 1),
        period_end=date(2026, 3, 31),
        today=TODAY,
        source="manual",
    )
    work()
    return InvoiceRun.objects.get(pk=run.pk)


def page(client, run: InvoiceRun):
    return client.get(reverse("billing-invoicerun:inspect", args=[run.pk]))


def messages_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_preview_says_what_a_run_would_make_and_writes_nothing(accountant, ours):
    bookings(ours.issuer, 2)
    bookings(ours.issuer, street="")
    answer = accountant.get(reverse(NEW), asked(ours.issuer))
    preview = answer.context["preview"]
    assert (preview.customers, preview.documents, len(preview.problems)) == (3, 2, 1)
    assert "€19.80" in answer.content.decode()
    assert "street of the customer" in answer.content.decode()
    assert not InvoiceRun.objects.exists()


def test_preview_shows_what_runs_of_the_period_have_made(accountant, ours):
    finished(ours.issuer)
    bookings(ours.issuer)
    answer = accountant.get(reverse(NEW), asked(ours.issuer))
    [before] = answer.context["before"]
    assert (before["count"], before["sums"]) == (2, "€19.80")
    assert answer.context["same_run"] is not None
    assert answer.context["preview"].documents == 1


def test_started_run_is_done_by_the_worker(accountant, ours):
    bookings(ours.issuer, 2)
    answer = accountant.post(reverse(NEW), asked(ours.issuer), follow=True)
    run = InvoiceRun.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("billing-invoicerun:inspect", args=[run.pk])
    assert 'data-running="true"' in answer.content.decode()
    assert run.documents.count() == 0
    work()
    assert 'data-running="false"' in page(accountant, run).content.decode()
    assert run.documents.filter(state="draft").count() == 2
    assert run.started_by == accountant.user


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"period_end": "2026-04-01"}, "what is not due yet"),
        ({"period_end": "2026-02-01"}, "cannot end before"),
        ({"period_start": "yesterday"}, "valid date"),
        ({"result": "miracles"}, "not one of the available"),
    ],
)
def test_wrong_period_is_refused_and_kept_as_typed(changes, complaint, accountant, ours):
    for send in (accountant.get, accountant.post):
        answer = send(reverse(NEW), asked(ours.issuer, contract="V-77", **changes))
        assert answer.status_code == 200
        assert complaint in answer.content.decode()
        assert 'value="V-77"' in answer.content.decode()
    assert not InvoiceRun.objects.exists()


def test_all_drafts_of_a_run_are_issued(accountant, ours):
    run = finished(ours.issuer)
    answer = accountant.post(reverse("billing-invoicerun:finalise", args=[run.pk]), follow=True)
    assert "2 documents have been issued" in messages_of(answer)
    assert run.documents.filter(state="issued").count() == 2


def test_many_drafts_are_issued_by_a_worker(accountant, ours, monkeypatch):
    monkeypatch.setattr(invoice_runs, "AT_ONCE", 1)
    run = finished(ours.issuer)
    answer = accountant.post(reverse("billing-invoicerun:finalise", args=[run.pk]), follow=True)
    assert "A worker issues the 2 drafts" in messages_of(answer)
    assert set(run.documents.values_list("state", "finalise_on")) == {("draft", TODAY)}
    assert issue_due_drafts(ours.issuer.pk) == 2
    assert run.documents.filter(state="issued").count() == 2


def test_run_again_takes_what_has_come_since(accountant, ours):
    run = finished(ours.issuer)
    bookings(ours.issuer)
    accountant.post(reverse("billing-invoicerun:again", args=[run.pk]))
    work()
    assert run.documents.count() == 3


def test_run_under_way_is_neither_issued_nor_started_again(accountant, ours):
    run = finished(ours.issuer)
    InvoiceRun.objects.filter(pk=run.pk).update(work_state="running")
    for name in ("finalise", "again"):
        answer = accountant.post(reverse(f"billing-invoicerun:{name}", args=[run.pk]), follow=True)
        assert "under way" in messages_of(answer)


@pytest.mark.parametrize("name", ["inspect", "progress", "finalise", "again"])
def test_neighbours_run_is_not_found(name, accountant, ours, theirs):
    run = finished(theirs.issuer)
    assert accountant.get(reverse(f"billing-invoicerun:{name}", args=[run.pk])).status_code == 404


def test_neighbours_issuer_is_no_choice(accountant, ours, theirs):
    answer = accountant.post(reverse(NEW), asked(theirs.issuer))
    assert "Select a valid choice" in answer.content.decode()
    assert not InvoiceRun.objects.exists()


@pytest.mark.parametrize("name", ["new", "finalise", "again"])
def test_who_may_only_look_starts_and_issues_nothing(name, auditor, editor, ours):
    run = finished(ours.issuer)
    args = [] if name == "new" else [run.pk]
    for client in (auditor, editor):
        answer = client.post(reverse(f"billing-invoicerun:{name}", args=args), follow=True)
        assert answer.status_code == 403 or "permission" in messages_of(answer)
    assert not run.documents.filter(state="issued").exists()


def test_page_of_a_run_asks_as_often_for_many_documents_as_for_few(
    accountant, ours, django_assert_max_num_queries
):
    run = finished(ours.issuer, 2)
    page(accountant, run)
    with django_assert_max_num_queries(40) as few:
        page(accountant, run)
    bookings(ours.issuer, 8)
    accountant.post(reverse("billing-invoicerun:again", args=[run.pk]))
    work()
    page(accountant, run)
    with django_assert_max_num_queries(40) as many:
        page(accountant, run)
    assert len(many) <= len(few)
    assert Document.objects.filter(invoice_run=run).count() == 10


# -- schedules ---------------------------------------------------------------------------------------------------------


def test_schedule_shows_the_day_it_starts_next(accountant, ours):
    data = {
        "issuer": ours.issuer.pk,
        "name": "Monatslauf",
        "every": "month",
        "day": "15",
        "customer_kind": "",
        "source": "",
        "contract": "",
        "result": "drafts",
        "is_active": "on",
    }
    accountant.post(reverse("billing-runschedule:add"), data)
    schedule = RunSchedule.objects.get()
    answer = accountant.get(reverse("billing-runschedule:inspect", args=[schedule.pk]))
    assert "04/15/2026" in answer.content.decode()


@pytest.mark.parametrize(
    ("every", "day", "last_day", "expected"),
    [
        ("month", 15, None, date(2026, 4, 15)),
        ("month", 31, None, TODAY),
        ("month", 31, TODAY, date(2026, 4, 30)),
        ("week", 1, None, date(2026, 4, 6)),
        ("week", 2, TODAY, date(2026, 4, 7)),
        ("month", 15, date(2026, 2, 15), TODAY),
    ],
)
def test_next_day_of_a_schedule(every, day, last_day, expected):
    assert next_day(RunSchedule(every=every, day=day, last_day=last_day), today=TODAY) == expected


def test_eighth_day_of_a_week_is_refused(accountant, ours):
    data = {"issuer": ours.issuer.pk, "name": "Woche", "every": "week", "day": "8", "result": "drafts"}
    answer = accountant.post(reverse("billing-runschedule:add"), data)
    assert "A week has seven days" in answer.content.decode()


def test_neighbours_schedule_is_not_found(accountant, ours, theirs):
    schedule = RunSchedule.objects.create(issuer=theirs.issuer, name="Monatslauf")
    for name in ("inspect", "edit", "delete"):
        assert accountant.get(reverse(f"billing-runschedule:{name}", args=[schedule.pk])).status_code == 404
