"""How long claims have been overdue, in the classes people look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Case as Choice
from django.db.models import CharField, Q, Value, When
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Age:
    """From ``first`` through ``last`` days overdue; ``last`` None: without end."""

    key: str
    first: int
    last: int | None
    label: Any
    # For the heads of narrow columns.
    short: str

    def condition(self, *, today: date, due_on: str = "document__open_item__due_on") -> Q:
        """Of rows whose due date is in the column ``due_on``. What is not overdue yet counts to the youngest."""
        condition = Q() if self.first == 0 else Q(**{f"{due_on}__lte": today - timedelta(days=self.first)})
        if self.last is not None:
            condition &= Q(**{f"{due_on}__gte": today - timedelta(days=self.last)})
        return condition


AGES = (
    Age("0-30", 0, 30, _("up to 30 days"), "0–30"),
    Age("31-60", 31, 60, _("31 to 60 days"), "31–60"),
    Age("61-90", 61, 90, _("61 to 90 days"), "61–90"),
    Age("91", 91, None, _("more than 90 days"), "> 90"),
)


def age_of_key(key: str) -> Age:
    return next(age for age in AGES if age.key == key)


def age_of(*, today: date, due_on: str = "document__open_item__due_on") -> Choice:
    """``rows.annotate(age=age_of(today=today))``: the key of its class."""
    whens = [When(age.condition(today=today, due_on=due_on), then=Value(age.key)) for age in AGES[1:]]
    return Choice(*whens, default=Value(AGES[0].key), output_field=CharField())
