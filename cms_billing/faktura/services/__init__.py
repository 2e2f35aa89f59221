"""The only writers of faktura. One module a topic; import from here."""

from .assembling import Problem, check_lawful, drafts_of, with_rates
from .billing import Batch, customers_to_bill, drafts_for, issue_group, issue_next_invoices
from .corrections import (
    CreditLine,
    cancel_document,
    credit_document,
    credit_lines,
    obstacle_of,
    parts_credited,
)
from .customers import give_number
from .deposits import deposit_lines
from .drafting import change_draft, copy_as_draft, create_draft, delete_draft, draft_of
from .finalising import (
    Finalised,
    drafts_to_finalise,
    finalise_drafts,
    finalise_next_drafts,
    issue_by_worker,
)
from .issuing import issue_drafts, snapshot_of
from .ledger import Entry, Fee, account_balance, post_entries, post_fees
from .outgoing import (
    AlreadySent,
    NoAddress,
    mark_sent_by_post,
    render_document,
    send_again,
    send_delivery,
    send_elsewhere,
)
from .runs import (
    RunPreview,
    next_day,
    preview_run,
    start_due_schedules,
    start_invoice_run,
    work_on_invoice_run,
)
from .series import change_series, take_numbers
from .settling import (
    Settlement,
    WriteOffReason,
    can_settle,
    credit_on_account,
    customers_with_credit,
    left_of_write_off_limit,
    plan_settlement,
    settle_next_accounts,
    settle_with_credit,
    take_back_settlements,
    write_off,
)
from .statements import book_refund, book_returned_refund, issue_statement, statement_of
from .test_mails import TooManyTests, send_test_mail
from .user_accounts import AddressTaken, UserAccounts, create_user_accounts

__all__ = [
    "AddressTaken",
    "AlreadySent",
    "Batch",
    "CreditLine",
    "Entry",
    "Fee",
    "Finalised",
    "NoAddress",
    "Problem",
    "RunPreview",
    "Settlement",
    "TooManyTests",
    "UserAccounts",
    "WriteOffReason",
    "account_balance",
    "book_refund",
    "book_returned_refund",
    "can_settle",
    "cancel_document",
    "change_draft",
    "change_series",
    "check_lawful",
    "copy_as_draft",
    "create_draft",
    "create_user_accounts",
    "credit_document",
    "credit_lines",
    "credit_on_account",
    "customers_to_bill",
    "customers_with_credit",
    "delete_draft",
    "deposit_lines",
    "draft_of",
    "drafts_for",
    "drafts_of",
    "drafts_to_finalise",
    "finalise_drafts",
    "finalise_next_drafts",
    "give_number",
    "issue_by_worker",
    "issue_drafts",
    "issue_group",
    "issue_next_invoices",
    "issue_statement",
    "left_of_write_off_limit",
    "mark_sent_by_post",
    "next_day",
    "obstacle_of",
    "parts_credited",
    "plan_settlement",
    "post_entries",
    "post_fees",
    "preview_run",
    "render_document",
    "send_again",
    "send_delivery",
    "send_elsewhere",
    "send_test_mail",
    "settle_next_accounts",
    "settle_with_credit",
    "snapshot_of",
    "start_due_schedules",
    "start_invoice_run",
    "statement_of",
    "take_back_settlements",
    "take_numbers",
    "with_rates",
    "work_on_invoice_run",
    "write_off",
]
