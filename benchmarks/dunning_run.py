"""Remind N overdue documents of 0.6 N customers: decide, write letters and cases; then raise them all a level.

    python benchmarks/dunning_run.py 100000 [--database postgres|sqlite] [--profile]

The baseline is measured in the same run, on a database of its own with the same constraints and triggers:
``bulk_create`` of the very rows that the first run wrote, as model instances, in chunks of the same size. Nothing is
rendered or sent.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common

BILLED = date(2026, 1, 5)
# 14 days to pay, a week until the first letter, two more until the second.
FIRST = BILLED + timedelta(days=14 + 7)
SECOND = FIRST + timedelta(days=14)
CHUNK = 500


def main() -> None:
    arguments = parse()
    common.set_up_django(database=arguments.database)
    with common.scratch_databases("default", "floor"):
        issuer = prepare(arguments.documents)
        first = run(issuer, FIRST, arguments)
        prepare_floor()
        floor = common.bulk_create_again(written(), "floor", CHUNK)
        second = run(issuer, SECOND, arguments)
        report(arguments.documents, first, second, floor)


@dataclass(frozen=True)
class Run:
    seconds: float
    letters: int
    memory: float

    def told(self, count: int) -> str:
        rate = count / self.seconds
        return f"{self.seconds:.2f} s for {self.letters} letters, {rate:,.0f} documents a second"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents", type=int, nargs="?", default=10_000)
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    return parser.parse_args()


def prepare(count: int):
    """An issuer with ``count`` unpaid invoices: two thirds of the customers have two, the others one."""
    from cms_billing.dunning.services import create_default_procedure
    from cms_billing.faktura.models import Booking, Customer
    from cms_billing.faktura.services import issue_next_invoices
    from cms_billing.testing.factories import IssuerFactory

    issuer = IssuerFactory(payment_days=14)
    create_default_procedure(issuer)
    owed = iter(range(count * 3 // 5))
    while chunk := list(islice(owed, 5000)):
        customers = Customer.objects.bulk_create(
            Customer(
                issuer=issuer,
                number=f"K{n:07}",
                first_name="Anna",
                last_name=f"Muster {n}",
                street=f"Hauptstraße {n % 200}",
                postal_code="10115",
                city="Berlin",
                email=f"anna{n}@example.org",
            )
            for n in chunk
        )
        Booking.objects.bulk_create(
            booking(issuer, customer, number)
            for n, customer in zip(chunk, customers, strict=True)
            for number in range(1 if n % 3 == 2 else 2)
        )
    after = 0
    while (batch := issue_next_invoices(issuer=issuer, today=BILLED, after_customer=after)).done:
        after = batch.last_customer
    vacuum()
    return issuer


def booking(issuer, customer, number: int):
    from cms_billing.faktura.models import Booking

    return Booking(
        issuer=issuer,
        customer=customer,
        description="Mitgliedschaft",
        unit_price_minor=990 + customer.pk % 7 * 100,
        currency="EUR",
        tax_code="standard",
        due_on=BILLED,
        period_start=BILLED,
        period_end=BILLED + timedelta(days=30),
        contract_reference=f"V{customer.pk:07}",
        invoice_group=str(number),
        source="benchmark",
        source_id=customer.pk * 10 + number,
    )


def vacuum() -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def run(issuer, today: date, arguments: argparse.Namespace) -> Run:
    from cms_billing.dunning.services import dun_next_customers

    memory = common.memory_mb()
    letters, after = 0, 0
    with profiled(arguments), common.stopwatch() as took:
        while after is not None:
            batch = dun_next_customers(issuer=issuer, today=today, after_customer=after, limit=CHUNK)
            letters += len(batch.done)
            after = batch.last_customer
    return Run(took[0], letters, memory)


def written() -> list:
    """What the first run wrote."""
    from cms_billing.dunning.models import Case, CaseStep, Charge
    from cms_billing.faktura.models import Document, DocumentKind, LedgerEntry, Rendering

    letters = Document.objects.filter(kind=DocumentKind.DUNNING_LETTER)
    return [
        letters,
        Rendering.objects.filter(document__in=letters),
        Case.objects.all(),
        LedgerEntry.objects.filter(kind__in=LedgerEntry.CHARGES),
        Charge.objects.all(),
        CaseStep.objects.all(),
    ]


def prepare_floor() -> None:
    """What those rows refer to."""
    from cms_billing.dunning.models import Procedure, ProcedureVersion
    from cms_billing.faktura import models as faktura

    invoices = faktura.Document.objects.exclude(kind=faktura.DocumentKind.DUNNING_LETTER)
    for model in (faktura.Issuer, faktura.Customer, faktura.NumberSeries, faktura.IssuerSnapshot):
        common.copy_rows(model.objects.all(), "floor")
    for rows in (invoices, Procedure.objects.all(), ProcedureVersion.objects.all()):
        common.copy_rows(rows, "floor")


@contextmanager
def profiled(arguments: argparse.Namespace) -> Iterator[None]:
    if not arguments.profile:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def report(count: int, first: Run, second: Run, floor: float) -> None:
    common.table(
        [
            ("first letters", first.told(count)),
            ("raised a level", second.told(count)),
            (
                "bulk_create of the first run's rows",
                f"{floor:.2f} s; the run reaches {floor / first.seconds:.2f} of its speed",
            ),
            ("memory", f"{first.memory:.0f} MB before the runs, {common.peak_memory_mb():.0f} MB at most"),
        ]
    )


if __name__ == "__main__":
    main()
