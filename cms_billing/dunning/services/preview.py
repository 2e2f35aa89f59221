"""What the run would do today: the same plans, written nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Issuer

from ..letters import Letter, letter_for, scopes_of
from ..plans import ActiveProcedure, Claim, CustomerPlan, active_procedures, overdue_customers, plans_for
from ..reasons import sentence
from ..rules import Reason, Step


@dataclass(frozen=True)
class PlannedStep:
    """One step for a customer, or one claim that gets none; ``skipped_because`` says why.

    ``documents`` are the numbers it concerns; ``amount`` is what the letter asks for, or what is open. Of a letter:
    its parts in minor units, the day to pay by, and the documents that it locks or announces to lock. ``until``: what
    a claim that is left out waits for, where it is known.
    """

    customer_id: int
    customer: str
    step: Step
    level: int
    documents: tuple[str, ...]
    amount: Money
    skipped_because: str = ""
    reason: Reason = Reason.LEVEL_DUE
    until: date | None = None
    principal_minor: int = 0
    fees_minor: int = 0
    interest_minor: int = 0
    pay_until: date | None = None
    locks: tuple[str, ...] = ()
    announces: tuple[str, ...] = ()

    @property
    def effect(self) -> str:
        """What the letter does to access."""
        sentences = []
        if self.locks:
            sentences.append(_("locks %(documents)s") % {"documents": ", ".join(self.locks)})
        if self.announces:
            sentences.append(_("announces to lock %(documents)s") % {"documents": ", ".join(self.announces)})
        return "; ".join(sentences)

    @property
    def label(self) -> str:
        documents = ", ".join(self.documents)
        if self.step is Step.LETTER:
            text = _("%(customer)s: level %(level)s for %(documents)s") % {
                "customer": self.customer,
                "level": self.level,
                "documents": documents,
            }
            return "; ".join(filter(None, [text, self.effect]))
        if self.step is Step.READY_FOR_COLLECTION:
            return _("%(customer)s: %(documents)s ready for collection") % {
                "customer": self.customer,
                "documents": documents,
            }
        return f"{self.customer}: {documents}"


def planned_steps(*, issuer: Issuer, today: date) -> Iterator[PlannedStep]:
    """All of ``preview``, a chunk of customers in memory at a time."""
    for plan in _plans(issuer, today, 0, None):
        yield from _steps(issuer, plan, today)


def preview(
    *, issuer: Issuer, today: date, after_customer: int = 0, limit: int | None = None
) -> list[PlannedStep]:
    """The steps of today's run and, for every other overdue claim, why there is none. Reads only.

    ``limit``: so many customers at most, from ``after_customer`` on.
    """
    return [
        step for plan in _plans(issuer, today, after_customer, limit) for step in _steps(issuer, plan, today)
    ]


def _plans(issuer: Issuer, today: date, after: int, limit: int | None) -> Iterator[CustomerPlan]:
    procedures = active_procedures(issuer)
    left = limit
    while left is None or left > 0:
        size = min(left or billing_settings().chunk_size, billing_settings().chunk_size)
        customers = list(overdue_customers(issuer, today=today).filter(pk__gt=after).order_by("pk")[:size])
        if not customers:
            return
        yield from plans_for(issuer, customers, procedures, today=today)
        after = customers[-1].pk
        left = None if left is None else left - len(customers)


def _steps(issuer: Issuer, plan: CustomerPlan, today: date) -> Iterator[PlannedStep]:
    for claims in plan.letters():
        assert plan.procedure is not None, "the rule gives no letter without a procedure"
        letter = letter_for(issuer, plan.customer, plan.procedure, claims, today=today)
        yield _letter(plan.customer, plan.procedure, letter)
    for claim in plan.claims:
        if claim.decision.step is not Step.LETTER:
            yield _other(plan.customer, claim)


def _letter(customer: Customer, procedure: ActiveProcedure, letter: Letter) -> PlannedStep:
    extra = letter.draft.extra
    scopes = [(claim, *scopes_of(procedure, claim)) for claim in letter.claims]
    return PlannedStep(
        customer.pk,
        str(customer),
        Step.LETTER,
        letter.level.number,
        tuple(claim.item.number for claim in letter.claims),
        Money(extra["total_minor"], letter.draft.currency),
        principal_minor=extra["principal_minor"],
        fees_minor=extra["fees_minor"] + extra["flat_minor"],
        interest_minor=extra["interest_minor"],
        pay_until=date.fromisoformat(extra["pay_until"]),
        locks=tuple(claim.item.number for claim, now, _next in scopes if now and not _locked_before(claim)),
        announces=tuple(claim.item.number for claim, now, following in scopes if following and not now),
    )


def _locked_before(claim: Claim) -> bool:
    return claim.case is not None and claim.case.locked


def _other(customer: Customer, claim: Claim) -> PlannedStep:
    return PlannedStep(
        customer.pk,
        str(customer),
        claim.decision.step,
        claim.level,
        (claim.item.number,),
        Money(claim.item.open_minor, claim.item.currency),
        sentence(claim.decision) if claim.decision.step is Step.NONE else "",
        reason=claim.decision.reason,
        until=claim.decision.until,
    )
