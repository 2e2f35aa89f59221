"""Invoice runs: bookings of a period billed together, chunk by chunk, repeatable into the same run."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import Money
from cms_billing.core.texts import day_text

from ..drafts import Draft
from ..exceptions import WrongPeriod
from ..models import Booking, Customer, InvoiceRun, Issuer, RunSchedule
from .assembling import Problem, drafts_of, rows_of
from .billing import bill_next

FILTERS = ("customer_kind", "source", "contract", "result")
# A scheduled run looks so far back for bookings that waited, such as those of a customer without an address.
LOOK_BACK = timedelta(days=365)
KEPT_PROBLEMS = 200


@dataclass
class RunPreview:
    """What a run would make: counts and sums of all of it, and the first drafts to look at.

    ``customers`` have something to bill, ``looked_at`` of them have been taken into the counts and sums.
    """

    customers: int = 0
    looked_at: int = 0
    documents: int = 0
    totals: dict[str, Money] = field(default_factory=dict)
    first: list[tuple[Customer, Draft]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def bookings_of_run(run: InvoiceRun) -> QuerySet[Booking]:
    """Open bookings that the run's period and filters take."""
    bookings = Booking.objects.filter(
        issuer=run.issuer_id,
        state=Booking.State.OPEN,
        due_on__gte=run.period_start,
        due_on__lte=run.period_end,
    )
    if run.customer_kind:
        bookings = bookings.filter(customer__kind=run.customer_kind)
    if run.source:
        bookings = bookings.filter(source=run.source)
    if run.contract:
        bookings = bookings.filter(contract_reference__startswith=run.contract)
    return bookings


def preview_run(run: InvoiceRun, *, today: date, shown: int = 50, at_most: int | None = None) -> RunPreview:
    """What ``run`` (saved or not) would make today; reads only, chunk by chunk, up to about ``at_most`` customers."""
    preview = RunPreview(customers=_customers(run).count())
    bookings, after = bookings_of_run(run), 0
    limit = billing_settings().chunk_size
    while ids := list(
        bookings.filter(customer__gt=after)
        .order_by("customer_id")
        .values_list("customer_id", flat=True)
        .distinct()[:limit]
    ):
        customers = Customer.objects.in_bulk(ids)
        drafts, problems = drafts_of(
            run.issuer, customers, rows_of(bookings.filter(customer__in=ids)), today=today
        )
        for draft in drafts:
            gross = Money(draft.totals().total.gross, draft.currency)
            preview.totals[draft.currency] = (
                preview.totals.get(draft.currency, Money.zero(draft.currency)) + gross
            )
        preview.documents += len(drafts)
        missing = max(0, shown - len(preview.first))
        preview.first += [(customers[draft.customer_id], draft) for draft in drafts[:missing]]
        preview.problems += problems[: KEPT_PROBLEMS - len(preview.problems)]
        after = ids[-1]
        preview.looked_at += len(ids)
        if at_most is not None and preview.looked_at >= at_most:
            break
    return preview


@transaction.atomic
def start_invoice_run(
    *,
    issuer: Issuer,
    period_start: date,
    period_end: date,
    today: date,
    schedule: RunSchedule | None = None,
    user: Any = None,
    **filters: str,
) -> InvoiceRun:
    """Ask the workers to make a run; the same period and filters again add to the run that is there.

    ``filters``: those of ``RunFilters``. Raises WrongPeriod.
    """
    if period_end < period_start or period_end > today:
        raise WrongPeriod(
            _("A run takes what is due up to %(today)s at the latest, and ends after it has begun.")
            % {"today": day_text(today)}
        )
    chosen = {name: filters.get(name, "") for name in FILTERS}
    chosen["result"] = chosen["result"] or InvoiceRun.Result.DRAFTS
    run, created = InvoiceRun.objects.get_or_create(
        issuer=issuer,
        period_start=period_start,
        period_end=period_end,
        **chosen,
        defaults={"schedule": schedule, "started_by": user},
    )
    run = InvoiceRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    run.expected = _customers(run).count()
    run.taken, run.last_customer, run.problems = 0, 0, []
    run.started_at, run.started_by = clock.now(), user
    if run.work_state != OutsideWork.WorkState.RUNNING:
        run.work_state, run.attempts, run.next_try_at = OutsideWork.WorkState.PENDING, 0, None
        run.last_error, run.done_at = "", None
    run.save()
    log(instance=run, action="cms_billing.start_run", user=user, data={"again": not created})
    outbox.hint(run)
    return run


