"""What a member holds and how it stands, in the one query that a closed page costs.

That query tells the contracts and whether any of them is in dunning. Only then, and for a course that is over, a second
one asks how each stands: PostgreSQL takes ten times longer to plan it, and almost nobody needs it.

Django takes fifteen times longer to build these queries than a database to answer them, and they are the same for
everybody: so they are built once a process, with slots for the user and the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections, models, router
from django.db.models import Exists, Expression, F, OuterRef, QuerySet, Subquery
from django.utils.dateparse import parse_date

from cms_billing.dunning.selectors import (
    arrears_level_of_contract,
    has_live_case,
    paid_until_of_contract,
    standing_of_contract,
)
from cms_billing.faktura.models import DocumentLine
from cms_billing.memberships.models import Contract, ContractLine, Plan

from .rules import Holding, Level, Standing

ONE_DAY = timedelta(days=1)
# What a user who is in no database holds: an attribute that server code sets.
MADE_UP_HOLDINGS = "paywall_holdings"

FACTS = (
    "pk", "number", "plan_id", "plan__name", "plan__kind", "state", "start", "end", "customer_id", "issuer_id",
)  # fmt: skip
AT_A_GLANCE = (*FACTS, "in_dunning")
COLUMNS = (*FACTS, "standing", "paid_until", "next_due", "owes")
WITH_LEVELS = (*COLUMNS, "arrears_level")


@dataclass(frozen=True)
class Holdings:
    """A member's contracts on some plans, and how each (by contract id) stands; None: all of them well."""

    contracts: tuple[Holding, ...] = ()
    standings: Mapping[int, Standing] | None = None


class Slot(Expression):
    """A place in a compiled query whose value comes with each run."""

    def __init__(self, name: str, output_field: Any) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


def holdings_of(user: Any, *, plan_ids: Iterable[int], today: date, levels: bool = False) -> Holdings:
    """The user's contracts on these plans with their standing: one query, none for guests or no plans, two for who is
    in dunning or owns a course that is over.

    ``levels``: with the highest level of arrears of each, which costs the second query more.
    """
    wanted = frozenset(plan_ids)
    if not user.is_authenticated or not wanted:
        return Holdings()
    if is_made_up(user):
        return _on_plans(getattr(user, MADE_UP_HOLDINGS), wanted)
    rows = _facts(user, AT_A_GLANCE, wanted, today=today)
    if not any(_asks_for_more(facts, today) for facts in rows):
        return Holdings(tuple(holding_on(today, facts) for facts in rows))
    rows = _facts(user, WITH_LEVELS if levels else COLUMNS, wanted, today=today)
    return Holdings(
        tuple(holding_on(today, facts) for facts in rows),
        {facts["pk"]: standing_on(today, facts) for facts in rows},
    )


def is_made_up(user: Any) -> bool:
    """Has server code said what this user holds, who is in no database (``leakcheck.visitors``)?"""
    return getattr(user, MADE_UP_HOLDINGS, None) is not None


def _on_plans(held: Holdings, plan_ids: frozenset[int]) -> Holdings:
    return Holdings(tuple(one for one in held.contracts if one.plan_id in plan_ids), held.standings)


def _facts(
    user: Any, columns: tuple[str, ...], plan_ids: frozenset[int], *, today: date
) -> list[dict[str, Any]]:
    rows = (dict(zip(columns, row, strict=True)) for row in _rows(user, columns, today=today))
    return [facts for facts in rows if facts["plan_id"] in plan_ids]


def _asks_for_more(facts: Mapping[str, Any], day: date) -> bool:
    """Money decides: the contract is in dunning, or it was for a course, which stays open once it is paid."""
    return facts["in_dunning"] or (_is_over(facts, day) and facts["plan__kind"] == Plan.Kind.COURSE)


def _rows(user: Any, columns: tuple[str, ...], *, today: date) -> list[Any]:
    using = router.db_for_read(Contract)
    connection = connections[using]
    statement, parameters = _statement(using, columns)
    given = {
        "user": get_user_model()._meta.pk.get_db_prep_value(user.pk, connection),
        "today": connection.ops.adapt_datefield_value(today),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, [given[p.name] if isinstance(p, Slot) else p for p in parameters])
        return list(cursor.fetchall())


@lru_cache(maxsize=8)
def _statement(using: str, columns: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    owner = Slot("user", get_user_model()._meta.pk)
    contracts = Contract.objects.filter(customer__user_id=owner)
    rows: QuerySet[Any]
    if columns is AT_A_GLANCE:
        rows = contracts.annotate(in_dunning=has_live_case())
    else:
        rows = with_standing(contracts, today=Slot("today", models.DateField()))
    if columns is WITH_LEVELS:
        rows = rows.annotate(arrears_level=arrears_level_of_contract())
    statement, parameters = rows.order_by("pk").values_list(*columns).query.get_compiler(using).as_sql()
    return statement, tuple(parameters)


def with_standing(contracts: QuerySet[Contract], *, today: Any) -> QuerySet[Any]:
    """With what dunning says of each, through when today's period is paid, and what is left to bill or owed."""
    owes = DocumentLine.objects.filter(
        contract_reference=OuterRef("number"),
        document__customer=OuterRef("customer_id"),
        document__open_item__open_minor__gt=F("document__open_item__charges_minor"),
    )
    lines = ContractLine.objects.filter(contract=OuterRef("pk"), next_due__isnull=False)
    return contracts.annotate(
        standing=standing_of_contract(),
        paid_until=paid_until_of_contract(today=today),
        next_due=Subquery(lines.order_by("next_due").values("next_due")[:1]),
        owes=Exists(owes),
    )


def standing_on(day: date, facts: Mapping[str, Any]) -> Standing:
    """Paid is a period whose invoice is paid, and all of a contract that owes nothing up to what it bills next.

    The latter is how a contract stands whose invoices are not in our books: an import, a free period.
    """
    next_due, paid_until = _day(facts["next_due"]), _day(facts["paid_until"])
    owes_nothing = not facts["owes"] and (next_due is None or next_due > day)
    if owes_nothing:
        paid_until = next_due - ONE_DAY if next_due else None
    return Standing(
        level=Level(facts["standing"] or Level.GOOD),
        arrears_level=facts.get("arrears_level") or 0,
        paid=owes_nothing or paid_until is not None,
        paid_until=paid_until,
    )


def holding_on(day: date, facts: Mapping[str, Any]) -> Holding:
    """``for_good`` only where the facts tell of money."""
    is_paid = "owes" in facts and facts["next_due"] is None and not facts["owes"]
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
        for_good=is_paid and _is_over(facts, day) and facts["plan__kind"] == Plan.Kind.COURSE,
    )


def _is_over(facts: Mapping[str, Any], day: date) -> bool:
    end = _day(facts["end"])
    return facts["state"] == Contract.State.ENDED or (end is not None and end < day)


def _day(value: Any) -> Any:
    """Some databases hand dates out as text."""
    return parse_date(value) if isinstance(value, str) else value
