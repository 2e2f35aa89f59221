"""What the account does to cases: a payment closes them, a payment that comes back opens them again."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.faktura.models import Customer, Document, Issuer, LedgerEntry, OpenItem

from ..models import Case, CaseStep
from ..plans import ActiveProcedure, active_procedures, reopen
from ..starts import EVENT_LABELS, starts_of
from .thanks import thank

Closed = Case.CloseReason
THANKED = (Closed.PAID, Closed.CHARGES_KEPT)


@transaction.atomic
def close_case(*, document_id: int, day: date) -> Case | None:
    """Close the live case of a document that is not owed any more; its lock ends with it. Idempotent.

    None where there is no live case, or where the document is owed (again) by now.
    """
    lock_customer_of(document_id)
    case = (
        Case.objects.live()
        .filter(document=document_id)
        .select_related("customer", "document__open_item")
        .first()
    )
    if case is None or case.document.open_item.open_minor > 0:
        return None
    close_cases([case], day=day)
    return case


@transaction.atomic
def close_settled_cases(*, issuer: Issuer, today: date) -> int:
    """Close what is settled and still open because nobody was told, a chunk at a time; returns how many.

    They lock nothing meanwhile: the standing looks at what is owed. Customers at work elsewhere are left for later.
    """
    left_over = Case.objects.live().filter(issuer=issuer, document__open_item__open_minor__lte=0)
    customers = (
        Customer.objects.filter(pk__in=left_over.values("customer"))
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .values_list("pk", flat=True)[: billing_settings().chunk_size]
    )
    cases = list(left_over.filter(customer__in=list(customers)).select_related("customer"))
    close_cases(cases, day=today)
    return len(cases)


@transaction.atomic
def reopen_case(*, document_id: int, day: date) -> Case | None:
    """A settled document is owed again (a chargeback, a payment undone): its case goes on where it was.

    At its level, locked if that level locks, and with the full waiting time of the next letter from ``day`` on. A
    document that was never reminded gets a case where a failed payment or one that came back starts one in its
    procedure, once it is due. None where nothing is to be done; said again it changes nothing.
    """
    customer = lock_customer_of(document_id)
    item = OpenItem.objects.select_related("document__issuer").get(pk=document_id)
    if item.open_minor <= 0 or Case.objects.live().filter(document=document_id).exists():
        return None
    procedure = active_procedures(item.document.issuer).get(customer.kind)
    case = Case.objects.filter(document=document_id).order_by("-pk").first()
    if case is None or case.close_reason == Closed.CANCELLED:
        return _start_case(item, procedure) if item.due_on <= day else None
    reopen(case, procedure, day=day)
    case.save(update_fields=["state", "closed_on", "close_reason", "waiting_since", "lock_scope"])
    CaseStep.objects.create(case=case, kind=CaseStep.Kind.REOPENED, level=case.level)
    return case


def _start_case(item: OpenItem, procedure: ActiveProcedure | None) -> Case | None:
    """Its first letter is that of the level the procedure starts at; the day it happened counts, as for the run."""
    start = starts_of([item.pk]).get(item.pk)
    first = start.level_in(procedure.facts) if start and procedure else None
    if start is None or first is None:
        return None
    said = str(EVENT_LABELS[start.event])
    return open_case(item, first_level=first, opened_on=start.day, waiting_since=start.day, reason=said)


def open_case(
    item: OpenItem, *, first_level: int, opened_on: date, waiting_since: date, reason: str = ""
) -> Case:
    """A case without a letter so far; its first one is that of ``first_level``. The customer is locked."""
    case = Case.objects.create(
        issuer_id=item.issuer_id,
        customer_id=item.customer_id,
        document_id=item.pk,
        level=first_level - 1,
        first_level=first_level,
        opened_on=opened_on,
        waiting_since=waiting_since,
    )
    CaseStep.objects.create(case=case, kind=CaseStep.Kind.OPENED, level=case.level, reason=reason)
    return case


def close_cases(cases: list[Case], *, day: date, because: str = "") -> None:
    """Few statements, whatever the number: one a reason. ``because``: else the ledger knows why.

    Who has paid is thanked.
    """
    documents = [case.document_id for case in cases]
    why = dict.fromkeys(documents, because) if because else _why_settled(documents)
    now = clock.now()
    thank([case for case in cases if why[case.document_id] in THANKED], day=day)
    for reason in set(why.values()):
        ids = [case.pk for case in cases if why[case.document_id] == reason]
        Case.objects.filter(pk__in=ids).update(
            state=Case.State.CLOSED, lock_scope="", closed_on=day, close_reason=reason
        )
    CaseStep.objects.bulk_create(
        CaseStep(
            case=case,
            at=now,
            kind=CaseStep.Kind.CLOSED,
            level=case.level,
            reason=str(Closed(why[case.document_id]).label),
        )
        for case in cases
    )
    for case in cases:
        case.state, case.lock_scope = Case.State.CLOSED, ""
        case.closed_on, case.close_reason = day, why[case.document_id]


def _why_settled(documents: list[int]) -> dict[int, str]:
    """The ledger knows: a cancellation, a write-off or a credit note where there was one, else a payment."""
    kinds = {
        LedgerEntry.Kind.CREDIT: Closed.CREDITED,
        LedgerEntry.Kind.WRITE_OFF: Closed.WRITTEN_OFF,
        LedgerEntry.Kind.CANCELLATION: Closed.CANCELLED,
    }
    why: dict[int, str] = dict.fromkeys(documents, Closed.PAID)
    rows = LedgerEntry.objects.filter(document__in=documents, kind__in=kinds).order_by("pk")
    for document_id, kind in rows.values_list("document_id", "kind"):
        why[document_id] = kinds[LedgerEntry.Kind(kind)]
    return why


def lock_customer_of(document_id: int) -> Customer:
    customer_id = Document.objects.values_list("customer_id", flat=True).get(pk=document_id)
    return Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
