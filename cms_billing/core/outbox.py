"""Outside work: claim a row, talk to the outside, record the result.

An app declares a concrete ``OutsideWork`` model and registers what to do with a row of it::

    outbox.register(Delivery, send_delivery)

``send_delivery(row)`` talks to the outside with no transaction open and returns the function that records the result
(or None). That function runs in the same transaction that marks the row done, so the work is either still to do or done
and recorded. A worker that dies in between leaves a claim that runs out; the work is then done again, which every
``perform`` must stand (same message id, same idempotency key).

On a copy of an installation's database (``core.copies``) nothing that leaves the house is claimed: rows stay as they
are until a person confirms. Work that stays in the house says so when it is registered, and goes on.

Errors: ``PermanentFailure`` fails the row for good, ``NotYet`` puts it back without counting an attempt, anything else
is retried with back-off until ``CMS_BILLING["WORK_MAX_ATTEMPTS"]``.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.apps import apps
from django.db import connection, connections, models, transaction
from django.db.models import F, Q

from . import copies
from .conf import billing_settings
from .exceptions import NotYet, PermanentFailure
from .models import OutsideWork
from .queue import enqueue

logger = logging.getLogger(__name__)

Record = Callable[[], Any] | None
Perform = Callable[[Any], Record]
State = OutsideWork.WorkState

_performers: dict[type[OutsideWork], Perform] = {}
_in_the_house: set[type[OutsideWork]] = set()
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
    """Work that reaches somebody: a mail, a charge, a question to a provider. It waits on a copy."""
    _performers[model] = perform


def register_in_the_house(model: type[OutsideWork], perform: Perform) -> None:
    """Work that nobody outside hears of, such as making a PDF: done on a copy too."""
    _performers[model] = perform
    _in_the_house.add(model)


def registered() -> list[type[OutsideWork]]:
    return list(_performers)


def hint(row: OutsideWork) -> None:
    """After commit, ask a worker to look at ``row``."""
    enqueue(_WORK_TASK, row._meta.label, row.pk)


def is_held_back(model: type[OutsideWork]) -> bool:
    """Does work of this kind wait because this is a copy?"""
    return model not in _in_the_house and copies.is_copy()


def waiting() -> dict[type[OutsideWork], int]:
    """Of the kinds that leave the house, how much is not done yet; kinds with nothing are left out."""
    unfinished = Q(work_state__in=[State.PENDING, State.RUNNING])
    counts = {
        model: model._default_manager.filter(unfinished).count()
        for model in registered()
        if model not in _in_the_house
    }
    return {model: count for model, count in counts.items() if count}


def workable(model: type[OutsideWork], *, now: datetime) -> models.QuerySet[Any]:
    """Rows whose time has come: never tried or due again, and those whose worker died. None that a copy holds back."""
    if is_held_back(model):
        return model._default_manager.none()
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
    threads: int = 1,
) -> Drained:
    """Work on all rows that are due (and match ``only``), in small claims, so that several workers share them.

    A row is tried once a drain: one that fails gets a later ``next_try_at``. ``each`` is told the outcome of every row,
    one after the other. ``threads`` work side by side, each with a connection and claims of its own; where they could
    not see each other's rows (SQLite, inside a transaction) there is one.
    """
    if threads > 1 and _threads_see_the_rows():
        return _drain_side_by_side(model, threads=threads, now=now, only=only, batch=batch, each=each)
    result = Drained()
    while claimed := _claim(workable(model, now=now).filter(only or Q()), limit=batch, now=now):
        for row in claimed:
            outcome = _perform(row, now=now)
            result = result.plus(outcome)
            each(outcome)
    return result


def _threads_see_the_rows() -> bool:
    return connection.vendor != "sqlite" and not connection.in_atomic_block


def _drain_side_by_side(
    model: type[OutsideWork],
    *,
    threads: int,
    each: Callable[[Outcome], Any],
    batch: int,
    **which: Any,
) -> Drained:
    # Small claims: at the end nobody sits on rows that others could do.
    batch = max(1, min(batch, 5))
    one_at_a_time = threading.Lock()

    def tell(outcome: Outcome) -> None:
        with one_at_a_time:
            each(outcome)

    def work() -> Drained:
        try:
            return drain(model, batch=batch, each=tell, **which)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="outbox") as pool:
        # The moved clock, language and formats of this thread hold in the others as well.
        futures = [pool.submit(copy_context().run, work) for _thread in range(threads)]
        parts = [future.result() for future in futures]
    return Drained(*(sum(getattr(part, f.name) for part in parts) for f in fields(Drained)))


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
        return _put_back(row, reason, now=now)
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


def _put_back(row: OutsideWork, reason: NotYet, *, now: datetime) -> Outcome:
    _mine(row).update(
        work_state=State.PENDING,
        attempts=F("attempts") - 1,
        next_try_at=now + reason.wait,
        last_error=str(reason),
        claim=None,
        claimed_until=None,
    )
    if not reason.wait:
        hint(row)
    return Outcome.NOT_YET


def _fail(row: OutsideWork, error: Exception) -> Outcome:
    _mine(row).update(work_state=State.FAILED, last_error=_told(error), claim=None, claimed_until=None)
    return Outcome.FAILED


def _mine(row: OutsideWork) -> models.QuerySet[Any]:
    """The row while it still carries this worker's claim: a claim that ran out belongs to somebody else."""
    return type(row)._default_manager.filter(pk=row.pk, claim=row.claim, work_state=State.RUNNING)


def _told(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:2000]
