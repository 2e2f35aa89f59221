"""Dunning letters as plain values, out of what ``Document.extra`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from cms_billing.core.money import Money

from .money_papers import day


@dataclass(frozen=True)
class InterestRow:
    """Days at one rate on one amount."""

    first: date | None
    last: date | None
    days: int
    percent: Decimal
    amount: Money


@dataclass(frozen=True)
class ClaimedInterest:
    """What an earlier letter has asked for already."""

    number: str
    day: date | None
    amount: Money


@dataclass(frozen=True)
class Claim:
    """One overdue document in a dunning letter. ``open`` is what was open on it before the letter; ``principal``,
    ``fees`` (with the flat compensation) and ``interest`` are what the letter asks for, where there are charges.
    ``interest_rows`` less ``interest_settled`` (paid or waived since) add up to ``interest``."""

    number: str
    issued_on: date | None
    due_on: date | None
    gross: Money
    open: Money
    level: int | None
    principal: Money | None = None
    fees: Money | None = None
    interest: Money | None = None
    interest_rows: tuple[InterestRow, ...] = ()
    interest_claimed: tuple[ClaimedInterest, ...] = ()
    interest_settled: Money | None = None


@dataclass(frozen=True)
class Letter:
    """What a dunning letter says, in the customer's language, as ``Document.extra`` holds it.

    ``fee`` is that of this letter; ``principal``, ``fees``, ``interest`` and ``flat`` add up to ``total``. Letters of
    older versions know the fee only.
    """

    subject: str
    text: str
    level: int | None
    claims: tuple[Claim, ...]
    fee: Money
    total: Money
    pay_until: date | None
    lock_notice: str
    principal: Money | None = None
    fees: Money | None = None
    interest: Money | None = None
    flat: Money | None = None

    @property
    def levels_differ(self) -> bool:
        return len({claim.level for claim in self.claims}) > 1

    @property
    def shows_charges(self) -> bool:
        """Do some claims carry fees or interest of their own?"""
        return any(claim.principal is not None for claim in self.claims)

    @property
    def shows_sums(self) -> bool:
        """Is there more to pay than the claims themselves?"""
        return bool(self.fees or self.interest or self.flat)


def letter_of(extra: Mapping[str, Any], currency: str) -> Letter:
    def money(name: str) -> Money | None:
        return Money(extra[name], currency) if name in extra else None

    fee = Money(extra.get("fee_minor", 0), currency)
    return Letter(
        subject=extra.get("subject", ""),
        text=extra.get("text", ""),
        level=extra.get("level"),
        claims=tuple(_claim(claim, currency) for claim in extra.get("claims", ())),
        fee=fee,
        total=Money(extra.get("total_minor", 0), currency),
        pay_until=day(extra.get("pay_until")),
        lock_notice=extra.get("lock_notice") or "",
        principal=money("principal_minor"),
        fees=money("fees_minor") or fee,
        interest=money("interest_minor"),
        flat=money("flat_minor"),
    )


def _claim(claim: Mapping[str, Any], currency: str) -> Claim:
    def money(*names: str) -> Money | None:
        known = [claim[name] for name in names if name in claim]
        return Money(sum(known), currency) if known else None

    return Claim(
        number=claim["number"],
        issued_on=day(claim.get("date")),
        due_on=day(claim.get("due_on")),
        gross=Money(claim.get("gross_minor", 0), currency),
        open=Money(claim.get("open_minor", 0), currency),
        level=claim.get("level"),
        principal=money("principal_minor"),
        fees=money("fees_minor", "flat_minor"),
        interest=money("interest_minor"),
        interest_rows=tuple(_interest(row, currency) for row in claim.get("interest", ())),
        interest_claimed=tuple(
            ClaimedInterest(one["number"], day(one.get("date")), Money(one["minor"], currency))
            for one in claim.get("interest_claimed", ())
        ),
        interest_settled=money("interest_settled_minor"),
    )


def _interest(row: Mapping[str, Any], currency: str) -> InterestRow:
    return InterestRow(
        first=day(row.get("from")),
        last=day(row.get("to")),
        days=int(row.get("days", 0)),
        percent=Decimal(str(row.get("percent", 0))).normalize(),
        amount=Money(row.get("minor", 0), currency),
    )
