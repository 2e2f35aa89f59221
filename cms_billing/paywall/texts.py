"""Why a page is open or closed, in words: the same for the member, for support and for the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cms_billing.core.money import Money

from .rules import Decision, OpensTo, OpensWith, OwedDocument, Reason, Rule

SENTENCES: dict[Reason, Any] = {
    Reason.NOT_COVERED: _("Open: no paywall rule covers this page."),
    Reason.FREE: _("Open to everyone: the rule on “%(section)s” makes an exception."),
    Reason.FREE_NOW: _("Open to everyone for the moment, by the dates of the rule on “%(section)s”."),
    Reason.EDITOR: _("Open for editing only. Visitors need: %(plans)s."),
    Reason.CRAWLER: _("Open for the verified crawler of a search engine. Visitors need: %(plans)s."),
    Reason.MEMBER: _("Open through contract %(contract)s (%(plan)s)."),
    Reason.ARREARS_BUT_OPEN: _(
        "Open through contract %(contract)s (%(plan)s), although payments are overdue: %(documents)s."
    ),
    Reason.LOCKED_BUT_PAID: _(
        "Open through contract %(contract)s (%(plan)s): it is paid, so the lock because of unpaid invoices does not "
        "reach it: %(documents)s."
    ),
    Reason.PAID_FOR_GOOD: _("Open for good: contract %(contract)s (%(plan)s) has been paid in full."),
    Reason.GIFT: _("Open through a gift link of a member."),
    Reason.FREE_READ: _("Open as one of this month's free pages; %(free_left)s left. Else: %(plans)s."),
    Reason.NO_LOGIN: _("Closed: nobody is logged in. Opens with: %(plans)s."),
    Reason.NO_PLAN: _("Closed: there is no contract that opens this page. Opens with: %(plans)s."),
    Reason.LOCKED: _(
        "Closed: contract %(contract)s (%(plan)s) is locked because of unpaid invoices: %(documents)s. "
        "Opens as soon as they are paid."
    ),
    Reason.IN_ARREARS: _(
        "Closed: contract %(contract)s (%(plan)s) has unpaid invoices: %(documents)s. Opens as soon as they are paid."
    ),
    Reason.NOT_YET: _("Not open yet: through contract %(contract)s (%(plan)s) from %(opens_on)s on."),
    Reason.NOT_STARTED: _("Closed: contract %(contract)s (%(plan)s) starts on %(start)s."),
    Reason.ENDED: _("Closed: contract %(contract)s (%(plan)s) has ended. Opens with: %(plans)s."),
    Reason.RULES_UNREADABLE: _("Closed: the paywall's rules cannot be read at the moment."),
}
ENDED_ON = _("Closed: contract %(contract)s (%(plan)s) ended on %(end)s. Opens with: %(plans)s.")
FREE_UNTIL = _("Open to everyone through %(free_until)s, by the rule on “%(section)s”.")
FREE_SINCE = _("Open to everyone since %(free_from)s, by the rule on “%(section)s”.")
CLOSES_AT = _(
    "Closed: contract %(contract)s (%(plan)s) has unpaid invoices: %(documents)s. “%(section)s” closes from reminder "
    "%(level)s on, and opens as soon as they are paid."
)
FREE_LATER = _("Open to everyone from %(changes_on)s on.")
ALWAYS = _("Open to everyone: pages of this kind are never closed.")
PAID_UNTIL = _(
    "Open through contract %(contract)s (%(plan)s): it is paid until %(paid_until)s, so the lock because of unpaid "
    "invoices does not reach it before that day is over: %(documents)s."
)

OPENS_WITH: dict[OpensWith, Any] = {
    OpensWith.NOTHING: "",
    OpensWith.LOGIN: _("Log in, or choose a plan"),
    OpensWith.PLAN: _("Choose a plan"),
    OpensWith.PAYMENT: _("Pay what is owed"),
    OpensWith.START: _("Wait for the start of the contract"),
    OpensWith.WAIT: _("Wait until it opens"),
    OpensWith.RETRY: _("Try again later"),
}


def sentence(decision: Decision) -> str:
    """In the language that is active; documents are named where they have been loaded."""
    holding, rule = decision.holding, decision.rule
    templates = [_template(decision)]
    if not decision.granted and decision.changes_on is not None:
        templates.append(FREE_LATER)
    return " ".join(map(str, templates)) % {
        "section": rule.page_title if rule else "",
        "plans": plan_names(rule),
        "contract": holding.contract if holding else "",
        "plan": holding.plan if holding else "",
        "start": _day(holding.start) if holding else "",
        "end": _day(holding.end) if holding and holding.end else "",
        "paid_until": _day(decision.paid_until) if decision.paid_until else "",
        "documents": _documents(decision),
        "opens_on": _day(decision.opens_on) if decision.opens_on else "",
        "free_left": decision.free_left,
        "free_until": _day(rule.free_until) if rule and rule.free_until else "",
        "free_from": _day(rule.free_from) if rule and rule.free_from else "",
        "changes_on": _day(decision.changes_on) if decision.changes_on else "",
        "level": rule.closes_at if rule else "",
    }


def _template(decision: Decision) -> Any:
    if decision.rule is not None and decision.rule.always:
        return ALWAYS
    if decision.reason is Reason.ENDED and decision.holding is not None and decision.holding.end is not None:
        return ENDED_ON
    if decision.reason is Reason.LOCKED_BUT_PAID and decision.paid_until is not None:
        return PAID_UNTIL
    if decision.reason is Reason.FREE_NOW and decision.rule is not None:
        return FREE_UNTIL if decision.changes_on or not decision.rule.free_from else FREE_SINCE
    if decision.reason is Reason.IN_ARREARS and decision.rule is not None and decision.rule.closes_at:
        return CLOSES_AT
    return SENTENCES[decision.reason]


def plan_names(rule: Rule | None) -> str:
    if rule is None or rule.opens_to is OpensTo.EVERYONE:
        return ""
    return ", ".join(plan.name for plan in rule.plans) or str(_("no plan yet"))


def covered_by(rule: Rule | None, *, page_id: int) -> Any:
    """What the page's editor reads: open, closed by its own rule, or through a section."""
    if rule is None:
        return _("Open to everyone: no paywall rule here or above.")
    if rule.always:
        return _("Always open: pages of this kind are never closed, whatever the rule above them says.")
    if rule.opens_to is OpensTo.EVERYONE:
        own, inherited = _("Open to everyone by its own rule."), _("Open to everyone through “{section}”.")
    else:
        own = _("Closed by its own rule. Opens with: {plans}.")
        inherited = _("Closed through section “{section}”. Opens with: {plans}.")
    text = own if rule.page_id == page_id else inherited
    return format_lazy(text, section=rule.page_title, plans=plan_names(rule))


