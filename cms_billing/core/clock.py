"""The only place that asks what time it is.

Rules and services take today as an argument; views, commands and tasks get it here. Where the time machine is allowed
the clock can be moved forward for everybody, through one row in the database, so that web server and workers agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from django.utils import timezone

from .conf import billing_settings

_frozen: ContextVar[datetime | None] = ContextVar("cms_billing_frozen_now", default=None)


class HasTimeZone(Protocol):
    time_zone: str


def now() -> datetime:
    """Aware, in UTC, moved by the time machine where that is allowed."""
    frozen = _frozen.get()
    if frozen is not None:
        return frozen
    return timezone.now() + shift()


def today(place: HasTimeZone | None = None) -> date:
    """The local date at ``place`` (an issuer), else in Django's current time zone. Due dates are local dates."""
    return local_day(now(), place)


def local_day(moment: datetime, place: HasTimeZone | None = None) -> date:
    """The date of ``moment`` (aware) at ``place``."""
    zone = ZoneInfo(place.time_zone) if place else timezone.get_current_timezone()
    return moment.astimezone(zone).date()


def seconds_until(day: date, place: HasTimeZone | None = None) -> int:
    """Whole seconds until ``day`` begins at ``place``; 0 once it has."""
    zone = ZoneInfo(place.time_zone) if place else timezone.get_current_timezone()
    begins = datetime.combine(day, time.min, tzinfo=zone)
    return max(int((begins - now()).total_seconds()), 0)


def shift() -> timedelta:
    """How far the time machine has moved the clock; nothing where it is not allowed."""
    if not billing_settings().time_machine:
        return timedelta(0)
    from .models import ClockShift

    return timedelta(days=ClockShift.objects.values_list("days", flat=True).first() or 0)


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """The clock stands at ``moment`` (aware) in this context; for tests and for building a history."""
    token = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(token)
