"""Money that came in, and money that went back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Document, LedgerEntry, OpenItem
from cms_billing.faktura.rules import spread_payment
from cms_billing.faktura.services import Entry, post_entries, take_back_settlements

from .. import exceptions as errors
from .. import rules
from ..models import Allocation, Payment
from ..selectors import asked_for
from ..signals import tell_charged_back, tell_payment_changed
from .chargeback_fees import charge_fee, take_fee_off
from .plans import explain, plan_after_chargeback

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
    appropriation: str = Payment.Appropriation.LAW,
    note: str = "",
    user: Any = None,
) -> Payment:
    """A payment entered by a person, of any amount and way; settles ``documents`` in that order, then the oldest.

    With no documents named the oldest open ones are settled first (§ 366 (2) BGB). What is left stands on account.
    ``appropriation``: what of a document it settles first. Raises ImplausiblePayment.
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
        appropriation=appropriation,
        note=note,
    )
    _settle(payment, amount.minor, day=received_on, documents=[document.pk for document in documents])
    payment.state = Payment.State.SETTLED
    payment.save(update_fields=["state", "received_on"])
    tell_payment_changed(payment.pk)
    log(
        instance=payment,
        action="cms_billing.record_payment",
        user=user,
        data={"amount": str(amount), "way": way},
    )
    return payment


@transaction.atomic
def settle_payment(*, payment_id: int, day: date) -> Payment:
    """The money of a payment is here, also after it had failed or gone back. Calling it again changes nothing."""
    payment = lock_payment(payment_id)
    _hold(payment, payment.amount_minor, day=day, reason="")
    return payment


@transaction.atomic
def keep_on_account(*, payment_id: int, day: date) -> Payment:
    """The money of a payment is here, and is the customer's credit whatever is open: it is to go back."""
    payment = lock_payment(payment_id)
    if payment.state in (Payment.State.SETTLED, Payment.State.CHARGED_BACK):
        return payment
    _post_received(payment, [(None, payment.amount_minor)], day=day)
    payment.state = Payment.State.SETTLED
    payment.save(update_fields=["state", "received_on"])
    tell_payment_changed(payment.pk)
    return payment


@transaction.atomic
def charge_back(
    *,
    payment_id: int,
    day: date,
    so_far: Money | None = None,
    reason: str = "",
    code: str = "",
    advice: str = "",
    fee: Money | None = None,
    user: Any = None,
) -> Payment:
    """A settled payment went back: its allocations are reversed, the last first, and the documents are owed again.

    ``so_far`` is how much of the payment is back at the payer now, in all; None: the whole payment. Said again it
    changes nothing; only the difference is posted. ``code`` and ``advice`` are the bank's reason, where there is one:
    the documents are not charged again by themselves. ``fee`` is what the bank took, as a person read it; None: the fee
    of the account at the provider. Raises ImplausiblePayment for more than was paid.
    """
    payment = lock_payment(payment_id)
    if payment.state not in (Payment.State.SETTLED, Payment.State.CHARGED_BACK):
        return payment
    gone = payment.amount if so_far is None else so_far
    if gone.currency != payment.currency or not 0 <= gone.minor <= payment.amount_minor:
        raise errors.more_than_paid(gone, payment.amount)
    before = dict(_held(payment))
    if _hold(payment, payment.amount_minor - gone.minor, day=day, reason=reason):
        after = dict(_held(payment))
        reopened = [pk for pk, held in before.items() if pk and after.get(pk, 0) < held]
        refusal = explain(payment.provider, code, advice, today=day)
        plan_after_chargeback(payment, reopened, refusal, today=day)
        if reopened:
            charge_fee(payment, reopened, day=day, fee=fee)
        tell_charged_back(payment.pk, reopened, day=day)
        data = {"reason": reason, "amount": str(gone)}
        log(instance=payment, action="cms_billing.charge_back", user=user, data=data)
    return payment


def _hold(payment: Payment, wanted_minor: int, *, day: date, reason: str) -> bool:
    """Post what is missing until just ``wanted_minor`` of the payment are with us; returns whether anything was."""
    held = _held(payment)
    missing = wanted_minor - sum(amount for _document, amount in held)
    if missing > 0:
        _settle(payment, missing, day=day, documents=asked_for(payment))
        if wanted_minor == payment.amount_minor:
            take_fee_off(payment, day=day)
    elif missing < 0:
        _post_back(payment, rules.take_back(held, -missing), day=day, reason=reason)
    elif payment.state in (Payment.State.SETTLED, Payment.State.CHARGED_BACK):
        return False
    payment.state = Payment.State.SETTLED if wanted_minor else Payment.State.CHARGED_BACK
    payment.reason = reason[:200]
    payment.save(update_fields=["state", "reason", "received_on"])
    tell_payment_changed(payment.pk)
    return True


