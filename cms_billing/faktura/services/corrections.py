"""Corrections: a new document that refers to the old one, never a change of it."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Sum
from wagtail.log_actions import log

from cms_billing.core.money import Money

from .. import rules
from ..drafts import Draft, DraftLine
from ..exceptions import CannotCancel
from ..models import Booking, Customer, Document, DocumentKind, LedgerEntry
from ..signals import document_cancelled
from .issuing import issue_drafts
from .ledger import Entry, post_entries


@transaction.atomic
def cancel_document(
    *, document_id: int, reason: str, today: date, user: Any = None, bill_again: bool = True
) -> Document:
    """Cancel an invoice with a Stornorechnung of its own number; returns it.

    What had been paid stays on the customer's account. The bookings become billable again, or void where the sale
    itself is off (``bill_again=False``). Raises CannotCancel.
    """
    facts = Document.objects.values("customer_id").get(pk=document_id)
    # The customer is the lock of everything that moves on the account.
    customer = Customer.objects.select_for_update(no_key=True).get(pk=facts["customer_id"])
    original = Document.objects.select_related("issuer").get(pk=document_id)
    cancelled_by = (
        original.corrections.filter(kind=DocumentKind.CANCELLATION).values_list("number", flat=True).first()
    )
    obstacle = rules.obstacle_to_cancelling(
        rules.Cancellable(original.kind, original.state, original.number, cancelled_by)
    )
    if obstacle:
        raise CannotCancel(document=original, obstacle=obstacle)
    cancellation = issue_drafts(
        issuer=original.issuer,
        kind=DocumentKind.CANCELLATION,
        drafts=[_reversal_of(original, reason=reason)],
        customers={customer.pk: customer},
        today=today,
    )[0]
    _take_off_the_account(original, cancellation, today=today)
    bookings = Booking.objects.filter(document_lines__document=original)
    bookings.update(state=Booking.State.OPEN if bill_again else Booking.State.VOID)
    log(
        instance=original,
        action="cms_billing.cancel",
        user=user,
        data={"by": cancellation.number, "reason": reason},
    )
    tell = partial(
        document_cancelled.send_robust,
        sender=Document,
        document_id=original.pk,
        cancellation_id=cancellation.pk,
    )
    transaction.on_commit(tell, robust=True)
    return cancellation


def _reversal_of(original: Document, *, reason: str) -> Draft:
    notices = {(g.tax_code, g.tax_percent): g.notice for g in original.tax_groups.all()}
    return Draft(
        kind=DocumentKind.CANCELLATION,
        customer_id=original.customer_id,
        currency=original.currency,
        prices_include_tax=original.prices_include_tax,
        corrects_id=original.pk,
        lines=tuple(
            DraftLine(
                description=line.description,
                quantity=line.quantity,
                unit_price_minor=-line.unit_price_minor,
                tax_code=line.tax_code,
                tax_percent=line.tax_percent,
                tax_notice=notices[line.tax_code, line.tax_percent],
                service_start=line.service_start,
                service_end=line.service_end,
                contract_reference=line.contract_reference,
                corrects_line_id=line.pk,
            )
            for line in original.lines.all()
        ),
        extra={
            "reason": reason,
            "corrects": original.number,
            "corrects_date": f"{original.issued_on:%Y-%m-%d}",
        },
    )


def _take_off_the_account(original: Document, cancellation: Document, *, today: date) -> None:
    """The whole claim goes, fees included; payments move from the document to the account."""
    kinds = LedgerEntry.Kind
    paid = original.ledger_entries.filter(
        kind__in=[kinds.PAYMENT, kinds.REFUND, kinds.CHARGEBACK, kinds.TRANSFER]
    )
    paid_minor = paid.aggregate(s=Sum("amount_minor"))["s"] or 0
    open_minor = original.ledger_entries.aggregate(s=Sum("amount_minor"))["s"] or 0
    claim = Money(open_minor - paid_minor, original.currency)
    entries = [Entry(kinds.CANCELLATION, -claim, original.pk, cancellation.pk)]
    if paid_minor:
        entries += [
            Entry(kinds.TRANSFER, Money(-paid_minor, original.currency), original.pk, cancellation.pk),
            Entry(kinds.TRANSFER, Money(paid_minor, original.currency), None, original.pk),
        ]
    post_entries(
        issuer_id=original.issuer_id, customer_id=original.customer_id, entries=entries, booked_on=today
    )
