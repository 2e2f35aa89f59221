"""Money on its way: how a customer pays, every attempt to move money, and which documents it settles."""

from .accounts import Payer, ProviderAccount
from .methods import MethodRemoval, PaymentMethod
from .notices import MemberNotice
from .payments import Allocation, Payment
from .payouts import Comparison, Payout, PayoutLine, ProviderDifference
from .refunds import Refund
from .retries import ChargePlan, RefusalRule, RetryPolicy
from .sessions import PaymentSession, SessionDocument
from .statements import StatementDay
from .webhooks import WebhookEvent, WebhookReference

__all__ = [
    "Allocation",
    "ChargePlan",
    "Comparison",
    "MemberNotice",
    "MethodRemoval",
    "Payer",
    "Payment",
    "PaymentMethod",
    "PaymentSession",
    "Payout",
    "PayoutLine",
    "ProviderAccount",
    "ProviderDifference",
    "Refund",
    "RefusalRule",
    "RetryPolicy",
    "SessionDocument",
    "StatementDay",
    "WebhookEvent",
    "WebhookReference",
]
