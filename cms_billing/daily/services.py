"""The daily run: ordered steps that can be run again, resumed after a kill, and shared by several workers.

A worker takes part by going through all steps (``work_on``). Two workers, or two machines, that take part in the same
run skip each other's rows and wait for each other before they go on, so the result is that of one clean run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from cms_billing.core import clock, copies
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError
from cms_billing.core.queue import enqueue
from cms_billing.core.texts import day_text
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.services import Problem

from .models import DailyRun, ParkedRow, RunStep
from .reporting import report_of
from .steps import STEPS, Step, planned_names

# A real run for another day than today only repeats a missed one; older days are a mistyped year.
OLDEST_DAY = timedelta(days=31)
_TAKE_PART = "cms_billing.daily.tasks.take_part"

Watch = Callable[[RunStep], None]


class WrongDay(BillingError):
    """The daily run cannot be made for this day."""


def check_day(day: date, *, today: date) -> None:
    """Raises WrongDay for days to come and days long past: both would date documents wrongly."""
    if day > today:
        raise WrongDay(
            _(
                "%(day)s is still to come. See what that day will bring with --dry-run; run it when it is there."
            )
            % {"day": day_text(day)}
        )
    if day < today - OLDEST_DAY:
        raise WrongDay(
            _("%(day)s is more than %(n)s days ago. Check the year.")
            % {"day": day_text(day), "n": OLDEST_DAY.days}
        )


def run_daily(*, issuer: Issuer, today: date, watch: Watch | None = None) -> DailyRun:
    """Make (or go on with) the issuer's run of this day, in this process; returns it finished."""
    run = open_run(issuer=issuer, today=today)
    return work_on(run, watch=watch)


def start_run(*, issuer: Issuer, today: date) -> DailyRun:
    """Ask the workers to make the run: ``CMS_BILLING["RUN_WORKERS"]`` of them take part."""
    run = open_run(issuer=issuer, today=today)
    for _worker in range(billing_settings().run_workers):
        enqueue(_TAKE_PART, run.pk)
    return run


@transaction.atomic
def open_run(*, issuer: Issuer, today: date) -> DailyRun:
    run, created = DailyRun.objects.get_or_create(issuer=issuer, day=today)
    if created:
        RunStep.objects.bulk_create(
            RunStep(run=run, name=name, position=position) for position, name in enumerate(planned_names())
        )
    elif run.state == DailyRun.State.DONE:
        DailyRun.objects.filter(pk=run.pk).update(
            state=DailyRun.State.RUNNING, started_at=clock.now(), finished_at=None
        )
        run.refresh_from_db()
    return run


def work_on(run: DailyRun, *, watch: Watch | None = None) -> DailyRun:
    """Take part in a run: go through all its steps, sharing the rows with whoever else does."""
    rows = {row.name: row for row in run.steps.all()}
    for step in STEPS:
        _work_on_step(run, step, rows[step.name], watch=watch or (lambda row: None))
    _report(run, rows["report"])
    run.refresh_from_db()
    return run


def _work_on_step(run: DailyRun, step: Step, row: RunStep, *, watch: Watch) -> None:
    started = clock.now()
    _begin(row, expected=step.expected(run.issuer, run.day), now=started)

    def progress(done: int, failed: int) -> None:
        if done or failed:
            RunStep.objects.filter(pk=row.pk).update(
                done=F("done") + int(done), failed=F("failed") + int(failed)
            )
        row.done += int(done)
        row.failed += int(failed)
        watch(row)

    park = partial(park_rows, issuer=run.issuer, step=step.name)
    step.run(run.issuer, run.day, park=park, progress=progress)
    resolve_parked(issuer=run.issuer, step=step.name, not_seen_since=started)
    RunStep.objects.filter(pk=row.pk).update(state=RunStep.State.DONE, finished_at=clock.now())
    row.refresh_from_db()
    watch(row)


def _begin(row: RunStep, *, expected: int, now: datetime) -> None:
    # The first worker of a pass sets its start; those who join find the step running.
    RunStep.objects.filter(pk=row.pk).exclude(state=RunStep.State.RUNNING).update(
        state=RunStep.State.RUNNING, started_at=now, finished_at=None
    )
    RunStep.objects.filter(pk=row.pk).update(expected=F("done") + expected)
    row.refresh_from_db()


@transaction.atomic
def park_rows(problems: Sequence[Problem], *, issuer: Issuer, step: str) -> None:
    """Put the rows that could not be done on the to-do list, once each, with their latest reason."""
    now = clock.now()
    for problem in problems:
        mine = Q(
            issuer=issuer, step=step, subject=problem.subject, subject_id=problem.subject_id, resolved_at=None
        )
        if not ParkedRow.objects.filter(mine).update(reason=problem.reason, last_seen=now):
            ParkedRow.objects.bulk_create(
                [
                    ParkedRow(
                        issuer=issuer,
                        step=step,
                        subject=problem.subject,
                        subject_id=problem.subject_id,
                        label=problem.label[:200],
                        reason=problem.reason,
                        first_seen=now,
                        last_seen=now,
                    )
                ],
                ignore_conflicts=True,
            )


def resolve_parked(*, issuer: Issuer, step: str, not_seen_since: datetime) -> int:
    """Rows that a whole pass of the step did not stumble over any more are mended."""
    return ParkedRow.objects.filter(
        issuer=issuer, step=step, resolved_at=None, last_seen__lt=not_seen_since
    ).update(resolved_at=clock.now())


def _report(run: DailyRun, row: RunStep) -> None:
    now = clock.now()
    RunStep.objects.filter(pk=row.pk).update(
        state=RunStep.State.DONE, started_at=now, finished_at=now, done=1, expected=1
    )
    report = {**report_of(run.issuer, run.day), "sent": not copies.is_copy()}
    DailyRun.objects.filter(pk=run.pk).update(state=DailyRun.State.DONE, finished_at=now, report=report)
