"""What members hold, for the paywall, the portal and reports."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from . import schedule
from .models import Contract, ContractLine


def holding_contracts(user: Any, *, today: date) -> QuerySet[Contract]:
    """Contracts of the user that give access today: running, or a course that was completed (bought for good).

    Whether they are paid is dunning's to say; this is what the member holds.
    """
    running = Q(state__in=Contract.BILLABLE, start__lte=today) & (Q(end=None) | Q(end__gte=today))
    return Contract.objects.of_user(user).filter(running)


def terms_of(contract: Contract) -> list[schedule.LineTerms]:
    """What the lines of a contract bill from now on; lines with nothing more to bill are left out."""
    return [
        terms_of_line(line, contract, first_due=line.next_due)
        for line in contract.lines.all()
        if line.next_due is not None
    ]


def terms_of_line(line: ContractLine, contract: Contract, *, first_due: date) -> schedule.LineTerms:
    """Of a line with something left to bill; ``first_due`` is its ``next_due``."""
    return schedule.LineTerms(
        anchor=line.anchor,
        interval=schedule.Interval(line.interval),
        price_minor=line.price_minor,
        first_due=first_due,
        end=contract.end,
        instalments=line.instalments,
    )
