"""The rule's reasons as sentences, for preview, case page and dry run alike."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .rules import Decision, Reason

SENTENCES: dict[Reason, Any] = {
    Reason.LEVEL_DUE: _("The letter of level %(level)s is due."),
    Reason.LAST_LEVEL_OVER: _("The last letter's date to pay by is over: ready for collection."),
    Reason.NOTHING_OWED: _("Nothing is owed any more."),
    Reason.NOT_DUE: _("The claim is not overdue before the end of %(until)s."),
    Reason.STOPPED: _("The case was stopped by hand."),
    Reason.IN_COLLECTION: _("All letters are out: the case waits for collection."),
    Reason.NO_PROCEDURE: _("No dunning procedure is in use for this kind of customer."),
    Reason.HANDED_OVER: _("The claim is at a collection agency."),
    Reason.BLOCKED: _("There is a dunning block without end."),
    Reason.DISPUTED: _("The claim is disputed."),
    Reason.PROMISE: _("Payment has been promised."),
    Reason.INSTALMENT_PLAN: _("The claim is paid in instalments."),
    Reason.DEFERRED: _("The claim has been deferred."),
    Reason.PAYMENT_UNDER_WAY: _("A payment for the document is under way."),
    Reason.RETRY_PLANNED: _("The payment is going to be tried again."),
    Reason.ONLY_CHARGES_LEFT: _("The claim itself is paid; what is left are fees and interest."),
    Reason.BELOW_MINIMUM: _("Less is owed than the amount letters are written for."),
    Reason.WAITING_FOR_STATEMENT: _("The bank statement has not been looked through yet."),
    Reason.WEEKEND: _("No letters at weekends."),
    Reason.HOLIDAY: _("No letters on holidays."),
    Reason.WAITING_FOR_LEVEL: _("Level %(level)s is not due before %(until)s."),
    Reason.WAITING_AFTER_LAST_LEVEL: _("The last letter gives time to pay; collection not before %(until)s."),
    Reason.LETTER_TODAY: _("The customer has been sent a letter today."),
}
# The same where it is known how long.
SENTENCES_UNTIL: dict[Reason, Any] = {
    Reason.BLOCKED: _("There is a dunning block until %(until)s."),
    Reason.DISPUTED: _("The claim is disputed; no letters until %(until)s."),
    Reason.PROMISE: _("Payment has been promised until %(until)s."),
    Reason.INSTALMENT_PLAN: _("The claim is paid in instalments; the next one is due on %(until)s."),
    Reason.DEFERRED: _("The claim has been deferred until %(until)s."),
    Reason.PAYMENT_UNDER_WAY: _("A payment for the document is under way until %(until)s."),
    Reason.RETRY_PLANNED: _("The payment is going to be tried again on %(until)s."),
}

DOUBTS: dict[str, Any] = {
    "first_fee": _(
        "The first reminder costs a fee. It is what puts most debtors in default, and what it costs is no damage of "
        "the default (§§ 280 (2), 286 BGB)."
    ),
    "mail_fee": _(
        "A fee is claimed for a letter that goes out by e-mail. From consumers only paper and postage can be claimed, "
        "not work and systems (BGH VIII ZR 95/18)."
    ),
    "flat_consumer": _(
        "The flat compensation cannot be claimed from consumers (§ 288 (5) BGB): it is not claimed."
    ),
    "flat_missing": _("A level claims the flat compensation, but no amount is set: nothing is claimed."),
    "flat_unused": _("A flat compensation is set, but no level claims it."),
    "interest_consumer": _(
        "More than 5 points above the base rate: from consumers the law gives 5 (§ 288 (1) BGB); more has to be shown "
        "as a damage."
    ),
    "interest_business": _(
        "More than 9 points above the base rate: for payments between businesses the law gives 9 (§ 288 (2) BGB); more "
        "needs an agreement."
    ),
    "interest_missing": _("A level claims interest, but no points are set: nothing is claimed."),
    "interest_first": _(
        "The first reminder claims interest, but it is what puts the debtor in default: there is none yet."
    ),
    "default_due_date": _(
        "Default from the due date holds only where contract or law fix that day by the calendar (§ 286 (2) BGB). A "
        "due date that only the invoice names does not."
    ),
}

WEAKNESSES: dict[str, Any] = {
    "none": _("A procedure needs at least one level."),
    "twice": _("Each level can be there once."),
    "gap": _("The levels have to be numbered 1, 2, 3 without a gap."),
    "first_locks": _("The first reminder cannot lock: a lock has to be announced in the letter before."),
    "unlocks": _("What a level has locked stays locked at the levels after it: mark those as locking, too."),
    "start": _("A failed payment or a chargeback starts at a level that is not there."),
    "impatient": _("The next letter must not come before the date to pay by of the letter before is over."),
}


def sentence(decision: Decision) -> str:
    """With the detail of a hindrance in brackets."""
    template = SENTENCES[decision.reason]
    if decision.until is not None:
        template = SENTENCES_UNTIL.get(decision.reason, template)
    until = date_format(decision.until, "SHORT_DATE_FORMAT") if decision.until else gettext("open")
    said = str(template) % {"level": decision.level, "until": until}
    return f"{said} ({decision.detail})" if decision.detail else said
