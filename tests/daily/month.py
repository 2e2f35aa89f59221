"""A believable month: imported contracts that are each due once, and what the books say after a run."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta

from cms_billing.faktura.models import (
    ArchiveRecord,
    Delivery,
    Document,
    DocumentKind,
    Issuer,
    LedgerEntry,
    OpenItem,
    Rendering,
)
from cms_billing.memberships.services import import_contracts
from cms_billing.testing.factories import IssuerFactory, PlanFactory
from cms_billing.testing.people import COLUMNS, DUE_DAYS, OFFERS, contract_lines

DUE_FROM = date(2026, 2, 1)
# On this day every imported contract has become due exactly once.
DAY = DUE_FROM + timedelta(days=DUE_DAYS - 1)
IMPORTED_ON = date(2026, 1, 31)


# (customer's number, cents) of every invoice that one clean run has to make.
Expected = list[tuple[str, int]]


def issuer_with_contracts(count: int, *, seed: int = 7) -> tuple[Issuer, Expected]:
    """The issuer of ``count`` imported contracts, and what the file says each customer owes for one period."""
    issuer = IssuerFactory()
    intervals = {0: "instalments", 1: "monthly", 12: "yearly"}
    for offer in OFFERS:
        interval = intervals[0 if offer.instalments else offer.months]
        PlanFactory(
            issuer=issuer,
            code=offer.plan,
            name=offer.plan,
            interval=interval,
            instalments=offer.instalments or 1,
        )
    lines = list(contract_lines(count, seed=seed, due_from=DUE_FROM))
    import_contracts(issuer=issuer, data=as_csv(lines), today=IMPORTED_ON)
    return issuer, first_periods(lines)


def as_csv(lines: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def first_periods(lines: list[dict[str, str]]) -> Expected:
    """Straight from the file, in plain whole numbers: nothing of the code under test takes part."""
    parts = {offer.plan: offer.instalments or 1 for offer in OFFERS}
    return sorted(
        (line["customer_number"], int(line["price"].replace(",", "")) // parts[line["plan"]])
        for line in lines
    )


@dataclass(frozen=True)
class Books:
    """What must be the same however often a run was killed, repeated or shared. Who got which number may differ."""

    invoices: list[tuple[str, str, str, int]]
    numbers: list[int]
    ledger_sum: int
    open_sum: int
    rendered: int
    archived: int
    delivered: int


def books_of(issuer: Issuer) -> Books:
    invoices = Document.objects.filter(issuer=issuer, kind=DocumentKind.INVOICE)
    return Books(
        invoices=sorted(
            (number, description, str(start), gross)
            for number, description, start, gross in invoices.values_list(
                "customer__number", "lines__description", "service_start", "gross_minor"
            )
        ),
        numbers=sorted(invoices.values_list("sequence", flat=True)),
        ledger_sum=sum(LedgerEntry.objects.filter(issuer=issuer).values_list("amount_minor", flat=True)),
        open_sum=sum(OpenItem.objects.filter(issuer=issuer).values_list("open_minor", flat=True)),
        rendered=Rendering.objects.filter(document__issuer=issuer, work_state="done").count(),
        archived=ArchiveRecord.objects.filter(issuer=issuer, content_type="application/pdf").count(),
        delivered=Delivery.objects.filter(document__issuer=issuer, work_state="done").count(),
    )


def assert_like_one_clean_run(books: Books, expected: Expected) -> None:
    """Each customer has the invoice the file asks for, no number is missing or twice, all is posted, made and sent."""
    count = len(expected)
    assert [(number, gross) for number, _description, _start, gross in books.invoices] == expected
    assert books.numbers == list(range(1, count + 1))
    assert books.ledger_sum == books.open_sum == sum(cents for _number, cents in expected)
    assert (books.rendered, books.archived, books.delivered) == (count, count, count)
