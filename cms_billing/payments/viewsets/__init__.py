"""Payments in Wagtail's admin: found, read, entered by hand and taken back."""

from .payments import (
    PaymentViewSet,
    customer_actions,
    document_actions,
    payments_of_customer,
    payments_of_document,
)

__all__ = [
    "PaymentViewSet",
    "customer_actions",
    "document_actions",
    "payments_of_customer",
    "payments_of_document",
]
