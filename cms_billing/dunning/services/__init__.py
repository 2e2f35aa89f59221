"""The only writers of dunning. One module a topic; import from here."""

from ..plans import customers_to_dun
from .by_hand import (
    resume_case,
    stop_case,
    take_next_step,
    waive_fee,
)
from .cases import close_case, close_settled_cases, reopen_case
from .holds import approve_hold, end_holds, lift_hold, refuse_hold, set_hold
from .preview import PlannedStep, planned_steps, preview
from .procedures import create_default_procedure
from .run import dun_next_customers

__all__ = [
    "PlannedStep",
    "approve_hold",
    "close_case",
    "close_settled_cases",
    "create_default_procedure",
    "customers_to_dun",
    "dun_next_customers",
    "end_holds",
    "lift_hold",
    "planned_steps",
    "preview",
    "refuse_hold",
    "reopen_case",
    "resume_case",
    "set_hold",
    "stop_case",
    "take_next_step",
    "waive_fee",
]
