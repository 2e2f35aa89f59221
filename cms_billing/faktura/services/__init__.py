"""The only writers of faktura. One module a topic; import from here."""

from .billing import Batch, Problem, customers_to_bill, drafts_for, issue_next_invoices
from .corrections import cancel_document
from .issuing import issue_drafts, snapshot_of
from .ledger import Entry, account_balance, post_entries
from .series import change_series, take_numbers

__all__ = [
    "Batch",
    "Entry",
    "Problem",
    "account_balance",
    "cancel_document",
    "change_series",
    "customers_to_bill",
    "drafts_for",
    "issue_drafts",
    "issue_next_invoices",
    "post_entries",
    "snapshot_of",
    "take_numbers",
]
