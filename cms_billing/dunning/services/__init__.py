"""The only writers of dunning. One module a topic; import from here."""

from ..plans import customers_to_dun
from .by_hand import (
    block_customer,
    resume_case,
    stop_case,
    take_next_step,
    unblock_customer,
    waive_fee,
)
from .cases import close_case, close_settled_cases, reopen_case
from .preview import PlannedStep, planned_steps, preview
from .procedures import create_default_procedure
from .run import dun_next_customers

__all__ = [
    "PlannedStep",
    "block_customer",
    "close_case",
    "close_settled_cases",
    "create_default_procedure",
    "customers_to_dun",
    "dun_next_customers",
    "planned_steps",
    "preview",
    "reopen_case",
    "resume_case",
    "stop_case",
    "take_next_step",
    "unblock_customer",
    "waive_fee",
]
