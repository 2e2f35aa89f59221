"""The only writers of memberships. One module a topic; import from here."""

from .booking import BookedBatch, DueLine, book_first_period, book_next_due, due_lines
from .contracts import end_contracts, sign_contract, start_contracts, terminate_contract
from .imports import Imported, ImportPlan, ImportRefused, import_contracts, import_good_lines, plan_import

__all__ = [
    "BookedBatch",
    "DueLine",
    "ImportPlan",
    "ImportRefused",
    "Imported",
    "book_first_period",
    "book_next_due",
    "due_lines",
    "end_contracts",
    "import_contracts",
    "import_good_lines",
    "plan_import",
    "sign_contract",
    "start_contracts",
    "terminate_contract",
]
