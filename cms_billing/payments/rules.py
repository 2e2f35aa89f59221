"""What becomes of a payment's parts. Pure functions on plain values."""

from __future__ import annotations

from collections.abc import Sequence
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
