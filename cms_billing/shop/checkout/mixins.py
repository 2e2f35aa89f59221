"""Placing the order so that nothing after it can undo or repeat it.

Once the order is committed it stands: a failing signal receiver, mail or PDF is logged or tried again later, and the
basket is never opened again. The key of the sale is the basket: pressing the button twice leads to the same order.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse, HttpResponseRedirect
from oscar.apps.checkout import mixins as oscar_mixins
from oscar.core.loading import get_model

from cms_billing.shop.work import bill_now

from .orders import SaleCreator, new_order_number, order_of_basket

Basket = get_model("basket", "Basket")
logger = logging.getLogger("cms_billing.shop")


class OrderPlacementMixin(oscar_mixins.OrderPlacementMixin):
    consents: list[str] = []

    def generate_order_number(self, basket: Any) -> str:
        return new_order_number()

    def handle_order_placement(
        self, order_number: str, user: Any, basket: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            order = self.place_order(order_number, user, basket, *args, **kwargs)
        except Exception:
            order = order_of_basket(basket.pk)
            if order is None:
                raise
            # Either somebody pressed twice, or a receiver of Oscar's signal failed after the order was committed.
            logger.exception("Basket %s has been ordered as %s; going on with that.", basket.pk, order.number)
        return self.handle_successful_order(order)

    def place_order(  # noqa: PLR0917  (as Oscar calls it)
        self,
        order_number: str,
        user: Any,
        basket: Any,
        shipping_address: Any,
        shipping_method: Any,
        shipping_charge: Any,
        billing_address: Any = None,
        order_total: Any = None,
        surcharges: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Addresses first, then order, sale and basket in one transaction (see ``SaleCreator``)."""
        shipping_address = self.create_shipping_address(user, shipping_address)
        billing_address = self.create_billing_address(user, billing_address, shipping_address, **kwargs)
        status = kwargs.pop("status", None) or self.get_initial_order_status(basket)
        request = kwargs.pop("request", None) or getattr(self, "request", None)
        order = self.creator().place_order(
            user=user,
            order_number=order_number,
            basket=basket,
            shipping_address=shipping_address,
            shipping_method=shipping_method,
            shipping_charge=shipping_charge,
            total=order_total,
            billing_address=billing_address,
            status=status,
            request=request,
            surcharges=surcharges,
            **kwargs,
        )
        self.save_payment_details(order)
        return order

    def creator(self) -> SaleCreator:
        return SaleCreator(provider=self.checkout_session.payment_method() or "", consents=self.consents)

    def update_address_book(self, user: Any, addr: Any) -> None:
        """A convenience for the next order: another order saving the same address right now must not cost this one."""
        try:
            with transaction.atomic():
                super().update_address_book(user, addr)
        except IntegrityError:
            logger.info("Address of user %s was saved by another order at the same moment.", user.pk)

    def handle_successful_order(self, order: Any) -> HttpResponse:
        """The confirmation mail is a row of its own (``OrderConfirmation``), sent by the workers."""
        bill_now(order.billing)
        return self.show_order(order)

    def show_order(self, order: Any) -> HttpResponse:
        self.checkout_session.flush()
        self.request.session["checkout_order_id"] = order.pk
        response = HttpResponseRedirect(self.get_success_url())
        self.send_signal(self.request, response, order)
        return response

    def send_signal(self, request: Any, response: HttpResponse, order: Any) -> None:
        results = self.view_signal.send_robust(
            sender=self, order=order, user=request.user, request=request, response=response
        )
        for receiver, result in results:
            if isinstance(result, Exception):
                logger.error("Order %s: %r failed after checkout: %s", order.number, receiver, result)

    @transaction.atomic
    def restore_frozen_basket(self) -> None:
        """Never open a basket again that has been ordered."""
        basket_id = self.checkout_session.get_submitted_basket_id()
        Basket.objects.select_for_update(of=("self",)).filter(pk=basket_id).first()
        if order_of_basket(basket_id) is None:
            super().restore_frozen_basket()
