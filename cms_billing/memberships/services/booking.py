"""Due contract lines become bookings: once a line, period and kind, whatever happens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import override

from cms_billing.core import clock
from cms_billing.core.bulk import insert_new_rows
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.core.texts import day_text
from cms_billing.faktura.models import Booking, Issuer
from cms_billing.faktura.services import Problem

from .. import schedule
from ..models import Contract, ContractLine

SOURCE = "contract_line"
# More periods at once than this is no backlog but a wrong date: a person has to look.
MOST_PERIODS = 36

_FIELDS = [
    "id",
    "description",
    "interval",
    "instalments",
    "anchor",
    "quantity",
    "price_minor",
    "currency",
    "prices_include_tax",
    "tax_code",
    "next_due",
    "contract__number",
    "contract__customer_id",
    "contract__customer__language",
    "contract__end",
]


class DueLine(NamedTuple):
    id: int
    description: str
    interval: str
    instalments: int
    anchor: date
    quantity: Decimal
    price_minor: int
    currency: str
    prices_include_tax: bool
    tax_code: str
    next_due: date
    contract_number: str
    customer_id: int
    language: str
    contract_end: date | None

    def terms(self) -> schedule.LineTerms:
        return schedule.LineTerms(
            anchor=self.anchor,
            interval=schedule.Interval(self.interval),
            price_minor=self.price_minor,
            first_due=self.next_due,
            end=self.contract_end,
            instalments=self.instalments,
        )


@dataclass(frozen=True)
class BookedBatch:
    """What one chunk did. ``last_line`` is where the next chunk goes on; None: nothing was left to take."""

    bookings: int
    problems: list[Problem]
    last_line: int | None
    sums_minor: dict[str, int]


class TooManyPeriods(BillingError):
    def __init__(self, line: DueLine, count: int) -> None:
        super().__init__(
            _(
                "Contract %(contract)s would be billed for %(count)s periods at once, from %(start)s. "
                "Check its next due date."
            )
            % {"contract": line.contract_number, "count": count, "start": day_text(line.next_due)}
        )


def due_lines(issuer: Issuer, *, today: date) -> QuerySet[ContractLine]:
    """Contract lines with a period that starts today or earlier and is not booked yet."""
    return ContractLine.objects.filter(
        contract__issuer=issuer, contract__state__in=Contract.BILLABLE, next_due__lte=today
    )


def bookings_for(line: DueLine, *, issuer: Issuer, today: date) -> list[Booking]:
    """The bookings a line owes up to today, unsaved; raises a BillingError that says what is wrong with it."""
    periods = schedule.due_periods(line.terms(), until=today)
    if len(periods) > MOST_PERIODS:
        raise TooManyPeriods(line, len(periods))
    now = clock.now()
    return [
        Booking(
            issuer_id=issuer.pk,
            customer_id=line.customer_id,
            source=SOURCE,
            source_id=line.id,
            kind="recurring",
            period_start=period.start,
            period_end=period.end,
            due_on=period.start,
            invoice_group=line.contract_number,
            contract_reference=line.contract_number,
            description=describe(line, period),
            quantity=line.quantity,
            unit_price_minor=period.amount_minor,
            currency=line.currency,
            prices_include_tax=line.prices_include_tax,
            tax_code=line.tax_code,
            created_at=now,
        )
        for period in periods
    ]


def describe(line: DueLine, period: schedule.Period) -> str:
    if period.of is None:
        return line.description
    with override(line.language):
        return _("%(what)s, instalment %(number)s of %(count)s") % {
            "what": line.description,
            "number": period.number,
            "count": period.of,
        }


@transaction.atomic
def book_first_period(*, contract: Contract, amount: Money, invoice_group: str) -> Booking:
    """Book the first period of a contract that was just sold, at what was paid for it (with tax), due on its first day.

    A voucher counts once: later periods are billed at the contract's own price. The daily run goes on from here.
    """
    values = ContractLine.objects.filter(contract=contract).values_list(*_FIELDS)
    line = DueLine(*values[0])
    booking = bookings_for(line, issuer=contract.issuer, today=line.next_due)[0]
    booking.unit_price_minor, booking.currency = amount.minor, amount.currency
    booking.quantity, booking.prices_include_tax = Decimal(1), True
    booking.invoice_group = invoice_group
    booking.save(force_insert=True)
    _move_on([line], today=line.next_due)
    return booking


@transaction.atomic
def book_next_due(
    *, issuer: Issuer, today: date, after_line: int = 0, wait: bool = False, limit: int | None = None
) -> BookedBatch:
    """Book the due periods of the next contract lines, a chunk in one transaction.

    Lines another worker holds are skipped; with ``wait`` they are waited for. A line that cannot be booked comes back
    as a problem and stays due.
    """
    lines = _take(
        issuer, today=today, after_line=after_line, wait=wait, limit=limit or billing_settings().chunk_size
    )
    if not lines:
        return BookedBatch(0, [], None, {})
    bookings, problems, booked = [], [], []
    for line in lines:
        try:
            bookings += bookings_for(line, issuer=issuer, today=today)
            booked.append(line)
        except BillingError as error:
            problems.append(Problem(ContractLine._meta.label, line.id, line.contract_number, str(error)))
    # The unique constraint decides, not our memory: what is there already is left as it is.
    insert_new_rows(Booking, bookings)
    _move_on(booked, today=today)
    sums: dict[str, int] = defaultdict(int)
    for booking in bookings:
        sums[booking.currency] += booking.unit_price_minor
    return BookedBatch(len(bookings), problems, lines[-1].id, dict(sums))


def _take(issuer: Issuer, *, today: date, after_line: int, wait: bool, limit: int) -> list[DueLine]:
    due = (
        due_lines(issuer, today=today)
        .filter(pk__gt=after_line)
        .order_by("pk")
        .select_for_update(skip_locked=not wait, no_key=True, of=("self",))
    )
    return read_due_lines(due[:limit])


def read_due_lines(due: QuerySet[ContractLine]) -> list[DueLine]:
    return [DueLine(*values) for values in due.values_list(*_FIELDS)]


def _move_on(lines: Sequence[DueLine], *, today: date) -> None:
    """Set the next due dates: one statement a date, and there are few different dates."""
    by_date: dict[date | None, list[int]] = defaultdict(list)
    for line in lines:
        by_date[schedule.next_due(line.terms(), after=today)].append(line.id)
    for day, ids in by_date.items():
        ContractLine.objects.filter(pk__in=ids).update(next_due=day)
