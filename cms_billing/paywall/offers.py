"""The plans that open a page, as the teaser shows them: name, price, and where to buy (``memberships.offers``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cms_billing.core.money import Money


@dataclass(frozen=True)
class DatedPrice:
    valid_from: date
    amount: Money
    includes_tax: bool


@dataclass(frozen=True)
class PlanFacts:
    """What the teaser says of a plan; ``prices`` newest first."""

    id: int
    name: str
    kind: str
    interval: str
    instalments: int
    on_sale: bool
    prices: tuple[DatedPrice, ...]
    url: str = ""

    def price_on(self, day: date) -> DatedPrice | None:
        return next((price for price in self.prices if price.valid_from <= day), None)


@dataclass(frozen=True)
class Offer:
    """One plan that would open the page. ``price`` None: on request. ``url`` empty: not sold in a shop."""

    plan: PlanFacts
    price: Money | None
    url: str


def offers_on(plans: Sequence[PlanFacts], *, day: date) -> list[Offer]:
    """The plans on sale, cheapest first; those without a price last."""
    offers = []
    for plan in plans:
        if plan.on_sale:
            price = plan.price_on(day)
            offers.append(Offer(plan=plan, price=price.amount if price else None, url=plan.url))
    return sorted(offers, key=lambda o: (o.price is None, o.price.amount if o.price else 0, o.plan.name))
