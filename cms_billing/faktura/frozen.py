"""Which tables of faktura freeze, and from when on (see ``core.freezing``)."""

from cms_billing.core import freezing

from .models import ArchiveRecord, Document, DocumentLine, IssuerSnapshot, LedgerEntry, TaxGroup

_DOCUMENT = Document._meta.db_table
_LINE = DocumentLine._meta.db_table

OF_ISSUED_DOCUMENT = (
    f'EXISTS (SELECT 1 FROM "{_DOCUMENT}" d '  # noqa: S608  (our own table names)
    "WHERE d.id = {old}.document_id AND d.state = 'issued')"
)
# A line too many would change an issued document as well: the document says how many it has.
ONE_LINE_TOO_MANY = (
    f'EXISTS (SELECT 1 FROM "{_DOCUMENT}" d '  # noqa: S608
    "WHERE d.id = {new}.document_id AND d.state = 'issued' "
    f'AND d.line_count < (SELECT COUNT(*) FROM "{_LINE}" l WHERE l.document_id = d.id))'
)


def freeze_tables() -> None:
    freezing.freeze(Document, when="{old}.state = 'issued'")
    freezing.freeze(DocumentLine, when=OF_ISSUED_DOCUMENT, insert_when=ONE_LINE_TOO_MANY)
    freezing.freeze(TaxGroup, when=OF_ISSUED_DOCUMENT)
    freezing.freeze(LedgerEntry)
    freezing.freeze(IssuerSnapshot)
    freezing.freeze(ArchiveRecord)
