"""Money that came in, and money that went back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura import rules
from cms_billing.faktura.models import Customer, Document, LedgerEntry, OpenItem
from cms_billing.faktura.services import Entry, post_entries

from .. import exceptions as errors
from ..models import Allocation, Payment

OLDEST_PAYMENT = timedelta(days=10 * 366)


@transaction.atomic
def record_payment(
    *,
    customer_id: int,
    amount: Money,
    received_on: date,
    way: str,
    today: date,
    documents: Sequence[Document] = (),
    note: str = "",
    user: Any = None,
) -> Payment:
    """A payment entered by a person, of any amount and way; settles ``documents`` in that order, then the oldest.

    With no documents named the oldest open ones are settled first (§ 366 (2) BGB). What is left stands on account.
    Raises ImplausiblePayment.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    _plausible(amount, received_on, customer, documents, today=today)
    payment = Payment.objects.create(
        issuer_id=customer.issuer_id,
        customer=customer,
        way=way,
        amount_minor=amount.minor,
        currency=amount.currency,
        state=Payment.State.CREATED,
        work_state=Payment.WorkState.DONE,
        done_at=clock.now(),
        note=note,
    )
    _settle(payment, day=received_on, documents=[document.pk for document in documents])
    log(
        instance=payment,
        action="cms_billing.record_payment",
        user=user,
        data={"amount": str(amount), "way": way},
    )
    return payment


@transaction.atomic
def settle_payment(*, payment_id: int, day: date) -> Payment:
    """A payment under way has arrived. Calling it again changes nothing."""
    payment = _locked(payment_id)
    if payment.state not in (Payment.State.SETTLED, Payment.State.CHARGED_BACK):
        _settle(payment, day=day, documents=[payment.document_id] if payment.document_id else [])
    return payment


@transaction.atomic
def charge_back(*, payment_id: int, day: date, reason: str = "", user: Any = None) -> Payment:
    """A settled payment went back: every allocation is reversed and its document is owed again. Idempotent."""
    payment = _locked(payment_id)
    if payment.state != Payment.State.SETTLED:
        return payment
    settled = list(payment.allocations.all())
    entries = [
        Entry(
            LedgerEntry.Kind.CHARGEBACK, Money(a.amount_minor, payment.currency), a.document_id, note=reason
        )
        for a in settled
    ]
    rows = post_entries(
        issuer_id=payment.issuer_id, customer_id=payment.customer_id, entries=entries, booked_on=day
    )
    Allocation.objects.bulk_create(
        Allocation(
            payment=payment, document_id=row.document_id, amount_minor=-row.amount_minor, ledger_entry=row
        )
        for row in rows
    )
    payment.state, payment.reason = Payment.State.CHARGED_BACK, reason[:200]
    payment.save(update_fields=["state", "reason"])
    log(instance=payment, action="cms_billing.charge_back", user=user, data={"reason": reason})
    return payment


def _settle(payment: Payment, *, day: date, documents: Sequence[int]) -> None:
    """Allocate to the documents named, then to the oldest open ones, and post. The customer is locked."""
    items = OpenItem.objects.open().filter(customer_id=payment.customer_id, currency=payment.currency)
    by_age = list(items.order_by("due_on", "document_id").values_list("document_id", "open_minor"))
    named = [item for pk in documents for item in by_age if item[0] == pk]
    rest = [item for item in by_age if item[0] not in set(documents)]
    parts, left = rules.spread_payment(payment.amount_minor, named + rest)
    whole: list[tuple[int | None, int]] = [*parts, (None, left)] if left else [*parts]
    rows = post_entries(
        issuer_id=payment.issuer_id,
        customer_id=payment.customer_id,
        entries=[
            Entry(LedgerEntry.Kind.PAYMENT, Money(-part, payment.currency), document_id, note=payment.note)
            for document_id, part in whole
        ],
        booked_on=day,
    )
    Allocation.objects.bulk_create(
        Allocation(
            payment=payment, document_id=row.document_id, amount_minor=-row.amount_minor, ledger_entry=row
        )
        for row in rows
    )
    payment.state, payment.received_on, payment.reason = Payment.State.SETTLED, day, ""
    payment.save(update_fields=["state", "received_on", "reason"])


def _locked(payment_id: int) -> Payment:
    """The payment, with its customer locked first: the customer is the lock of everything on the account."""
    customer_id = Payment.objects.values_list("customer_id", flat=True).get(pk=payment_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    return Payment.objects.select_for_update(no_key=True).get(pk=payment_id)


def _plausible(
    amount: Money, received_on: date, customer: Customer, documents: Sequence[Document], *, today: date
) -> None:
    if amount.minor <= 0:
        raise errors.not_positive(amount)
    if received_on > today:
        raise errors.in_the_future(received_on)
    if received_on < today - OLDEST_PAYMENT:
        raise errors.before_the_customer(received_on)
    for document in documents:
        if document.customer_id != customer.pk:
            raise errors.foreign_document(document, customer)
        if document.currency != amount.currency:
            raise errors.wrong_currency(amount.currency, document.currency)
