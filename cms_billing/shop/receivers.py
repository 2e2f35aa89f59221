"""What is sold where may have changed: whoever shows offers is told. What is corrected goes back into stock."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models.signals import post_delete, post_save
from oscar.apps.order.signals import order_status_changed
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.faktura.models import Document
from cms_billing.faktura.signals import lines_corrected
from cms_billing.memberships.offers import offers_changed
from cms_billing.payments.signals import payment_changed, refund_changed, session_closed

from .models import CheckoutAttempt, PlanProduct
from .services import close_orders_after_commit, rebook_goods, ship_order, show_payment, show_refund


def connect() -> None:
    lines_corrected.connect(_rebook, dispatch_uid="shop.rebook")
    order_status_changed.connect(_ship, dispatch_uid="shop.ship")
    session_closed.connect(_release, dispatch_uid="shop.release")
    payment_changed.connect(_show_payment, dispatch_uid="shop.show_payment")
    refund_changed.connect(_show_refund, dispatch_uid="shop.show_refund")
    # A product that is hidden or shown again changes what is on offer like one that is tied to a plan.
    for model in (PlanProduct, get_model("catalogue", "Product")):
        for signal in (post_save, post_delete):
            signal.connect(_tell, sender=model, dispatch_uid=f"shop.offers.{model.__name__}.{id(signal)}")


def _rebook(sender: type, *, document: Document, today: date, user: Any = None, **kwargs: Any) -> None:
    """In the transaction of the correction: either both are written or neither."""
    rebook_goods(document=document, today=today, user=user)
    close_orders_after_commit(document)


def _ship(sender: Any, *, order: Any, new_status: str, **kwargs: Any) -> None:
    """Oscar sends the order itself as the sender, so the receiver hears of all of them."""
    if new_status and new_status == billing_settings().shipped_order_status:
        ship_order(order=order)


def _release(sender: type, *, session_id: int, **kwargs: Any) -> None:
    from .checkout.attempts import release_attempt

    for pk in CheckoutAttempt.objects.filter(session=session_id).values_list("pk", flat=True):
        release_attempt(attempt_id=pk, now=clock.now())


def _show_payment(sender: Any, *, payment_id: int, **kwargs: Any) -> None:
    show_payment(payment_id=payment_id)


def _show_refund(sender: Any, *, refund_id: int, **kwargs: Any) -> None:
    show_refund(refund_id=refund_id)


def _tell(sender: type, **kwargs: Any) -> None:
    offers_changed.send(sender=sender)
