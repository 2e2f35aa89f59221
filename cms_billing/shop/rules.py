"""What an order comes to, position by position. Pure functions on plain values; amounts in minor units, with tax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    """Quantity and unit price of an invoice line; ``description`` says the count where the price does not divide."""

    description: str
    quantity: Decimal
    unit_price_minor: int


@dataclass(frozen=True)
class ShippingShare:
    issuer_id: int
    tax_code: str
    gross_minor: int


def price_of(line: SoldLine) -> Price:
    """``3 × 24.80`` where the amount divides evenly; else one line of the whole, so that no cent is lost."""
    unit, rest = divmod(line.gross_minor, line.quantity)
    if rest == 0:
        return Price(line.title, Decimal(line.quantity), unit)
    return Price(f"{line.quantity} × {line.title}", Decimal(1), line.gross_minor)


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
