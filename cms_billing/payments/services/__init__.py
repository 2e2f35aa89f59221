"""The only writers of payments. One module a topic; import from here."""

from .charging import carry_out_payment, chargeable_items, collect_due
from .news import LookedUp, look_up_pending, resync, take_news
from .receiving import charge_back, record_payment, settle_payment
from .refunding import (
    carry_out_refund,
    enter_refund_at_provider,
    look_up_pending_refunds,
    mark_transferred,
    may_be_withdrawn,
    refund_customer,
    resync_refund,
    take_refund_news,
    transfer_came_back,
    withdraw_refund,
)
from .webhooks import process_webhook, store_webhook

__all__ = [
    "LookedUp",
    "carry_out_payment",
    "carry_out_refund",
    "charge_back",
    "chargeable_items",
    "collect_due",
    "enter_refund_at_provider",
    "look_up_pending",
    "look_up_pending_refunds",
    "mark_transferred",
    "may_be_withdrawn",
    "process_webhook",
    "record_payment",
    "refund_customer",
    "resync",
    "resync_refund",
    "settle_payment",
    "store_webhook",
    "take_news",
    "take_refund_news",
    "transfer_came_back",
    "withdraw_refund",
]