def _held(payment: Payment) -> list[tuple[int | None, int]]:
    """What the payment settles now: ``[(document id or None for on account, minor units)]`` in the order allocated."""
    held: dict[int | None, int] = {}
    for allocation in payment.allocations.order_by("pk"):
        held[allocation.document_id] = held.get(allocation.document_id, 0) + allocation.amount_minor
    return [(document_id, amount) for document_id, amount in held.items() if amount > 0]


def _post_back(payment: Payment, parts: Sequence[tuple[int | None, int]], *, day: date, reason: str) -> None:
    """Reopen the documents. What a correction or cancellation had moved to the account goes back from there, and what
    that credit has settled in the meantime is owed again."""
    kind, currency = LedgerEntry.Kind.CHARGEBACK, payment.currency
    moved = _moved_to_the_account([pk for pk, _part in parts if pk])
    split: list[tuple[int | None, Entry]] = []
    for pk, part in parts:
        on_account = part if pk is None else min(part, moved.get(pk, 0))
        if on_account:
            split.append((pk, Entry(kind, Money(on_account, currency), None, pk, note=reason)))
        if part > on_account:
            split.append((pk, Entry(kind, Money(part - on_account, currency), pk, note=reason)))
    rows = post_entries(
        issuer_id=payment.issuer_id,
        customer_id=payment.customer_id,
        entries=[entry for _pk, entry in split],
        booked_on=day,
    )
    _allocate(payment, [(pk, -entry.amount.minor) for pk, entry in split], rows)
    take_back_settlements(customer_id=payment.customer_id, currency=currency, today=day)


def _moved_to_the_account(document_ids: Sequence[int]) -> dict[int, int]:
    """By document: what it had been paid above its claim, and was not charged back from the account yet."""
    kinds = LedgerEntry.Kind
    moved = dict(
        LedgerEntry.objects.filter(document__in=document_ids, kind=kinds.TRANSFER)
        .order_by()
        .values_list("document")
        .annotate(s=Sum("amount_minor"))
    )
    gone = LedgerEntry.objects.filter(
        document=None, related_document__in=document_ids, kind=kinds.CHARGEBACK
    ).order_by()
    for pk, minor in gone.values_list("related_document").annotate(s=Sum("amount_minor")):
        moved[pk] = moved.get(pk, 0) - minor
    return {pk: minor for pk, minor in moved.items() if minor > 0}


def _settle(payment: Payment, amount_minor: int, *, day: date, documents: Sequence[int]) -> None:
    """Allocate to the documents named, then to the oldest open ones, and post. The customer is locked."""
    items = OpenItem.objects.open().filter(customer_id=payment.customer_id, currency=payment.currency)
    by_age = list(items.order_by("due_on", "document_id").values_list("document_id", "open_minor"))
    named = [item for pk in documents for item in by_age if item[0] == pk]
    rest = [item for item in by_age if item[0] not in set(documents)]
    parts, left = spread_payment(amount_minor, named + rest)
    _post_received(payment, [*parts, (None, left)] if left else parts, day=day)


def _post_received(payment: Payment, parts: Sequence[tuple[int | None, int]], *, day: date) -> None:
    rows = post_entries(
        issuer_id=payment.issuer_id,
        customer_id=payment.customer_id,
        entries=[
            Entry(LedgerEntry.Kind.PAYMENT, Money(-part, payment.currency), document_id, note=payment.note)
            for document_id, part in parts
        ],
        booked_on=day,
    )
    _allocate(payment, parts, rows)
    payment.received_on = day


def _allocate(payment: Payment, parts: Sequence[tuple[int | None, int]], rows: Sequence[LedgerEntry]) -> None:
    Allocation.objects.bulk_create(
        Allocation(payment=payment, document_id=document_id, amount_minor=part, ledger_entry=row)
        for (document_id, part), row in zip(parts, rows, strict=True)
    )


def lock_payment(payment_id: int) -> Payment:
    """The payment, with its customer locked first: the customer is the lock of everything on the account.

    Only inside a transaction; raises Payment.DoesNotExist.
    """
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
