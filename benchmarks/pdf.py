"""From issued documents to archived PDFs, beside bare WeasyPrint on the same HTML.

python benchmarks/pdf.py [--documents 500] [--database postgres|sqlite]

one worker     loads the data, fills the template, renders, archives (flushed to disk) and chains each document;
               against HTML(string=…).write_pdf() on the very same pages, taken in turns
memory         what the worker holds after a fifth of the documents and after all of them
two workers    as processes of their own on one queue, against one such process
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common

TODAY = date(2026, 3, 2)
IN_TURNS = 10
COMPARED = 60


def main() -> None:
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return
    with tempfile.TemporaryDirectory(prefix="cms_billing_bench_") as files:
        os.environ["CMS_BILLING_TEST_FILES"] = files
        common.set_up_django(database=arguments.database)
        use_weasyprint()
        with common.scratch_databases("default"):
            measure(arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def use_weasyprint() -> None:
    from django.conf import settings

    logging.getLogger("django-q").setLevel(logging.WARNING)
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PDF_RENDERER": "cms_billing.faktura.rendering.WeasyPrintRenderer",
    }


def measure(arguments: argparse.Namespace) -> None:
    count = arguments.documents
    compared = min(COMPARED, max(count // 5, IN_TURNS))
    issuer = issue(count)
    rows = beside_bare_weasyprint(compared)
    rows += memory(count, rendered=compared)
    issue(compared, issuer=issuer)
    alone = in_processes(1, arguments)
    issue(compared, issuer=issuer)
    together = in_processes(2, arguments)
    rows += [
        ("one process", f"{compared / alone:.1f} documents a second"),
        ("two processes", f"{compared / together:.1f} documents a second, {alone / together:.2f} times one"),
    ]
    assert_archived(issuer, count + 2 * compared)
    print(f"{count} invoices of one to three lines on {arguments.database}")
    common.table(rows)


def issue(count: int, *, issuer=None):
    """``count`` invoices that wait to be rendered."""
    from cms_billing.faktura.drafts import Draft, DraftLine
    from cms_billing.faktura.models import Customer
    from cms_billing.faktura.services import issue_drafts
    from cms_billing.testing.factories import IssuerFactory

    if issuer is None:
        issuer = IssuerFactory()
        issuer.document_texts.create(kind="invoice", intro="Vielen Dank für Ihre Mitgliedschaft.")
    known = Customer.objects.count()
    customers = Customer.objects.bulk_create(
        Customer(
            issuer=issuer,
            number=f"K{known + n:07}",
            first_name="Anna",
            last_name=f"Muster {n}",
            street=f"Hauptstraße {n % 200}",
            postal_code="10115",
            city="Berlin",
            email=f"anna{n}@example.org",
        )
        for n in range(count)
    )
    line = DraftLine(
        description="Mitgliedschaft Magazin plus",
        unit_price_minor=990,
        tax_code="standard",
        tax_percent=Decimal(19),
        service_start=date(2026, 3, 1),
        service_end=date(2026, 3, 31),
        contract_reference="V-000012",
    )
    drafts = [
        Draft(
            kind="invoice",
            customer_id=customer.pk,
            currency="EUR",
            lines=(line,) * (1 + n % 3),
            due_on=date(2026, 3, 16),
        )
        for n, customer in enumerate(customers)
    ]
    issue_drafts(
        issuer=issuer, kind="invoice", drafts=drafts, customers={c.pk: c for c in customers}, today=TODAY
    )
    return issuer


def beside_bare_weasyprint(count: int) -> list[tuple[str, str]]:
    """In turns of a few documents, so that both see the same load of the machine."""
    from weasyprint import HTML

    from cms_billing.faktura.models import Rendering
    from cms_billing.faktura.rendering import document_data, document_html, stylesheet

    ids = list(Rendering.objects.order_by("pk").values_list("document_id", flat=True)[:count])
    style = f"<style>{stylesheet()}</style></head>"
    pages = [document_html(data).replace("</head>", style) for data in document_data(ids)]
    HTML(string=pages[0]).write_pdf()
    warm_up()
    ours = bare = 0.0
    for start in range(0, count, IN_TURNS):
        turn = ids[start : start + IN_TURNS]
        with common.stopwatch() as took:
            drain(turn)
        ours += took[0]
        with common.stopwatch() as took:
            for page in pages[start : start + IN_TURNS]:
                HTML(string=page).write_pdf()
        bare += took[0]
    return [
        ("bare WeasyPrint", f"{1000 * bare / count:.0f} ms a document"),
        (
            "one warm worker, archived",
            f"{1000 * ours / count:.0f} ms a document, {ours / bare:.2f} times bare",
        ),
    ]


def memory(count: int, *, rendered: int) -> list[tuple[str, str]]:
    from cms_billing.faktura.models import Rendering

    early = max(count // 5, rendered)
    waiting = list(
        Rendering.objects.filter(work_state="pending").order_by("pk").values_list("document_id", flat=True)
    )
    drain(waiting[: early - rendered])
    before = common.memory_mb()
    drain(waiting[early - rendered :])
    after = common.memory_mb()
    return [
        (f"memory after {early} documents", f"{before:.0f} MB"),
        (f"memory after {count} documents", f"{after:.0f} MB, {after / before:.2f} times"),
    ]


def assert_archived(issuer, count: int) -> None:
    """Fast is not enough: two workers have made one unbroken chain."""
    from cms_billing.faktura.models import ArchiveRecord
    from cms_billing.faktura.verification import archive_findings

    assert ArchiveRecord.objects.filter(issuer=issuer).count() == count
    assert list(archive_findings(issuer)) == []


def drain(document_ids: list[int]) -> None:
    from django.db.models import Q

    from cms_billing.core import clock, outbox
    from cms_billing.faktura.models import Rendering

    result = outbox.drain(Rendering, now=clock.now(), only=Q(document__in=document_ids))
    assert result.done == len(document_ids), result


def warm_up() -> None:
    """As the first document of a worker's life does: fonts found, stylesheet parsed, templates read."""
    from cms_billing.faktura.models import Document
    from cms_billing.faktura.rendering import document_data, render_pdf

    [data] = document_data(Document.objects.values_list("pk", flat=True)[:1])
    render_pdf(data)


def in_processes(count: int, arguments: argparse.Namespace) -> float:
    """Seconds until ``count`` warm workers have emptied the queue."""
    from django.db import connection

    command = [sys.executable, __file__, "--worker", "--database", arguments.database]
    environment = {**os.environ, "CMS_BILLING_TEST_DB_NAME": str(connection.settings_dict["NAME"])}
    workers = [
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=common.ROOT,
        )
        for _ in range(count)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    with common.stopwatch() as took:
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            assert worker.stdout.readline() == "done\n"
    for worker in workers:
        worker.communicate()
    return took[0]


def work(arguments: argparse.Namespace) -> None:
    common.set_up_django(database=arguments.database)
    use_weasyprint()
    from cms_billing.core import clock, outbox
    from cms_billing.faktura.models import Rendering

    warm_up()
    print("ready", flush=True)
    sys.stdin.readline()
    outbox.drain(Rendering, now=clock.now(), batch=2)
    print("done", flush=True)


if __name__ == "__main__":
    main()
