"""Goods leave the house: what an order reserved is taken out of stock."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest
from oscar.core.loading import get_model


@transaction.atomic
def ship_order(*, order: Any) -> int:
    """All units the order still reserves leave the stock; returns how many. A second call finds nothing to do.

    Oscar has the two numbers but changes them for nobody; sites with an ``EventHandler`` of their own that consumes
    allocations have no need of this. A stock-taking in between may leave less in stock than is shipped: zero, then.
    Locks order lines, then stock records, each in the order of their keys.
    """
    lines = order.lines.select_related("stockrecord__product__product_class", "stockrecord__product__parent")
    reserved = lines.filter(num_allocated__gt=0, allocation_cancelled=False, stockrecord__isnull=False)
    locked = list(reserved.order_by("pk").select_for_update(no_key=True, of=("self",)))
    shipped = [line for line in locked if line.stockrecord.can_track_allocations]
    for line in sorted(shipped, key=lambda line: line.stockrecord_id):
        _take_out(line.stockrecord, line.num_allocated)
    order.lines.filter(pk__in=[line.pk for line in shipped]).update(num_allocated=0)
    return sum(line.num_allocated for line in shipped)


def _take_out(record: Any, units: int) -> None:
    get_model("partner", "StockRecord").objects.filter(pk=record.pk).update(
        num_in_stock=Greatest(Coalesce(F("num_in_stock"), 0) - units, 0),
        num_allocated=Greatest(Coalesce(F("num_allocated"), 0) - units, 0),
    )
    transaction.on_commit(partial(tell_alerts, record), robust=True)


def tell_alerts(record: Any) -> None:
    """Oscar's low-stock alerts and “back in stock” mails hang on the signals of the stock record."""
    record.refresh_from_db(fields=["num_in_stock", "num_allocated"])
    record.post_save_signal()
