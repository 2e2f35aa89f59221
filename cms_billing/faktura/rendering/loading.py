"""Issued documents as ``DocumentData``: the same few queries for one as for a thousand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from django.db.models import Prefetch
from django.utils import translation

from cms_billing.core.formats import BY_LANGUAGE, Formats, use_formats
from cms_billing.core.money import Money

from .. import links
from ..models import Document, DocumentKind, DocumentLine, TaxGroup
from .data import DocumentData, IssuerData, Texts
from .design import DesignData
from .footers import finished
from .letters import letter_of
from .money_papers import day, refund_of, statement_of
from .sale import Detail, LineData, Reference, TaxData


def document_data(document_ids: Iterable[int]) -> list[DocumentData]:
    """The data of issued documents, in the order asked for. The number of queries does not grow with theirs."""
    ids = list(document_ids)
    documents = (
        Document.objects.filter(pk__in=ids, state=Document.State.ISSUED)
        .select_related("snapshot", "corrects", "customer", "open_item")
        .prefetch_related(Prefetch("lines", DocumentLine.objects.select_related("deducts")), "tax_groups")
    )
    by_id: dict[int, Document] = {document.pk: document for document in documents}
    return data_of([by_id[pk] for pk in ids if pk in by_id])


def data_of(documents: Sequence[Document]) -> list[DocumentData]:
    """``document_data`` of rows that are loaded, also of a draft that has been given a number, a date and a snapshot
    in memory to see what it would look like."""
    claimed = _claimed_documents(documents)
    notes = _notes(documents)
    return [_data(document, claimed, notes) for document in documents]


def _data(
    document: Document,
    claimed: Mapping[tuple[int, str], int],
    notes: Mapping[int, str],
) -> DocumentData:
    issuer = _issuer(document)
    item = getattr(document, "open_item", None)
    return DocumentData(
        document_id=document.pk,
        kind=document.kind,
        number=document.number,
        issued_on=_given(document.issued_on),
        due_on=document.due_on,
        service_start=document.service_start,
        service_end=document.service_end,
        currency=document.currency,
        prices_include_tax=document.prices_include_tax,
        net=document.net,
        tax=document.tax,
        gross=document.gross,
        language=document.language,
        customer_number=document.customer.number,
        recipient_name=document.recipient_name,
        recipient=_recipient(document, issuer),
        recipient_vat_id=document.recipient_vat_id,
        recipient_email=document.recipient_email,
        issuer=issuer,
        design=_design(document, issuer),
        lines=tuple(_line(line, document.currency) for line in document.lines.all()),
        tax_groups=tuple(_tax(group, document.currency) for group in document.tax_groups.all()),
        is_deposit=document.is_deposit,
        corrects=_reference(document.corrects),
        cancels_rest=_cancels_rest(document),
        reason=str(document.extra.get("reason", "")),
        letter=letter_of(document.extra, document.currency)
        if document.kind == DocumentKind.DUNNING_LETTER
        else None,
        refund=refund_of(document.extra, document.currency),
        statement=statement_of(document.extra, document.currency),
        is_paid=item is not None and document.gross_minor > 0 and item.open_minor <= 0,
        payment_link=links.payment_link(_payable(document, claimed)),
        payment_note=notes.get(document.pk, ""),
        texts=_texts(document),
        extra=document.extra,
    )


def _issuer(document: Document) -> IssuerData:
    """Snapshots of older versions may lack fields that were added since."""
    stored = document.snapshot.data if document.snapshot else {}
    known = {f.name for f in fields(IssuerData)} & stored.keys()
    return IssuerData(**{name: stored[name] for name in known})


def _texts(document: Document) -> Texts:
    """In the document's language, as its snapshot keeps them; what that leaves empty is the text of all languages."""
    stored = document.snapshot.data if document.snapshot else {}
    if document.kind == DocumentKind.INVOICE and "texts" not in stored:
        return Texts(stored.get("invoice_intro", ""), stored.get("invoice_closing", ""))
    texts = stored.get("texts", {})
    own, usual = (texts.get(language, ("", "")) for language in (document.language, ""))
    return Texts(*(one.strip() or other for one, other in zip(own, usual, strict=True)))


def _design(document: Document, issuer: IssuerData) -> DesignData:
    stored = document.snapshot.data if document.snapshot else {}
    return finished(DesignData.from_stored(stored.get("design", {})), issuer)


