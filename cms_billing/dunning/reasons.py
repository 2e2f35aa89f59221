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
    Reason.CUSTOMER_BLOCKED: _("The customer has a dunning block without end."),
    Reason.PAYMENT_UNDER_WAY: _("A payment for the document is under way."),
    Reason.WAITING_FOR_LEVEL: _("Level %(level)s is not due before %(until)s."),
    Reason.WAITING_AFTER_LAST_LEVEL: _("The last letter gives time to pay; collection not before %(until)s."),
    Reason.LETTER_TODAY: _("The customer has been sent a letter today."),
}
BLOCKED_UNTIL = _("The customer has a dunning block until %(until)s.")

WEAKNESSES: dict[str, Any] = {
    "none": _("A procedure needs at least one level."),
    "twice": _("Each level can be there once."),
    "gap": _("The levels have to be numbered 1, 2, 3 without a gap."),
    "first_locks": _("The first reminder cannot lock: a lock has to be announced in the letter before."),
    "unlocks": _("What a level has locked stays locked at the levels after it: mark those as locking, too."),
    "impatient": _("The next letter must not come before the date to pay by of the letter before is over."),
}


def sentence(decision: Decision) -> str:
    blocked = decision.reason is Reason.CUSTOMER_BLOCKED and decision.until is not None
    template = BLOCKED_UNTIL if blocked else SENTENCES[decision.reason]
    until = date_format(decision.until, "SHORT_DATE_FORMAT") if decision.until else gettext("open")
    return str(template) % {"level": decision.level, "until": until}
