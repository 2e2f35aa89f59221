"""How much of an issued line can still be credited, and what a credit of part of it comes to. Pure.

A credit takes its share of the amounts that are left on the line, so that the credits of a line add up to it to the
cent, in every order, and the last one takes what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from cms_billing.core.money import allocate_minor, round_half_up

from .totals import Amounts


@dataclass(frozen=True)
class LineLeft:
    """A line of an issued document, less what corrections have credited of it. ``quantity``: units not yet returned."""

    line_id: int
    position: int
    description: str
    sold: Decimal
    quantity: Decimal
    amounts: Amounts

    @property
    def is_used_up(self) -> bool:
        return not self.quantity and not self.amounts.gross and not self.amounts.net


class CannotCredit(ValueError):
    """``reason``: "used_up", "quantity" (more units than are left), "amount" (more money), "nothing", "both"."""

    def __init__(self, reason: str, left: LineLeft) -> None:
        super().__init__(reason)
        self.reason, self.left = reason, left


@dataclass(frozen=True)
class Part:
    """One line of a credit note, all positive: ``quantity`` × ``unit_price`` (with or without tax as the document
    says) is its amount; ``returned`` units come back with it."""

    quantity: Decimal
    returned: Decimal
    amounts: Amounts


def returned_units(left: LineLeft, quantity: Decimal, *, prices_include_tax: bool) -> list[Part]:
    """Credit so many units. Raises CannotCredit.

    Several parts where the price does not divide evenly by the units, such as 2 × 3.33 and 1 × 3.34.
    """
    if left.is_used_up:
        raise CannotCredit("used_up", left)
    if quantity <= 0:
        raise CannotCredit("nothing", left)
    if quantity > left.quantity:
        raise CannotCredit("quantity", left)
    whole = _share(left.amounts, quantity / left.quantity) if quantity < left.quantity else left.amounts
    price = whole.gross if prices_include_tax else whole.net
    if quantity != quantity.to_integral_value() or price % int(quantity) == 0:
        return [Part(quantity, quantity, whole)]
    return list(_even_parts(whole, price, int(quantity)))


def reduced_price(left: LineLeft, gross_minor: int) -> list[Part]:
    """Credit so much of the line's price, tax included, while the goods stay. Raises CannotCredit."""
    if left.is_used_up or left.amounts.gross <= 0:
        raise CannotCredit("used_up", left)
    if gross_minor <= 0:
        raise CannotCredit("nothing", left)
    if gross_minor > left.amounts.gross:
        raise CannotCredit("amount", left)
    tax = round_half_up(left.amounts.tax * Decimal(gross_minor) / left.amounts.gross)
    return [Part(Decimal(1), Decimal(0), Amounts(gross_minor - tax, tax, gross_minor))]


def all_that_is_left(left: LineLeft, *, prices_include_tax: bool) -> list[Part]:
    """For a cancellation: nothing where nothing is left; money that is left on returned goods is a price reduction."""
    if left.is_used_up:
        return []
    if left.quantity > 0:
        return returned_units(left, left.quantity, prices_include_tax=prices_include_tax)
    return [Part(Decimal(1), Decimal(0), left.amounts)]


def _share(amounts: Amounts, fraction: Decimal) -> Amounts:
    gross, tax = round_half_up(amounts.gross * fraction), round_half_up(amounts.tax * fraction)
    return Amounts(gross - tax, tax, gross)


def _even_parts(whole: Amounts, price: int, units: int) -> Iterator[Part]:
    """Units of an equal price together: the cents that are over make a part of their own."""
    taxes = allocate_minor(whole.tax, [1] * units)
    of_price: dict[int, list[int]] = {}
    for each, tax in zip(allocate_minor(price, [1] * units), taxes, strict=True):
        of_price.setdefault(each, []).append(tax)
    with_tax = price == whole.gross
    for each, members in of_price.items():
        count, tax, total = len(members), sum(members), each * len(members)
        net = total - tax if with_tax else total
        yield Part(Decimal(count), Decimal(count), Amounts(net, tax, net + tax))
