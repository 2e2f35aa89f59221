"""Refund receipts and account statements as plain values, out of what ``Document.extra`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cms_billing.core.money import Money


@dataclass(frozen=True)
class RefundOf:
    """One document that is paid back, with its own amount."""

    number: str
    issued_on: date | None
    amount: Money


@dataclass(frozen=True)
class RefundData:
    amount: Money
    way: str
    paid_on: date | None
    reference: str
    documents: tuple[RefundOf, ...]


@dataclass(frozen=True)
class Entry:
    """One row of an account: ``amount`` as posted (owed is positive), ``balance`` after it."""

    day: date | None
    kind: str
    note: str
    number: str
    amount: Money
    balance: Money


@dataclass(frozen=True)
class StatementData:
    since: date | None
    until: date | None
    opening: Money
    closing: Money
    entries: tuple[Entry, ...]

    @property
    def credit(self) -> Money:
        """What stands in the customer's favour, as a positive amount."""
        return -self.closing


def refund_of(extra: Mapping[str, Any], currency: str) -> RefundData | None:
    stored = extra.get("refund")
    if not stored:
        return None
    return RefundData(
        amount=Money(stored["amount_minor"], currency),
        way=stored.get("way_text") or "",
        paid_on=day(stored.get("paid_on")),
        reference=stored.get("reference") or "",
        documents=tuple(
            RefundOf(paper["number"], day(paper.get("date")), Money(paper["amount_minor"], currency))
            for paper in stored.get("for", ())
        ),
    )


def statement_of(extra: Mapping[str, Any], currency: str) -> StatementData | None:
    stored = extra.get("statement")
    if not stored:
        return None
    return StatementData(
        since=day(stored.get("from")),
        until=day(stored.get("to")),
        opening=Money(stored["opening_minor"], currency),
        closing=Money(stored["closing_minor"], currency),
        entries=tuple(
            Entry(
                day=day(row.get("date")),
                kind=row["kind"],
                note=row.get("note") or "",
                number=row.get("number") or "",
                amount=Money(row["amount_minor"], currency),
                balance=Money(row["balance_minor"], currency),
            )
            for row in stored.get("entries", ())
        ),
    )


def day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
