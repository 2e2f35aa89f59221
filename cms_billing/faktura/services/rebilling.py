"""What becomes of the bookings of a cancelled invoice: billable again, less what was credited of them before."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..crediting import LineLeft
from ..models import Booking, Document
from ..rules import unit_price


def void_bookings(original: Document) -> None:
    """The sale is off."""
    Booking.objects.filter(document_lines__document=original).update(state=Booking.State.VOID)


def open_bookings_again(original: Document, left: Sequence[LineLeft]) -> None:
    """The invoice was wrong, the sale is not: the bookings go on the next invoice, less what corrections had credited.

    A line that had been credited in part is billed again for the units and the money that were left; one of which
    nothing was left is not. ``left``: of every line, right before the cancellation.
    """
    lines = {line.pk: line for line in original.lines.select_related("booking")}
    Booking.objects.filter(document_lines__document=original).update(state=Booking.State.OPEN)
    for one in left:
        line = lines[one.line_id]
        is_whole = one.quantity == line.quantity and one.amounts.gross == line.gross_minor
        if line.booking is not None and not is_whole:
            price = one.amounts.gross if original.prices_include_tax else one.amounts.net
            _bill_the_rest(line.booking, one, price)


def _bill_the_rest(booking: Booking, left: LineLeft, price: int) -> None:
    if left.is_used_up:
        booking.state = Booking.State.VOID
        booking.save(update_fields=["state"])
        return
    units = left.quantity or Decimal(1)
    if unit_price(price, units) * units != price:
        # A reduced price that does not divide by the units is billed as one.
        units = Decimal(1)
    booking.quantity, booking.unit_price_minor = units, unit_price(price, units)
    booking.save(update_fields=["quantity", "unit_price_minor"])
