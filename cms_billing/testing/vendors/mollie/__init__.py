"""Mollie's stand-in: customers, payments, mandates, refunds, chargebacks and settlements as its API v2 shows them.

Keys: whatever is set for an account (``API_KEY``, ``ACCESS_TOKEN``) lets it in; every other one gets 401. The webhook
of a payment is Mollie's classic form; with a ``WEBHOOK_SECRET`` the same news come as a signed event as well.
"""

from .api import answer
from .life import (
    charge_back_now,
    fail_now,
    fail_refund_now,
    let_time_pass,
    revoke_method,
    settle_now,
    win_dispute,
)
from .page import hosted_page
from .settlements import make_payout

__all__ = [
    "answer",
    "charge_back_now",
    "fail_now",
    "fail_refund_now",
    "hosted_page",
    "let_time_pass",
    "make_payout",
    "revoke_method",
    "settle_now",
    "win_dispute",
]
