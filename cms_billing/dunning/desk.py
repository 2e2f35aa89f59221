"""What the desk asks of cases beyond their columns: holds, access, what else a customer owes. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from cms_billing.faktura.models import DocumentLine, OpenItem

from .models import Case, Hold, LockScope
from .models.agreements import AgreementDocument
from .selectors import contracts_of_documents


def holds_on(*, today: date) -> QuerySet[Hold]:
    """Blocks and disputes that stand today for the case of the outer query, its contracts or its customer."""
    lines = DocumentLine.objects.filter(
        document=OuterRef(OuterRef("document")), contract_reference=OuterRef("contract_reference")
    )
    everything = Q(document=None, contract_reference="")
    contract = ~Q(contract_reference="") & Q(Exists(lines))
    return Hold.objects.holding_on(today).filter(
        everything | contract | Q(document=OuterRef("document")), customer=OuterRef("customer")
    )


def held(*, today: date) -> Q:
    """Cases that a person decided to leave alone for now."""
    return Q(Exists(holds_on(today=today)))


def agreed() -> Q:
    """Cases about which an agreement runs."""
    return Q(Exists(AgreementDocument.objects.filter(document=OuterRef("document"), running=True)))


@dataclass(frozen=True)
class Access:
    """One contract that a claim pays for. ``locked_by``: the unpaid cases that keep it closed, oldest first."""

    contract: str
    locked_by: tuple[Case, ...]
    announced: bool

    @property
    def is_locked(self) -> bool:
        return bool(self.locked_by)


def access_effect(case: Case) -> list[Access]:
    """What dunning does to each contract on the case's document, by all cases of the customer; four queries."""
    contracts = contracts_of_documents([case.document_id])[case.document_id]
    if not contracts:
        return []
    standing = list(
        Case.objects.standing()
        .filter(customer=case.customer_id, issuer=case.issuer_id)
        .select_related("document__open_item")
        .order_by("document__open_item__due_on", "pk")
    )
    locking = set(Case.objects.locking().filter(customer=case.customer_id).values_list("pk", flat=True))
    referred = contracts_of_documents([other.document_id for other in standing])

    def touches(other: Case, scope: str, contract: str) -> bool:
        if scope == LockScope.CUSTOMER:
            return True
        return scope == LockScope.CONTRACT and contract in referred[other.document_id]

    return [
        Access(
            contract,
            tuple(
                other
                for other in standing
                if other.pk in locking and touches(other, other.lock_scope, contract)
            ),
            any(touches(other, other.announced_scope, contract) for other in standing),
        )
        for contract in contracts
    ]


def other_claims(case: Case) -> Sequence[Any]:
    """Every other open document of the customer with its live case, the longest overdue first; two queries."""
    items = list(
        OpenItem.objects.open()
        .filter(customer=case.customer_id)
        .exclude(document=case.document_id)
        .select_related("document")
        .order_by("due_on", "document_id")
    )
    cases = Case.objects.live().filter(document__in=[item.document_id for item in items])
    by_document = {found.document_id: found for found in cases}
    for item in items:
        item.case = by_document.get(item.document_id)  # type: ignore[attr-defined]
    return items
