"""What a correction of goods does to the stock. Pure functions on plain values; whole units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

# Shipped and back on the shelf, not shipped and free again; shipped and useless, not shipped and thrown away.
RETURNED, RELEASED, DAMAGED, WRITTEN_OFF = "returned", "released", "damaged", "written_off"
UNTRACKED, NOT_REBOOKED = "untracked", "not_rebooked"

RECORD_IS_GONE, ALLOCATION_CANCELLED = "record_is_gone", "allocation_cancelled"
ALREADY_BACK, PART_OF_A_UNIT = "already_back", "part_of_a_unit"


@dataclass(frozen=True)
class Goods:
    """An order line and its stock record as they are now, under lock.

    ``taken_back``: units that earlier corrections dealt with. ``allocated``: units the order still reserves, not
    shipped yet. ``allocation_cancelled``: the shop itself gave up the reservation, so what is not allocated was not
    shipped. ``is_tracked`` None: product or stock record are gone. ``in_stock`` and ``reserved``: of the record.
    """

    ordered: int
    taken_back: int = 0
    allocated: int = 0
    allocation_cancelled: bool = False
    is_tracked: bool | None = True
    in_stock: int = 0
    reserved: int = 0


@dataclass(frozen=True)
class Move:
    """``quantity`` units of one fate; the changes are those of the stock record. ``reason``: why not rebooked."""

    kind: str
    quantity: int
    stock_change: int = 0
    reserved_change: int = 0
    allocated_change: int = 0
    reason: str = ""


def take_back(goods: Goods, *, units: Decimal, restock: bool) -> list[Move]:
    """The fates of the units of one correction line. ``restock`` False: damaged, they do not come back.

    Units that were not shipped go first: their reservation is released, or, damaged, they leave the stock. Shipped
    units go back into stock; damaged ones change nothing. No more units come back than were ordered, whatever is
    credited.
    """
    whole = int(units)
    coming = max(min(whole, goods.ordered - goods.taken_back), 0)
    moves = list(_moves(goods, coming, restock=restock))
    if whole > coming:
        moves.append(Move(NOT_REBOOKED, whole - coming, reason=ALREADY_BACK))
    if units > whole:
        moves.append(Move(NOT_REBOOKED, 1, reason=PART_OF_A_UNIT))
    return moves


def _moves(goods: Goods, units: int, *, restock: bool) -> Iterator[Move]:
    if not units:
        return
    if goods.is_tracked is None:
        yield Move(NOT_REBOOKED, units, reason=RECORD_IS_GONE)
    elif not goods.is_tracked:
        yield Move(UNTRACKED, units)
    else:
        reserved = min(units, goods.allocated)
        if reserved:
            yield _unshipped(goods, reserved, restock=restock)
        if units > reserved:
            yield _shipped(goods, units - reserved, restock=restock)


def _unshipped(goods: Goods, units: int, *, restock: bool) -> Move:
    # A stock-taking may have set the record's numbers anew: neither falls below zero.
    reserved_change = -min(units, max(goods.reserved, 0))
    if restock:
        return Move(RELEASED, units, 0, reserved_change, -units)
    return Move(WRITTEN_OFF, units, -min(units, goods.in_stock), reserved_change, -units)


def _shipped(goods: Goods, units: int, *, restock: bool) -> Move:
    if goods.allocation_cancelled:
        return Move(NOT_REBOOKED, units, reason=ALLOCATION_CANCELLED)
    return Move(RETURNED, units, units) if restock else Move(DAMAGED, units)
