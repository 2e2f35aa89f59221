"""Orders without the pages: placed, billed and shipped by the same services the checkout calls."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from oscar.core.loading import get_class, get_model

from cms_billing.faktura.models import Booking, Document, DocumentKind
from cms_billing.faktura.selectors import left_to_credit
from cms_billing.faktura.services import CreditLine
from cms_billing.shop.checkout.orders import SaleCreator, new_order_number
from cms_billing.shop.services import bill_order
from cms_billing.shop.strategy import Strategy
from cms_billing.testing.factories import UserFactory

from .shop import ADDRESS, germany

Basket = get_model("basket", "Basket")
BillingAddress = get_model("order", "BillingAddress")
Free = get_class("shipping.methods", "Free")
OrderTotalCalculator = get_class("checkout.calculators", "OrderTotalCalculator")

MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)


def place(products, *, user=None, now=MARCH):
    """``place({book: 2})``: the order, allocated and billed."""
    user = user or UserFactory()
    basket = Basket.objects.create(owner=user)
    basket.strategy = Strategy()
    for product, quantity in products.items():
        basket.add_product(product, quantity)
    method = Free()
    charge = method.calculate(basket)
    address = BillingAddress.objects.create(**{**ADDRESS, "country": germany()})
    order = SaleCreator().place_order(
        user=user,
        order_number=new_order_number(),
        basket=basket,
        shipping_method=method,
        shipping_charge=charge,
        billing_address=address,
        total=OrderTotalCalculator().calculate(basket, charge),
    )
    bill_order(billing_id=order.billing.pk, now=now)
    return order


def ship(order, *quantities):
    """So many units of each line leave the house; all of them when none are named."""
    lines = list(order.lines.order_by("pk"))
    for line, quantity in zip(lines, quantities or [line.quantity for line in lines], strict=False):
        line.consume_allocation(quantity)


def invoice_of(order):
    lines = order.lines.values_list("pk", flat=True)
    bookings = Booking.objects.filter(source="order_line", source_id__in=lines)
    return Document.objects.filter(kind=DocumentKind.INVOICE, lines__booking__in=bookings).distinct().get()


def units(invoice, *quantities, restock=True):
    """So many units of each line of an invoice, to be credited."""
    lines = invoice.lines.order_by("position")
    return [
        CreditLine(line_id=line.pk, quantity=Decimal(quantity), restock=restock)
        for line, quantity in zip(lines, quantities, strict=False)
        if quantity
    ]


def units_of(invoice, wanted, *, restock=True):
    """``{"Lieder": 2}``: so many units of each title, from its lines that have some left; else too many of the last."""
    lines = []
    for title, quantity in wanted.items():
        left = [one for one in left_to_credit(invoice) if one.description == title]
        missing = Decimal(quantity)
        for one in left:
            taken = missing if one is left[-1] else min(missing, one.quantity)
            missing -= taken
            if taken:
                lines.append(CreditLine(line_id=one.line_id, quantity=taken, restock=restock))
    return lines


def stock_of(product):
    """In stock and reserved."""
    record = product.stockrecords.get()
    return record.num_in_stock, record.num_allocated or 0
