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
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core.money import Money
from cms_billing.faktura.models import DocumentKind, DocumentLine, LedgerEntry

from .models import Case, LockScope, locks


class Standing(models.TextChoices):
    """What dunning says of a contract today (Zahlungsstand)."""

    GOOD = "good", _("good")
    IN_ARREARS = "in_arrears", _("in arrears")
    LOCKED = "locked", pgettext_lazy("access", "locked")
    HANDED_OVER = "handed_over", _("handed over to collection")


def cases_billing(
    issuer: str = "issuer_id", reference: str = "number", customer: str = "customer_id"
) -> models.QuerySet[Case]:
    """Unpaid live cases of documents that bill the outer query's contract; the arguments name its columns."""
    return _cases_of_customer(issuer, customer).filter(_bills(reference))


def cases_of_contract(
    issuer: str = "issuer_id", reference: str = "number", customer: str = "customer_id"
) -> models.QuerySet[Case]:
    """The same, and those whose lock spreads over all contracts of the customer at the issuer.

    By the customer too: their few cases are found by an index, however many the issuer has.
    """
    spreads = Q(lock_scope=LockScope.CUSTOMER) & locks()
    return _cases_of_customer(issuer, customer).filter(Q(_bills(reference)) | spreads)


def has_live_case(issuer: str = "issuer_id", customer: str = "customer_id") -> Exists:
    """Is anything of the customer in dunning at this issuer? The quick question before the others: no means good."""
    return Exists(Case.objects.live().filter(issuer_id=OuterRef(issuer), customer_id=OuterRef(customer)))


def _cases_of_customer(issuer: str, customer: str) -> models.QuerySet[Case]:
    return Case.objects.standing().filter(issuer_id=OuterRef(issuer), customer_id=OuterRef(customer))


def _bills(reference: str) -> Exists:
    lines = DocumentLine.objects.filter(
        document=OuterRef("document"), contract_reference=OuterRef(OuterRef(reference))
    )
    return Exists(lines)


def level_of_contract(
    issuer: str = "issuer_id", reference: str = "number", customer: str = "customer_id"
) -> Subquery:
    """The highest level of an unpaid case of the contract itself; NULL without one."""
    levels = cases_billing(issuer, reference, customer).order_by("-level").values("level")[:1]
    return Subquery(levels, output_field=models.PositiveSmallIntegerField())


def standing_of_contract(
    issuer: str = "issuer_id", reference: str = "number", customer: str = "customer_id"
) -> Subquery:
    """``contracts.annotate(standing=standing_of_contract())``: one of ``Standing``, or NULL for good.

    In arrears from the first letter on: before it, nobody has been told. The worst case counts, asked for once:
    planning this takes a database longer than running it. A lock says nothing about periods that are paid
    (``paid_until_of_contract``): those stay open whatever stands here.
    """
    cases = cases_of_contract(issuer, reference, customer).annotate(weight=_WEIGHT)
    worst = cases.filter(weight__gt=0).order_by("-weight").annotate(standing=_NAME).values("standing")[:1]
    return Subquery(worst, output_field=models.CharField())


def arrears_level_of_contract(
    issuer: str = "issuer_id", reference: str = "number", customer: str = "customer_id"
) -> Subquery:
    """The highest level of a reminder that was sent and that the contract, or a lock over all of the customer's,
    stands in; NULL for none."""
    told = cases_of_contract(issuer, reference, customer).filter(level__gte=F("first_level"), level__gt=0)
    return Subquery(
        told.order_by("-level").values("level")[:1], output_field=models.PositiveSmallIntegerField()
    )


# From the case that matters least to the one that matters most.
_WEIGHT = Choice(
    When(locks(), state=Case.State.HANDED_OVER, then=3),
    When(locks(), then=2),
    # A failed payment may start above the first level: until that letter is out nobody has been told.
    When(level__gte=models.F("first_level"), then=1),
    default=0,
    output_field=models.IntegerField(),
)
_NAME = Choice(
    When(weight=3, then=Value(Standing.HANDED_OVER.value)),
    When(weight=2, then=Value(Standing.LOCKED.value)),
    default=Value(Standing.IN_ARREARS.value),
    output_field=models.CharField(),
)

# What has come in for a document and was not given back.
RECEIVED = (
    LedgerEntry.Kind.PAYMENT,
    LedgerEntry.Kind.CHARGEBACK,
    LedgerEntry.Kind.REFUND,
    LedgerEntry.Kind.TRANSFER,
)


def paid_until_of_contract(
    issuer: str = "issuer_id", reference: str = "number", customer: str = "customer_id", *, today: Any
) -> Subquery:
    """The last day of the contract's period that contains ``today`` and is paid; NULL where today is not paid for.

    By the ledger: the document's claim is covered, and money (or nothing, if it was free) came in for it. A period that
    another document bills and locks for as well is not paid.
    """
    received = (
        LedgerEntry.objects.filter(document=OuterRef("document"), kind__in=RECEIVED)
        .order_by()
        .values("document")
        .annotate(sum=Sum("amount_minor"))
        .filter(sum__lt=0)
    )
    locked = Case.objects.locking().filter(
        document__lines__contract_reference=OuterRef("contract_reference"),
        document__lines__service_start__lte=today,
        document__lines__service_end__gte=today,
        customer=OuterRef("document__customer"),
    )
    paid = DocumentLine.objects.filter(
        Q(document__gross_minor=0) | Exists(received),
        ~Exists(locked),
        document__issuer=OuterRef(issuer),
        document__customer=OuterRef(customer),
        document__kind=DocumentKind.INVOICE,
        document__open_item__open_minor__lte=F("document__open_item__charges_minor"),
        contract_reference=OuterRef(reference),
        service_start__lte=today,
        service_end__gte=today,
    )
    return Subquery(paid.order_by("-service_end").values("service_end")[:1], output_field=models.DateField())


@dataclass(frozen=True)
class Owed:
    """One claim in dunning, as the arrears page shows it. ``contracts`` are the numbers that it bills.

    ``charges``: the part of the open amount that is fees and interest. ``lock_scope``: what it locks now.
    """

    document_id: int
    issuer_id: int
    customer_id: int
    number: str
    issued_on: date | None
    due_on: date
    gross: Money
    open_amount: Money
    charges: Money
    level: int
    lock_scope: str
    state: str
    last_letter_on: date | None
    contracts: tuple[str, ...]

    @property
    def locked(self) -> bool:
        return bool(self.lock_scope)


def owed(customers: Collection[int]) -> list[Owed]:
    """Everything of these customers that is in dunning and not paid yet, oldest first; two queries."""
    cases = (
        Case.objects.standing()
        .filter(customer__in=customers)
        .select_related("document__open_item")
        .annotate(locks=Choice(When(locks(), then=True), default=False))
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


def _owed(case: Any, contracts: tuple[str, ...]) -> Owed:
    document, item = case.document, case.document.open_item
    return Owed(
        document_id=document.pk,
        issuer_id=document.issuer_id,
        customer_id=document.customer_id,
        number=document.number,
        issued_on=document.issued_on,
        due_on=item.due_on,
        gross=document.gross,
        open_amount=item.open_amount,
        level=case.level,
        charges=Money(min(max(item.charges_minor, 0), item.open_minor), item.currency),
        lock_scope=case.lock_scope if case.locks else LockScope.NOTHING,
        state=case.state,
        last_letter_on=case.last_letter_on,
        contracts=contracts,
    )
