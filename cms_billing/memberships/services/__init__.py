"""The only writers of memberships. One module a topic; import from here."""

from .booking import BookedBatch, DueLine, book_first_period, book_next_due, due_lines
from .contracts import end_contracts, sign_contract, start_contracts, terminate_contract

__all__ = [
    "BookedBatch",
    "DueLine",
    "book_first_period",
    "book_next_due",
    "due_lines",
    "end_contracts",
    "sign_contract",
    "start_contracts",
    "terminate_contract",
]
