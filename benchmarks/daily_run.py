"""Book, number, issue and post N due contracts, beside what the database could do at best.

    python benchmarks/daily_run.py 10000 [--database postgres|sqlite] [--scale]

Baselines in the same run, on databases of their own with the same constraints and triggers:

    bulk_create   the very rows the run wrote, as model instances, in chunks of the same size: the floor of the ORM
    COPY          the same rows as text (PostgreSQL)
    save()        one save a row, transaction per invoice, for a sample

``--scale`` compares the cost per contract with that of a run a tenth of the size. Nothing is rendered.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from datetime import date
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common

START, TODAY = date(2026, 1, 1), date(2026, 1, 1)
CHUNK = 500
SAMPLE = 400


def main() -> None:
    arguments = parse()
    common.set_up_django(database=arguments.database)
    aliases = ["default", "floor", "saves"] + (["copy"] if arguments.database == "postgres" else [])
    if arguments.only_run:
        aliases = ["default"]
    with common.scratch_databases(*aliases):
        issuer = prepare(arguments.contracts)
        seconds = run(issuer)
        memory = common.peak_memory_mb()
        rate = arguments.contracts / seconds
        print(
            f"{arguments.contracts} contracts on {arguments.database}: {seconds:.2f} s, {rate:,.0f} a second"
        )
        print(f"seconds={seconds:.4f}")
        print(f"peak memory {memory:.0f} MB")
        if not arguments.only_run:
            compare(aliases, rate, arguments.contracts)
    if arguments.scale:
        scale(arguments, seconds)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("contracts", type=int, nargs="?", default=10_000)
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--only-run", action="store_true", help="no baselines")
    return parser.parse_args()


def prepare(count: int):
    """An issuer with ``count`` contracts that are due, written in chunks so that memory stays flat."""
    from cms_billing.faktura.models import Customer
    from cms_billing.memberships.models import Contract, ContractLine
    from cms_billing.testing.factories import IssuerFactory, PlanFactory

    issuer = IssuerFactory()
    plan = PlanFactory(issuer=issuer)
    numbers = iter(range(count))
    while chunk := list(islice(numbers, 5000)):
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
        contracts = Contract.objects.bulk_create(
            Contract(issuer=issuer, customer=customer, plan=plan, number=f"V{customer.pk:07}", start=START)
            for customer in customers
        )
        ContractLine.objects.bulk_create(
            ContractLine(
                contract=contract,
                description="Mitgliedschaft",
                interval="monthly",
                anchor=START,
                price_minor=990 + contract.pk % 7 * 100,
                currency="EUR",
                tax_code="standard",
                next_due=START,
            )
            for contract in contracts
        )
    vacuum()
    return issuer


def vacuum() -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def run(issuer) -> float:
    from cms_billing.daily.steps import Book, Issue

    def nothing(*_anything: object) -> None:
        return None

    with common.stopwatch() as took:
        for step in (Book(), Issue()):
            step.run(issuer, TODAY, park=nothing, progress=nothing)
    return took[0]


def written_models():
    from cms_billing.faktura import models as faktura

    return [
        faktura.Booking,
        faktura.Document,
        faktura.DocumentLine,
        faktura.TaxGroup,
        faktura.LedgerEntry,
        faktura.OpenItem,
        faktura.Rendering,
    ]


def compare(aliases: list[str], rate: float, count: int) -> None:
    for alias in aliases[1:]:
        save_the_parents(alias)
    floor = count / common.bulk_create_again(
        [model.objects.all() for model in written_models()], "floor", CHUNK
    )
    saves = save_loop(min(SAMPLE, count))
    rows = [
        ("this run", f"{rate:,.0f} a second"),
        ("bulk_create of the same rows", f"{floor:,.0f} a second; the run reaches {rate / floor:.2f} of it"),
        ("save() per row", f"{saves:,.0f} a second; the run is {rate / saves:.1f} times as fast"),
    ]
    if "copy" in aliases:
        copied = count / copy_floor()
        rows.append(
            ("COPY of the same rows", f"{copied:,.0f} a second; the run reaches {rate / copied:.2f} of it")
        )
    common.table(rows)


def save_the_parents(alias: str) -> None:
    """What the written rows refer to; no contracts, so that only the rows themselves are measured."""
    from cms_billing.faktura import models as faktura

    for model in (faktura.Issuer, faktura.Customer, faktura.NumberSeries, faktura.IssuerSnapshot):
        common.copy_rows(model.objects.all(), alias)


def save_loop(sample: int) -> float:
    from django.db import transaction

    by_model = [list(islice(iter(model.objects.order_by("pk")), sample)) for model in written_models()]
    rows = [[common.values_of([row])[0] for row in instances] for instances in by_model]
    models = written_models()
    with common.stopwatch() as took:
        for of_one_invoice in zip(*rows, strict=True):
            with transaction.atomic(using="saves"):
                for model, values in zip(models, of_one_invoice, strict=True):
                    model(**values).save(using="saves", force_insert=True)
    return sample / took[0]


def copy_floor() -> float:
    from django.db import connections, transaction

    total = 0.0
    for model in written_models():
        table = model._meta.db_table
        source, target = connections["default"], connections["copy"]
        source.ensure_connection()
        target.ensure_connection()
        buffer = io.BytesIO()
        with source.connection.cursor() as cursor, cursor.copy(f'COPY "{table}" TO STDOUT') as out:
            for block in out:
                buffer.write(block)
        with (
            common.stopwatch() as took,
            transaction.atomic(using="copy"),
            target.connection.cursor() as cursor,
            cursor.copy(f'COPY "{table}" FROM STDIN') as into,
        ):
            into.write(buffer.getvalue())
        total += took[0]
    return total


def scale(arguments: argparse.Namespace, seconds: float) -> None:
    tenth = max(1, arguments.contracts // 10)
    command = [sys.executable, __file__, str(tenth), "--database", arguments.database, "--only-run"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    small = next(float(line.split("=")[1]) for line in output.splitlines() if line.startswith("seconds="))
    ratio = (seconds / arguments.contracts) / (small / tenth)
    print(f"cost per contract at {arguments.contracts} is {ratio:.2f} of that at {tenth}")


if __name__ == "__main__":
    main()
