"""What stands against letters beside the calendar: one door for everything that knows of such a thing.

A source is asked once for all overdue claims of a chunk, so it has to answer with a number of statements that does not
grow with them. Register it when the site starts, in the order in which the reasons are to be told: the first source
that knows something of a claim has the word.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from cms_billing.faktura.models import OpenItem

from .rules import Hindrance


class Item(NamedTuple):
    document_id: int
    customer_id: int
    currency: str
    due_on: date
    open_minor: int
    number: str
    issued_on: date | None
    gross_minor: int
    charges_minor: int = 0

    @property
    def is_covered(self) -> bool:
        """The claim itself is paid: what is left are fees and interest."""
        return self.open_minor <= self.charges_minor


Source = Callable[[Sequence[Item], date], Mapping[int, Hindrance]]

_sources: list[Source] = []

ITEM_COLUMNS = (
    "document_id",
    "customer_id",
    "currency",
    "due_on",
    "open_minor",
    "document__number",
    "document__issued_on",
    "document__gross_minor",
    "charges_minor",
)


def register(source: Source) -> None:
    """``source(items, today)``: the hindrance of each document that has one, by document id. Idempotent."""
    if source not in _sources:
        _sources.append(source)


def standing_against(items: Sequence[Item], today: date) -> dict[int, Hindrance]:
    """By document id; a hindrance that is over does not count. A constant number of statements."""
    found: dict[int, Hindrance] = {}
    if not items:
        return found
    for source in _sources:
        for document_id, hindrance in source(items, today).items():
            if document_id not in found and hindrance.holds_on(today):
                found[document_id] = hindrance
    return found


def of_documents(documents: Collection[int], *, today: date) -> dict[int, Hindrance]:
    """The same for documents, due or not: for whatever else must not happen while something stands against it."""
    rows = OpenItem.objects.filter(document__in=documents, open_minor__gt=0).order_by("pk")
    return standing_against([Item(*values) for values in rows.values_list(*ITEM_COLUMNS)], today)
