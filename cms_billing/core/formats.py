"""How amounts, numbers and days are written: by language, by the region an issuer has chosen, by a style of dates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from django.utils.translation import get_language

from .money import Money

BY_LANGUAGE, ISO, LONG = "language", "iso", "long"


@dataclass(frozen=True)
class Formats:
    """``region`` such as CH: ``CHF 1’234.50``; empty, or one the language is not spoken in: the language's own."""

    language: str = "en"
    region: str = ""
    date_style: str = BY_LANGUAGE

    @property
    def locale(self) -> Locale:
        return _locale(self.language, self.region)

    def money(self, amount: Money | None) -> str:
        if amount is None:
            return ""
        return _money(amount.minor, amount.currency, self.language, self.region)

    def number(self, value: Decimal | None) -> str:
        """Without zeros that say nothing: ``1``, ``2,5``, ``19``."""
        return format_decimal(value, format="#,##0.###", locale=self.locale) if value is not None else ""

    def day(self, value: date | None) -> str:
        """``31.01.2026``, ``2026-01-31`` or ``31. Januar 2026``; empty for None."""
        if value is None:
            return ""
        if self.date_style == ISO:
            return f"{value:%Y-%m-%d}"
        style = "long" if self.date_style == LONG else "medium"
        return format_date(value, format=style, locale=self.locale)


_chosen: ContextVar[Formats | None] = ContextVar("cms_billing_formats", default=None)


def active_formats() -> Formats:
    """Those of the document that is being written, else those of the active language."""
    return _chosen.get() or Formats(get_language() or "en")


@contextmanager
def use_formats(formats: Formats) -> Iterator[None]:
    """Templates and notes inside write amounts and days like this."""
    token = _chosen.set(formats)
    try:
        yield
    finally:
        _chosen.reset(token)


@lru_cache(maxsize=128)
def _locale(language: str, region: str) -> Locale:
    spoken = language.replace("-", "_")
    try:
        return Locale.parse(f"{spoken.partition('_')[0]}_{region}") if region else Locale.parse(spoken)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(spoken)


@lru_cache(maxsize=4096)
def _money(minor: int, currency: str, language: str, region: str) -> str:
    """A run writes the same few amounts thousands of times."""
    return format_currency(Money(minor, currency).amount, currency, locale=_locale(language, region))
