"""What a plan costs over time, said before it is bought (§ 312j (2) BGB: price, term and notice above the button)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.memberships.models import Plan
from cms_billing.memberships.schedule import Interval

from .strategy import PriceBook

_BOUGHT = (Interval.ONCE, Interval.INSTALMENTS)


@dataclass(frozen=True)
class PlanTerms:
    """``first``: due now; ``total``: of all instalments; ``recurs``: goes on until it is terminated."""

    plan: Plan
    first: Money | None
    recurs: bool
    instalments: int
    total: Money | None


def plan_terms(plans: Iterable[Any]) -> list[PlanTerms]:
    book = PriceBook(clock.today())
    return [_terms(plan, book) for plan in plans]


def _terms(plan: Plan, book: PriceBook) -> PlanTerms:
    in_parts = plan.interval == Interval.INSTALMENTS
    return PlanTerms(
        plan=plan,
        first=book.first_amount(plan),
        recurs=plan.interval not in _BOUGHT,
        instalments=plan.instalments if in_parts else 1,
        total=book.whole_amount(plan) if in_parts else None,
    )
