"""Adyen: Checkout API v72, hosted sessions, stored payment methods, signed webhooks, settlement reports.

Adyen cannot be asked about a payment. What is known of one is folded from its webhooks (``folding``), of which only the
signed fields are believed.
"""

from .provider import AdyenProvider

__all__ = ["AdyenProvider"]
