"""What apps above add to the payment page: parts of a debt that may be paid alone, and other offers than paying now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from cms_billing.core.money import Money


@dataclass(frozen=True)
class DuePart:
    """So much of ``documents``, by ``due_on``: an instalment. ``key`` names it in addresses and forms."""

    key: int
    documents: tuple[int, ...]
    amount: Money
    due_on: date


@dataclass(frozen=True)
class PageOffer:
    """A link below the ways to pay."""

    text: str
    label: str
    url: str


Parts = Callable[[Collection[int], date], Sequence[DuePart]]
# Called with the documents, the token of the signed link (empty for who is signed in) and today.
Offers = Callable[[Collection[int], str, date], Sequence[PageOffer]]

_parts: list[Parts] = []
_offers: list[Offers] = []


def register_due_parts(function: Parts) -> None:
    """``function(document_ids, today)``: only parts that have no other open document than these."""
    _parts[:] = [function]


def register_page_offers(function: Offers) -> None:
    _offers[:] = [function]


def due_parts(document_ids: Collection[int], *, today: date) -> list[DuePart]:
    return list(_parts[0](document_ids, today)) if _parts and document_ids else []


def page_offers(document_ids: Collection[int], *, token: str, today: date) -> list[PageOffer]:
    return list(_offers[0](document_ids, token, today)) if _offers and document_ids else []
