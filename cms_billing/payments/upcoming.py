"""What will be collected from a customer next: a door for the apps above, which know the contracts.

``memberships`` registers its function when the site starts; without one, only open documents are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from cms_billing.core.money import Money
from cms_billing.faktura.models import OpenItem


@dataclass(frozen=True)
class Upcoming:
    """One amount that becomes due on ``due_on``; ``label`` names the contract or document to the member."""

    label: str
    due_on: date
    amount: Money
    plus_tax: bool = False

    @property
    def mark(self) -> str:
        """Changes when what the member was shown does."""
        return f"{self.label}|{self.due_on}|{self.amount}"


UpcomingOf = Callable[[int, date], Sequence[Upcoming]]

_upcoming: list[UpcomingOf] = []


def register_upcoming(function: UpcomingOf) -> None:
    """``function(customer_id, today)`` tells, for each running contract, what it bills next; the soonest first."""
    _upcoming[:] = [function]


def collected_next(customer_id: int, *, today: date) -> list[Upcoming]:
    """Open documents and the next amount of each running contract, the soonest first."""
    items = OpenItem.objects.open().filter(customer=customer_id).select_related("document")
    found = [Upcoming(item.document.number, item.due_on, item.open_amount) for item in items]
    if _upcoming:
        found += _upcoming[0](customer_id, today)
    return sorted(found, key=lambda upcoming: (upcoming.due_on, upcoming.label))
