"""What becomes of a payment's parts. Pure functions on plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


def take_back(parts: Sequence[tuple[Item, int]], amount: int) -> list[tuple[Item, int]]:
    """The parts that go back when ``amount`` of them does, the last allocated first. All in minor units."""
    taken = []
    for item, held in reversed(parts):
        part = min(held, amount)
        if part > 0:
            taken.append((item, part))
            amount -= part
    return taken


# What may become of a refund. A provider may tell of money that left although we had given the refund up, and of paid
# money that the bank sent back.
REFUND_TRANSITIONS = {
    "created": frozenset({"pending", "paid", "failed", "withdrawn"}),
    "pending": frozenset({"paid", "failed", "withdrawn"}),
    "failed": frozenset({"paid", "withdrawn"}),
    "paid": frozenset({"failed"}),
    "withdrawn": frozenset({"paid"}),
}


def refund_may_become(state: str, then: str) -> bool:
    return then in REFUND_TRANSITIONS[state]


@dataclass(frozen=True)
class Refundable:
    """What is known before money goes back, in minor units: the credit on account, what of it is promised already, and
    what is left of the payment it goes back through (None: through none)."""

    credit: int
    promised: int
    left_of_payment: int | None = None

    @property
    def most(self) -> int:
        """The most that can be paid back now."""
        free = max(0, self.credit - self.promised)
        return free if self.left_of_payment is None else max(0, min(free, self.left_of_payment))
