"""Outside work of an order: bill it, and send Oscar's confirmation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from django.contrib.sites.models import Site
from django.urls import NoReverseMatch, reverse
from django.utils.translation import override
from oscar.core.loading import get_class

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError, PermanentFailure

from .models import OrderBilling, OrderConfirmation
from .services import bill_order

logger = logging.getLogger(__name__)


def carry_out_billing(billing: OrderBilling) -> Callable[[], None]:
    """All of it is database work: it happens in the transaction that marks the row done."""
    return partial(_bill, billing.pk)


def _bill(billing_id: int) -> None:
    try:
        bill_order(billing_id=billing_id, now=clock.now())
    except PermanentFailure:
        raise
    except BillingError as error:
        # A person has to mend it (no issuer, no price): it shows on the to-do list at once, with its reason.
        raise PermanentFailure(str(error)) from error


def bill_now(billing: OrderBilling) -> None:
    """Right after the order, so that the buyer sees the invoice at once. Whatever fails is left to the workers."""
    try:
        outbox.work_on(OrderBilling, billing.pk, now=clock.now())
    except Exception:
        logger.exception("Order %s could not be billed at once; a worker will try again.", billing.order_id)


def send_confirmation(confirmation: OrderConfirmation) -> None:
    order = confirmation.order
    billing = getattr(order, "billing", None)
    with override(billing.language if billing and billing.language else None):
        dispatcher = get_class("order.utils", "OrderDispatcher")(logger=logger)
        dispatcher.send_order_placed_email_for_user(order, confirmation_context(order))


def confirmation_context(order) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """What Oscar's mail templates use; there is no request any more when the mail is written."""
    context = {
        "user": order.user,
        "order": order,
        "lines": order.lines.all(),
        "site": Site.objects.get_current(),
    }
    try:
        path = reverse("customer:order", args=[order.number]) if order.user_id else _guest_path(order)
    except NoReverseMatch:
        return context
    address = billing_settings().site_url.rstrip("/") + path
    return {**context, "status_path": path, "status_url": address}


def _guest_path(order) -> str:  # type: ignore[no-untyped-def]
    return reverse("customer:anon-order", args=[order.number, order.verification_hash()])
