"""Two customers of one issuer, their claims, the days, and what every rule asks of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import holidays
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cms_billing.dunning.models import (
    Procedure,
)
from cms_billing.dunning.rules import Reason
from cms_billing.dunning.services import (
    create_default_procedure,
)
from cms_billing.payments.services import note_statements
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from ..conftest import invoice_due

START = date(2026, 3, 1)
CUSTOMERS = st.integers(0, 1)
# Rarely, so that letters go out at all.
SELDOM = st.sampled_from([False, False, False, True])
UNTIL = st.integers(-2, 20).map(lambda days: None if days < 0 else days)
LEVELS = st.none() | st.integers(1, 3)
GERMAN = holidays.country_holidays("DE", years=[2026, 2027, 2028])
AGREED = (Reason.PROMISE, Reason.INSTALMENT_PLAN, Reason.DEFERRED)


class Killed(BaseException):
    """The machine loses its power."""


class World(RuleBasedStateMachine):
    """Receivers are called by hand, so that the machine can let them die."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(ages=st.lists(st.integers(0, 25), min_size=2, max_size=4))
    def begin(self, ages: list[int]) -> None:
        self.today = START
        self.issuer = IssuerFactory()
        create_default_procedure(self.issuer)
        self.customers = [
            CustomerFactory(issuer=self.issuer),
            CustomerFactory(issuer=self.issuer, kind="business", company="Berg GmbH"),
        ]
        self.people = UserFactory.create_batch(2)
        self.asked: dict[tuple[int, date], int] = {}
        for number, age in enumerate(ages):
            self.owe(number % 2, age, 4000 + number, number % 3)

    def terms(self, customer_id: int) -> Procedure:
        kind = next(customer.kind for customer in self.customers if customer.pk == customer_id)
        return Procedure.objects.get(issuer=self.issuer, customer_kind=kind)

    def one_of(self, data: st.DataObject, rows: Any) -> Any:
        return data.draw(st.sampled_from(list(rows.order_by("pk"))))

    @rule(which=CUSTOMERS, age=st.integers(-10, 30), amount=st.integers(1, 5000), contract=st.integers(0, 2))
    def owe(self, which: int, age: int, amount: int, contract: int) -> None:
        reference = f"V-{which}-{contract}" if contract else ""
        due = self.today - timedelta(days=age)
        invoice_due(self.customers[which], due, amount=amount, contract=reference)

    @rule(days=st.integers(1, 20))
    def days_go_by(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(strides=st.lists(st.integers(3, 16), min_size=1, max_size=4))
    def weeks_are_lived(self, strides: list[int]) -> None:
        """What letters need most: without it hardly a claim would see its second one."""
        for days in strides:
            self.today += timedelta(days=days)
            self.dun()

    @rule(behind=st.integers(0, 3))
    def statements_are_looked_through(self, behind: int) -> None:
        through = self.today - timedelta(days=behind)
        note_statements(issuer=self.issuer, through=through, today=self.today)

    # Of the other parts

    def dun(self) -> None:
        raise NotImplementedError

    def review(self) -> None:
        raise NotImplementedError
