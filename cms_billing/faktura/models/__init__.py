from .documents import Booking, Document, DocumentKind, DocumentLine, IssuerSnapshot, NumberSeries, TaxGroup
from .ledger import LedgerEntry, OpenItem
from .outgoing import ArchiveHead, ArchiveRecord, Delivery, MailText, Rendering
from .parties import Customer, Issuer, TaxRate

__all__ = [
    "ArchiveHead",
    "ArchiveRecord",
    "Booking",
    "Customer",
    "Delivery",
    "Document",
    "DocumentKind",
    "DocumentLine",
    "Issuer",
    "IssuerSnapshot",
    "LedgerEntry",
    "MailText",
    "NumberSeries",
    "OpenItem",
    "Rendering",
    "TaxGroup",
    "TaxRate",
]
