"""A contract's life: signed, started, terminated, ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.core.texts import day_text
from cms_billing.faktura.models import Customer

from ..exceptions import NoPrice, NotOnSale, WrongDate, WrongStep
from ..models import Contract, ContractChange, ContractLine, Plan, PlanPrice
from ..schedule import Interval

FARTHEST_START = timedelta(days=366 * 5)


def price_on(plan: Plan, day: date) -> PlanPrice:
    """The price in force on ``day``; raises NoPrice."""
    price = plan.prices.filter(valid_from__lte=day).order_by("-valid_from").first()
    if price is None:
        raise NoPrice(plan=plan, day=day)
    return price


@transaction.atomic
def sign_contract(
    *,
    customer: Customer,
    plan: Plan,
    start: date,
    today: date,
    number: str = "",
    price: Money | None = None,
    next_due: date | None = None,
    end: date | None = None,
    origin: str = "",
    user: Any = None,
) -> Contract:
    """A new contract at the plan's price of its first day, or at an agreed ``price``.

    ``next_due`` is the first period still to bill: the start, or a later one for contracts that ran elsewhere before.
    Raises NotOnSale, NoPrice, WrongDate.
    """
    if not plan.is_active:
        raise NotOnSale(plan=plan)
    _plausible(start=start, end=end, next_due=next_due, today=today)
    listed = price_on(plan, max(start, today)) if price is None else None
    amount = price or (listed.amount if listed else Money.zero(plan.issuer.currency))
    begun = start <= today
    contract = Contract.objects.create(
        issuer_id=plan.issuer_id,
        customer=customer,
        plan=plan,
        number=number or f"new-{_random_tail()}",
        state=Contract.State.ACTIVE if begun else Contract.State.PENDING,
        start=start,
        end=end,
        origin=origin,
    )
    if not number:
        contract.number = f"V-{contract.pk:07}"
        contract.save(update_fields=["number"])
    ContractLine.objects.create(
        contract=contract,
        description=plan.name,
        interval=plan.interval,
        instalments=plan.instalments if plan.interval == Interval.INSTALMENTS else 1,
        anchor=start,
        price_minor=amount.minor,
        currency=amount.currency,
        prices_include_tax=listed.includes_tax if listed else True,
        tax_code=plan.tax_code,
        next_due=next_due or start,
    )
    _record(contract, "", contract.state, effective_on=start, reason=origin, user=user)
    return contract


@transaction.atomic
def terminate_contract(
    *, contract_id: int, last_day: date, today: date, reason: str = "", user: Any = None
) -> Contract:
    """The contract runs out after ``last_day`` (not before today); nothing is billed for periods that start later."""
    contract = Contract.objects.select_for_update(no_key=True).get(pk=contract_id)
    if last_day < max(contract.start, today):
        raise WrongDate(
            _("Contract %(contract)s cannot end on %(day)s: that day has passed or lies before its start.")
            % {"contract": contract, "day": day_text(last_day)}
        )
    _step(contract, Contract.State.TERMINATED, effective_on=last_day, reason=reason, user=user, end=last_day)
    return contract


@transaction.atomic
def start_contracts(*, issuer_id: int, today: date) -> int:
    """Contracts whose first day has come become active; returns how many."""
    waiting = Contract.objects.filter(issuer_id=issuer_id, state=Contract.State.PENDING, start__lte=today)
    return _step_all(waiting, Contract.State.ACTIVE, today=today, reason=_("start date reached"))


@transaction.atomic
def end_contracts(*, issuer_id: int, today: date) -> int:
    """Contracts whose last day has passed end; returns how many."""
    over = Contract.objects.filter(issuer_id=issuer_id, state__in=Contract.BILLABLE, end__lt=today)
    return _step_all(over, Contract.State.ENDED, today=today, reason=_("last day passed"))


def _step_all(contracts: Iterable[Contract], state: str, *, today: date, reason: str) -> int:
    locked = list(contracts.select_for_update(no_key=True, skip_locked=True, of=("self",)))  # type: ignore[attr-defined]
    Contract.objects.filter(pk__in=[c.pk for c in locked]).update(state=state)
    ContractChange.objects.bulk_create(
        ContractChange(contract=c, from_state=c.state, to_state=state, effective_on=today, reason=reason)
        for c in locked
    )
    return len(locked)


def _step(
    contract: Contract, state: str, *, effective_on: date, reason: str, user: Any, end: date | None
) -> None:
    if state not in Contract.TRANSITIONS[Contract.State(contract.state)]:
        raise WrongStep(
            contract=contract.number, state=contract.get_state_display(), wanted=Contract.State(state).label
        )
    before, contract.state, contract.end = contract.state, state, end
    contract.save(update_fields=["state", "end"])
    _record(contract, before, state, effective_on=effective_on, reason=reason, user=user)


def _record(
    contract: Contract, before: str, state: str, *, effective_on: date, reason: str, user: Any
) -> None:
    ContractChange.objects.create(
        contract=contract,
        from_state=before,
        to_state=state,
        effective_on=effective_on,
        reason=reason[:200],
        user=user,
    )


def _plausible(*, start: date, end: date | None, next_due: date | None, today: date) -> None:
    if abs(start - today) > FARTHEST_START * 8 or start - today > FARTHEST_START:
        raise WrongDate(
            _("%(day)s cannot be the start of a contract. Check the year.") % {"day": day_text(start)}
        )
    if end is not None and end < start:
        raise WrongDate(
            _("The contract cannot end on %(end)s, before it starts on %(start)s.")
            % {"end": day_text(end), "start": day_text(start)}
        )
    if next_due is not None and next_due < start:
        raise WrongDate(
            _("The next due date %(due)s lies before the start %(start)s.")
            % {"due": day_text(next_due), "start": day_text(start)}
        )


def _random_tail() -> str:
    import uuid

    return uuid.uuid4().hex[:20]
