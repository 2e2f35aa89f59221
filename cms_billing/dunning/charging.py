"""What a letter adds to its claims, and what of each is owed already: flat compensation and interest.

Reads only, and the same number of statements for one claim as for a thousand; the run posts what is worked out here,
and letter and preview show it. The fee is the letter's own (``letters``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from .breakdowns import Breakdown, breakdown
from .hindrances import Item
from .interest import DAY, InterestRow, Rates, default_since, interest_minor, interest_rows, points_for
from .models import BaseRate, Case, Charge, Procedure
from .rules import LevelFacts

_FLAT, _INTEREST = Charge.Kind.FLAT, Charge.Kind.INTEREST


@dataclass(frozen=True)
class Terms:
    """Of a procedure: ``flat_minor`` in the issuer's ``currency``, and in no other."""

    interest_points: Decimal | None = None
    default_from: str = "first_letter"
    flat_minor: int = 0
    charges_left: str = "waive"
    currency: str = ""


NO_CHARGES = Terms()


def terms_of(procedure: Procedure) -> Terms:
    return Terms(
        procedure.interest_points,
        procedure.default_from,
        procedure.flat_minor,
        procedure.charges_left,
        procedure.issuer.currency,
    )


class Asked(NamedTuple):
    """A claim of a letter. ``level``: the one it goes up to; None where the letter only lists it."""

    item: Item
    case: Case | None
    level: LevelFacts | None
    terms: Terms
    is_consumer: bool


class Claimed(NamedTuple):
    """What one letter has claimed of a kind, waived or not."""

    number: str
    day: date | None
    minor: int


@dataclass(frozen=True)
class ClaimCharges:
    """Minor units. ``owed``: what is open before the letter; ``flat_minor`` and ``interest_minor`` are what the letter
    adds (the interest can be less than zero: a payment was entered later with an earlier day). ``rows``: all of the
    interest from the first day of default, ``since``, to the letter, none where it is only listed; ``claimed``: what
    earlier letters asked for of it."""

    owed: Breakdown
    since: date | None = None
    flat_minor: int = 0
    interest_minor: int = 0
    rows: tuple[InterestRow, ...] = ()
    claimed: tuple[Claimed, ...] = ()

    @property
    def settled_minor(self) -> int:
        """Of the interest in ``rows``, or claimed before where there are none: what was paid or waived since."""
        so_far = interest_minor(self.rows) if self.rows else sum(one.minor for one in self.claimed)
        return max(0, so_far - self.owed.interest_open - self.interest_minor)


def charges_of(claims: Sequence[Asked], *, today: date) -> dict[int, ClaimCharges]:
    """By document id; three statements at most, and none where nothing was or is claimed beside the invoices."""
    interest = [asked for asked in claims if _points(asked) is not None]
    flat = [asked for asked in claims if _flat(asked)]
    charged = [asked.item.document_id for asked in claims if asked.item.charges_minor]
    broken = _breakdowns({*charged, *(asked.item.document_id for asked in interest)})
    known = {asked.item.document_id for asked in (*interest, *flat) if asked.case}
    posted = _posted(known | set(charged))
    rates = base_rates() if interest else []
    return {asked.item.document_id: _charges(asked, broken, posted, rates, today=today) for asked in claims}


def base_rates() -> Rates:
    return list(BaseRate.objects.order_by("valid_from").values_list("valid_from", "percent"))


def since_of(asked: Asked, *, today: date) -> date | None:
    """The first day of default, once today's letter is out; a deferral of the claim has ended it before."""
    case, item = asked.case, asked.item
    known = case.in_default_since if case else None
    first_letter = (case.last_letter_on if case else None) or today
    since = known or default_since(
        asked.terms.default_from,
        due_on=item.due_on,
        issued_on=item.issued_on,
        first_letter_on=first_letter,
    )
    return max(since, item.due_on + DAY) if since else None


def _charges(
    asked: Asked,
    broken: Mapping[int, Breakdown],
    posted: Mapping[tuple[int, str], Sequence[Claimed]],
    rates: Rates,
    *,
    today: date,
) -> ClaimCharges:
    item = asked.item
    owed = broken.get(item.document_id) or Breakdown(item.currency, principal_open=item.open_minor)
    claimed = tuple(posted.get((item.document_id, _INTEREST), ()))
    if asked.level is None:
        return ClaimCharges(owed, claimed=claimed)
    since, points = since_of(asked, today=today), _points(asked)
    flat = 0 if (item.document_id, _FLAT) in posted else _flat(asked)
    if points is None or since is None:
        return ClaimCharges(owed, since, flat, claimed=claimed)
    rows = interest_rows(owed.principal_by_day, rates, points, since=since, until=today)
    due = interest_minor(rows) - sum(one.minor for one in claimed)
    # Less than was claimed: never below nothing claimed, and the document stays owed, as its letter says.
    due = max(due, -owed.interest, 1 - item.open_minor)
    return ClaimCharges(owed, since, flat, due, tuple(rows), claimed)


def _points(asked: Asked) -> Decimal | None:
    if asked.level is None or not asked.level.claims_interest:
        return None
    return points_for(asked.terms.interest_points, is_consumer=asked.is_consumer)


def _flat(asked: Asked) -> int:
    """§ 288 (5) BGB: never from consumers, whatever the procedure says."""
    if asked.level is None or not asked.level.claims_flat or asked.is_consumer:
        return 0
    return asked.terms.flat_minor if asked.item.currency == asked.terms.currency else 0


def _breakdowns(documents: Collection[int]) -> dict[int, Breakdown]:
    return breakdown(documents) if documents else {}


def _posted(documents: Collection[int]) -> dict[tuple[int, str], list[Claimed]]:
    """What letters have claimed, waived or not: what was waived is not claimed again. By (document, kind), the oldest
    letter first."""
    if not documents:
        return {}
    rows = Charge.objects.filter(
        case__document__in=documents, kind__in=[_FLAT, _INTEREST], letter__isnull=False
    )
    columns = ("case__document_id", "kind", "letter_id", "letter__number", "letter__issued_on")
    found: dict[tuple[int, str], list[Claimed]] = defaultdict(list)
    for document_id, kind, _letter, number, day, minor in (
        rows.order_by("letter_id").values_list(*columns).annotate(s=Sum("amount_minor"))
    ):
        found[document_id, kind].append(Claimed(number, day, minor))
    return found
