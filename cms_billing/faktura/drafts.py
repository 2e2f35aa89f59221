"""What is about to become a document: plain values, made by rules, issued by ``services.issuing``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from .totals import Amounts, PricedLine, Totals, add_up


@dataclass(frozen=True)
class DraftLine:
    """One position; ``unit_price_minor`` with or without tax as its draft says.

    ``amounts``: given where they are a share of what was issued before (corrections, deposits taken off) instead of
    quantity × price. ``returned`` and ``restock`` are those of ``DocumentLine``.
    """

    description: str
    unit_price_minor: int
    tax_code: str
    tax_percent: Decimal
    quantity: Decimal = Decimal(1)
    tax_notice: str = ""
    service_start: date | None = None
    service_end: date | None = None
    booking_id: int | None = None
    contract_reference: str = ""
    corrects_line_id: int | None = None
    deducts_id: int | None = None
    details: Sequence[Mapping[str, Any]] | None = None
    amounts: Amounts | None = None
    returned: Decimal | None = None
    restock: bool | None = None

    def priced(self) -> PricedLine:
        return PricedLine(self.quantity, self.unit_price_minor, self.tax_code, self.tax_percent, self.amounts)


@dataclass(frozen=True)
class Draft:
    """A document before it has a number. ``due_on`` None: it asks for nothing (a correction, a letter), or for an
    invoice the issuer's days to pay after its date."""

    kind: str
    customer_id: int
    currency: str
    lines: tuple[DraftLine, ...] = ()
    prices_include_tax: bool = True
    due_on: date | None = None
    corrects_id: int | None = None
    based_on_id: int | None = None
    is_deposit: bool = False
    invoice_run_id: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def totals(self) -> Totals:
        return add_up(tuple(line.priced() for line in self.lines), prices_include_tax=self.prices_include_tax)

    def service_period(self) -> tuple[date | None, date | None]:
        starts = [line.service_start for line in self.lines if line.service_start]
        ends = [line.service_end for line in self.lines if line.service_end]
        return min(starts, default=None), max(ends, default=None)
