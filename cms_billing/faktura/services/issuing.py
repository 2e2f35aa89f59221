"""Issue documents: number, freeze, post, and hand on to rendering. Whole batches in a handful of statements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import transaction

from cms_billing.core import clock, outbox
from cms_billing.core.bulk import insert_rows

from ..drafts import Draft
from ..models import (
    Customer,
    Document,
    DocumentKind,
    DocumentLine,
    DocumentText,
    Issuer,
    IssuerSnapshot,
    LedgerEntry,
    OpenItem,
    Rendering,
    TaxGroup,
)
from ..numbers import format_number
from ..signals import documents_issued
from .letterheads import current_design
from .series import take_numbers

# What a document shows of its issuer, copied at issue.
SNAPSHOT_FIELDS = [
    "name",
    "legal_name",
    "street",
    "postal_code",
    "city",
    "country",
    "email",
    "phone",
    "website",
    "tax_number",
    "vat_id",
    "register_entry",
    "managing_directors",
    "small_business",
    "account_holder",
    "iban",
    "bic",
    "bank_name",
    "creditor_id",
    "payment_days",
    "format_region",
    "date_style",
]


def snapshot_data(issuer: Issuer, kind: str) -> dict[str, Any]:
    """What a document of this kind issued now would say of its issuer and in their name, and how it would look."""
    data = {name: getattr(issuer, name) for name in SNAPSHOT_FIELDS}
    return {**data, "design": current_design(issuer, kind), "texts": current_texts(issuer, kind)}


def current_texts(issuer: Issuer, kind: str) -> dict[str, list[str]]:
    """Intro and closing by language, with their placeholders; "" is for all other languages."""
    rows = DocumentText.objects.filter(issuer=issuer, kind=kind).order_by("language")
    return {row.language: [row.intro, row.closing] for row in rows}


def snapshot_of(issuer: Issuer, kind: str) -> IssuerSnapshot:
    """The frozen copy of the issuer's data and letterhead as they are now for a kind; made once a version."""
    data = snapshot_data(issuer, kind)
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    snapshot, _created = IssuerSnapshot.objects.get_or_create(
        issuer=issuer, sha256=digest, defaults={"data": data}
    )
    return snapshot


@transaction.atomic
def issue_drafts(
    *, issuer: Issuer, kind: str, drafts: Sequence[Draft], customers: Mapping[int, Customer], today: date
) -> list[Document]:
    """Issue drafts of one kind, in order, with consecutive numbers.

    The drafts are complete and lawful (``billing`` and ``corrections`` see to that). Invoices are posted to the ledger
    and open an item; other kinds post through the service that asked for them. Every document gets its rendering row.
    """
    documents = [
        Document(
            issuer_id=issuer.pk,
            state=Document.State.ISSUED,
            **content_of(draft, customers[draft.customer_id]),
        )
        for draft in drafts
    ]
    give_numbers(documents, issuer=issuer, kind=kind, today=today)
    insert_rows(Document, documents, with_keys=True)
    write_lines(documents, drafts)
    follow_up(documents, kind=kind, today=today)
    return documents


def give_numbers(documents: Sequence[Document], *, issuer: Issuer, kind: str, today: date) -> None:
    """Date, number and the issuer's data as they are now, on rows about to be written."""
    if not documents:
        return
    snapshot = snapshot_of(issuer, kind)
    now = clock.now()
    series, numbers = take_numbers(issuer=issuer, kind=kind, year=today.year, count=len(documents))
    for document, number in zip(documents, numbers, strict=True):
        document.series_id, document.sequence = series.pk, number
        document.number = format_number(series.format, year=today.year, number=number)
        document.issued_on, document.issued_at = today, now
        document.snapshot_id = snapshot.pk


def follow_up(documents: Sequence[Document], *, kind: str, today: date) -> None:
    """What issuing brings with it: the claim of an invoice, and the PDF of every document."""
    if not documents:
        return
    if kind == DocumentKind.INVOICE:
        _open_items(documents, today=today, now=clock.now())
    _hand_on(documents)


