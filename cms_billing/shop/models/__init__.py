"""Tables of the shop: what is sold, what became of an order, and how it was paid."""

from .downloads import ProductDownload
from .paying import CheckoutAttempt, OrderMovement, OrderPayment
from .sales import (
    CheckoutSettings,
    OrderBilling,
    OrderConfirmation,
    OrderContract,
    PartnerIssuer,
    PlanProduct,
    ProductClassTax,
    StockMovement,
)

__all__ = [
    "CheckoutAttempt",
    "CheckoutSettings",
    "OrderBilling",
    "OrderConfirmation",
    "OrderContract",
    "OrderMovement",
    "OrderPayment",
    "PartnerIssuer",
    "PlanProduct",
    "ProductClassTax",
    "ProductDownload",
    "StockMovement",
]
