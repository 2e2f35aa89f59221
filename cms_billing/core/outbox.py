"""Outside work: claim a row, talk to the outside, record the result.

An app declares a concrete ``OutsideWork`` model and registers what to do with a row of it::

    outbox.register(Delivery, send_delivery)

``send_delivery(row)`` talks to the outside with no transaction open and returns the function that records the result
(or None). That function runs in the same transaction that marks the row done, so the work is either still to do or done
and recorded. A worker that dies in between leaves a claim that runs out; the work is then done again, which every
``perform`` must stand (same message id, same idempotency key).

Errors: ``PermanentFailure`` fails the row for good, ``NotYet`` puts it back without counting an attempt, anything else
is retried with back-off until ``CMS_BILLING["WORK_MAX_ATTEMPTS"]``.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Q

from .conf import billing_settings
from .exceptions import NotYet, PermanentFailure
from .models import OutsideWork
from .queue import enqueue

logger = logging.getLogger(__name__)

Record = Callable[[], Any] | None
Perform = Callable[[Any], Record]
State = OutsideWork.WorkState

_performers: dict[type[OutsideWork], Perform] = {}
# Minutes until the next try, by number of attempts made; the last one repeats.
BACK_OFF_MINUTES = (1, 5, 15, 60, 240, 720, 1440)
_WORK_TASK = "cms_billing.core.tasks.work"


class Outcome(Enum):
    DONE = "done"
    RETRY = "retry"
    FAILED = "failed"
    NOT_YET = "not yet"
    NOT_MINE = "not mine"


@dataclass(frozen=True)
class Drained:
    """What a drain did: rows by outcome."""

    done: int = 0
    retry: int = 0
    failed: int = 0

    def plus(self, outcome: Outcome) -> Drained:
        return Drained(
            self.done + (outcome is Outcome.DONE),
            self.retry + (outcome in (Outcome.RETRY, Outcome.NOT_YET)),
            self.failed + (outcome is Outcome.FAILED),
        )


def register(model: type[OutsideWork], perform: Perform) -> None:
    _performers[model] = perform


def registered() -> list[type[OutsideWork]]:
    return list(_performers)


def hint(row: OutsideWork) -> None:
    """After commit, ask a worker to look at ``row``."""
    enqueue(_WORK_TASK, row._meta.label, row.pk)


def workable(model: type[OutsideWork], *, now: datetime) -> models.QuerySet[Any]:
    """Rows whose time has come: never tried or due again, and those whose worker died."""
    return model._default_manager.filter(
        Q(work_state=State.PENDING) & (Q(next_try_at=None) | Q(next_try_at__lte=now))
        | Q(work_state=State.RUNNING, claimed_until__lt=now)
    )


def work_on(model: type[OutsideWork], pk: int, *, now: datetime) -> Outcome:
    """Do one row's work if it is due and nobody else is at it."""
    claimed = _claim(workable(model, now=now).filter(pk=pk), limit=1, now=now)
    return _perform(claimed[0], now=now) if claimed else Outcome.NOT_MINE


def drain(
    model: type[OutsideWork],
    *,
    now: datetime,
    only: Q | None = None,
    batch: int = 20,
    each: Callable[[Outcome], Any] = str,
) -> Drained:
    """Work on all rows that are due (and match ``only``), in small claims, so that several workers share them.

    A row is tried once a drain: one that fails gets a later ``next_try_at``. ``each`` is told the outcome of every row.
    """
    result = Drained()
    while claimed := _claim(workable(model, now=now).filter(only or Q()), limit=batch, now=now):
        for row in claimed:
            outcome = _perform(row, now=now)
            result = result.plus(outcome)
            each(outcome)
    return result


def sweep(*, now: datetime, limit: int = 1000) -> int:
    """Hint the workers at every row that is due; returns how many. Finds what a lost task or a dead worker left."""
    found = 0
    for model in registered():
        for pk in workable(model, now=now).order_by("pk").values_list("pk", flat=True)[:limit]:
            enqueue(_WORK_TASK, model._meta.label, pk)
            found += 1
    return found


