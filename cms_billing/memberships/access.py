"""What a person's contracts open: said by whoever decides it, read by whoever sells something to plans.

The paywall answers; the shop asks, which does not know it::

    from cms_billing.memberships.access import access_by_plans

    [answer] = access_by_plans(user, [{plan.pk}], today=today)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class PlanAccess:
    """``sentence`` says why, in the active language. ``concerned``: the person has a contract on one of the plans,
    running or not; who has none need not be told."""

    granted: bool
    sentence: str = ""
    concerned: bool = False


# User, sets of plan ids, and the day in; one answer a set out, with a constant number of queries.
Decider = Callable[..., Sequence[PlanAccess]]

_deciders: list[Decider] = []


def register_decider(decider: Decider) -> Decider:
    """Registered twice counts once; the last one answers."""
    if decider not in _deciders:
        _deciders.append(decider)
    return decider


def access_by_plans(user: Any, plan_sets: Sequence[Collection[int]], *, today: date) -> list[PlanAccess]:
    """May the user have what any plan of a set opens? Without a paywall nothing is opened by plans."""
    if not _deciders or not plan_sets:
        return [PlanAccess(granted=False) for _plans in plan_sets]
    return list(_deciders[-1](user, plan_sets, today=today))
