"""What the run would do today: the same plans, written nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Issuer

from ..letters import Letter, letter_for
from ..plans import Claim, CustomerPlan, active_procedures, overdue_customers, plans_for
from ..reasons import sentence
from ..rules import Step


@dataclass(frozen=True)
class PlannedStep:
    """One step for a customer, or one claim that gets none; ``skipped_because`` says why.

    ``documents`` are the numbers it concerns; ``amount`` is what the letter asks for, or what is open.
    """

    customer_id: int
    customer: str
    step: Step
    level: int
    documents: tuple[str, ...]
    amount: Money
    skipped_because: str = ""

    @property
    def label(self) -> str:
        documents = ", ".join(self.documents)
        if self.step is Step.LETTER:
            return _("%(customer)s: level %(level)s for %(documents)s") % {
                "customer": self.customer,
                "level": self.level,
                "documents": documents,
            }
        if self.step is Step.READY_FOR_COLLECTION:
            return _("%(customer)s: %(documents)s ready for collection") % {
                "customer": self.customer,
                "documents": documents,
            }
        return f"{self.customer}: {documents}"


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
        yield _letter(plan.customer, letter)
    for claim in plan.claims:
        if claim.decision.step is not Step.LETTER:
            yield _other(plan.customer, claim)


def _letter(customer: Customer, letter: Letter) -> PlannedStep:
    numbers = tuple(claim.item.number for claim in letter.claims)
    asked = Money(letter.draft.extra["total_minor"], letter.draft.currency)
    return PlannedStep(customer.pk, str(customer), Step.LETTER, letter.level.number, numbers, asked)


def _other(customer: Customer, claim: Claim) -> PlannedStep:
    return PlannedStep(
        customer.pk,
        str(customer),
        claim.decision.step,
        claim.level,
        (claim.item.number,),
        Money(claim.item.open_minor, claim.item.currency),
        sentence(claim.decision) if claim.decision.step is Step.NONE else "",
    )
