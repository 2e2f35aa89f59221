"""Drafts: documents without a number that can be changed until they are issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core.bulk import insert_rows

from ..drafts import Draft, DraftLine
from ..exceptions import DraftNotReady, NotADraft
from ..models import Booking, Customer, Document, DocumentKind, DocumentLine, Issuer, TaxGroup
from ..totals import Amounts
from .assembling import with_rates
from .issuing import content_of, write_lines

DRAFT_KINDS = frozenset({DocumentKind.INVOICE, DocumentKind.PRO_FORMA})


def booking_ids(drafts: Sequence[Draft]) -> list[int]:
    return [line.booking_id for draft in drafts for line in draft.lines if line.booking_id is not None]


@transaction.atomic
def write_drafts(
    *,
    issuer: Issuer,
    drafts: Sequence[Draft],
    customers: Mapping[int, Customer],
    finalise_on: date | None = None,
) -> list[Document]:
    """Keep drafts as rows, a batch in a few statements; their bookings are no longer to be billed.

    ``finalise_on``: the day they issue themselves; None: a person does. The customers are locked by the caller.
    """
    documents = [
        Document(
            issuer_id=issuer.pk,
            state=Document.State.DRAFT,
            finalise_on=finalise_on,
            **content_of(draft, customers[draft.customer_id]),
        )
        for draft in drafts
    ]
    insert_rows(Document, documents, with_keys=True)
    write_lines(documents, drafts)
    Booking.objects.filter(pk__in=booking_ids(drafts)).update(state=Booking.State.DRAFT)
    return documents


@transaction.atomic
def create_draft(
    *, issuer: Issuer, draft: Draft, today: date, finalise_on: date | None = None, user: Any = None
) -> Document:
    """A draft written by a person. The rates of its tax codes are looked up. Raises DraftNotReady, NoTaxRate."""
    customer = Customer.objects.select_for_update(no_key=True).get(pk=draft.customer_id)
    draft = _checked(with_rates(draft, issuer, today=today), issuer, customer)
    _check_bookings(booking_ids([draft]), customer, of_document=None)
    [document] = write_drafts(
        issuer=issuer, drafts=[draft], customers={customer.pk: customer}, finalise_on=finalise_on
    )
    log(instance=document, action="wagtail.create", user=user)
    return document


@transaction.atomic
def change_draft(
    *, document_id: int, draft: Draft, today: date, finalise_on: date | None = None, user: Any = None
) -> Document:
    """Write a draft anew; bookings that are on it no longer become billable again.

    Raises NotADraft for what has been issued meanwhile, DraftNotReady, NoTaxRate.
    """
    document, customer = lock_draft(document_id)
    if draft.customer_id != customer.pk:
        customer = Customer.objects.select_for_update(no_key=True).get(pk=draft.customer_id)
    draft = _checked(with_rates(draft, document.issuer, today=today), document.issuer, customer)
    kept = booking_ids([draft])
    _check_bookings(kept, customer, of_document=document)
    _release_bookings(document, but=kept)
    Booking.objects.filter(pk__in=kept).update(state=Booking.State.DRAFT)
    clear_lines([document.pk])
    for name, value in content_of(draft, customer).items():
        setattr(document, name, value)
    document.finalise_on = finalise_on
    document.save()
    write_lines([document], [draft])
    log(instance=document, action="wagtail.edit", user=user)
    return document


@transaction.atomic
def delete_draft(*, document_id: int, user: Any = None) -> None:
    """Its bookings become billable again. Raises NotADraft."""
    document, customer = lock_draft(document_id)
    _release_bookings(document)
    log(
        instance=customer,
        action="cms_billing.delete_draft",
        user=user,
        data={"document": str(document), "gross": str(document.gross)},
    )
    clear_lines([document.pk])
    document.delete()


@transaction.atomic
def copy_as_draft(
    *, document_id: int, kind: str = DocumentKind.INVOICE, today: date, user: Any = None
) -> Document:
    """A new draft with the lines of a document, such as the invoice that a pro forma becomes or one that was cancelled.

    Bookings stay where they are, and deposits are not taken off twice. Raises DraftNotReady, where a pro forma has
    become an invoice already.
    """
    original = Document.objects.select_related("issuer", "customer").get(pk=document_id)
    Customer.objects.select_for_update(no_key=True).get(pk=original.customer_id)
    if original.kind == DocumentKind.PRO_FORMA and kind == DocumentKind.INVOICE:
        _check_not_invoiced(original)
    draft = draft_of(original)
    lines = tuple(replace(line, booking_id=None) for line in draft.lines if line.deducts_id is None)
    extra = {name: value for name, value in draft.extra.items() if name in ("intro", "closing")}
    copy = replace(
        draft, kind=kind, lines=lines, due_on=None, based_on_id=original.pk, invoice_run_id=None, extra=extra
    )
    return create_draft(issuer=original.issuer, draft=copy, today=today, user=user)


def _check_not_invoiced(pro_forma: Document) -> None:
    followers = pro_forma.followers.filter(kind=DocumentKind.INVOICE)
    living = followers.exclude(corrections__kind=DocumentKind.CANCELLATION).first()
    if living:
        raise DraftNotReady(
            _("%(document)s has become %(invoice)s already.") % {"document": pro_forma, "invoice": living}
        )


def draft_of(document: Document) -> Draft:
    """A document's own content as a draft; three queries at most (lines, tax groups)."""
    notices = {(g.tax_code, g.tax_percent): g.notice for g in document.tax_groups.all()}
    return Draft(
        kind=document.kind,
        customer_id=document.customer_id,
        currency=document.currency,
        prices_include_tax=document.prices_include_tax,
        due_on=document.due_on,
        corrects_id=document.corrects_id,
        based_on_id=document.based_on_id,
        is_deposit=document.is_deposit,
        invoice_run_id=document.invoice_run_id,
        extra=document.extra,
        lines=tuple(_draft_line(line, notices) for line in document.lines.all()),
    )


