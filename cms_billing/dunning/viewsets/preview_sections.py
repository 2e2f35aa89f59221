"""The tables of the preview, and its columns as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import DateColumn, LinkColumn, MoneyColumn, Section, TableSection
from cms_billing.core.money import Money

from ..rules import Reason, Step
from ..services import PlannedStep

# Reasons to leave a claim out, in a few words, for choices and counts; sentences are in ``reasons``.
REASON_NAMES: dict[Reason, Any] = {
    Reason.WAITING_FOR_LEVEL: gettext_lazy("waits for its level"),
    Reason.WAITING_AFTER_LAST_LEVEL: gettext_lazy("time to pay of the last letter"),
    Reason.STOPPED: gettext_lazy("stopped by hand"),
    Reason.IN_COLLECTION: gettext_lazy("waits for collection"),
    Reason.HANDED_OVER: gettext_lazy("at the agency"),
    Reason.NO_PROCEDURE: gettext_lazy("no procedure"),
    Reason.BLOCKED: gettext_lazy("dunning block"),
    Reason.DISPUTED: gettext_lazy("disputed"),
    Reason.PROMISE: gettext_lazy("promise to pay"),
    Reason.INSTALMENT_PLAN: gettext_lazy("instalment plan"),
    Reason.DEFERRED: gettext_lazy("deferred"),
    Reason.PAYMENT_UNDER_WAY: gettext_lazy("payment under way"),
    Reason.RETRY_PLANNED: gettext_lazy("another charge is planned"),
    Reason.ONLY_CHARGES_LEFT: gettext_lazy("only fees or interest left"),
    Reason.BELOW_MINIMUM: gettext_lazy("below the minimum amount"),
    Reason.WAITING_FOR_STATEMENT: gettext_lazy("waits for the bank statement"),
    Reason.WEEKEND: gettext_lazy("weekend"),
    Reason.HOLIDAY: gettext_lazy("holiday"),
    Reason.LETTER_TODAY: gettext_lazy("had a letter that day"),
    Reason.NOT_DUE: gettext_lazy("not overdue yet"),
    Reason.NOTHING_OWED: gettext_lazy("nothing owed"),
}
REASONS = [(reason.value, capfirst(name)) for reason, name in REASON_NAMES.items()]


def reason_name(reason: Reason) -> str:
    """One that came later still has its code."""
    return str(REASON_NAMES.get(reason, reason.value))


def part(step: PlannedStep, minor: int) -> Money | None:
    return Money(minor, step.amount.currency) if step.step is Step.LETTER else None


def step_name(step: PlannedStep) -> str:
    names = {
        Step.LETTER: _("Letter"),
        Step.READY_FOR_COLLECTION: _("Ready for collection"),
        Step.NONE: _("Left out"),
    }
    return names[step.step]


EXPORTED: dict[str, tuple[Any, Callable[[PlannedStep], Any]]] = {
    "step": (gettext_lazy("Step"), step_name),
    "customer": (gettext_lazy("Customer"), lambda step: step.customer),
    "documents": (pgettext_lazy("billing", "Documents"), lambda step: ", ".join(step.documents)),
    "level": (gettext_lazy("Level"), lambda step: step.level),
    "currency": (gettext_lazy("Currency"), lambda step: step.amount.currency),
    "principal": (gettext_lazy("Claims"), lambda step: part(step, step.principal_minor)),
    "fees": (gettext_lazy("Fees"), lambda step: part(step, step.fees_minor)),
    "interest": (gettext_lazy("Interest"), lambda step: part(step, step.interest_minor)),
    "amount": (gettext_lazy("Amount"), lambda step: step.amount),
    "pay_until": (gettext_lazy("To pay by"), lambda step: step.pay_until),
    "effect": (gettext_lazy("Access"), lambda step: step.effect),
    "reason": (gettext_lazy("Left out because"), lambda step: step.skipped_because),
    "until": (gettext_lazy("Until"), lambda step: step.until if step.step is Step.NONE else None),
}


def sections_of(steps: Sequence[PlannedStep], *, is_filtered: bool) -> list[Section]:
    """A table for each kind of step; what a filter leaves nothing of is not shown at all."""
    kinds = {kind: [step for step in steps if step.step is kind] for kind in Step}
    tables = (
        (Step.LETTER, _letters),
        (Step.READY_FOR_COLLECTION, _for_collection),
        (Step.NONE, _left_out),
    )
    return [table(kinds[kind]) for kind, table in tables if kinds[kind] or not is_filtered]


def outcome_of(steps: Sequence[PlannedStep], address: Callable[..., str]) -> list[dict[str, Any]]:
    """Why claims are left out, the most frequent first; each leads to just these."""
    counted = Counter(step.reason for step in steps if step.step is Step.NONE)
    return [
        {"label": reason_name(reason), "count": count, "url": address(reason=reason.value)}
        for reason, count in counted.most_common()
    ]


def _customer() -> LinkColumn:
    return LinkColumn(
        "customer",
        label=_("Customer"),
        get_url=lambda step: reverse("billing-customer:inspect", args=[step.customer_id]),
    )


def _documents() -> Column:
    return Column(
        "documents",
        label=pgettext("billing", "Documents"),
        accessor=lambda step: ", ".join(step.documents),
    )


def _letters(steps: Sequence[PlannedStep]) -> Section:
    return TableSection(
        _("Letters"),
        [
            _customer(),
            _documents(),
            Column("level", label=_("Level")),
            MoneyColumn(
                "principal", label=_("Claims"), accessor=lambda step: part(step, step.principal_minor)
            ),
            MoneyColumn("fees", label=_("Fees"), accessor=lambda step: part(step, step.fees_minor)),
            MoneyColumn(
                "interest", label=_("Interest"), accessor=lambda step: part(step, step.interest_minor)
            ),
            MoneyColumn("amount", label=_("Total")),
            DateColumn("pay_until", label=_("To pay by")),
            Column("effect", label=_("Access")),
        ],
        steps,
        note=_("One letter a customer and currency. The total names all that the letter lists."),
        empty=_("No letter goes out."),
    )


def _for_collection(steps: Sequence[PlannedStep]) -> Section:
    return TableSection(
        _("Ready for collection"),
        [
            _customer(),
            _documents(),
            Column("level", label=_("Level")),
            MoneyColumn("amount", label=_("Open")),
        ],
        steps,
        empty=_("No case becomes ready."),
    )


def _left_out(steps: Sequence[PlannedStep]) -> Section:
    return TableSection(
        _("Left out, and why"),
        [
            _customer(),
            _documents(),
            Column("level", label=_("Level"), accessor=lambda step: step.level or ""),
            Column("reason", label=_("Reason"), accessor="skipped_because"),
            DateColumn("until", label=_("Until")),
            MoneyColumn("amount", label=_("Open")),
        ],
        steps,
        empty=_("Nothing is left out."),
    )
