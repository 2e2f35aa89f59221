"""The lines of a sale as they are printed: grouped, with the sum carried from page to page, deposits deducted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cms_billing.core.money import Money, total

# Fewer lines stay on one page in all but absurd cases, and carry nothing.
_CARRY_FROM = 4


@dataclass(frozen=True)
class Reference:
    """Another document: the one that this corrects, or a deposit that this deducts."""

    number: str
    issued_on: date


@dataclass(frozen=True)
class Detail:
    """One row of usage or other particulars of a line."""

    day: date | None
    text: str
    quantity: Decimal | None
    amount: Money | None


@dataclass(frozen=True)
class LineData:
    position: int
    description: str
    quantity: Decimal
    unit_price: Money
    tax_percent: Decimal
    net: Money
    tax: Money
    gross: Money
    service_start: date | None
    service_end: date | None
    contract_reference: str
    details: tuple[Detail, ...] = ()
    deducts: Reference | None = None


@dataclass(frozen=True)
class TaxData:
    """The sums of one rate; ``notice`` is what the law wants to read where no tax is shown."""

    tax_code: str
    percent: Decimal
    net: Money
    tax: Money
    gross: Money
    notice: str


@dataclass(frozen=True)
class Row:
    """A line with its printed amount. ``before`` and ``after`` are the sums carried into and out of it, if any are."""

    line: LineData
    amount: Money
    before: Money | None
    after: Money | None


@dataclass(frozen=True)
class Group:
    """Lines of one contract, or of one service; ``subtotal`` is None where everything is one group."""

    contract: str
    service: str
    rows: tuple[Row, ...]
    subtotal: Money | None


@dataclass(frozen=True)
class Deduction:
    """What a deposit invoice took at one tax rate (§ 14 (5) UStG), as positive amounts."""

    deposit: Reference
    percent: Decimal
    net: Money
    tax: Money
    gross: Money


def groups_of(
    lines: Sequence[LineData], *, prices_include_tax: bool, currency: str, grouped: bool
) -> list[Group]:
    """In the order of the document, or contract by contract in the order of their first lines."""
    keys = [_key(line) if grouped else ("", "") for line in lines]
    order = list(dict.fromkeys(keys))
    in_order = [
        (key, line) for wanted in order for key, line in zip(keys, lines, strict=True) if key == wanted
    ]
    carries = len(lines) >= _CARRY_FROM
    rows: dict[tuple[str, str], list[Row]] = {key: [] for key in order}
    so_far = Money.zero(currency)
    for key, line in in_order:
        amount = line.gross if prices_include_tax else line.net
        before = so_far if carries and so_far else None
        so_far += amount
        rows[key].append(Row(line, amount, before, so_far if carries else None))
    return [
        Group(
            *key,
            tuple(rows[key]),
            total((row.amount for row in rows[key]), currency) if len(order) > 1 else None,
        )
        for key in order
    ]


def _key(line: LineData) -> tuple[str, str]:
    return (line.contract_reference, "") if line.contract_reference else ("", line.description)


def taxes_of(lines: Sequence[LineData], currency: str) -> list[TaxData]:
    """The sums of each rate over some lines."""
    percents = sorted({line.tax_percent for line in lines}, reverse=True)
    return [
        TaxData("", percent, *_sums([line for line in lines if line.tax_percent == percent], currency), "")
        for percent in percents
    ]


def deductions_of(lines: Sequence[LineData], currency: str) -> list[Deduction]:
    """Deposit by deposit, rate by rate: their part of the price and of the tax, openly deducted."""
    keys = dict.fromkeys((line.deducts, line.tax_percent) for line in lines if line.deducts)
    return [
        Deduction(
            deposit,
            percent,
            *(
                -amount
                for amount in _sums(
                    [line for line in lines if (line.deducts, line.tax_percent) == (deposit, percent)],
                    currency,
                )
            ),
        )
        for deposit, percent in keys
        if deposit
    ]


def _sums(lines: Sequence[LineData], currency: str) -> tuple[Money, Money, Money]:
    return (
        total((line.net for line in lines), currency),
        total((line.tax for line in lines), currency),
        total((line.gross for line in lines), currency),
    )
