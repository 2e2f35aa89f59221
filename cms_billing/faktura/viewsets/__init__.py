"""Issuers, customers and documents in Wagtail's admin, in the Billing menu."""

from .customers import CustomerViewSet
from .deliveries import DeliveryViewSet
from .documents import DocumentViewSet
from .issuers import IssuerViewSet
from .mailtexts import MailTextViewSet
from .settings import NumberSeriesViewSet, TaxRateViewSet

# In the order of the menu.
VIEWSETS = (
    CustomerViewSet,
    DocumentViewSet,
    DeliveryViewSet,
    IssuerViewSet,
    NumberSeriesViewSet,
    MailTextViewSet,
    TaxRateViewSet,
)

__all__ = [
    "VIEWSETS",
    "CustomerViewSet",
    "DeliveryViewSet",
    "DocumentViewSet",
    "IssuerViewSet",
    "MailTextViewSet",
    "NumberSeriesViewSet",
    "TaxRateViewSet",
]
