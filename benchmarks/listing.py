"""The accountant's desk at 1,000 and at 100,000 documents: the list in all its ways, a document, a customer.

    python benchmarks/listing.py [--documents 1000 100000] [--requests 30] [--database postgres|sqlite]

Each size has a database of its own, made in sets (no PDFs, the rows only); the same user asks both for the same pages
in turn, so that whatever else the machine does hits both. Printed are the queries of a page, the p95 of its time at
both sizes and their ratio. Aimed at: the same number of queries, a ratio of at most 2, a p95 under 300 ms.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import scratch_databases, set_up_django

TODAY = date(2026, 3, 31)
FIRST = [
    "Anna",
    "Björn",
    "Clara",
    "Dilek",
    "Emil",
    "Franziska",
    "Georg",
    "Hanna",
    "Ivo",
    "Jana",
    "Karl",
    "Lena",
]
LAST = [
    "Schmidt",
    "Müller",
    "Yılmaz",
    "Kowalski",
    "Brandt",
    "Osei",
    "Lindqvist",
    "Petrov",
    "Weiß",
    "Nguyen",
    "Otto",
]
CHUNK = 5000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, nargs=2, default=[1000, 100_000], metavar=("FEW", "MANY"))
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    set_up_django(database=options.database)
    from cms_billing.core import clock

    with (
        scratch_databases("default", "many"),
        clock.frozen(datetime.combine(TODAY, time(12), tzinfo=UTC)),
    ):
        few = Desk("default", options.documents[0])
        many = Desk("many", options.documents[1])
        for size in (few, many):
            size.fill()
        print(
            f"{few.count:,} and {many.count:,} documents, {options.requests} requests each, {options.database}; 95th "
            f"percentile (median); load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        for page in few.pages():
            if options.only in page:
                print(row(page, few, many, options.requests), flush=True)


def row(page: str, few: Desk, many: Desk, requests: int) -> str:
    taken: dict[str, list[float]] = {few.alias: [], many.alias: []}
    queries = [desk.queries(page) for desk in (few, many)]
    for number in range(requests):
        for desk in (few, many) if number % 2 else (many, few):
            taken[desk.alias].append(desk.ask(page))
    times = [[seconds * 1000 for seconds in taken[desk.alias]] for desk in (few, many)]
    p95, mid = [percentile(one) for one in times], [median(one) for one in times]
    same = "" if queries[0] == queries[1] else f" (not the same: {queries[1]})"
    figures = "   ".join(f"{p95[n]:5.0f} ({mid[n]:4.0f}) ms" for n in (0, 1))
    return f"  {page:<42}{queries[0]:3} queries{same}   {figures}   x{p95[1] / p95[0]:.2f} (x{mid[1] / mid[0]:.2f})"


def percentile(seconds: list[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.95))]


@dataclass
class Desk:
    """One database with ``count`` documents, and the accountant who reads them."""

    alias: str
    count: int
    _pages: dict[str, str] = field(default_factory=dict)
    client: Any = None

    def fill(self) -> None:
        with self.in_use():
            fill(self.count)
            self._log_in()
            self._pages = addresses()

    def in_use(self) -> Any:
        return DefaultDatabaseIs(self.alias)

    def _log_in(self) -> None:
        from django.contrib.auth import get_user_model
        from django.contrib.auth.models import Group
        from django.test import Client

        from cms_billing.core.roles import ACCOUNTANTS
        from cms_billing.faktura.models import Issuer

        user = get_user_model().objects.create_user("accountant", "accountant@example.org", "secret")
        group = Group.objects.get(name=ACCOUNTANTS.group)
        user.groups.add(group)
        for issuer in Issuer.objects.all():
            issuer.groups.add(group)
        self.client = Client()
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def pages(self) -> list[str]:
        return list(self._pages)

    def ask(self, page: str) -> float:
        with self.in_use():
            begin = perf_counter()
            response = self.client.get(self._pages[page])
            took = perf_counter() - begin
        if response.status_code != 200:
            raise SystemExit(f"{self._pages[page]} answered {response.status_code}")
        return took

    def queries(self, page: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with self.in_use():
            for _ in range(3):
                self.client.get(self._pages[page])
            with CaptureQueriesContext(connection) as captured:
                self.client.get(self._pages[page])
        return len(captured)


class DefaultDatabaseIs:
    """Everything asks the connection called ``default``; inside, that is the one of ``alias``."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def __enter__(self) -> None:
        from django.db import connections

        self.default = connections["default"]
        chosen = connections[self.alias]
        connections["default"] = chosen
        self.own_alias, chosen.alias = chosen.alias, "default"

    def __exit__(self, *_error: object) -> None:
        from django.db import connections

        connections["default"].alias = self.own_alias
        connections["default"] = self.default


