"""Payments and refunds in Wagtail's admin: found, read, entered by hand, taken back and paid back."""

from .payments import (
    PaymentViewSet,
    customer_actions,
    document_actions,
    payments_of_customer,
    payments_of_document,
)
from .refunds import RefundViewSet, refunds_to_do, waiting_of

__all__ = [
    "PaymentViewSet",
    "RefundViewSet",
    "customer_actions",
    "document_actions",
    "payments_of_customer",
    "payments_of_document",
    "refunds_to_do",
    "waiting_of",
]
