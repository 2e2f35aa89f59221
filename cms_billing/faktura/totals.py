"""Lines → tax groups → totals, to the cent. Pure.

Prices with tax: the promised gross of every line stands; per tax group net = gross / (1 + rate), rounded once.
Prices without tax: line net = quantity × price, rounded; per tax group tax = net × rate, rounded once (EN 16931).
What the rounding of a group leaves over goes to the lines it distorts least, so lines add up to their group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from cms_billing.core.money import round_half_up


@dataclass(frozen=True)
class Amounts:
    """All in minor units; ``net + tax == gross``."""

    net: int
    tax: int
    gross: int

    def __neg__(self) -> Amounts:
        return Amounts(-self.net, -self.tax, -self.gross)

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(self.net - other.net, self.tax - other.tax, self.gross - other.gross)


@dataclass(frozen=True)
class PricedLine:
    """``unit_price_minor`` in minor units, with or without tax as the document says; ``tax_percent`` such as 19.

    ``given``: amounts that stand already, such as a share of a line that was issued before; they are not worked out.
    """

    quantity: Decimal
    unit_price_minor: int
    tax_code: str
    tax_percent: Decimal
    given: Amounts | None = None


@dataclass(frozen=True)
class GroupTotal:
    tax_code: str
    tax_percent: Decimal
    amounts: Amounts


@dataclass(frozen=True)
class Totals:
    lines: tuple[Amounts, ...]
    groups: tuple[GroupTotal, ...]
    total: Amounts


@lru_cache(maxsize=4096)
def add_up(lines: tuple[PricedLine, ...], *, prices_include_tax: bool) -> Totals:
    """Totals of a document; no lines give a total of 0. Cached: a run bills thousands of equal lines."""
    by_group: dict[tuple[str, Decimal], list[int]] = {}
    amounts: dict[int, Amounts] = {}
    for index, line in enumerate(lines):
        if line.given:
            amounts[index] = line.given
        else:
            by_group.setdefault((line.tax_code, line.tax_percent), []).append(index)
    work_out = _group_with_tax if prices_include_tax else _group_without_tax
    for (_code, percent), members in by_group.items():
        prices = [round_half_up(lines[i].quantity * lines[i].unit_price_minor) for i in members]
        amounts.update(zip(members, work_out(prices, percent), strict=True))
    return _totals(lines, tuple(amounts[i] for i in range(len(lines))))


def _totals(lines: Sequence[PricedLine], amounts: tuple[Amounts, ...]) -> Totals:
    groups: dict[tuple[str, Decimal], list[Amounts]] = {}
    for line, of_line in zip(lines, amounts, strict=True):
        groups.setdefault((line.tax_code, line.tax_percent), []).append(of_line)
    return Totals(
        amounts,
        tuple(GroupTotal(code, percent, _sum(members)) for (code, percent), members in groups.items()),
        _sum(amounts),
    )


def _group_with_tax(gross: Sequence[int], percent: Decimal) -> list[Amounts]:
    factor = 1 + percent / 100
    exact = [Decimal(g) / factor for g in gross]
    net = _spread(round_half_up(Decimal(sum(gross)) / factor), exact)
    return [Amounts(n, g - n, g) for n, g in zip(net, gross, strict=True)]


def _group_without_tax(net: Sequence[int], percent: Decimal) -> list[Amounts]:
    exact = [n * percent / 100 for n in net]
    tax = _spread(round_half_up(sum(net) * percent / 100), exact)
    return [Amounts(n, t, n + t) for n, t in zip(net, tax, strict=True)]


def _spread(total: int, exact: Sequence[Decimal]) -> list[int]:
    """Whole numbers close to ``exact`` that add up to ``total``; each is off by less than one, plus at most one."""
    parts = [round_half_up(e) for e in exact]
    missing = total - sum(parts)
    step = 1 if missing > 0 else -1
    by_distortion = sorted(range(len(parts)), key=lambda i: step * (parts[i] - exact[i]))
    for i in range(abs(missing)):
        parts[by_distortion[i % len(parts)]] += step
    return parts


def _sum(parts: Iterable[Amounts]) -> Amounts:
    net = tax = 0
    for part in parts:
        net += part.net
        tax += part.tax
    return Amounts(net, tax, net + tax)