def _draft_line(line: DocumentLine, notices: Mapping[tuple[str, Any], str]) -> DraftLine:
    return DraftLine(
        description=line.description,
        unit_price_minor=line.unit_price_minor,
        tax_code=line.tax_code,
        tax_percent=line.tax_percent,
        tax_notice=notices.get((line.tax_code, line.tax_percent), ""),
        quantity=line.quantity,
        service_start=line.service_start,
        service_end=line.service_end,
        booking_id=line.booking_id,
        contract_reference=line.contract_reference,
        details=line.details,
        deducts_id=line.deducts_id,
        amounts=Amounts(line.net_minor, line.tax_minor, line.gross_minor) if line.deducts_id else None,
    )


def lock_draft(document_id: int) -> tuple[Document, Customer]:
    """The draft with its customer locked first: the customer is the lock of everything on the account."""
    customer_id = Document.objects.values_list("customer_id", flat=True).get(pk=document_id)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    document = (
        Document.objects.select_related("issuer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=document_id)
    )
    if document.state != Document.State.DRAFT:
        raise NotADraft(document=document)
    return document, customer


def clear_lines(document_ids: Sequence[int]) -> None:
    """Of drafts only: the database refuses it for what has been issued."""
    TaxGroup.objects.filter(document__in=document_ids).delete()
    DocumentLine.objects.filter(document__in=document_ids).delete()


def _checked(draft: Draft, issuer: Issuer, customer: Customer) -> Draft:
    if draft.kind not in DRAFT_KINDS:
        raise DraftNotReady(_("Only invoices and pro forma invoices are written as drafts."))
    if customer.issuer_id != issuer.pk:
        raise DraftNotReady(
            _("%(customer)s is no customer of %(issuer)s.") % {"customer": customer, "issuer": issuer}
        )
    if not draft.lines:
        raise DraftNotReady(_("A document needs at least one line."))
    if draft.totals().total.gross < 0:
        raise DraftNotReady(
            _("The total is negative: credit an invoice with a correction instead, or take off less deposit.")
        )
    return draft


def _check_bookings(ids: Sequence[int], customer: Customer, *, of_document: Document | None) -> None:
    """Only bookings of this customer that wait, or that are on this draft already."""
    if not ids:
        return
    free = Q(state=Booking.State.OPEN)
    if of_document is not None:
        free |= Q(state=Booking.State.DRAFT, document_lines__document=of_document)
    found = Booking.objects.filter(free, customer=customer, pk__in=ids).distinct().count()
    if found != len(set(ids)) or len(set(ids)) != len(ids):
        raise DraftNotReady(_("A line's booking has been billed meanwhile; remove the line and save again."))


def _release_bookings(document: Document, *, but: Sequence[int] = ()) -> None:
    on_draft = Booking.objects.filter(document_lines__document=document, state=Booking.State.DRAFT)
    Booking.objects.filter(pk__in=list(on_draft.exclude(pk__in=but).values_list("pk", flat=True))).update(
        state=Booking.State.OPEN
    )
