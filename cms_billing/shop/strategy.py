"""Prices in Oscar: with tax, at the rate of the issuer's country; a plan's product costs what the plan costs.

Prices of stock records include tax. ``Selector`` is put in place by ``cms_billing.shop.loading``; sites with a strategy
of their own derive from ``Taxed``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from oscar.apps.partner import strategy as oscar_strategy
from oscar.apps.partner.availability import Unavailable
from oscar.apps.partner.prices import TaxInclusiveFixedPrice
from oscar.apps.partner.prices import Unavailable as UnavailablePrice

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money, round_half_up


class PriceBook:
    """What prices depend on, read once a request: four short tables."""

    def __init__(self, today: date) -> None:
        self.today = today
        self._rates: dict[str, list[Any]] = {}

    @cached_property
    def plans(self) -> dict[int, Any]:
        from .models import PlanProduct

        rows = PlanProduct.objects.select_related("plan__issuer").prefetch_related("plan__prices")
        return {row.product_id: row.plan for row in rows}

    @cached_property
    def tax_codes(self) -> dict[int | None, str]:
        from .selectors import tax_codes

        return tax_codes()

    @cached_property
    def issuers(self) -> dict[int, Any]:
        from cms_billing.faktura.models import Issuer

        return Issuer.objects.filter(is_active=True).in_bulk()

    @cached_property
    def issuer_of_partner(self) -> dict[int | None, int]:
        from .selectors import issuers_by_partner

        return issuers_by_partner()

    def issuer_of(self, product: Any, stockrecord: Any) -> Any:
        """The issuer who would invoice it, or None where nobody is named."""
        if plan := self.plans.get(product.pk):
            return plan.issuer
        named = self.issuers.get(self.issuer_of_partner.get(stockrecord.partner_id, 0))
        if named is None and len(self.issuers) == 1:
            return next(iter(self.issuers.values()))
        return named

    def tax_code_of(self, product: Any) -> str:
        if plan := self.plans.get(product.pk):
            return plan.tax_code
        product_class = product.get_product_class()
        return self.tax_codes.get(product_class.pk if product_class else None, "standard")

    def percent(self, issuer: Any, tax_code: str) -> Decimal | None:
        """None where no rate is recorded. A small business shows no tax (§ 19 UStG)."""
        from cms_billing.faktura import rules
        from cms_billing.faktura.services.assembling import tax_rates

        if issuer.small_business:
            return Decimal(0)
        if issuer.country not in self._rates:
            self._rates[issuer.country] = tax_rates(issuer.country)
        try:
            return rules.rate_on(self._rates[issuer.country], code=tax_code, day=self.today).percent
        except rules.NoRate:
            return None

    def first_amount(self, plan: Any) -> Money | None:
        """What buying the plan costs today: its first period or instalment, with tax; None where it has no price."""
        from cms_billing.memberships import schedule

        whole = self.whole_amount(plan)
        if whole is None or plan.interval != schedule.Interval.INSTALMENTS:
            return whole
        terms = schedule.LineTerms(
            anchor=self.today,
            interval=schedule.Interval.INSTALMENTS,
            price_minor=whole.minor,
            first_due=self.today,
            instalments=plan.instalments,
        )
        return Money(schedule.due_periods(terms, until=self.today)[0].amount_minor, whole.currency)

    def whole_amount(self, plan: Any) -> Money | None:
        """One period, or all instalments, with tax."""
        prices = [price for price in plan.prices.all() if price.valid_from <= self.today]
        if not prices or not plan.is_active:
            return None
        price = max(prices, key=lambda price: price.valid_from)
        if price.includes_tax:
            return price.amount
        percent = self.percent(plan.issuer, plan.tax_code)
        if percent is None:
            return None
        return Money(round_half_up(price.amount_minor * (100 + percent) / 100), price.currency)


class Taxed:
    """Pricing policy for ``oscar_strategy.Structured``: everything with tax."""

    @cached_property
    def book(self) -> PriceBook:
        return PriceBook(clock.today())

    def pricing_policy(self, product: Any, stockrecord: Any) -> Any:
        if not stockrecord:
            return UnavailablePrice()
        gross = self._gross(product, stockrecord)
        issuer = self.book.issuer_of(product, stockrecord)
        if gross is None or issuer is None:
            return UnavailablePrice()
        tax_code = self.book.tax_code_of(product)
        percent = self.book.percent(issuer, tax_code)
        if percent is None:
            return UnavailablePrice()
        net = Money(round_half_up(gross.minor / (1 + percent / 100)), gross.currency)
        return TaxInclusiveFixedPrice(
            currency=gross.currency,
            excl_tax=net.amount,
            tax=(gross - net).amount,
            tax_code=tax_code,
        )

    def parent_pricing_policy(self, product: Any, children_stock: Any) -> Any:
        priced = [(child, stock) for child, stock in children_stock if stock is not None]
        return self.pricing_policy(*priced[0]) if priced else UnavailablePrice()

    def _gross(self, product: Any, stockrecord: Any) -> Money | None:
        if plan := self.book.plans.get(product.pk):
            return self.book.first_amount(plan)
        if stockrecord.price is None:
            return None
        try:
            return Money.of(stockrecord.price, stockrecord.price_currency)
        except BillingError:
            return None


class Strategy(
    Taxed, oscar_strategy.UseFirstStockRecord, oscar_strategy.StockRequired, oscar_strategy.Structured
):
    """The first stock record, tax included; what has no price or no tax rate cannot be bought."""

    def availability_policy(self, product: Any, stockrecord: Any) -> Any:
        if not self.pricing_policy(product, stockrecord).exists:
            return Unavailable()
        return super().availability_policy(product, stockrecord)


class Selector:
    def strategy(self, request: Any = None, user: Any = None, **kwargs: Any) -> Strategy:
        return Strategy(request)
