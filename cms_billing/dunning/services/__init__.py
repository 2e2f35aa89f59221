"""The only writers of dunning. One module a topic; import from here."""

from ..plans import customers_to_dun
from .agreement_notices import announce_instalments, confirm_agreement, send_agreement_notice
from .agreements import (
    end_agreement,
    instalments_by_member,
    make_deferral,
    make_instalment_plan,
    make_promise,
    offer_for,
    promise_by_member,
    read_debt,
)
from .by_hand import (
    resume_case,
    stop_case,
    take_next_step,
    waive_charges,
)
from .cases import close_case, close_settled_cases, reopen_case
from .holds import approve_hold, end_holds, lift_hold, refuse_hold, set_hold
from .preview import PlannedStep, planned_steps, preview
from .procedures import create_default_procedure
from .reviewing import customers_to_review, review_agreements, review_document
from .run import dun_next_customers

__all__ = [
    "PlannedStep",
    "announce_instalments",
    "approve_hold",
    "close_case",
    "close_settled_cases",
    "confirm_agreement",
    "create_default_procedure",
    "customers_to_dun",
    "customers_to_review",
    "dun_next_customers",
    "end_agreement",
    "end_holds",
    "instalments_by_member",
    "lift_hold",
    "make_deferral",
    "make_instalment_plan",
    "make_promise",
    "offer_for",
    "planned_steps",
    "preview",
    "promise_by_member",
    "read_debt",
    "refuse_hold",
    "reopen_case",
    "resume_case",
    "review_agreements",
    "review_document",
    "send_agreement_notice",
    "set_hold",
    "stop_case",
    "take_next_step",
    "waive_charges",
]
