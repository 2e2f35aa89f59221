"""The figures of the dashboard: what is in dunning now, what came back, and which letters work. Reads only.

Each function is a few statements, however many cases there are. ``issuers`` are keys of issuers the reader may see.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    DateField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, TruncDate

from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry

from .ages import age_of
from .models import Case, CaseStep, ProcedureVersion

State, Kind = Case.State, CaseStep.Kind
# What moves when a debtor pays, and when the bank takes it back.
_MONEY = (LedgerEntry.Kind.PAYMENT, LedgerEntry.Kind.CHARGEBACK)


@dataclass(frozen=True)
class Group:
    """Unpaid live cases of one level, age, state and currency."""

    level: int
    age: str
    state: str
    currency: str
    count: int
    open_minor: int

    @property
    def open(self) -> Money:
        return Money(self.open_minor, self.currency)


def standing_cases(issuers: Collection[int], *, today: date) -> list[Group]:
    """Everything in dunning now, in groups; one query."""
    rows = (
        Case.objects.standing()
        .filter(issuer__in=issuers)
        .annotate(age=age_of(today=today), currency=F("document__open_item__currency"))
        .order_by("level", "age", "state", "currency")
        .values("level", "age", "state", "currency")
        .annotate(count=Count("pk"), open_minor=Sum("document__open_item__open_minor"))
    )
    return [Group(**row) for row in rows]


def locked_customers(issuers: Collection[int]) -> int:
    """How many customers have something that is closed to them; one query."""
    locking = Case.objects.locking().filter(issuer__in=issuers)
    return int(locking.aggregate(n=Count("customer", distinct=True))["n"])


def recovered(issuers: Collection[int], *, since: date, until: date) -> dict[str, int]:
    """What came in (less what went back) for claims after their first letter, per currency; one query."""
    letters = CaseStep.objects.filter(
        case__document=OuterRef("document"), kind=Kind.LETTER, letter__issued_on__lte=OuterRef("booked_on")
    )
    rows = (
        LedgerEntry.objects.filter(
            Exists(letters), issuer__in=issuers, booked_on__range=(since, until), kind__in=_MONEY
        )
        .order_by("currency")
        .values_list("currency")
        .annotate(s=Sum("amount_minor"))
    )
    return {currency: -int(minor) for currency, minor in rows if minor}


@dataclass(frozen=True)
class Success:
    """What the letters of one level (and one version of their texts) did.

    ``version``: procedure and number; empty for letters from before versions were kept, and where all are taken
    together. ``claims``: how many claims they were written for; ``paid``: how many of these were paid in full before
    the next letter. ``asked_minor``: the claims without fees and interest as they stood that day; ``received_minor``:
    what came in for them before the next letter. ``median_days``: from the letter until the claim was settled, of
    those paid in full.
    """

    level: int
    version: str
    currency: str
    claims: int
    paid: int
    asked_minor: int
    received_minor: int
    median_days: float | None

    @property
    def share_paid(self) -> float:
        return 100 * self.paid / self.claims if self.claims else 0.0

    @property
    def share_received(self) -> float:
        return (
            100 * min(self.received_minor, self.asked_minor) / self.asked_minor if self.asked_minor else 0.0
        )


def success(issuers: Collection[int], *, since: date, until: date, by_version: bool = False) -> list[Success]:
    """The letters of these days and what followed them; two queries, three ``by_version`` of procedure and texts."""
    letters = _letters(issuers, since=since, until=until).annotate(currency=F("letter__currency"))
    keys = ("level", "version", "currency") if by_version else ("level", "currency")
    sums = (
        letters.order_by()
        .values(*keys)
        .annotate(
            claims=Count("pk"),
            paid=Count("pk", filter=_PAID),
            asked=Sum("asked_minor"),
            received=Sum("received_minor"),
        )
        .order_by(*keys)
    )
    medians = _medians(letters, keys)
    versions = ProcedureVersion.objects.select_related("procedure").in_bulk(
        [row["version"] for row in sums if row.get("version")]
    )
    return [
        Success(
            row["level"],
            str(versions.get(row.get("version"), "")),
            row["currency"],
            row["claims"],
            row["paid"],
            int(row["asked"] or 0),
            -int(row["received"] or 0),
            medians.get(tuple(row[key] for key in keys)),
        )
        for row in sums
    ]


def _letters(issuers: Collection[int], *, since: date, until: date) -> QuerySet[Any]:
    """One row a claim and letter, with what became of the claim before its next letter."""
    later = CaseStep.objects.filter(case=OuterRef("case"), pk__gt=OuterRef("pk")).order_by("pk")
    next_letter = later.filter(kind=Kind.LETTER)
    entries = LedgerEntry.objects.filter(document=OuterRef("case__document")).order_by()
    before = entries.exclude(kind__in=LedgerEntry.CHARGES).filter(
        Q(booked_on__lt=OuterRef("day")) | ~Q(kind__in=_MONEY), booked_on__lte=OuterRef("day")
    )
    since_then = entries.filter(
        kind__in=_MONEY, booked_on__gte=OuterRef("day"), booked_on__lt=OuterRef("next_day")
    )
    return (
        CaseStep.objects.filter(
            case__issuer__in=issuers, kind=Kind.LETTER, letter__issued_on__range=(since, until)
        )
        .annotate(
            day=F("letter__issued_on"),
            next_day=Coalesce(
                Subquery(next_letter.values("letter__issued_on")[:1]),
                Value(date.max - timedelta(days=1)),
                output_field=DateField(),
            ),
            next_pk=Coalesce(Subquery(next_letter.values("pk")[:1]), 2**62, output_field=BigIntegerField()),
        )
        .annotate(
            asked_minor=_sum(before),
            received_minor=_sum(since_then),
            closed_on=Subquery(
                later.filter(kind=Kind.CLOSED, pk__lt=OuterRef("next_pk"))
                .annotate(closed_day=TruncDate("at"))
                .values("closed_day")[:1]
            ),
        )
    )


# Closed with money: a cancellation or a write-off is no success of a letter.
_PAID = Q(closed_on__isnull=False, received_minor__lt=0)


def _sum(entries: QuerySet[LedgerEntry]) -> Coalesce:
    total = entries.values("document").annotate(s=Sum("amount_minor")).values("s")
    return Coalesce(Subquery(total), 0, output_field=BigIntegerField())


def _medians(letters: QuerySet[Any], keys: Iterable[str]) -> dict[tuple[Any, ...], float]:
    """Counted by day first: so many rows as there are pairs of days, not letters."""
    days: dict[tuple[Any, ...], Counter[int]] = defaultdict(Counter)
    names = list(keys)
    rows = letters.filter(_PAID).order_by().values(*names, "day", "closed_on").annotate(n=Count("pk"))
    for row in rows:
        group = tuple(row[name] for name in names)
        days[group][max(0, (row["closed_on"] - row["day"]).days)] += row["n"]
    return {group: median(counted) for group, counted in days.items()}


def median(counted: Counter[int]) -> float:
    """Of values with how often each was seen; between two in the middle their mean."""
    size = counted.total()
    wanted = ((size - 1) // 2, size // 2)
    middle, seen = [], 0
    for value in sorted(counted):
        middle += [value for place in wanted if seen <= place < seen + counted[value]]
        seen += counted[value]
    return sum(middle) / 2
