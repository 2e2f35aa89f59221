"""The only writers of dunning. One module a topic; import from here."""

from ..plans import customers_to_dun
from .agreement_notices import announce_instalments, confirm_agreement, send_agreement_notice
from .agreements import (
    deferral_by_member,
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
from .collection import (
    HandedOver,
    back_to_agency,
    hand_over,
    hand_over_next,
    obstacles_of,
    recall_claim,
    send_hand_over_again,
)
from .collection_files import log_download, make_file, open_file, send_file, try_connection
from .collection_reports import report_changes, report_to
from .collection_status import (
    apply_status_file,
    discard_status_file,
    read_status_file,
    write_off_claim,
)
from .coverage import finish_covered, finish_covered_cases, note_payment
from .holds import approve_hold, end_holds, lift_hold, refuse_hold, set_hold
from .moves import add_note, enter_chargeback, move_case, start_case
from .policies import policy_of, set_policy
from .preview import PlannedStep, planned_steps, preview
from .procedures import create_default_procedure
from .reviewing import customers_to_review, review_agreements, review_document
from .run import dun_next_customers
from .thanks import send_thanks
from .versions import note_versions

__all__ = [
    "HandedOver",
    "PlannedStep",
    "add_note",
    "announce_instalments",
    "apply_status_file",
    "approve_hold",
    "back_to_agency",
    "close_case",
    "close_settled_cases",
    "confirm_agreement",
    "create_default_procedure",
    "customers_to_dun",
    "customers_to_review",
    "deferral_by_member",
    "discard_status_file",
    "dun_next_customers",
    "end_agreement",
    "end_holds",
    "enter_chargeback",
    "finish_covered",
    "finish_covered_cases",
    "hand_over",
    "hand_over_next",
    "instalments_by_member",
    "lift_hold",
    "log_download",
    "make_deferral",
    "make_file",
    "make_instalment_plan",
    "make_promise",
    "move_case",
    "note_payment",
    "note_versions",
    "obstacles_of",
    "offer_for",
    "open_file",
    "planned_steps",
    "policy_of",
    "preview",
    "promise_by_member",
    "read_debt",
    "read_status_file",
    "recall_claim",
    "refuse_hold",
    "reopen_case",
    "report_changes",
    "report_to",
    "resume_case",
    "review_agreements",
    "review_document",
    "send_agreement_notice",
    "send_file",
    "send_hand_over_again",
    "send_thanks",
    "set_hold",
    "set_policy",
    "start_case",
    "stop_case",
    "take_next_step",
    "try_connection",
    "waive_charges",
    "write_off_claim",
]
