"""What running contracts bill next, for the page where a member removes a payment method."""

from __future__ import annotations

from datetime import date, timedelta

from cms_billing.core.money import Money, total
from cms_billing.payments.upcoming import Upcoming

from . import schedule
from .models import Contract, ContractLine
from .selectors import terms_of_line

# Those that wait to start will bill as well.
_GOES_ON = (Contract.State.PENDING, *Contract.BILLABLE)


def next_amounts(customer_id: int, today: date) -> list[Upcoming]:
    """One for each running contract that bills anything more, with all of its lines that are due on that day."""
    contracts = (
        Contract.objects.filter(customer=customer_id, state__in=_GOES_ON)
        .select_related("plan")
        .prefetch_related("lines")
    )
    found = (_next_amount(contract, today) for contract in contracts.order_by("pk"))
    return [upcoming for upcoming in found if upcoming is not None]


def _next_amount(contract: Contract, today: date) -> Upcoming | None:
    due = [(line, period) for line in contract.lines.all() if (period := _next_period(line, contract))]
    if not due:
        return None
    day = min(period.start for _line, period in due)
    parts = [(line, period) for line, period in due if period.start == day]
    currency = parts[0][0].currency
    amounts = (Money(period.amount_minor, line.currency) * line.quantity for line, period in parts)
    return Upcoming(
        label=f"{contract.plan} ({contract.number})",
        due_on=max(day, today),
        amount=total((amount for amount in amounts if amount.currency == currency), currency),
        plus_tax=not all(line.prices_include_tax for line, _period in parts),
    )


def _next_period(line: ContractLine, contract: Contract) -> schedule.Period | None:
    if line.next_due is None:
        return None
    terms = terms_of_line(line, contract, first_due=line.next_due)
    start = schedule.next_due(terms, after=line.next_due - timedelta(days=1))
    return schedule.due_periods(terms, until=start)[0] if start else None
