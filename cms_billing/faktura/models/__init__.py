from .bookings import Booking
from .documents import Document, DocumentLine, IssuerSnapshot, TaxGroup
from .documenttexts import DocumentText
from .ledger import LedgerEntry, OpenItem
from .letterheads import Letterhead
from .mailtexts import MAIL_KINDS, MailText, NoticeKind
from .numbers import DocumentKind, NumberSeries
from .outgoing import ArchiveHead, ArchiveRecord, Channel, Delivery, Rendering
from .parties import Attach, Customer, EInvoice, Grouping, Issuer, TaxRate
from .printing import PaperLetter, PrintFile
from .runs import InvoiceRun, RunSchedule

__all__ = [
    "MAIL_KINDS",
    "ArchiveHead",
    "ArchiveRecord",
    "Attach",
    "Booking",
    "Channel",
    "Customer",
    "Delivery",
    "Document",
    "DocumentKind",
    "DocumentLine",
    "DocumentText",
    "EInvoice",
    "Grouping",
    "InvoiceRun",
    "Issuer",
    "IssuerSnapshot",
    "LedgerEntry",
    "Letterhead",
    "MailText",
    "NoticeKind",
    "NumberSeries",
    "OpenItem",
    "PaperLetter",
    "PrintFile",
    "Rendering",
    "RunSchedule",
    "TaxGroup",
    "TaxRate",
]
