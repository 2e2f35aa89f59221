"""What members hold, for the paywall, the portal and reports."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from .models import Contract


def holding_contracts(user: Any, *, today: date):
    """Contracts of the user that give access today: running, or a course that was completed (bought for good).

    Whether they are paid is dunning's to say; this is what the member holds.
    """
    running = Q(state__in=Contract.BILLABLE, start__lte=today) & (Q(end=None) | Q(end__gte=today))
    return Contract.objects.of_user(user).filter(running)