def try_again(row: OutsideWork) -> None:
    """A person asks for another attempt of failed work: it starts over."""
    type(row)._default_manager.filter(pk=row.pk, work_state__in=[State.FAILED, State.PENDING]).update(
        work_state=State.PENDING, attempts=0, next_try_at=None, last_error=""
    )
    hint(row)


def failed_work() -> Iterator[OutsideWork]:
    """Every failed row of every kind, for the to-do list."""
    for model in registered():
        yield from model._default_manager.filter(work_state=State.FAILED).order_by("pk")[:500]


def model_of(label: str) -> type[OutsideWork]:
    model = apps.get_model(label)
    if model not in _performers:
        raise LookupError(f"{label} is no registered outside work.")
    return model


def _claim(due: models.QuerySet[Any], *, limit: int, now: datetime) -> list[Any]:
    claim = uuid.uuid4()
    until = now + timedelta(seconds=billing_settings().work_lease_seconds)
    with transaction.atomic():
        rows = due.order_by("pk").select_for_update(skip_locked=True, no_key=True, of=("self",))
        pks = list(rows.values_list("pk", flat=True)[:limit])
        if not pks:
            return []
        # The condition stands again in the update: where there are no row locks (SQLite) it keeps two workers apart.
        due.model._default_manager.filter(pk__in=pks).filter(
            Q(work_state=State.PENDING) | Q(work_state=State.RUNNING, claimed_until__lt=now)
        ).update(work_state=State.RUNNING, claim=claim, claimed_until=until, attempts=F("attempts") + 1)
    return list(due.model._default_manager.filter(claim=claim, work_state=State.RUNNING).order_by("pk"))


def _perform(row: OutsideWork, *, now: datetime) -> Outcome:
    try:
        record = _performers[type(row)](row)
        return _finish(row, record, now=now)
    except NotYet as reason:
        return _put_back(row, str(reason), now=now)
    except PermanentFailure as error:
        return _fail(row, error)
    except Exception as error:
        logger.info("%s %s: attempt %s failed", row._meta.label, row.pk, row.attempts, exc_info=True)
        if row.attempts >= billing_settings().work_max_attempts:
            return _fail(row, error)
        return _retry(row, error, now=now)


@transaction.atomic
def _finish(row: OutsideWork, record: Record, *, now: datetime) -> Outcome:
    mine = _mine(row).update(
        work_state=State.DONE, done_at=now, last_error="", next_try_at=None, claim=None, claimed_until=None
    )
    if not mine:
        return Outcome.NOT_MINE
    if record is not None:
        record()
    return Outcome.DONE


def _retry(row: OutsideWork, error: Exception, *, now: datetime) -> Outcome:
    wait = BACK_OFF_MINUTES[min(row.attempts, len(BACK_OFF_MINUTES)) - 1]
    _mine(row).update(
        work_state=State.PENDING,
        next_try_at=now + timedelta(minutes=wait),
        last_error=_told(error),
        claim=None,
        claimed_until=None,
    )
    return Outcome.RETRY


def _put_back(row: OutsideWork, reason: str, *, now: datetime) -> Outcome:
    _mine(row).update(
        work_state=State.PENDING,
        attempts=F("attempts") - 1,
        next_try_at=now + timedelta(minutes=1),
        last_error=reason,
        claim=None,
        claimed_until=None,
    )
    return Outcome.NOT_YET


def _fail(row: OutsideWork, error: Exception) -> Outcome:
    _mine(row).update(work_state=State.FAILED, last_error=_told(error), claim=None, claimed_until=None)
    return Outcome.FAILED


def _mine(row: OutsideWork) -> models.QuerySet[Any]:
    """The row while it still carries this worker's claim: a claim that ran out belongs to somebody else."""
    return type(row)._default_manager.filter(pk=row.pk, claim=row.claim, work_state=State.RUNNING)


def _told(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:2000]
