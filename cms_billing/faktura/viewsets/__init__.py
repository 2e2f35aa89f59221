"""Issuers, customers and documents in Wagtail's admin, in the Billing menu."""

from .customers import CustomerViewSet
from .documents import DocumentViewSet
from .issuers import IssuerViewSet
from .settings import MailTextViewSet, NumberSeriesViewSet, TaxRateViewSet

# In the order of the menu.
VIEWSETS = (
    CustomerViewSet,
    DocumentViewSet,
    IssuerViewSet,
    NumberSeriesViewSet,
    MailTextViewSet,
    TaxRateViewSet,
)

__all__ = [
    "VIEWSETS",
    "CustomerViewSet",
    "DocumentViewSet",
    "IssuerViewSet",
    "MailTextViewSet",
    "NumberSeriesViewSet",
    "TaxRateViewSet",
]
