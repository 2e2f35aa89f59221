"""The shop's side of billing in Wagtail's admin."""

from __future__ import annotations

from typing import Any

from .downloads import ProductDownloadViewSet
from .repair import StrayPaymentViewSet, stray_payments_to_do
from .selling import PartnerIssuerViewSet, PlanProductViewSet, ProductClassTaxViewSet
from .stock import StockMovementViewSet, movements_of_document

VIEWSETS: list[type[Any]] = [
    PlanProductViewSet,
    ProductDownloadViewSet,
    PartnerIssuerViewSet,
    ProductClassTaxViewSet,
    StockMovementViewSet,
    StrayPaymentViewSet,
]

__all__ = ["VIEWSETS", "movements_of_document", "stray_payments_to_do"]
