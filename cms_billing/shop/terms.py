"""What a plan costs over time, said before it is bought (§ 312j (2) BGB: price, term and notice above the button)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.memberships.models import Plan
from cms_billing.memberships.schedule import Interval

from .selectors import plans_of
from .strategy import PriceBook

_BOUGHT = (Interval.ONCE, Interval.INSTALMENTS)


@dataclass(frozen=True)
class PlanTerms:
    """``first``: due now; ``total``: of all instalments; ``recurs``: goes on until it is terminated.

    Amounts are for all ``quantity`` contracts together: what the button above commits to.
    """

    plan: Plan
    quantity: int
    first: Money | None
    recurs: bool
    instalments: int
    total: Money | None


def plan_terms(basket: Any) -> list[PlanTerms]:
    """The terms of every plan in the basket, in the order of its lines."""
    book = PriceBook(clock.today())
    lines = list(basket.all_lines())
    plans = plans_of(line.product_id for line in lines)
    return [_terms(plans[line.product_id], line.quantity, book) for line in lines if line.product_id in plans]


def _terms(plan: Plan, quantity: int, book: PriceBook) -> PlanTerms:
    in_parts = plan.interval == Interval.INSTALMENTS
    first, total = book.first_amount(plan), book.whole_amount(plan) if in_parts else None
    return PlanTerms(
        plan=plan,
        quantity=quantity,
        first=first and first * quantity,
        recurs=plan.interval not in _BOUGHT,
        instalments=plan.instalments if in_parts else 1,
        total=total and total * quantity,
    )
