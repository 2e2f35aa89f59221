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
    Reason.WAITING_FOR_STATEMENT: _("The bank statement of %(until)s has not been looked through yet."),
}

WEAKNESSES: dict[str, Any] = {
    "none": _("A procedure needs at least one level."),
    "twice": _("Each level can be there once."),
    "gap": _("The levels have to be numbered 1, 2, 3 without a gap."),
    "first_locks": _("The first reminder cannot lock: a lock has to be announced in the letter before."),
    "unlocks": _("What a level has locked stays locked at the levels after it: mark those as locking, too."),
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
