"""A stand-in for Adyen: Checkout API v72, hosted sessions, signed webhooks, settlement reports.

What happens later is done by ``let_time_pass``. Tests may hurry it with the functions of ``later``.
"""

from .api import answer
from .hosted import hosted_page
from .later import (
    charge_back_now,
    fail_capture_now,
    fail_now,
    fail_refund_now,
    let_time_pass,
    revoke_method,
    settle_now,
    win_dispute,
)
from .payouts import make_payout

__all__ = [
    "answer",
    "charge_back_now",
    "fail_capture_now",
    "fail_now",
    "fail_refund_now",
    "hosted_page",
    "let_time_pass",
    "make_payout",
    "revoke_method",
    "settle_now",
    "win_dispute",
]
