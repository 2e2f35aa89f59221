"""Documents that belong together: pro forma, invoice, corrections, deposits and the letters about them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import F, Q, QuerySet

from .models import Document, DocumentKind, DocumentLine, LedgerEntry

# Steps from one document to the next: pro forma, deposit, final invoice, correction, cancellation.
GENERATIONS = 4
# Papers about a claim that bill nothing themselves: shown beside it, and not followed to other claims they name.
ABOUT_CLAIMS = (DocumentKind.DUNNING_LETTER, DocumentKind.REFUND_RECEIPT)


def family_of(document: Document, *, more: Collection[int] = ()) -> list[Document]:
    """The document and its relatives, in the order in which they were issued, drafts last; at most six queries.

    ``more``: keys of papers that only apps above can tell, such as letters without a fee.
    """
    known = {document.pk}
    frontier = {document.pk}
    for _generation in range(GENERATIONS):
        frontier = _neighbours(frontier) - known
        if not frontier:
            break
        known |= frontier
    rows = (
        Document.objects.filter(
            Q(pk__in=[*known, *more]) | Q(pk__in=_papers_about(known)), issuer=document.issuer_id
        )
        .select_related("open_item")
        .defer("recipient_address")
        .order_by(F("issued_on").asc(nulls_last=True), "pk")
    )
    return list(rows)


def _neighbours(keys: Collection[int]) -> set[int]:
    """Both ends of every reference from or to ``keys``: one query."""
    documents = Document.objects.order_by()
    lines = DocumentLine.objects.order_by().filter(deducts__isnull=False)
    found = [
        documents.filter(pk__in=keys, corrects__isnull=False).values_list("corrects"),
        documents.filter(pk__in=keys, based_on__isnull=False).values_list("based_on"),
        documents.filter(corrects__in=keys).values_list("pk"),
        documents.filter(based_on__in=keys).values_list("pk"),
        lines.filter(document__in=keys).values_list("deducts"),
        lines.filter(deducts__in=keys).values_list("document"),
    ]
    return {key for (key,) in found[0].union(*found[1:])}


def _papers_about(keys: Collection[int]) -> QuerySet[LedgerEntry, Any]:
    return LedgerEntry.objects.filter(document__in=keys, related_document__kind__in=ABOUT_CLAIMS).values(
        "related_document"
    )
