"""What a member holds and how it stands, in the one query that a closed page costs.

Django takes fifteen times longer to build this query than a database to answer it, and it is the same for everybody:
so it is built once a process, with slots for the user and the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections, models, router
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    Expression,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.utils.dateparse import parse_date

from cms_billing.dunning.models import LOCKS
from cms_billing.dunning.models import Case as DunningCase
from cms_billing.dunning.selectors import cases_of_contract
from cms_billing.faktura.models import DocumentLine
from cms_billing.memberships.models import Contract, ContractLine, Plan

from .rules import Holding, Level, Standing

COLUMNS = (
    "pk", "number", "plan_id", "plan__name", "state", "start", "end", "customer_id", "issuer_id",
    "dunning", "for_good",
)  # fmt: skip

# From the case that matters least to the one that matters most. Before the first letter nobody has been told, so
# nobody is in arrears here.
LEVELS = (Level.GOOD, Level.IN_ARREARS, Level.LOCKED, Level.HANDED_OVER)
_WORST = Case(
    When(LOCKS, state=DunningCase.State.HANDED_OVER, then=3),
    When(LOCKS, then=2),
    When(level__gte=1, then=1),
    default=0,
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class Holdings:
    """A member's contracts on some plans, and how each (by contract id) stands."""

    contracts: tuple[Holding, ...] = ()
    standings: Mapping[int, Standing] | None = None


class Slot(Expression):
    """A place in a compiled query whose value comes with each run."""

    def __init__(self, name: str, output_field: Any) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


def holdings_of(user: Any, *, plan_ids: Iterable[int], today: date) -> Holdings:
    """The user's contracts on these plans with their standing: one query, none for guests or no plans."""
    wanted = frozenset(plan_ids)
    if not user.is_authenticated or not wanted:
        return Holdings()
    contracts, standings = [], {}
    for row in _rows(user, today=today):
        facts = dict(zip(COLUMNS, row, strict=True))
        if facts["plan_id"] in wanted:
            contracts.append(_holding(facts))
            standings[facts["pk"]] = Standing(level=LEVELS[facts["dunning"] or 0])
    return Holdings(tuple(contracts), standings)


def _rows(user: Any, *, today: date) -> list[Any]:
    using = router.db_for_read(Contract)
    connection = connections[using]
    statement, parameters = _statement(using)
    given = {
        "user": get_user_model()._meta.pk.get_db_prep_value(user.pk, connection),
        "today": connection.ops.adapt_datefield_value(today),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, [given[p.name] if isinstance(p, Slot) else p for p in parameters])
        return list(cursor.fetchall())


@lru_cache(maxsize=8)
def _statement(using: str) -> tuple[str, tuple[Any, ...]]:
    owner = Slot("user", get_user_model()._meta.pk)
    contracts = Contract.objects.filter(customer__user_id=owner)
    rows = with_standing(contracts, today=Slot("today", models.DateField())).order_by("pk")
    statement, parameters = rows.values_list(*COLUMNS).query.get_compiler(using).as_sql()
    return statement, tuple(parameters)


def with_standing(contracts: QuerySet[Contract], *, today: Any) -> QuerySet[Any]:
    """With what dunning says of each, and whether a course that is over was paid for good."""
    unbilled = Exists(ContractLine.objects.filter(contract=OuterRef("pk"), next_due__isnull=False))
    owes = Exists(
        DocumentLine.objects.filter(
            contract_reference=OuterRef("number"),
            document__customer=OuterRef("customer_id"),
            document__open_item__open_minor__gt=0,
        )
    )
    over = Q(state=Contract.State.ENDED) | Q(end__lt=today)
    paid = Case(When(unbilled | owes, then=False), default=True)
    # By the customer too: their few cases are found by an index, however many the issuer has. The worst of them counts,
    # asked for once: planning this query takes a database longer than running it.
    cases = cases_of_contract().filter(customer_id=OuterRef("customer_id")).annotate(standing=_WORST)
    return contracts.annotate(
        dunning=Subquery(cases.order_by("-standing").values("standing")[:1]),
        for_good=Case(
            When(over & Q(plan__kind=Plan.Kind.COURSE), then=paid),
            default=False,
            output_field=BooleanField(),
        ),
    )


def _holding(facts: Mapping[str, Any]) -> Holding:
    return Holding(
        contract_id=facts["pk"],
        contract=facts["number"],
        plan_id=facts["plan_id"],
        plan=facts["plan__name"],
        begun=facts["state"] != Contract.State.PENDING,
        start=_day(facts["start"]),
        customer_id=facts["customer_id"],
        issuer_id=facts["issuer_id"],
        end=_day(facts["end"]),
        closed=facts["state"] == Contract.State.ENDED,
        for_good=bool(facts["for_good"]),
    )


def _day(value: Any) -> Any:
    """Some databases hand dates out as text."""
    return parse_date(value) if isinstance(value, str) else value
