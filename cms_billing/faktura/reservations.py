"""A door for the payments app above: credit that is promised to go back to the customer settles nothing meanwhile."""

from __future__ import annotations

from collections.abc import Callable

ReservedCredit = Callable[[int, str], int]

_reserved: list[ReservedCredit] = []


def register_reserved_credit(function: ReservedCredit) -> None:
    """``function(customer_id, currency)`` tells, in minor units, how much of the credit is on its way back."""
    _reserved[:] = [function]


def reserved_credit(customer_id: int, currency: str) -> int:
    return _reserved[0](customer_id, currency) if _reserved else 0
