"""The only writers of payments. One module a topic; import from here."""

from .charging import carry_out_payment, collect_due, take_news
from .receiving import charge_back, record_payment, settle_payment
from .webhooks import process_webhook, store_webhook

__all__ = [
    "carry_out_payment",
    "charge_back",
    "collect_due",
    "process_webhook",
    "record_payment",
    "settle_payment",
    "store_webhook",
    "take_news",
]
