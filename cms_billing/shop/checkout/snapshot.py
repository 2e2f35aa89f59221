"""What a buyer was shown when they pressed the button, as plain values; and a basket that shows the same again.

Amounts are kept as text. Prices are those that were shown, whatever products cost by the time the money is here; offers
and vouchers are applied anew, so that Oscar counts them, and have to come to the same total.
"""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from oscar.apps.checkout.applicator import SurchargeList, SurchargePrice
from oscar.apps.partner.prices import TaxInclusiveFixedPrice
from oscar.apps.partner.strategy import PurchaseInfo
from oscar.core.loading import get_class, get_model
from oscar.core.prices import Price

from cms_billing.shop.models import CheckoutAttempt

Applicator = get_class("offer.applicator", "Applicator")
Base = get_class("shipping.methods", "Base")
OrderTotalCalculator = get_class("checkout.calculators", "OrderTotalCalculator")
Selector = get_class("partner.strategy", "Selector")


def address_values(address: Any) -> dict[str, str]:
    """The columns of an unsaved address that say something."""
    if address is None:
        return {}
    fields = (field for field in address._meta.concrete_fields if not field.primary_key)
    return {field.attname: str(value) for field in fields if (value := getattr(address, field.attname))}


def price_values(price: Any) -> dict[str, str]:
    return {
        "excl_tax": str(price.excl_tax),
        "incl_tax": str(price.incl_tax),
        "tax_code": price.tax_code or "",
    }


def line_values(line: Any) -> dict[str, Any]:
    return {
        "line": line.pk,
        "product": line.product_id,
        "title": line.product.get_title(),
        "quantity": line.quantity,
        "excl_tax": str(line.unit_price_excl_tax),
        "incl_tax": str(line.unit_price_incl_tax),
        "tax_code": line.tax_code or "",
        "total": str(line.line_price_incl_tax_incl_discounts),
    }


def shipping_values(method: Any, charge: Any, basket: Any) -> dict[str, str]:
    discount = method.discount(basket) if basket.has_shipping_discounts else Decimal(0)
    name, code = str(method.name), method.code
    return {"code": code, "name": name, "discount": str(discount), **price_values(charge)}


def surcharge_values(surcharges: Any) -> list[dict[str, str]]:
    return [
        {"name": str(one.surcharge.name), "code": one.surcharge.code, **price_values(one.price)}
        for one in surcharges or []
    ]


def buyer_of(attempt: CheckoutAttempt) -> Any:
    return attempt.user or AnonymousUser()


class ShownPrices:
    """The shop's strategy, with the prices of an attempt's lines; what is available is asked of the shop."""

    def __init__(self, attempt: CheckoutAttempt) -> None:
        self.strategy = Selector().strategy(user=buyer_of(attempt))
        self.prices = {row["line"]: _line_price(row, attempt.session.currency) for row in attempt.lines}

    def fetch_for_line(self, line: Any, stockrecord: Any = None) -> PurchaseInfo:
        info = self.strategy.fetch_for_line(line, stockrecord)
        return PurchaseInfo(
            price=self.prices.get(line.pk, info.price),
            availability=info.availability,
            stockrecord=info.stockrecord,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.strategy, name)


def _line_price(row: dict[str, Any], currency: str) -> TaxInclusiveFixedPrice:
    net, gross = Decimal(row["excl_tax"]), Decimal(row["incl_tax"])
    return TaxInclusiveFixedPrice(currency=currency, excl_tax=net, tax=gross - net, tax_code=row["tax_code"])


class ShownShipping(Base):
    """The shipping method as it was shown; the site may have changed its own since."""

    def __init__(self, attempt: CheckoutAttempt) -> None:
        values = attempt.shipping
        self.code, self.name = values["code"], values["name"]
        self.charge = _price(values, attempt.session.currency)
        self._discount = Decimal(values.get("discount", "0"))

    def calculate(self, basket: Any) -> Price:
        return self.charge

    def discount(self, basket: Any) -> Decimal:
        return self._discount


def shown_surcharges(attempt: CheckoutAttempt) -> SurchargeList | None:
    rows = [
        SurchargePrice(
            SimpleNamespace(name=row["name"], code=row["code"]), _price(row, attempt.session.currency)
        )
        for row in attempt.surcharges
    ]
    return SurchargeList(rows) if rows else None


def shown_basket(attempt: CheckoutAttempt) -> Any | None:
    """The basket with the prices that were shown and today's offers applied; None where it has been deleted."""
    basket = get_model("basket", "Basket").objects.filter(pk=attempt.basket_id).first()
    if basket is None:
        return None
    basket.strategy = ShownPrices(attempt)
    if attempt.user is not None:
        basket.owner = attempt.user
    if basket.all_lines():
        Applicator().apply(basket, buyer_of(attempt), None)
    return basket


def total_of(attempt: CheckoutAttempt, basket: Any) -> Any:
    """What the order comes to with the offers the basket has now."""
    return OrderTotalCalculator().calculate(basket, ShownShipping(attempt).charge, shown_surcharges(attempt))


def pin_totals(attempt: CheckoutAttempt, basket: Any) -> None:
    """Each line at what was shown for it, whatever became of the offers it had."""
    basket.reset_offer_applications()
    shown = {row["line"]: Decimal(row["total"]) for row in attempt.lines}
    for line in basket.all_lines():
        reduction = line.line_price_incl_tax - shown[line.pk]
        if reduction > 0:
            line.discount(reduction, line.quantity, incl_tax=True)
    for voucher in basket.vouchers.all():
        if not voucher.is_available_to_user(user=buyer_of(attempt))[0]:
            basket.vouchers.remove(voucher)


def _price(values: dict[str, str], currency: str) -> Price:
    return Price(
        currency=currency,
        excl_tax=Decimal(values["excl_tax"]),
        incl_tax=Decimal(values["incl_tax"]),
        tax_code=values["tax_code"] or None,
    )
