"""Money: an exact amount of one currency.

Stored as an integer number of minor units (cents), so sums are exact in every database. Columns that hold minor units
are ``BigIntegerField`` and end in ``_minor``; ``money_of("gross_minor")`` gives the model the ``Money`` beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.numbers import format_currency, get_currency_precision, list_currencies

from .exceptions import CurrencyMismatch, InvalidAmount, UnknownCurrency

# Fits a signed 64-bit column with room for sums over a hundred million rows.
MAX_MINOR = 10**11


@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD (CLDR, which follows ISO 4217).

    Raises UnknownCurrency for codes CLDR does not list.
    """
    if currency not in list_currencies():
        raise UnknownCurrency(currency)
    return get_currency_precision(currency)


@dataclass(frozen=True, order=False)
class Money:
    """``minor`` smallest units of ``currency``. Build it with ``Money.of("12.50", "EUR")`` or from minor units."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise InvalidAmount(
                f"Money holds whole minor units; {self.minor!r} is a {type(self.minor).__name__}."
            )
        exponent(self.currency)

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """Exact amount; raises InvalidAmount where it has more digits than the currency, is no number, or a float."""
        if isinstance(amount, float):
            raise InvalidAmount(f"Money is never float: write {amount!r} as a string or Decimal.")
        try:
            scaled = Decimal(amount).scaleb(exponent(currency))
        except InvalidOperation:
            raise InvalidAmount.no_number(amount) from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise InvalidAmount.too_fine(amount, currency)
        if abs(scaled) > MAX_MINOR:
            raise InvalidAmount.too_large(amount, currency)
        return cls(int(scaled), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @property
    def amount(self) -> Decimal:
        digits = exponent(self.currency)
        return Decimal(self.minor).scaleb(-digits).quantize(Decimal(1).scaleb(-digits))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        """Rounded once, half away from zero (the usual commercial rounding)."""
        if isinstance(factor, float):
            raise InvalidAmount("Money is multiplied by Decimal or int, never by float.")
        return Money(round_half_up(self.minor * Decimal(factor)), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def format(self, language: str = "en") -> str:
        """As people of that language write it: ``1.234,50 €`` in German, ``€1,234.50`` in English."""
        return _formatted(self, language)

    def allocate(self, weights: Sequence[int | Decimal]) -> list[Money]:
        """Split by weights without losing a cent; see ``allocate_minor``."""
        return [Money(part, self.currency) for part in allocate_minor(self.minor, weights)]

    def _same(self, other: Money) -> int:
        if not isinstance(other, Money):
            raise CurrencyMismatch(self, repr(other))
        if other.currency != self.currency:
            raise CurrencyMismatch(self, other)
        return other.minor


@lru_cache(maxsize=1024)
def _formatted(money: Money, language: str) -> str:
    """Remembered: prices come again on every page, and Babel reads the pattern of the language anew each time."""
    return format_currency(money.amount, money.currency, locale=_locale(language))


def round_half_up(value: Decimal) -> int:
    """To the nearest whole number, halves away from zero."""
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def allocate_minor(total: int, weights: Sequence[int | Decimal]) -> list[int]:
    """Split ``total`` in proportion to ``weights``; the parts always add up to it.

    Largest remainder first; ties go to the earlier part. Weights are not negative and not all zero, else InvalidAmount.
    """
    whole = sum(weights)
    if not weights or whole <= 0 or min(weights) < 0:
        raise InvalidAmount("An amount can only be split by weights that are not negative and not all zero.")
    sign, size = (-1, -total) if total < 0 else (1, total)
    exact = [Decimal(size) * Decimal(w) / Decimal(whole) for w in weights]
    parts = [int(e) for e in exact]
    rest = size - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[:rest]:
        parts[i] += 1
    return [sign * p for p in parts]


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, and ``0`` of ``currency`` for no amounts."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


class money_of:  # noqa: N801  (used like a field)
    """Descriptor: the ``Money`` of a ``…_minor`` column, in the currency of the row (``currency`` or a path to it)."""

    def __init__(self, column: str, currency: str = "currency") -> None:
        self.column, self.currency = column, currency

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        if row is None:
            return self
        value = row
        for step in self.currency.split("."):
            value = getattr(value, step)
        return Money(getattr(row, self.column), value)


@lru_cache(maxsize=32)
def _locale(language: str) -> Locale:
    return Locale.parse(language.replace("-", "_"))
