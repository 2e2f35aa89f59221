"""Goods go back into stock: what a correction does to Oscar's order lines and stock records, and its record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from oscar.core.loading import get_model

from cms_billing.faktura.models import Document, DocumentLine

from ..models import StockMovement
from ..restocking import Goods, Move, take_back
from ..selectors import ORDER_LINE
from .order_trail import record_on_orders
from .shipping import tell_alerts

Reason = StockMovement.Reason


@dataclass(frozen=True)
class Occasion:
    """Which correction, on which day, by whom."""

    document: Document
    day: date
    user: Any


@dataclass
class Shelf:
    """The locked rows a correction works on, and their numbers as it goes on."""

    lines: dict[int, Any]
    records: dict[int, Any]
    goods: dict[int, Goods]
    moves: list[tuple[int, Move]] = field(default_factory=list)


@transaction.atomic
def rebook_goods(*, document: Document, today: date, user: Any = None) -> list[StockMovement]:
    """Rebook the goods on the lines of a correction; returns what was written, in the order of the lines.

    Left alone: lines whose price alone is reduced, and lines with ``restock`` None, where nobody was asked: an invoice
    that is cancelled to be billed again leaves the goods with the customer. A product that is gone stops nothing; the
    row says why. Called in the transaction of the correction, whose customer is locked. Locks order lines, then stock
    records, each in the order of their keys. Raises IntegrityError for what has been rebooked before.
    """
    lines = list(
        document.lines.filter(
            restock__isnull=False, returned__gt=0, corrects_line__booking__source=ORDER_LINE
        )
        .select_related("corrects_line__booking")
        .order_by("position")
    )
    if not lines:
        return []
    shelf = _lock({_order_line_id(line) for line in lines})
    occasion = Occasion(document, today, user)
    movements = [row for line in lines for row in _rebook(shelf, occasion, line)]
    StockMovement.objects.bulk_create(movements)
    _write(shelf)
    record_on_orders(document=document, movements=movements, user=user)
    return movements


def _lock(line_ids: Iterable[int]) -> Shelf:
    order_lines = get_model("order", "Line").objects.filter(pk__in=line_ids).order_by("pk")
    lines = {line.pk: line for line in order_lines.select_for_update(no_key=True)}
    stock = get_model("partner", "StockRecord").objects.select_related(
        "product__product_class", "product__parent"
    )
    ids = {line.stockrecord_id for line in lines.values() if line.stockrecord_id}
    locked = stock.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, of=("self",))
    records = {record.pk: record for record in locked}
    taken = _taken_back(lines)
    goods = {
        pk: _goods(line, records.get(line.stockrecord_id), taken.get(pk, 0)) for pk, line in lines.items()
    }
    return Shelf(lines, records, goods)


def _taken_back(line_ids: Iterable[int]) -> dict[int, int]:
    """Units of order lines that corrections have dealt with, whatever became of them."""
    rows = StockMovement.objects.filter(order_line__in=list(line_ids)).exclude(
        Q(reason=Reason.ALREADY_BACK) | Q(reason=Reason.PART_OF_A_UNIT)
    )
    return dict(
        rows.order_by().values("order_line").annotate(n=Sum("quantity")).values_list("order_line", "n")
    )


def _goods(line: Any, record: Any, taken_back: int) -> Goods:
    if record is None:
        return Goods(ordered=line.quantity, taken_back=taken_back, is_tracked=None)
    product_class = record.product.get_product_class()
    return Goods(
        ordered=line.quantity,
        taken_back=taken_back,
        allocated=line.num_allocated,
        allocation_cancelled=line.allocation_cancelled,
        is_tracked=bool(product_class and product_class.track_stock),
        in_stock=record.num_in_stock or 0,
        reserved=record.num_allocated or 0,
    )


def _rebook(shelf: Shelf, occasion: Occasion, line: DocumentLine) -> list[StockMovement]:
    order_line_id = _order_line_id(line)
    units = line.returned or Decimal(0)
    # An order line that is gone has no other word for how many were ordered.
    goods = shelf.goods.get(order_line_id) or Goods(ordered=int(units), is_tracked=None)
    rows = []
    for part, move in enumerate(take_back(goods, units=units, restock=bool(line.restock)), start=1):
        goods = _after(goods, move)
        shelf.moves.append((order_line_id, move))
        order_line = shelf.lines.get(order_line_id)
        rows.append(_movement(occasion, line, order_line, move, goods, part=part))
    _carry(shelf, order_line_id, goods)
    return rows


def _order_line_id(line: DocumentLine) -> int:
    sold: Any = line.corrects_line
    return int(sold.booking.source_id)


def _after(goods: Goods, move: Move) -> Goods:
    counted = move.reason not in {Reason.ALREADY_BACK, Reason.PART_OF_A_UNIT}
    return replace(
        goods,
        taken_back=goods.taken_back + (move.quantity if counted else 0),
        allocated=goods.allocated + move.allocated_change,
        in_stock=goods.in_stock + move.stock_change,
        reserved=goods.reserved + move.reserved_change,
    )


def _carry(shelf: Shelf, order_line_id: int, goods: Goods) -> None:
    """What a line did to its stock record is seen by the other lines that sell from it."""
    if order_line_id not in shelf.lines:
        return
    shelf.goods[order_line_id] = goods
    record_id = shelf.lines[order_line_id].stockrecord_id
    for pk, other in shelf.goods.items():
        if record_id and shelf.lines[pk].stockrecord_id == record_id:
            shelf.goods[pk] = replace(other, in_stock=goods.in_stock, reserved=goods.reserved)


def _movement(
    occasion: Occasion, line: DocumentLine, order_line: Any, move: Move, goods: Goods, *, part: int
) -> StockMovement:
    is_kept = bool(goods.is_tracked)
    return StockMovement(
        issuer_id=occasion.document.issuer_id,
        correction_line=line,
        part=part,
        order_line=order_line,
        product_id=order_line.product_id if order_line else None,
        stock_record_id=order_line.stockrecord_id if order_line else None,
        title=(order_line.title if order_line else line.description)[:255],
        sku=(order_line.partner_sku or "")[:128] if order_line else "",
        partner_name=(order_line.partner_name or "")[:255] if order_line else "",
        kind=move.kind,
        reason=move.reason,
        quantity=move.quantity,
        stock_change=move.stock_change,
        reserved_change=move.reserved_change,
        stock_after=goods.in_stock if is_kept else None,
        reserved_after=goods.reserved if is_kept else None,
        day=occasion.day,
        recorded_by=occasion.user.get_username()[:150] if occasion.user else "",
    )


def _write(shelf: Shelf) -> None:
    """Oscar's own methods would tell its alerts at once, mails and all: they are told after commit."""
    order_lines = get_model("order", "Line").objects
    touched: dict[int, Any] = {}
    for order_line_id, move in shelf.moves:
        if move.allocated_change:
            order_lines.filter(pk=order_line_id).update(
                num_allocated=F("num_allocated") + move.allocated_change
            )
        if move.stock_change or move.reserved_change:
            record = shelf.records[shelf.lines[order_line_id].stockrecord_id]
            _change(record, num_in_stock=move.stock_change, num_allocated=move.reserved_change)
            touched[record.pk] = record
    for record in touched.values():
        transaction.on_commit(partial(tell_alerts, record), robust=True)


def _change(record: Any, **changes: int) -> None:
    values = {name: Coalesce(F(name), 0) + change for name, change in changes.items() if change}
    get_model("partner", "StockRecord").objects.filter(pk=record.pk).update(**values)
