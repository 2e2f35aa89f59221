"""The only writers of faktura. One module a topic; import from here."""

from .billing import Batch, Problem, customers_to_bill, drafts_for, drafts_of, issue_next_invoices
from .corrections import cancel_document
from .customers import block_dunning, give_number, lift_dunning_block
from .issuing import issue_drafts, snapshot_of
from .ledger import Entry, Fee, account_balance, post_entries, post_fees
from .outgoing import NoAddress, mark_sent_by_post, render_document, send_again, send_delivery
from .series import change_series, take_numbers
from .user_accounts import AddressTaken, UserAccounts, create_user_accounts

__all__ = [
    "AddressTaken",
    "Batch",
    "Entry",
    "Fee",
    "NoAddress",
    "Problem",
    "UserAccounts",
    "account_balance",
    "block_dunning",
    "cancel_document",
    "change_series",
    "create_user_accounts",
    "customers_to_bill",
    "drafts_for",
    "drafts_of",
    "give_number",
    "issue_drafts",
    "issue_next_invoices",
    "lift_dunning_block",
    "mark_sent_by_post",
    "post_entries",
    "post_fees",
    "render_document",
    "send_again",
    "send_delivery",
    "snapshot_of",
    "take_numbers",
]
