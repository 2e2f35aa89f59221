"""The only writers of payments. One module a topic; import from here."""

from .charging import carry_out_payment, chargeable_items, collect_due
from .news import LookedUp, look_up_pending, resync, take_news
from .receiving import charge_back, record_payment, settle_payment
from .webhooks import process_webhook, store_webhook

__all__ = [
    "LookedUp",
    "carry_out_payment",
    "charge_back",
    "chargeable_items",
    "collect_due",
    "look_up_pending",
    "process_webhook",
    "record_payment",
    "resync",
    "settle_payment",
    "store_webhook",
    "take_news",
]