def _recipient(document: Document, issuer: IssuerData) -> tuple[str, ...]:
    """DIN 5008: the last line of a letter abroad is the country, in capitals, in the sender's language."""
    lines = tuple(document.recipient_address.splitlines())
    if document.recipient_country and document.recipient_country != issuer.country:
        name = Locale("de" if issuer.country in ("DE", "AT", "CH") else "en").territories.get(
            document.recipient_country, document.recipient_country
        )
        lines += (name.upper(),)
    return lines


def _line(line: DocumentLine, currency: str) -> LineData:
    return LineData(
        position=line.position,
        description=line.description,
        quantity=line.quantity,
        unit_price=Money(line.unit_price_minor, currency),
        tax_percent=line.tax_percent,
        net=Money(line.net_minor, currency),
        tax=Money(line.tax_minor, currency),
        gross=Money(line.gross_minor, currency),
        service_start=line.service_start,
        service_end=line.service_end,
        contract_reference=line.contract_reference,
        details=tuple(_detail(detail, currency) for detail in line.details or ()),
        deducts=_reference(line.deducts),
    )


def _detail(detail: Mapping[str, Any], currency: str) -> Detail:
    minor, quantity = detail.get("amount_minor"), detail.get("quantity")
    return Detail(
        day=day(detail.get("date")),
        text=str(detail.get("text") or ""),
        quantity=Decimal(quantity) if quantity else None,
        amount=Money(minor, currency) if minor is not None else None,
    )


def _tax(group: TaxGroup, currency: str) -> TaxData:
    return TaxData(
        tax_code=group.tax_code,
        percent=group.tax_percent,
        net=Money(group.net_minor, currency),
        tax=Money(group.tax_minor, currency),
        gross=Money(group.gross_minor, currency),
        notice=group.notice,
    )


def _reference(paper: Document | None) -> Reference | None:
    """§ 31 (5) UStDV: a correction names the number and date of what it corrects."""
    return Reference(paper.number, _given(paper.issued_on)) if paper else None


def _cancels_rest(document: Document) -> bool:
    original = document.corrects if document.kind == DocumentKind.CANCELLATION else None
    return original is not None and original.gross_minor != -document.gross_minor


def _claimed_documents(documents: Iterable[Document]) -> dict[tuple[int, str], int]:
    """Ids of the documents that dunning letters claim, by issuer and number; no query where there is no letter."""
    letters = [document for document in documents if document.kind == DocumentKind.DUNNING_LETTER]
    numbers = {claim["number"] for letter in letters for claim in letter.extra.get("claims", ())}
    if not numbers:
        return {}
    rows = Document.objects.filter(
        issuer__in={letter.issuer_id for letter in letters}, number__in=numbers
    ).values_list("issuer_id", "number", "pk")
    return {(issuer_id, number): pk for issuer_id, number, pk in rows}


def _payable(document: Document, claimed: Mapping[tuple[int, str], int]) -> Sequence[int]:
    """The documents that the payment link of this one is for."""
    if document.kind == DocumentKind.DUNNING_LETTER:
        numbers = [claim["number"] for claim in document.extra.get("claims", ())]
        return [claimed[key] for number in numbers if (key := (document.issuer_id, number)) in claimed]
    return [document.pk] if document.kind == DocumentKind.INVOICE and document.gross_minor > 0 else []


def _notes(documents: Iterable[Document]) -> dict[int, str]:
    """Notes are told in the language and formats of each document: one question for each of these."""
    alike: dict[Formats, list[int]] = {}
    for document in documents:
        if document.kind == DocumentKind.INVOICE:
            alike.setdefault(_formats(document), []).append(document.pk)
    notes: dict[int, str] = {}
    for formats, ids in alike.items():
        with translation.override(formats.language), use_formats(formats):
            notes.update({pk: str(note) for pk, note in links.payment_notes(ids).items()})
    return notes


def _formats(document: Document) -> Formats:
    stored = document.snapshot.data if document.snapshot else {}
    return Formats(document.language, stored.get("format_region", ""), stored.get("date_style", BY_LANGUAGE))


def _given(day: date | None) -> date:
    """Issued documents have their date; the database says so (``issued_documents_have_number_and_date``)."""
    if day is None:
        raise ValueError("an issued document without a date")
    return day
