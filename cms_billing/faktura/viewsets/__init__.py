"""Issuers, customers and documents in Wagtail's admin, in the Billing menu."""

from .corrections import CorrectionViewSet
from .customer_chooser import customer_chooser
from .customers import CustomerViewSet
from .deliveries import DeliveryViewSet
from .document_texts import DocumentTextViewSet
from .documents import DocumentViewSet
from .drafts import DraftViewSet
from .invoice_runs import InvoiceRunViewSet
from .issuers import IssuerViewSet
from .letterheads import LetterheadViewSet
from .mailtexts import MailTextViewSet
from .printing import PaperLetterViewSet, PrintFileViewSet
from .run_schedules import RunScheduleViewSet
from .settings import NumberSeriesViewSet, TaxRateViewSet

# In the order of the menu.
VIEWSETS = (
    CustomerViewSet,
    DocumentViewSet,
    DraftViewSet,
    CorrectionViewSet,
    InvoiceRunViewSet,
    DeliveryViewSet,
    PaperLetterViewSet,
    PrintFileViewSet,
    IssuerViewSet,
    RunScheduleViewSet,
    LetterheadViewSet,
    NumberSeriesViewSet,
    DocumentTextViewSet,
    MailTextViewSet,
    TaxRateViewSet,
)

__all__ = [
    "VIEWSETS",
    "CorrectionViewSet",
    "CustomerViewSet",
    "DeliveryViewSet",
    "DocumentTextViewSet",
    "DocumentViewSet",
    "DraftViewSet",
    "InvoiceRunViewSet",
    "IssuerViewSet",
    "LetterheadViewSet",
    "MailTextViewSet",
    "NumberSeriesViewSet",
    "PaperLetterViewSet",
    "PrintFileViewSet",
    "RunScheduleViewSet",
    "TaxRateViewSet",
    "customer_chooser",
]
