"""One cell, one value: dates and numbers as people and spreadsheets write them. Each raises ValueError with words."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money, exponent

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})$")
_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})$")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*$")
_YES = frozenset({"yes", "ja", "true", "1"})
_NO = frozenset({"no", "nein", "false", "0"})
# More than this for one period is a slipped decimal point.
MOST_PRICE = 100_000
MOST_QUANTITY = 10_000


def read_date(text: str) -> date:
    """``2026-01-31`` or ``31.01.2026``."""
    if found := _ISO.match(text):
        year, month, day = found.groups()
    elif found := _GERMAN.match(text):
        day, month, year = found.groups()
    else:
        raise ValueError(_("“%(text)s” is no date. Write it like 2026-01-31 or 31.01.2026.") % {"text": text})
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(_("“%(text)s” is no day of the calendar.") % {"text": text}) from None


def read_number(text: str, *, decimals: int) -> Decimal:
    """``1234.50``, ``1234,50``, ``1.234,50`` or ``1,234.50``; what can be read in two ways is refused."""
    if not text.isascii() or not _NUMBER.match(text):
        raise ValueError(_("“%(text)s” is no number.") % {"text": text})
    commas, points = text.count(","), text.count(".")
    if commas and points:
        mark = max(",", ".", key=text.rfind)
        other = "." if mark == "," else ","
        if text.count(mark) > 1 or not _grouped(text[: text.index(mark)], other):
            raise ValueError(_("“%(text)s” is no number.") % {"text": text})
        text = text.replace(other, "").replace(mark, ".")
    elif commas + points > 1:
        mark = "," if commas else "."
        if not _grouped(text, mark):
            raise ValueError(_("“%(text)s” is no number.") % {"text": text})
        text = text.replace(mark, "")
    elif commas + points == 1:
        tail = re.split("[.,]", text)[1]
        if len(tail) == 3 and decimals != 3:
            raise ValueError(
                _("“%(text)s” can mean two numbers. Write thousands without a separator, like 1234.00.")
                % {"text": text}
            )
        text = text.replace(",", ".")
    return Decimal(text)


def read_price(text: str, currency: str) -> Money:
    """Not negative, not absurd, and no more decimals than the currency has."""
    number = read_number(text.replace("\u00a0", "").replace("€", "").strip(), decimals=exponent(currency))
    if number < 0:
        raise ValueError(_("A price cannot be negative: %(text)s.") % {"text": text})
    if number > MOST_PRICE:
        raise ValueError(
            _("%(text)s is more than a price can be (%(most)s). Check the decimal point.")
            % {"text": text, "most": MOST_PRICE}
        )
    try:
        return Money.of(number, currency)
    except BillingError as error:
        raise ValueError(str(error)) from error


def read_quantity(text: str) -> Decimal:
    number = read_number(text, decimals=3)
    if not 0 < number <= MOST_QUANTITY:
        raise ValueError(
            _("A quantity is more than 0 and at most %(most)s; %(text)s is not.")
            % {"most": MOST_QUANTITY, "text": text}
        )
    if number != number.quantize(Decimal("0.001")):
        raise ValueError(
            _("A quantity has at most three decimal places; %(text)s has more.") % {"text": text}
        )
    return number


def says_yes(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text})


def is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _grouped(whole: str, mark: str) -> bool:
    """Thousands are set apart in threes."""
    head, *groups = whole.lstrip("+-").split(mark)
    return 1 <= len(head) <= 3 and all(len(group) == 3 for group in groups)
