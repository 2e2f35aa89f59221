"""Payments and refunds in Wagtail's admin: found, read, entered by hand, taken back and paid back."""

from .accounts import ProviderAccountViewSet, accounts_to_mend
from .comparisons import ComparisonViewSet
from .differences import DifferenceViewSet, differences_to_do, open_differences
from .payments import (
    PaymentViewSet,
    customer_actions,
    document_actions,
    payments_of_customer,
    payments_of_document,
)
from .payouts import PayoutViewSet
from .refunds import RefundViewSet, refunds_to_do, waiting_of
from .retries import RefusalRuleViewSet, RetryPolicyViewSet
from .sessions import SessionViewSet
from .webhooks import WebhookViewSet

__all__ = [
    "ComparisonViewSet",
    "DifferenceViewSet",
    "PaymentViewSet",
    "PayoutViewSet",
    "ProviderAccountViewSet",
    "RefundViewSet",
    "RefusalRuleViewSet",
    "RetryPolicyViewSet",
    "SessionViewSet",
    "WebhookViewSet",
    "accounts_to_mend",
    "customer_actions",
    "differences_to_do",
    "document_actions",
    "open_differences",
    "payments_of_customer",
    "payments_of_document",
    "refunds_to_do",
    "waiting_of",
]
