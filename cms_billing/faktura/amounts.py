"""Amounts as people type them into a search: ``99``, ``99,00``, ``1.234,50``, ``1'234.50 CHF``."""

from __future__ import annotations

import re
from decimal import Decimal

_MARKS = re.compile(r"[€$£]|\b[A-Z]{3}\b", re.IGNORECASE)
_SPACES = re.compile(r"[\s'’  ]+")
_NUMBER = re.compile(r"[+−-]?\d{1,12}(?:[.,]\d+)*")
# More digits than this are a number of something, not an amount.
_LONGEST = 14


def amounts_in(text: str) -> frozenset[Decimal]:
    """What a text can mean as an amount, without its sign; empty where it is none.

    One separator with three digits behind it may group or divide: ``1.234`` is 1234 and 1.234.
    """
    number = _SPACES.sub("", _MARKS.sub("", text))
    if not _NUMBER.fullmatch(number):
        return frozenset()
    number = number.lstrip("+-−")
    if sum(c.isdigit() for c in number) > _LONGEST:
        return frozenset()
    separators = [c for c in number if c in ".,"]
    if not separators:
        return frozenset({Decimal(number)})
    whole = Decimal(re.sub(r"[.,]", "", number))
    head, last, tail = number.rpartition(separators[-1])
    divided = Decimal(f"{re.sub(r'[.,]', '', head)}.{tail}")
    if len(set(separators)) == 2:
        return frozenset({divided}) if separators.count(last) == 1 else frozenset()
    if len(separators) > 1:
        return frozenset({whole})
    return frozenset({whole, divided}) if len(tail) == 3 else frozenset({divided})
