"""Oscar's own record of an order is kept truthful: what came back, and that nothing of it is left."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import override
from oscar.core.loading import get_model

from cms_billing.core.conf import billing_settings
from cms_billing.faktura.models import Document

from ..models import StockMovement
from ..selectors import is_fully_credited, orders_of_document

RETURNED_EVENT = "returned"
SHIPPED_BEFORE = {StockMovement.Kind.RETURNED, StockMovement.Kind.DAMAGED}


def record_on_orders(*, document: Document, movements: Sequence[StockMovement], user: Any = None) -> None:
    """A note and a shipping event on each order the correction touches, in the language of the site."""
    with override(settings.LANGUAGE_CODE):
        for order in _orders_of(movements):
            rows = [row for row in movements if row.order_line and row.order_line.order_id == order.pk]
            _write_note(order, document, rows, user)
            _write_event(order, document, rows)


def _orders_of(movements: Sequence[StockMovement]) -> list[Any]:
    ids = {row.order_line.order_id for row in movements if row.order_line}
    return list(get_model("order", "Order").objects.filter(pk__in=ids).order_by("pk"))


def _write_note(order: Any, document: Document, rows: Sequence[StockMovement], user: Any) -> None:
    lines = [capfirst(str(document))]
    lines += [f"{row}. {row.get_reason_display()}" if row.reason else str(row) for row in rows]
    order.notes.create(message="\n".join(lines), note_type="System", user=user)


def _write_event(order: Any, document: Document, rows: Sequence[StockMovement]) -> None:
    """Shipped goods that came back, damaged or not. Oscar counts an event of one type once for each unit."""
    lines: dict[int, Any] = {}
    units: dict[int, int] = {}
    for row in rows:
        if row.kind in SHIPPED_BEFORE and row.order_line is not None:
            lines[row.order_line.pk] = row.order_line
            units[row.order_line.pk] = units.get(row.order_line.pk, 0) + row.quantity
    event_type = _returned_type() if units else None
    countable = {}
    for pk, quantity in units.items():
        free = lines[pk].quantity - lines[pk].shipping_event_quantity(event_type)
        if min(quantity, free) > 0:
            countable[pk] = min(quantity, free)
    if countable:
        event = order.shipping_events.create(event_type=event_type, notes=str(document))
        for pk, quantity in countable.items():
            event.line_quantities.create(line=lines[pk], quantity=quantity)


def _returned_type() -> Any:
    """The event type “Returned”; made once, whoever is first."""
    types = get_model("order", "ShippingEventType").objects
    found = types.filter(code=RETURNED_EVENT).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return types.create(code=RETURNED_EVENT, name=_("Returned"))
    except IntegrityError:
        # The name is taken, by a type of the shop's own with another code or by somebody else at this moment.
        return types.get(name=_("Returned"))


def close_orders_after_commit(document: Document) -> None:
    """Where nothing of an order is left to pay for, Oscar's order gets the status for cancelled orders."""
    transaction.on_commit(partial(close_credited_orders, document_id=document.pk), robust=True)


@transaction.atomic
def close_credited_orders(*, document_id: int) -> list[Any]:
    """After commit: the shop's own receivers of a change of status may mail and fail, and undo no correction.

    An order whose pipeline has no way to that status keeps its own; its notes say what was credited.
    """
    status = billing_settings().cancelled_order_status
    closed = []
    orders = orders_of_document(document_id).order_by("pk")
    for order in orders.select_for_update(no_key=True, of=("self",)):
        if status in order.available_statuses() and is_fully_credited(order):
            order.set_status(status)
            closed.append(order)
    return closed
