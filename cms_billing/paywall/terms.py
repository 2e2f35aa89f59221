"""What an access rule says, apart from where it stands: plain values that forms, services and decisions share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

ONE_DAY = timedelta(days=1)


class OpensTo(StrEnum):
    """Whom a rule lets in. ``EVERYONE`` is the exception inside a closed section: a free sample lesson.

    ``SECTION`` keeps the plans of the rule above and only refines it: a lesson's day, a teaser of its own.
    """

    PLANS = "plans"
    EVERYONE = "everyone"
    SECTION = "section"


class Preview(StrEnum):
    """What those outside see. ``SECTION``: as the rule above says, for rules that refine it."""

    PAGE = "page"
    DIVIDER = "divider"
    BLOCKS = "blocks"
    PERCENT = "percent"
    TEXT = "text"
    TITLE = "title"
    SECTION = "section"


@dataclass(frozen=True, kw_only=True)
class RuleTerms:
    """The terms of a rule.

    ``preview_amount``: so many blocks, or percent of the text. ``closes_at``: the level of arrears from which members
    are shut out; None as dunning locks, 0 never. ``free_until``: everybody may read up to and with this day;
    ``free_from``: from this day on. ``quota``: so many closed pages below the rule a visitor reads free each month.
    ``gifts``: so many pages below it a member may give away each month.
    ``opens_on``, ``opens_after_days``: members may read from that day, or so many days after their contract's start;
    of both the later counts. None leaves it to the rule above where the rule refines one, else nothing is said.
    """

    opens_to: OpensTo = OpensTo.PLANS
    preview: Preview = Preview.PAGE
    preview_amount: int | None = None
    teaser_text: str = ""
    closes_at: int | None = None
    free_until: date | None = None
    free_from: date | None = None
    quota: int | None = None
    gifts: int | None = None
    opens_on: date | None = None
    opens_after_days: int | None = None

    def is_free_on(self, day: date) -> bool:
        return (self.free_until is not None and day <= self.free_until) or (
            self.free_from is not None and day >= self.free_from
        )

    def changes_after(self, day: date) -> date | None:
        """The next day on which everybody's answer changes; None if it stays as it is on ``day``."""
        ends = self.free_until + ONE_DAY if self.free_until is not None else None
        days = [start for start in (ends, self.free_from) if start is not None and start > day]
        change = min(days, default=None)
        return change if change is None or self.is_free_on(change) != self.is_free_on(day) else None

    @property
    def has_dates(self) -> bool:
        return self.free_until is not None or self.free_from is not None

    def first_day(self, start: date) -> date | None:
        """From when members whose contract began on ``start`` may read; None for at once."""
        after = start + timedelta(days=self.opens_after_days) if self.opens_after_days else None
        return max((day for day in (self.opens_on, after) if day is not None), default=None)


Refining = TypeVar("Refining", bound=RuleTerms)


def refined(own: Refining, above: RuleTerms) -> Refining:
    """``own`` with what it leaves to the rule ``above``."""
    dates = own if own.has_dates else above
    drip = own if own.opens_on is not None or own.opens_after_days is not None else above
    shown = above if own.preview is Preview.SECTION else own
    return replace(
        own,
        opens_to=above.opens_to,
        preview=shown.preview,
        preview_amount=shown.preview_amount,
        teaser_text=shown.teaser_text,
        closes_at=above.closes_at if own.closes_at is None else own.closes_at,
        free_until=dates.free_until,
        free_from=dates.free_from,
        quota=above.quota if own.quota is None else own.quota,
        gifts=above.gifts if own.gifts is None else own.gifts,
        opens_on=drip.opens_on,
        opens_after_days=drip.opens_after_days,
    )