def content_of(draft: Draft, customer: Customer) -> dict[str, Any]:
    """The columns of a document that its draft and its recipient decide."""
    totals = draft.totals().total
    start, end = draft.service_period()
    return {
        "customer_id": customer.pk,
        "kind": draft.kind,
        "due_on": draft.due_on,
        "service_start": start,
        "service_end": end,
        "currency": draft.currency,
        "prices_include_tax": draft.prices_include_tax,
        "net_minor": totals.net,
        "tax_minor": totals.tax,
        "gross_minor": totals.gross,
        "line_count": len(draft.lines),
        "language": customer.language,
        "recipient_name": customer.name,
        "recipient_address": "\n".join(customer.address_lines),
        "recipient_country": customer.country,
        "recipient_vat_id": customer.vat_id,
        "recipient_email": customer.email,
        "corrects_id": draft.corrects_id,
        "based_on_id": draft.based_on_id,
        "is_deposit": draft.is_deposit,
        "invoice_run_id": draft.invoice_run_id,
        "extra": dict(draft.extra),
    }


def write_lines(documents: Sequence[Document], drafts: Sequence[Draft]) -> None:
    """Lines and tax groups of rows that have none yet."""
    lines: list[DocumentLine] = []
    groups: list[TaxGroup] = []
    for document, draft in zip(documents, drafts, strict=True):
        totals = draft.totals()
        notices = {(line.tax_code, line.tax_percent): line.tax_notice for line in draft.lines}
        for position, (line, amounts) in enumerate(zip(draft.lines, totals.lines, strict=True), start=1):
            lines.append(
                DocumentLine(
                    document_id=document.pk,
                    position=position,
                    booking_id=line.booking_id,
                    contract_reference=line.contract_reference,
                    description=line.description,
                    quantity=line.quantity,
                    unit_price_minor=line.unit_price_minor,
                    tax_code=line.tax_code,
                    tax_percent=line.tax_percent,
                    net_minor=amounts.net,
                    tax_minor=amounts.tax,
                    gross_minor=amounts.gross,
                    service_start=line.service_start,
                    service_end=line.service_end,
                    details=line.details,
                    corrects_line_id=line.corrects_line_id,
                    deducts_id=line.deducts_id,
                    returned=line.returned,
                    restock=line.restock,
                )
            )
        groups += [
            TaxGroup(
                document_id=document.pk,
                tax_code=group.tax_code,
                tax_percent=group.tax_percent,
                net_minor=group.amounts.net,
                tax_minor=group.amounts.tax,
                gross_minor=group.amounts.gross,
                notice=notices[group.tax_code, group.tax_percent],
            )
            for group in totals.groups
        ]
    insert_rows(DocumentLine, lines)
    insert_rows(TaxGroup, groups)


def _open_items(documents: Sequence[Document], *, today: date, now: datetime) -> None:
    common: dict[str, Any] = {}
    entries, items = [], []
    for document in documents:
        common = {
            "issuer_id": document.issuer_id,
            "customer_id": document.customer_id,
            "currency": document.currency,
        }
        entries.append(
            LedgerEntry(
                document_id=document.pk,
                kind=LedgerEntry.Kind.INVOICE,
                amount_minor=document.gross_minor,
                booked_on=today,
                created_at=now,
                **common,
            )
        )
        items.append(
            OpenItem(
                document_id=document.pk,
                due_on=document.due_on or today,
                open_minor=document.gross_minor,
                settled_on=None if document.gross_minor > 0 else today,
                **common,
            )
        )
    insert_rows(LedgerEntry, entries)
    insert_rows(OpenItem, items)


def _hand_on(documents: Sequence[Document]) -> None:
    renderings = [Rendering(document_id=document.pk) for document in documents]
    insert_rows(Rendering, renderings, with_keys=len(renderings) == 1)
    # A batch is rendered by the next step of its run; only single documents are worth a task of their own.
    if len(renderings) == 1:
        outbox.hint(renderings[0])
    ids = [document.pk for document in documents]
    transaction.on_commit(
        partial(documents_issued.send_robust, sender=Document, document_ids=ids), robust=True
    )
