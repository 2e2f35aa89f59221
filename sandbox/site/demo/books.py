"""Books that were ordered: shipped the day after, and one of them sent back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from oscar.core.loading import get_class, get_model

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Document, DocumentKind
from cms_billing.faktura.services import CreditLine, credit_document
from cms_billing.payments.services import mark_transferred, refund_customer
from cms_billing.shop.checkout.orders import SaleCreator, new_order_number
from cms_billing.shop.models import OrderConfirmation
from cms_billing.shop.selectors import documents_of_order
from cms_billing.shop.services import bill_order
from cms_billing.shop.strategy import Strategy

from .people import account


@dataclass(frozen=True)
class BookOrder:
    """``books`` by SKU; ``sent_back`` ``after`` so many days, and refunded by transfer."""

    username: str
    days_ago: int
    books: Mapping[str, int]
    ships: bool = True
    sent_back: Mapping[str, int] = field(default_factory=dict)
    after: int = 12


ORDERS = [
    BookOrder("schuster", 38, {"BUCH-LIEDER": 1, "BUCH-GRIFFE": 1}, sent_back={"BUCH-GRIFFE": 1}),
    BookOrder("jaekel", 21, {"BUCH-LIEDER": 3}),
    BookOrder("nowak", 2, {"BUCH-LIEDER": 2, "BUCH-GRIFFE": 1}, ships=False),
]


def live_with_books(day: date, *, last_day: date) -> None:
    """What happens with orders on this day, and happens once."""
    for story in ORDERS:
        ordered_on = last_day - timedelta(days=story.days_ago)
        if day == ordered_on:
            place(story)
        elif day == ordered_on + timedelta(days=1) and story.ships:
            ship(order_of(story))
        elif story.sent_back and day == ordered_on + timedelta(days=story.after):
            take_back(story, day)


def order_of(story: BookOrder):
    return get_model("order", "Order").objects.filter(user=account(story.username)).first()


def place(story: BookOrder) -> None:
    if order_of(story) is not None:
        return
    user = account(story.username)
    basket = get_model("basket", "Basket").objects.create(owner=user)
    basket.strategy = Strategy()
    for sku, quantity in story.books.items():
        basket.add_product(get_model("catalogue", "Product").objects.get(upc=sku), quantity)
    shipping = get_class("shipping.methods", "Free")()
    charge = shipping.calculate(basket)
    order = SaleCreator().place_order(
        user=user,
        order_number=new_order_number(),
        basket=basket,
        shipping_method=shipping,
        shipping_charge=charge,
        shipping_address=address_of(user, "ShippingAddress"),
        billing_address=address_of(user, "BillingAddress"),
        total=get_class("checkout.calculators", "OrderTotalCalculator")().calculate(basket, charge),
    )
    get_model("order", "Order").objects.filter(pk=order.pk).update(date_placed=clock.now())
    bill_order(billing_id=order.billing.pk, now=clock.now())
    outbox.drain(OrderConfirmation, now=clock.now())


def address_of(user, model: str):
    kept = user.addresses.get(is_default_for_billing=True)
    address = get_model("order", model)()
    kept.populate_alternative_model(address)
    address.save()
    return address


def ship(order) -> None:
    for status in ("In Bearbeitung", "Versendet"):
        if status in order.available_statuses():
            order.set_status(status)


def take_back(story: BookOrder, day: date) -> None:
    invoice = documents_of_order(order_of(story)).get(kind=DocumentKind.INVOICE)
    if invoice.corrections.exists():
        return
    titles = get_model("catalogue", "Product").objects.filter(upc__in=story.sent_back)
    wanted = {product.title: story.sent_back[product.upc] for product in titles}
    lines = [
        CreditLine(line_id=line.pk, quantity=Decimal(wanted[line.description]), restock=True)
        for line in invoice.lines.filter(description__in=wanted)
    ]
    correction = credit_document(document_id=invoice.pk, lines=lines, reason="Rücksendung", today=day)
    pay_back(correction, day)


def pay_back(correction: Document, day: date) -> None:
    refund = refund_customer(
        customer_id=correction.customer_id,
        amount=-correction.gross,
        way="transfer",
        iban="DE02120300000000202051",
        account_holder=correction.customer.name,
        document_id=correction.pk,
        reason="Rücksendung",
        today=day,
    )
    mark_transferred(refund_id=refund.pk, paid_on=day, today=day)
