"""What an issuer's manners say of a day and of what a customer owes, for the plans of a chunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Issuer
from cms_billing.payments.selectors import statements_through

from . import courtesy
from .hindrances import Item
from .rules import Hindrance, ProcedureFacts, Reason


class Calm:
    """What an issuer's manners say today, for each kind of customer: worked out once a chunk."""

    def __init__(self, issuer: Issuer, procedures: Mapping[str, ProcedureFacts], *, today: date) -> None:
        self._currency = issuer.currency
        self._facts = dict(procedures)
        waits = any(facts.wait_for_statement for facts in self._facts.values())
        through = statements_through(issuer.pk) if waits else None
        self._whole = {
            kind: courtesy.missing_statement(facts, through, today) for kind, facts in self._facts.items()
        }
        self._day_off = {kind: courtesy.day_off(facts, today) for kind, facts in self._facts.items()}

    def whole_day(self, kind: str) -> Hindrance | None:
        """What stands against every step."""
        return self._whole.get(kind)

    def against_letters(
        self, kind: str, items: Sequence[Item], currency: str, asked_for: Callable[[Item], bool]
    ) -> Hindrance | None:
        """``items``: all that the customer owes; those that no letter may ask for count for nothing."""
        if kind not in self._facts or self._day_off[kind] is not None:
            return self._day_off.get(kind)
        minimum = self._facts[kind].minimum_minor
        if not minimum or currency != self._currency:
            return None
        owed = sum(item.open_minor for item in items if item.currency == currency and asked_for(item))
        if owed >= minimum:
            return None
        return Hindrance(Reason.BELOW_MINIMUM, detail=amount_text(Money(minimum, currency)))