# What counted until a page was moved, counts as long as it is not, or counts for what was copied.
BEFORE = _("Before: %(says)s")
SO_FAR = _("So far: %(says)s")
ORIGINAL = _("The original: %(says)s")
TERM_BEFORE = _("%(label)s: %(now)s (before: %(before)s).")
NOT_SAID = _("nothing said")


def term_before(label: str, *, now: str, before: str) -> str:
    """``Free pages a month: 3 (before: 5).``"""
    return str(TERM_BEFORE) % {"label": label, "now": now or NOT_SAID, "before": before or NOT_SAID}


# Of a document: how far it is, and what it locks.
PAPER = _("%(number)s, due %(due)s, %(amount)s, reminder %(level)s")
LOCKS = {
    "": "",
    "contract": _("locks this contract"),
    "customer": _("locks all contracts"),
}


def _documents(decision: Decision) -> str:
    return "; ".join(map(paper_text, decision.documents)) or str(_("see the account"))


def paper_text(paper: OwedDocument) -> str:
    """``R-7, due 10 May 2026, €9.90, reminder 3, locks all contracts``."""
    facts = str(PAPER) % {
        "number": paper.number,
        "due": _day(paper.due_on),
        "amount": Money(paper.open_minor, paper.currency).format(get_language() or "en"),
        "level": paper.level,
    }
    return ", ".join(filter(None, [facts, *map(str, effects(paper))]))


def locked_text(*, contract: str, plan: str, papers: Sequence[OwedDocument]) -> str:
    """The sentence of a locked contract."""
    documents = "; ".join(map(paper_text, papers))
    return str(SENTENCES[Reason.LOCKED]) % {"contract": contract, "plan": plan, "documents": documents}


LOCKING = _("Access is locked because of unpaid invoices: %(documents)s. It opens as soon as they are paid.")


def locking_text(papers: Sequence[OwedDocument]) -> str:
    """The same for everything that locks, whichever contract it is."""
    return str(LOCKING) % {"documents": "; ".join(map(paper_text, papers))}


def effects(paper: OwedDocument) -> list[Any]:
    """What a document does beside being owed."""
    handed_over = [_("handed over to collection")] if paper.handed_over else []
    return [*handed_over, LOCKS[paper.lock_scope]] if paper.locks else handed_over


def _day(day: Any) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
