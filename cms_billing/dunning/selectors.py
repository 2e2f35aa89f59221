"""What dunning says of contracts and customers today: for the paywall, the arrears page and the portal. Reads only.

A contract is known here by its issuer and its number (``contract_reference`` on the lines of the overdue documents).
Every answer looks at what is still owed, so a payment opens the content with its own commit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models
from django.db.models import Case as Choice
from django.db.models import Exists, OuterRef, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from cms_billing.core.money import Money
from cms_billing.faktura.models import DocumentLine

from .models import LOCKS, Case


class Standing(models.TextChoices):
    """What dunning says of a contract today (Zahlungsstand)."""

    GOOD = "good", _("good")
    IN_ARREARS = "in_arrears", _("in arrears")
    LOCKED = "locked", _("locked")
    HANDED_OVER = "handed_over", _("handed over to collection")


def cases_of_contract(issuer: str = "issuer_id", reference: str = "number") -> models.QuerySet[Case]:
    """Unpaid live cases of the outer query's contract; ``issuer`` and ``reference`` name its columns."""
    lines = DocumentLine.objects.filter(
        document=OuterRef("document"), contract_reference=OuterRef(OuterRef(reference))
    )
    return Case.objects.standing().filter(Exists(lines), issuer_id=OuterRef(issuer))


def contract_is_locked(issuer: str = "issuer_id", reference: str = "number") -> Exists:
    """``contracts.annotate(locked=contract_is_locked())``: does dunning lock what the contract opens?"""
    return Exists(cases_of_contract(issuer, reference).filter(LOCKS))


def level_of_contract(issuer: str = "issuer_id", reference: str = "number") -> Subquery:
    """The highest level of an unpaid case of the contract; NULL without one."""
    levels = cases_of_contract(issuer, reference).order_by("-level").values("level")[:1]
    return Subquery(levels, output_field=models.PositiveSmallIntegerField())


def standing_of_contract(issuer: str = "issuer_id", reference: str = "number") -> Choice:
    """``contracts.annotate(standing=standing_of_contract())``: one of ``Standing``, worked out in the same query.

    In arrears from the first letter on: before it, nobody has been told.
    """
    cases = cases_of_contract(issuer, reference)
    return Choice(
        When(Exists(cases.filter(LOCKS)), then=Value(Standing.LOCKED.value)),
        When(Exists(cases.filter(level__gte=1)), then=Value(Standing.IN_ARREARS.value)),
        default=Value(Standing.GOOD.value),
        output_field=models.CharField(),
    )


def locked_contracts(customers: Collection[int]) -> set[tuple[int, str]]:
    """``{(issuer id, contract number)}`` that dunning locks for these customers."""
    lines = DocumentLine.objects.filter(
        document__dunning_cases__in=Case.objects.locking().filter(customer__in=customers)
    ).exclude(contract_reference="")
    return set(lines.values_list("document__issuer_id", "contract_reference").distinct())


@dataclass(frozen=True)
class Owed:
    """One claim in dunning, as the arrears page shows it. ``contracts`` are the numbers that paying it opens."""

    document_id: int
    issuer_id: int
    customer_id: int
    number: str
    issued_on: date | None
    due_on: date
    gross: Money
    open_amount: Money
    level: int
    locked: bool
    state: str
    last_letter_on: date | None
    contracts: tuple[str, ...]


def owed(customers: Collection[int]) -> list[Owed]:
    """Everything of these customers that is in dunning and not paid yet, oldest first; two queries."""
    cases = (
        Case.objects.standing()
        .filter(customer__in=customers)
        .select_related("document__open_item")
        .order_by("document__open_item__due_on", "document_id")
    )
    rows = list(cases)
    contracts = contracts_of_documents([case.document_id for case in rows])
    return [_owed(case, contracts[case.document_id]) for case in rows]


def owed_by_user(user: Any) -> list[Owed]:
    """The same for a member, over all their customer records; nothing for guests."""
    return owed([*Case.objects.of_user(user).standing().values_list("customer_id", flat=True).distinct()])


def contracts_of_documents(documents: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The contract numbers on the lines of each document, in their order; none gives ``()``."""
    found: dict[int, list[str]] = defaultdict(list)
    lines = DocumentLine.objects.filter(document__in=documents).exclude(contract_reference="")
    pairs = lines.order_by("position").values_list("document_id", "contract_reference")
    for document_id, reference in pairs:
        if reference not in found[document_id]:
            found[document_id].append(reference)
    return defaultdict(tuple, {key: tuple(value) for key, value in found.items()})


def _owed(case: Case, contracts: tuple[str, ...]) -> Owed:
    document = case.document
    return Owed(
        document_id=document.pk,
        issuer_id=document.issuer_id,
        customer_id=document.customer_id,
        number=document.number,
        issued_on=document.issued_on,
        due_on=document.open_item.due_on,
        gross=document.gross,
        open_amount=document.open_item.open_amount,
        level=case.level,
        locked=case.locks_now,
        state=case.state,
        last_letter_on=case.last_letter_on,
        contracts=contracts,
    )
