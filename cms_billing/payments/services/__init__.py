"""The only writers of payments. One module a topic; import from here."""

from .accounts import AccountProbe, note_problem, noting_problems, probe_account, without_secrets
from .charging import (
    carry_out_payment,
    chargeable_amounts,
    chargeable_items,
    collect_due,
    enter_never_charged,
)
from .comparing import carry_out_comparison, start_comparison
from .differences import settle_difference
from .keeping import carry_out_removal, keep_method
from .late_methods import look_up_late_methods
from .methods import make_default, payer_for, remove_method, store_method
from .news import LookedUp, look_up_pending, resync, take_news
from .notices import announce_expiring_cards, send_notice
from .payouts import Imported, import_due_payouts, import_payouts, keep_payouts, next_look, read_payout_report
from .plans import NextCharge, explain, next_charge_of, reopen_charges
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
from .session_money import book_on_account, book_session, name_documents, put_to_repair
from .sessions import (
    Visit,
    cancel_session,
    carry_out_session,
    come_back,
    look_up_open_sessions,
    open_session,
    sync_session,
    take_page_news,
)
from .statements import note_statements
from .syncing import sync_methods, take_methods_news
from .visits import Visitor, pay_documents, store_new_method
from .webhooks import delete_old_webhooks, process_again, process_webhook, store_webhook

__all__ = [
    "AccountProbe",
    "Imported",
    "LookedUp",
    "NextCharge",
    "Visit",
    "Visitor",
    "announce_expiring_cards",
    "book_on_account",
    "book_session",
    "cancel_session",
    "carry_out_comparison",
    "carry_out_payment",
    "carry_out_refund",
    "carry_out_removal",
    "carry_out_session",
    "charge_back",
    "chargeable_amounts",
    "chargeable_items",
    "collect_due",
    "come_back",
    "delete_old_webhooks",
    "enter_never_charged",
    "enter_refund_at_provider",
    "explain",
    "import_due_payouts",
    "import_payouts",
    "keep_method",
    "keep_payouts",
    "look_up_late_methods",
    "look_up_open_sessions",
    "look_up_pending",
    "look_up_pending_refunds",
    "make_default",
    "mark_transferred",
    "may_be_withdrawn",
    "name_documents",
    "next_charge_of",
    "next_look",
    "note_problem",
    "note_statements",
    "noting_problems",
    "open_session",
    "pay_documents",
    "payer_for",
    "probe_account",
    "process_again",
    "process_webhook",
    "put_to_repair",
    "read_payout_report",
    "record_payment",
    "refund_customer",
    "remove_method",
    "reopen_charges",
    "resync",
    "resync_refund",
    "send_notice",
    "settle_difference",
    "settle_payment",
    "start_comparison",
    "store_method",
    "store_new_method",
    "store_webhook",
    "sync_methods",
    "sync_session",
    "take_methods_news",
    "take_news",
    "take_page_news",
    "take_refund_news",
    "transfer_came_back",
    "withdraw_refund",
    "without_secrets",
]