def _customers(run: InvoiceRun) -> QuerySet[Customer]:
    return Customer.objects.filter(
        Exists(bookings_of_run(run).filter(customer=OuterRef("pk"))), issuer=run.issuer_id
    )


def work_on_invoice_run(run: InvoiceRun) -> None:
    """The work of the outbox: chunks in transactions of their own until no customer is left.

    Two workers at once take turns at the run's row; a killed one leaves off after its last chunk.
    """
    while _next_chunk(run.pk):
        pass


@transaction.atomic
def _next_chunk(run_id: int) -> bool:
    run = (
        InvoiceRun.objects.select_related("issuer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=run_id)
    )
    batch = bill_next(
        issuer=run.issuer,
        bookings=bookings_of_run(run),
        today=clock.local_day(clock.now(), run.issuer),
        as_drafts=run.result == InvoiceRun.Result.DRAFTS,
        after_customer=run.last_customer,
        wait=True,
        invoice_run_id=run.pk,
    )
    if batch.last_customer is None:
        return False
    run.last_customer = batch.last_customer
    run.taken += batch.customers
    kept = [{"subject_id": p.subject_id, "label": p.label, "reason": p.reason} for p in batch.problems]
    run.problems = [*run.problems, *kept][:KEPT_PROBLEMS]
    run.save(update_fields=["last_customer", "taken", "problems"])
    return True


def start_due_schedules(*, issuer: Issuer, today: date) -> list[InvoiceRun]:
    """Start the runs whose day has come since the daily run last looked; once a day each."""
    started = []
    for schedule in RunSchedule.objects.filter(issuer=issuer, is_active=True).order_by("pk"):
        day = latest_day(schedule.every, schedule.day, today=today)
        if schedule.last_day is not None and schedule.last_day >= day:
            continue
        with transaction.atomic():
            mine = RunSchedule.objects.select_for_update(no_key=True).get(pk=schedule.pk)
            if mine.last_day is not None and mine.last_day >= day:
                continue
            if mine.last_day is not None or day == today:
                filters = {name: getattr(mine, name) for name in FILTERS}
                started.append(
                    start_invoice_run(
                        issuer=issuer,
                        period_start=day - LOOK_BACK,
                        period_end=day,
                        today=today,
                        schedule=mine,
                        **filters,
                    )
                )
            # A new schedule begins with its next day, not with one that has passed.
            mine.last_day = day
            mine.save(update_fields=["last_day"])
    return started


def latest_day(every: str, day: int, *, today: date) -> date:
    """The last day up to today on which a schedule was due: of the month (or its last day), or of the week."""
    if every == RunSchedule.Every.WEEK:
        return today - timedelta(days=(today.isoweekday() - min(day, 7)) % 7)
    in_month = _day_of(today.year, today.month, day)
    if in_month <= today:
        return in_month
    before = today.replace(day=1) - timedelta(days=1)
    return _day_of(before.year, before.month, day)


def next_day(schedule: RunSchedule, *, today: date) -> date:
    """The day with which a schedule starts next; today where its run has not been started yet."""
    missed = latest_day(schedule.every, schedule.day, today=today)
    if schedule.last_day is not None and schedule.last_day < missed:
        return today
    day = today if schedule.last_day is None or schedule.last_day < today else today + timedelta(days=1)
    while latest_day(schedule.every, schedule.day, today=day) != day:
        day += timedelta(days=1)
    return day


def _day_of(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
