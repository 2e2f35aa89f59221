"""Days on which no letters go out, whatever is due: weekends, holidays, and statements nobody has looked through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

import holidays
from django.utils.translation import get_language

from cms_billing.core.texts import day_text

from .rules import Hindrance, ProcedureFacts, Reason

SATURDAY = 5


class UnknownRegion(ValueError):
    """No calendar of holidays is known for this country or state."""


def holidays_of(region: str, year: int) -> Mapping[date, str]:
    """``region``: a country, or country and state, as in ISO 3166 (``DE``, ``DE-NW``). Raises UnknownRegion.

    Their names are German for who reads German, else English, or the country's own where there is no translation.
    """
    german = (get_language() or "").startswith("de")
    return _holidays(region.strip().upper(), year, "de" if german else "en_US")


@lru_cache(maxsize=256)
def _holidays(region: str, year: int, language: str) -> Mapping[date, str]:
    country, _dash, state = region.partition("-")
    try:
        return dict(holidays.country_holidays(country, subdiv=state or None, years=year, language=language))
    except (NotImplementedError, ValueError, KeyError) as error:
        raise UnknownRegion(region) from error


def day_off(procedure: ProcedureFacts, day: date) -> Hindrance | None:
    """Why no letters go out on this day, through the last such day in a row; a holiday says its name."""
    found = _off(procedure, day)
    if found is None:
        return None
    last = day
    while _off(procedure, last + timedelta(days=1)) is not None:
        last += timedelta(days=1)
    reason, name = found
    return Hindrance(reason, last, name)


def _off(procedure: ProcedureFacts, day: date) -> tuple[Reason, str] | None:
    if procedure.holidays and (name := _holiday(procedure.holidays, day)):
        return Reason.HOLIDAY, name
    if procedure.avoid_weekends and day.weekday() >= SATURDAY:
        return Reason.WEEKEND, ""
    return None


def _holiday(region: str, day: date) -> str:
    """Empty too where the calendar is not known (any more): a wrong code stops no run."""
    try:
        return holidays_of(region, day.year).get(day, "")
    except UnknownRegion:
        return ""


def missing_statement(procedure: ProcedureFacts, through: date | None, day: date) -> Hindrance | None:
    """The bank statements are looked through up to ``through``; a letter needs that of the day before."""
    needed = day - timedelta(days=1)
    if not procedure.wait_for_statement or (through is not None and through >= needed):
        return None
    return Hindrance(Reason.WAITING_FOR_STATEMENT, detail=day_text(needed))