def fill(count: int) -> None:
    from cms_billing.testing.factories import IssuerFactory

    academy, choir = IssuerFactory(name="Akademie"), IssuerFactory(name="Chor")
    Filler(academy, count - count // 5, start=0).fill()
    Filler(choir, count // 5, start=count).fill()
    vacuum()


def vacuum() -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


class Filler:
    """``count`` documents of one issuer: one in five open, one in twenty cancelled, a tenth of them one customer's."""

    def __init__(self, issuer: Any, count: int, *, start: int) -> None:
        from cms_billing.faktura.models import NumberSeries

        self.issuer, self.count, self.start = issuer, count, start
        self.series = {
            kind: NumberSeries.objects.create(
                issuer=issuer,
                kind=kind,
                year=2026,
                format=f"{prefix}-{{year}}-{{number:06}}",
                next_number=count + 1,
            )
            for kind, prefix in (("invoice", "RE"), ("cancellation", "ST"))
        }

    def fill(self) -> None:
        customers = self._customers()
        numbers = iter(range(self.count))
        while chunk := list(islice(numbers, CHUNK)):
            self._documents(chunk, customers)

    def _customers(self) -> list[Any]:
        from cms_billing.core.bulk import insert_rows
        from cms_billing.faktura.models import Customer

        made = [
            Customer(
                issuer=self.issuer,
                number=f"K-{self.start + n:07}",
                first_name=FIRST[n % len(FIRST)],
                last_name=f"{LAST[n % len(LAST)]}-{n // 7}",
                street=f"Hauptstraße {n % 200}",
                postal_code="10115",
                city="Berlin",
                email=f"{FIRST[n % len(FIRST)].lower()}{self.start + n}@example.org",
            )
            for n in range(max(self.count // 5, 2))
        ]
        insert_rows(Customer, made, with_keys=True)
        return made

    def _documents(self, chunk: list[int], customers: list[Any]) -> None:
        from cms_billing.core.bulk import insert_rows
        from cms_billing.faktura import models

        documents = [self._document(n, customers) for n in chunk]
        insert_rows(models.Document, documents, with_keys=True)
        reversals = list(self._reversals(documents))
        insert_rows(models.Document, reversals, with_keys=True)
        rows: dict[Any, list[Any]] = {}
        for document in documents:
            for one in self._of_invoice(document):
                rows.setdefault(type(one), []).append(one)
        for document in [*documents, *reversals]:
            for one in self._of_any(document):
                rows.setdefault(type(one), []).append(one)
        for model, instances in rows.items():
            insert_rows(model, instances)

    def _document(self, n: int, customers: list[Any]) -> Any:
        from cms_billing.faktura.models import Document

        # Spread over two years, in the order of the numbers, as a business writes them.
        day = TODAY - timedelta(days=730 - 730 * n // self.count)
        # The second customer is a big one, for whose page a tenth of everything counts.
        customer = customers[1] if n % 10 == 0 else customers[n % len(customers)]
        amount = (990, 1990, 9900, 24900, 5950)[n % 5] + n % 7 * 100
        return Document(
            **self._common(customer, "invoice", n + 1, day),
            due_on=day + timedelta(days=14),
            net_minor=amount,
            gross_minor=amount,
        )

    def _common(self, customer: Any, kind: str, sequence: int, day: date) -> dict[str, Any]:
        prefix = {"invoice": "RE", "cancellation": "ST"}[kind]
        return {
            "issuer_id": self.issuer.pk,
            "customer": customer,
            "kind": kind,
            "state": "issued",
            "series_id": self.series[kind].pk,
            "sequence": sequence,
            "number": f"{prefix}-2026-{sequence:06}",
            "issued_on": day,
            "issued_at": datetime.combine(day, time(9), tzinfo=UTC),
            "currency": "EUR",
            "line_count": 1,
            "recipient_name": customer.name,
            "recipient_address": "\n".join(customer.address_lines),
            "recipient_country": "DE",
            "recipient_email": customer.email,
        }

    def _reversals(self, documents: list[Any]) -> Iterator[Any]:
        from cms_billing.faktura.models import Document

        for document in documents:
            if document.sequence % 20 == 0:
                yield Document(
                    **self._common(
                        document.customer, "cancellation", document.sequence // 20, document.issued_on
                    ),
                    net_minor=-document.gross_minor,
                    gross_minor=-document.gross_minor,
                    corrects_id=document.pk,
                    extra={"reason": "Doppelt", "corrects": document.number},
                )

    def _of_invoice(self, document: Any) -> Iterator[Any]:
        from cms_billing.faktura.models import LedgerEntry, OpenItem

        common = {
            "issuer_id": self.issuer.pk,
            "customer_id": document.customer_id,
            "document_id": document.pk,
            "currency": "EUR",
        }
        is_open = document.sequence % 5 == 1
        entry = {**common, "booked_on": document.issued_on}
        yield LedgerEntry(**entry, kind="invoice", amount_minor=document.gross_minor)
        if not is_open:
            kind = "cancellation" if document.sequence % 20 == 0 else "payment"
            yield LedgerEntry(**entry, kind=kind, amount_minor=-document.gross_minor)
        yield OpenItem(
            **common,
            due_on=document.due_on,
            open_minor=document.gross_minor if is_open else 0,
            settled_on=None if is_open else document.issued_on,
        )

    def _of_any(self, document: Any) -> Iterator[Any]:
        from cms_billing.faktura.models import ArchiveRecord, Delivery, DocumentLine

        yield DocumentLine(
            document_id=document.pk,
            position=1,
            description="Mitgliedschaft",
            unit_price_minor=document.gross_minor,
            tax_code="zero",
            tax_percent=0,
            net_minor=document.gross_minor,
            tax_minor=0,
            gross_minor=document.gross_minor,
        )
        yield ArchiveRecord(
            issuer_id=self.issuer.pk,
            sequence=document.pk,
            document_id=document.pk,
            content_type="application/pdf",
            filename=f"{document.number}.pdf",
            size=20_000,
            sha256=f"{document.pk:064}",
            chain_hash=f"{document.pk:064}",
        )
        yield Delivery(
            document_id=document.pk,
            to=document.recipient_email,
            work_state="done",
            done_at=document.issued_at,
            sent_at=document.issued_at,
        )


def addresses() -> dict[str, str]:
    """The same questions to both databases, in the words of their own rows."""
    from django.urls import reverse

    from cms_billing.faktura.models import Document, Issuer

    documents = reverse("billing-document:index")
    issuer = Issuer.objects.get(name="Akademie")
    invoice = Document.objects.filter(issuer=issuer, kind="invoice").order_by("pk")[7]
    big = Document.objects.filter(issuer=issuer, kind="invoice").order_by("pk").first().customer_id
    customers = reverse("billing-customer:index")
    customer = "billing-customer:inspect"
    return {
        "documents": documents,
        "documents, last page": f"{documents}?p=999999",
        "documents, middle page": f"{documents}?p={max(1, Document.objects.count() // 100)}",
        "overdue": f"{documents}?standing=overdue",
        "paid": f"{documents}?standing=paid",
        "cancelled": f"{documents}?standing=cancelled",
        "one issuer, a month, invoices": (
            f"{documents}?issuer={issuer.pk}&kind=invoice&issued_on_from=2026-03-01&issued_on_to=2026-03-31"
        ),
        "total from 200 to 300": f"{documents}?gross_min=200&gross_max=300",
        "one customer": f"{documents}?customer={invoice.customer.number}",
        "search: a number": f"{documents}?q={invoice.number[3:]}",
        "search: a common name": f"{documents}?q={LAST[3]}",
        "search: one person": f"{documents}?q={invoice.recipient_name}",
        "search: an amount": f"{documents}?q=255,00",
        "search: an address": f"{documents}?q={invoice.recipient_email}",
        "sorted by total": f"{documents}?ordering=-gross_minor",
        "sorted by open amount": f"{documents}?ordering=-open_item__open_minor",
        "a document": reverse("billing-document:inspect", args=[invoice.pk]),
        "customers": customers,
        "customers, a name": f"{customers}?q={LAST[3]}-{invoice.pk % 9}",
        "a customer": reverse(customer, args=[invoice.customer_id]),
        "a customer with a tenth of all documents": reverse(customer, args=[big]),
    }


if __name__ == "__main__":
    main()
