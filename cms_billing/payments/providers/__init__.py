"""Payment providers: a Protocol, a registry named in settings, and the bundled ones, which use the same door."""

from .base import (
    Capabilities,
    ChargeRequest,
    Notice,
    OutcomeUnknown,
    Provider,
    ProviderDown,
    RefundNotice,
    RefundRequest,
    RefundStatus,
    Status,
    UnknownProvider,
    WebhookRefused,
    all_providers,
    get_provider,
)

__all__ = [
    "Capabilities",
    "ChargeRequest",
    "Notice",
    "OutcomeUnknown",
    "Provider",
    "ProviderDown",
    "RefundNotice",
    "RefundRequest",
    "RefundStatus",
    "Status",
    "UnknownProvider",
    "WebhookRefused",
    "all_providers",
    "get_provider",
]
