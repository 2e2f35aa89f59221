"""What a mail carries besides its document: the invoices that a reminder asks for, attached again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cms_billing.core.conf import billing_settings

from .. import archive
from ..delivery import Attachment
from ..mailsettings import parts_to_attach, settings_for
from ..models import Document, DocumentKind, OpenItem

_TYPES = {"pdf": archive.PDF, "xml": archive.XML}


@dataclass(frozen=True)
class InvoicesAgain:
    """``numbers`` are attached; ``missing`` are not, because the mail would be too large or there is no file yet."""

    files: tuple[Attachment, ...] = ()
    numbers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def invoices_of(document: Document) -> list[Document]:
    """The documents a letter wants its readers to have again, oldest first: those that are still owed."""
    if not document.extra.get("attach_invoices"):
        return []
    ids = [claim["document_id"] for claim in document.extra.get("claims", ()) if claim.get("document_id")]
    owed = OpenItem.objects.filter(document__in=ids, open_minor__gt=0).values("document")
    return list(
        Document.objects.filter(pk__in=owed, issuer=document.issuer_id)
        .select_related("issuer", "customer")
        .order_by("issued_on", "pk")
    )


def invoices_again(document: Document, *, carried: Iterable[Attachment] = ()) -> InvoicesAgain:
    """The archived files, as the customer gets invoices (PDF, e-invoice or both), up to the largest mail.

    ``carried`` is in the mail already. Raises ArchiveDamaged.
    """
    left = billing_settings().mail_attachment_mb * 10**6 - sum(len(one.content) for one in carried)
    files: list[Attachment] = []
    numbers: list[str] = []
    missing: list[str] = []
    for invoice in invoices_of(document):
        found = list(_files_of(invoice))
        size = sum(len(one.content) for one in found)
        if found and size <= left:
            left -= size
            files += found
            numbers.append(invoice.number)
        else:
            missing.append(invoice.number)
    return InvoicesAgain(tuple(files), tuple(numbers), tuple(missing))


def enclosed_pdfs(document: Document) -> Iterator[bytes]:
    """The same invoices for a letter on paper."""
    for invoice in invoices_of(document):
        try:
            yield archive.archived_pdf(invoice)
        except archive.NotArchivedYet:
            continue


def _files_of(invoice: Document) -> Iterator[Attachment]:
    try:
        stored = archive.archived_files(invoice)
    except archive.NotArchivedYet:
        return
    wanted = settings_for(
        invoice.issuer,
        kind=DocumentKind.INVOICE,
        language=invoice.language,
        attach=invoice.customer.mail_attach,
    )
    for part in parts_to_attach(wanted.attach, has_xml=archive.XML in stored, has_link=False):
        yield Attachment(*stored[_TYPES[part]], _TYPES[part])
