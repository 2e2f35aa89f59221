"""Cases that are ready for collection, their archived papers, and what is in a file for an agency."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from datetime import date

from django.conf import settings
from django.test import override_settings

from cms_billing.core import clock, outbox
from cms_billing.dunning.models import Agency, Case, HandOver, HandOverFile, HandOverSending
from cms_billing.dunning.services import hand_over, open_file
from cms_billing.faktura.models import Customer, Document, Rendering

from .conftest import case_of, invoice_due, run

PLAIN = "cms_billing.testing.renderers.PlainRenderer"
DUE = date(2026, 1, 15)
LETTERS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))
READY = date(2026, 3, 2)


def ready_cases(*customers: Customer, amount: int = 4900) -> list[Case]:
    """A case of each, through with its letters and waiting; all papers are archived."""
    issuer = customers[0].issuer
    invoices = [
        invoice_due(customer, DUE, amount=amount, contract=f"V-{customer.number}") for customer in customers
    ]
    for day in (*LETTERS, READY):
        run(issuer, day)
    archive_papers()
    cases = [case_of(invoice) for invoice in invoices]
    assert {case.state for case in cases} == {"ready_for_collection"}
    return cases


def archive_papers() -> None:
    """With the words of each page on a plain sheet: what they look like does not matter here."""
    with override_settings(CMS_BILLING=settings.CMS_BILLING | {"PDF_RENDERER": PLAIN}):
        assert not outbox.drain(Rendering, now=clock.now()).failed


def agency_of(issuer, **changes) -> Agency:
    values = {"issuer": issuer, "name": "Inkasso Nord", "slug": f"nord-{issuer.pk}", "client_number": "M-77"}
    return Agency.objects.create(**values | changes)


def given_to(agency: Agency, *cases: Case, today: date = READY) -> HandOver:
    result = hand_over(case_ids=[case.pk for case in cases], agency_id=agency.pk, today=today)
    assert result.hand_over is not None, result.problems
    assert not result.problems
    return result.hand_over


def work() -> None:
    """What the workers do after the commit: the file, then its way."""
    for model in (HandOverFile, HandOverSending):
        outbox.drain(model, now=clock.now())


def box_of(made: HandOver) -> zipfile.ZipFile:
    made.file.refresh_from_db()
    assert made.file.sha256, made.file.last_error
    with open_file(made.file) as file:
        content = file.read()
    assert hashlib.sha256(content).hexdigest() == made.file.sha256
    return zipfile.ZipFile(io.BytesIO(content))


def rows_of(content: bytes, *, encoding: str = "utf-8-sig", delimiter: str = ";") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter))


def csv_of(made: HandOver) -> list[dict[str, str]]:
    return rows_of(box_of(made).read(f"{made.reference}.csv"))


def manifest_of(made: HandOver) -> dict:
    return json.loads(box_of(made).read("manifest.json"))


def document_of(case: Case) -> Document:
    return Document.objects.get(pk=case.document_id)
