"""The placed order: one a basket, with the work it leaves to do, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.utils.translation import get_language
from oscar.core.loading import get_class, get_model

from cms_billing.core import clock
from cms_billing.shop.models import OrderBilling
from cms_billing.shop.services import record_sale

OrderCreator = get_class("order.utils", "OrderCreator")
Order = get_model("order", "Order")

# Without letters and digits that are mistaken for one another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class SaleCreator(OrderCreator):
    """Oscar's creator; it also records the sale and closes the basket before anything of the order is committed."""

    def __init__(self, *, provider: str = "", consents: Sequence[str] = ()) -> None:
        super().__init__()
        self.provider, self.consents = provider, consents

    def create_order_model(self, user: Any, basket: Any, *args: Any, **kwargs: Any) -> Any:
        # The basket first, in every way an order is placed: two of them wait for each other, and never in a circle.
        list(get_model("basket", "Basket").objects.select_for_update(of=("self",)).filter(pk=basket.pk))
        order = super().create_order_model(user, basket, *args, **kwargs)
        record_sale(
            order=order,
            now=clock.now(),
            language=get_language() or "",
            provider=self.provider,
            consents=self.consents,
        )
        basket.submit()
        _lock_stock(basket)
        return order


def _lock_stock(basket: Any) -> None:
    """In the order of keys, as corrections do: two baskets, or a basket and a return, never wait in a circle."""
    records = {line.stockrecord_id for line in basket.all_lines()}
    locked = get_model("partner", "StockRecord").objects.filter(pk__in=records).order_by("pk")
    list(locked.select_for_update(no_key=True, of=("self",)).values_list("pk"))


def order_of_basket(basket_id: int | None) -> Any | None:
    """The order a basket was placed as, or None while it has not been."""
    billing = OrderBilling.objects.select_related("order").filter(basket_id=basket_id).first()
    return billing.order if billing and basket_id else None


def new_order_number() -> str:
    """``260314-7GK2MQ``: the day and six random characters, for one placement and no other.

    Oscar makes it from the basket's id, so that a second attempt after a failed one dies of its own number.
    """
    while True:
        tail = "".join(secrets.choice(_ALPHABET) for _ in range(6))
        number = f"{clock.today():%y%m%d}-{tail}"
        if not Order.objects.filter(number=number).exists():
            return number
