"""Orders that are paid on a provider's page: kept when the page opens, placed when the money is known, once.

Nothing here needs a browser: the redirect, a webhook, the sweeper or a person in the repair inbox may call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import override
from oscar.core.loading import get_class, get_model

from cms_billing.core.money import Money
from cms_billing.payments.models import PaymentSession
from cms_billing.shop import exceptions as errors
from cms_billing.shop.models import CheckoutAttempt

from .orders import SaleCreator, new_order_number, order_of_basket
from .snapshot import (
    ShownShipping,
    buyer_of,
    pin_totals,
    shown_basket,
    shown_surcharges,
    total_of,
)

Basket = get_model("basket", "Basket")
BillingAddress = get_model("order", "BillingAddress")
ShippingAddress = get_model("order", "ShippingAddress")
OrderPlacementMixin = get_class("checkout.mixins", "OrderPlacementMixin")
logger = logging.getLogger("cms_billing.shop")
State = PaymentSession.State


@transaction.atomic
def keep_attempt(*, session: PaymentSession, basket_id: int, facts: dict[str, Any]) -> CheckoutAttempt:
    """Write down what is being ordered, and freeze its basket, before the payer is sent to the page.

    ``facts`` are the columns of the attempt. Raises BasketChanged where the basket is not what was shown any more.
    """
    basket = Basket.objects.select_for_update(of=("self",)).get(pk=basket_id)
    if _lines_of(basket_id) != _shown_lines(facts["lines"]) or order_of_basket(basket_id) is not None:
        raise errors.basket_changed()
    values = {**facts, "basket_id": basket_id, "released_at": None}
    attempt, _created = CheckoutAttempt.objects.update_or_create(session=session, defaults=values)
    basket.freeze()
    return attempt


def _shown_lines(rows: list[dict[str, Any]]) -> set[tuple[int, int, int]]:
    return {(row["line"], row["product"], row["quantity"]) for row in rows}


def _lines_of(basket_id: int) -> set[tuple[int, int, int]]:
    lines = get_model("basket", "Line").objects.filter(basket=basket_id)
    return set(lines.values_list("pk", "product_id", "quantity"))


@transaction.atomic
def release_attempt(*, attempt_id: int, now: datetime) -> bool:
    """Nobody pays on the page any more: the buyer gets the basket back. False where it is ordered, or may be yet."""
    basket_id = CheckoutAttempt.objects.values_list("basket_id", flat=True).get(pk=attempt_id)
    basket = Basket.objects.select_for_update(of=("self",)).filter(pk=basket_id).first()
    attempt = (
        CheckoutAttempt.objects.select_for_update(no_key=True, of=("self",))
        .select_related("session")
        .get(pk=attempt_id)
    )
    if attempt.order_id is not None or not is_given_up(attempt.session):
        return False
    attempt.released_at = now
    attempt.save(update_fields=["released_at"])
    held = CheckoutAttempt.objects.unfinished().filter(basket_id=basket_id).exists()
    if basket is not None and basket.status == Basket.FROZEN and not held:
        basket.thaw()
        _gather_into(basket)
    return True


def _gather_into(basket: Any) -> None:
    """Of several open baskets of a buyer Oscar keeps whichever the database names first; what was chosen in the
    checkout belongs to this one. What was put into another one meanwhile comes along."""
    if basket.owner_id is None:
        return
    others = Basket.open.select_for_update(of=("self",)).filter(owner=basket.owner_id).exclude(pk=basket.pk)
    for other in others.order_by("pk"):
        basket.merge(other, add_quantities=False)


def is_given_up(session: PaymentSession) -> bool:
    """No money will come of it, as far as anybody knows."""
    if session.state == State.COMPLETED:
        return session.money in (PaymentSession.Money.FAILED, PaymentSession.Money.RETURNED)
    return session.state in (State.CANCELLED, State.EXPIRED, State.FAILED)


def place_attempt(attempt: CheckoutAttempt) -> Any:
    """The order, at what was shown. Raises CannotPlace with the reason where the shop cannot keep that any more."""
    return _place(attempt, _check_total)


def place_attempt_at_paid_price(attempt: CheckoutAttempt) -> Any:
    """The order, each line at what was shown for it, whatever became of offers and vouchers. Raises CannotPlace."""
    return _place(attempt, pin_totals)


def _place(attempt: CheckoutAttempt, settle_prices: Callable[[CheckoutAttempt, Any], None]) -> Any:
    placed = order_of_basket(attempt.basket_id)
    if placed is not None:
        return _own(attempt, placed)
    with override(attempt.language or None):
        basket = shown_basket(attempt)
        check_basket(attempt, basket)
        settle_prices(attempt, basket)
        try:
            return Placement(attempt).place(basket)
        except Exception as error:
            # Another worker was faster, or a receiver of Oscar's signal failed after the order was committed.
            placed = order_of_basket(attempt.basket_id)
            if placed is None:
                # Oscar says so of a voucher that was used meanwhile.
                raise errors.CannotPlace(str(error)) if isinstance(error, ValueError) else error from error
            logger.exception("Basket %s has been ordered as %s.", attempt.basket_id, placed.number)
            return _own(attempt, placed)


def _own(attempt: CheckoutAttempt, order: Any) -> Any:
    if not CheckoutAttempt.objects.filter(pk=attempt.pk, order=order).exists():
        raise errors.paid_twice(order)
    return order


def check_basket(attempt: CheckoutAttempt, basket: Any | None) -> None:
    """Is it still what was ordered, and to be had? Raises CannotPlace."""
    if basket is None:
        raise errors.basket_gone()
    if _lines_of(attempt.basket_id) != _shown_lines(attempt.lines):
        raise errors.basket_changed()
    if not attempt.billing_address and not attempt.shipping_address:
        raise errors.no_address()
    check_stock(basket)


def check_stock(basket: Any) -> None:
    for line in basket.all_lines():
        info = basket.strategy.fetch_for_line(line, line.stockrecord)
        permitted, reason = info.availability.is_purchase_permitted(line.quantity)
        if not permitted:
            raise errors.not_available(line.product.get_title(), reason)


def _check_total(attempt: CheckoutAttempt, basket: Any) -> None:
    currency = attempt.session.currency
    total = Money.of(total_of(attempt, basket).incl_tax, currency)
    if total != attempt.session.amount:
        raise errors.total_differs(paid=attempt.session.amount, total=total)


class AttemptCreator(SaleCreator):
    """Guards once more under the lock of the basket, and notes the order on the attempt in the same transaction."""

    def __init__(self, attempt: CheckoutAttempt) -> None:
        super().__init__(provider=attempt.provider, consents=attempt.consents)
        self.attempt = attempt

    def create_order_model(self, user: Any, basket: Any, *args: Any, **kwargs: Any) -> Any:
        list(Basket.objects.select_for_update(of=("self",)).filter(pk=basket.pk))
        if _lines_of(basket.pk) != _shown_lines(self.attempt.lines):
            raise errors.basket_changed()
        order = super().create_order_model(user, basket, *args, **kwargs)
        # The stock is locked by now, and read anew.
        check_stock(basket)
        CheckoutAttempt.objects.filter(pk=self.attempt.pk).update(order=order)
        return order


class Placement(OrderPlacementMixin):
    """The checkout's own way to place an order, without a request."""

    request = None

    def __init__(self, attempt: CheckoutAttempt) -> None:
        self.attempt = attempt

    def creator(self) -> SaleCreator:
        return AttemptCreator(self.attempt)

    def place(self, basket: Any) -> Any:
        attempt = self.attempt
        fields = dict(attempt.order_fields)
        if attempt.guest_email:
            fields["guest_email"] = attempt.guest_email
        if attempt.site is not None:
            fields["site"] = attempt.site
        method = ShownShipping(attempt)
        return self.place_order(
            order_number=new_order_number(),
            user=buyer_of(attempt),
            basket=basket,
            shipping_address=ShippingAddress(**attempt.shipping_address)
            if attempt.shipping_address
            else None,
            shipping_method=method,
            shipping_charge=method.charge,
            billing_address=BillingAddress(**attempt.billing_address) if attempt.billing_address else None,
            order_total=total_of(attempt, basket),
            surcharges=shown_surcharges(attempt),
            **fields,
        )
