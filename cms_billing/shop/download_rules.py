"""May a buyer have the files of what they bought? Pure functions on plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Answer(StrEnum):
    """``download_texts.SENTENCES`` says each in words. In order: the first is the best a buyer can have."""

    BOUGHT = "bought"
    ORDERED = "ordered"
    UNPAID = "unpaid"
    OVERDUE = "overdue"
    CREDITED = "credited"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class InvoicedLine:
    """What one invoice asks for an order line. ``left_minor``: its gross amount less what was credited or cancelled;
    ``owed``: the invoice is not paid."""

    left_minor: int
    owed: bool
    due_on: date | None = None


@dataclass(frozen=True)
class Purchase:
    """An order line. ``gross_minor`` is what it cost, 0 for a gift."""

    order: str
    product_id: int
    gross_minor: int
    cancelled: bool = False
    invoiced: tuple[InvoicedLine, ...] = ()


@dataclass(frozen=True)
class Bought:
    granted: bool
    answer: Answer
    order: str


def judge(purchase: Purchase, *, before_payment: bool, today: date) -> Bought:
    """``before_payment``: the file is there with the order, as long as its invoice is not overdue."""
    answer = _answer(purchase, today)
    granted = answer is Answer.BOUGHT or (before_payment and answer is Answer.UNPAID)
    shown = Answer.ORDERED if granted and answer is Answer.UNPAID else answer
    return Bought(granted, shown, purchase.order)


def best(answers: Sequence[Bought]) -> Bought | None:
    """Who bought twice has what the better order gives."""
    order = list(Answer)
    return min(answers, key=lambda one: (not one.granted, order.index(one.answer)), default=None)


def _answer(purchase: Purchase, today: date) -> Answer:
    if purchase.cancelled:
        return Answer.CANCELLED
    if purchase.gross_minor == 0:
        return Answer.BOUGHT
    live = [line for line in purchase.invoiced if line.left_minor > 0]
    if not live:
        return Answer.CREDITED if purchase.invoiced else Answer.UNPAID
    owed = [line for line in live if line.owed]
    if any(line.due_on is not None and line.due_on < today for line in owed):
        return Answer.OVERDUE
    return Answer.UNPAID if owed else Answer.BOUGHT
