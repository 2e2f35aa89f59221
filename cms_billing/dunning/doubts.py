"""What a procedure may hold but a court might not: shown to editors with the law, blocking nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

CONSUMER_POINTS, BUSINESS_POINTS = Decimal(5), Decimal(9)


@dataclass(frozen=True)
class LevelTerms:
    number: int
    fee_minor: int = 0
    channel: str = ""
    claims_interest: bool = False
    claims_flat: bool = False


@dataclass(frozen=True)
class Terms:
    """``kind``: consumer, business or all."""

    kind: str
    interest_points: Decimal | None = None
    default_from: str = ""
    flat_minor: int = 0
    levels: Sequence[LevelTerms] = ()


def doubts(terms: Terms) -> list[str]:
    """Keys of ``reasons.DOUBTS``, the gravest first, each once."""
    return list(dict.fromkeys([*_of_fees(terms), *_of_flat(terms), *_of_interest(terms)]))


def _of_fees(terms: Terms) -> Iterator[str]:
    charging = [level for level in terms.levels if level.fee_minor]
    if any(level.number == 1 for level in charging):
        yield "first_fee"
    if terms.kind != "business" and any(level.channel != "print" for level in charging):
        yield "mail_fee"


def _of_flat(terms: Terms) -> Iterator[str]:
    if terms.flat_minor and terms.kind == "consumer":
        yield "flat_consumer"
    if any(level.claims_flat for level in terms.levels) and not terms.flat_minor:
        yield "flat_missing"
    if terms.flat_minor and terms.kind != "consumer" and not any(level.claims_flat for level in terms.levels):
        yield "flat_unused"


def _of_interest(terms: Terms) -> Iterator[str]:
    points = terms.interest_points
    claiming = [level.number for level in terms.levels if level.claims_interest]
    if points is not None and terms.kind != "business" and points > CONSUMER_POINTS:
        yield "interest_consumer"
    if points is not None and terms.kind == "business" and points > BUSINESS_POINTS:
        yield "interest_business"
    if claiming and points is None:
        yield "interest_missing"
    if 1 in claiming and terms.default_from == "first_letter":
        yield "interest_first"
    if claiming and terms.default_from == "due_date":
        yield "default_due_date"
