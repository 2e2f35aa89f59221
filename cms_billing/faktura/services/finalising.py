"""Drafts become documents: checked, numbered, frozen, posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError
from cms_billing.core.logs import log_all
from cms_billing.core.queue import enqueue

from ..drafts import Draft
from ..models import Booking, Customer, Document, DocumentKind, Issuer
from ..rules import Rate
from .assembling import Problem, check_lawful, payable_by, tax_rates, with_rates
from .deposits import check_deductions
from .drafting import booking_ids, clear_lines, draft_of
from .issuing import content_of, follow_up, give_numbers, write_lines


@dataclass(frozen=True)
class Finalised:
    """Documents issued, and the drafts that could not be. ``last_document`` is where the next chunk goes on."""

    done: list[Document]
    problems: list[Problem]
    last_document: int | None


def drafts_to_finalise(issuer: Issuer, *, today: date) -> QuerySet[Document]:
    """Drafts whose days are over."""
    return Document.objects.filter(issuer=issuer, state=Document.State.DRAFT, finalise_on__lte=today)


@transaction.atomic
def finalise_next_drafts(
    *, issuer: Issuer, today: date, after_document: int = 0, wait: bool = False, limit: int | None = None
) -> Finalised:
    """Issue the next drafts whose days are over, a chunk in one transaction; see ``issue_next_invoices``."""
    due = drafts_to_finalise(issuer, today=today).filter(pk__gt=after_document).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[: limit or billing_settings().chunk_size])
    if not ids:
        return Finalised([], [], None)
    done, problems = _finalise(issuer, ids, today=today, wait=wait)
    return Finalised(done, problems, ids[-1])


@transaction.atomic
def finalise_drafts(
    *, issuer: Issuer, document_ids: Sequence[int], today: date, user: Any = None
) -> Finalised:
    """Issue these drafts of the issuer now; what has been issued meanwhile is left alone."""
    done, problems = _finalise(issuer, document_ids, today=today, wait=True)
    log_all(
        done, action="cms_billing.finalise", user=user, data_of=lambda document: {"number": document.number}
    )
    return Finalised(done, problems, None)


@transaction.atomic
def issue_by_worker(*, issuer: Issuer, drafts: QuerySet[Document], today: date, user: Any = None) -> int:
    """Let a worker issue these drafts, which are too many for a request; returns how many.

    Their day is today: where the task is lost, the next daily run issues them.
    """
    mine = list(drafts.filter(issuer=issuer, state=Document.State.DRAFT))
    Document.objects.filter(pk__in=[draft.pk for draft in mine]).update(finalise_on=today)
    log_all(
        mine, action="cms_billing.finalise", user=user, data_of=lambda _draft: {"finalise_on": f"{today}"}
    )
    enqueue("cms_billing.faktura.tasks.issue_due_drafts", issuer.pk)
    return len(mine)


def _finalise(
    issuer: Issuer, ids: Sequence[int], *, today: date, wait: bool
) -> tuple[list[Document], list[Problem]]:
    customers = _lock_customers(ids, wait=wait)
    documents = list(
        Document.objects.filter(pk__in=ids, issuer=issuer, state=Document.State.DRAFT, customer__in=customers)
        .order_by("pk")
        .prefetch_related("lines", "tax_groups")
    )
    rates = tax_rates(issuer.country)
    ready: dict[str, list[tuple[Document, Draft]]] = {}
    problems = []
    for document in documents:
        try:
            draft = _ready(document, issuer, customers[document.customer_id], rates, today=today)
            ready.setdefault(document.kind, []).append((document, draft))
        except BillingError as error:
            problems.append(Problem(Document._meta.label, document.pk, str(document), str(error)))
    for kind, pairs in ready.items():
        _issue(issuer, kind, pairs, customers, today=today)
    return [document for pairs in ready.values() for document, _draft in pairs], problems


def _lock_customers(ids: Sequence[int], *, wait: bool) -> dict[int, Customer]:
    owners = Customer.objects.filter(documents__in=ids).values("pk")
    locked = (
        Customer.objects.filter(pk__in=owners)
        .order_by("pk")
        .select_for_update(skip_locked=not wait, no_key=True)
    )
    return {customer.pk: customer for customer in locked}


def _ready(
    document: Document, issuer: Issuer, customer: Customer, rates: Sequence[Rate], *, today: date
) -> Draft:
    """The draft with the rates and the due date of today; raises what stands in the way of issuing it."""
    check_lawful(issuer, customer)
    draft = with_rates(draft_of(document), issuer, today=today, rates=rates)
    check_deductions(document, draft.lines)
    if draft.kind == DocumentKind.INVOICE and (draft.due_on is None or draft.due_on < today):
        draft = replace(draft, due_on=payable_by(issuer, today=today))
    return draft


def _issue(
    issuer: Issuer,
    kind: str,
    pairs: Sequence[tuple[Document, Draft]],
    customers: dict[int, Customer],
    *,
    today: date,
) -> None:
    documents = [document for document, _draft in pairs]
    drafts = [draft for _document, draft in pairs]
    clear_lines([document.pk for document in documents])
    before = [dict(document.__dict__) for document in documents]
    for document, draft in pairs:
        for name, value in content_of(draft, customers[draft.customer_id]).items():
            setattr(document, name, value)
        document.state, document.finalise_on = Document.State.ISSUED, None
        document._prefetched_objects_cache.clear()  # type: ignore[attr-defined]  # its lines are written anew
    give_numbers(documents, issuer=issuer, kind=kind, today=today)
    _write(documents, before)
    write_lines(documents, drafts)
    Booking.objects.filter(pk__in=booking_ids(drafts)).update(state=Booking.State.BILLED)
    follow_up(documents, kind=kind, today=today)


def _write(documents: Sequence[Document], before: Sequence[Mapping[str, Any]]) -> None:
    """Only what changed: values that differ from row to row first, then, in one update, what all have in common."""
    shared: dict[str, Any] = {}
    own: list[str] = []
    for field in Document._meta.concrete_fields:
        name = field.attname
        values = [getattr(document, name) for document in documents]
        if all(value == old[name] for value, old in zip(values, before, strict=True)):
            continue
        if all(value == values[0] for value in values):
            shared[name] = values[0]
        else:
            own.append(field.name)
    if own:
        Document.objects.bulk_update(documents, own)
    Document.objects.filter(pk__in=[document.pk for document in documents]).update(**shared)
