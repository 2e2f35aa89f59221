"""What an order comes to, position by position. Pure functions on plain values; amounts in minor units, with tax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cms_billing.core.money import allocate_minor


@dataclass(frozen=True)
class SoldLine:
    """One order line. ``gross_minor`` is what was paid for all of it, discounts and vouchers taken off."""

    id: int
    position: int
    title: str
    quantity: int
    gross_minor: int
    tax_code: str
    issuer_id: int
    plan_id: int | None = None
    is_shipped: bool = False


@dataclass(frozen=True)
class Price:
    """So many units at the same price: one line of an invoice."""

    quantity: int
    unit_price_minor: int


@dataclass(frozen=True)
class ShippingShare:
    issuer_id: int
    tax_code: str
    gross_minor: int


def prices_of(line: SoldLine) -> list[Price]:
    """``3 × 24.80``; where the amount does not divide ``2 × 24.80`` and ``1 × 24.79``.

    Whole units that add up to the line, so that one unit can be credited later, to the cent. At most two prices.
    """
    unit, dearer = divmod(line.gross_minor, line.quantity)
    prices = [Price(dearer, unit + 1), Price(line.quantity - dearer, unit)]
    return [price for price in prices if price.quantity]


def price_of_units(line: SoldLine) -> list[int]:
    """What each unit of a line cost: they add up to the line."""
    return allocate_minor(line.gross_minor, [1] * line.quantity)


def share_extras(gross_minor: int, lines: Sequence[SoldLine]) -> list[ShippingShare]:
    """Shipping and surcharges follow the goods: by their value, to each issuer and tax code (Abschnitt 3.10 UStAE).

    What is shipped carries it; an order of nothing that is shipped, or of free goods, is split over all its lines.
    """
    carriers = [line for line in lines if line.is_shipped] or list(lines)
    weights: dict[tuple[int, str], int] = {}
    for line in carriers:
        key = (line.issuer_id, line.tax_code)
        weights[key] = weights.get(key, 0) + line.gross_minor
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    parts = allocate_minor(gross_minor, list(weights.values()))
    return [
        ShippingShare(issuer_id, tax_code, part)
        for (issuer_id, tax_code), part in zip(weights, parts, strict=True)
        if part
    ]
