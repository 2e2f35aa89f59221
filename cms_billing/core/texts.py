"""Values as they read within a sentence."""

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext

from .money import Money


def day_text(day: date) -> str:
    """``2026-01-31`` in English, where 1/31 and 31/1 are both read; as it is customary in other languages."""
    return date_format(day, pgettext("format of a day within a sentence", "Y-m-d"))


def amount_text(amount: Money) -> str:
    """``€1,234.50`` in English, ``1.234,50 €`` in German."""
    return amount.format(get_language() or "en")
