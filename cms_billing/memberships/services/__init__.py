"""The only writers of memberships. One module a topic; import from here."""

from .booking import BookedBatch, DueLine, book_first_period, book_next_due, due_lines
from .contracts import end_contracts, sign_contract, start_contracts, terminate_contract
from .imports import (
    AlreadyImported,
    Imported,
    ImportPlan,
    ImportRefused,
    import_contracts,
    import_file,
    import_good_lines,
    import_good_lines_of_file,
    keep_contract_file,
    plan_file,
    plan_import,
)

__all__ = [
    "AlreadyImported",
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
    "import_file",
    "import_good_lines",
    "import_good_lines_of_file",
    "keep_contract_file",
    "plan_file",
    "plan_import",
    "sign_contract",
    "start_contracts",
    "terminate_contract",
]
