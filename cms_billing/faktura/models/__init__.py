from .bookings import Booking
from .documents import Document, DocumentLine, IssuerSnapshot, TaxGroup
from .ledger import LedgerEntry, OpenItem
from .numbers import DocumentKind, NumberSeries
from .outgoing import ArchiveHead, ArchiveRecord, Delivery, MailText, Rendering
from .parties import Customer, Grouping, Issuer, TaxRate
from .runs import InvoiceRun, RunSchedule

__all__ = [
    "ArchiveHead",
    "ArchiveRecord",
    "Booking",
    "Customer",
    "Delivery",
    "Document",
    "DocumentKind",
    "DocumentLine",
    "Grouping",
    "InvoiceRun",
    "Issuer",
    "IssuerSnapshot",
    "LedgerEntry",
    "MailText",
    "NumberSeries",
    "OpenItem",
    "Rendering",
    "RunSchedule",
    "TaxGroup",
    "TaxRate",
]
