"""The money of a page that was completed: a payment of a customer, or a case for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from django.db import transaction

from cms_billing.core import clock
from cms_billing.faktura.models import Customer

from ..models import Payment, PaymentSession, SessionDocument
from ..providers import Notice, PageNotice
from .methods import store_method
from .news import take_news
from .receiving import keep_on_account


@transaction.atomic
def put_to_repair(*, session_id: int, problem: str) -> None:
    """Money that found nothing to pay for waits in the repair inbox, with the reason."""
    PaymentSession.objects.filter(pk=session_id).update(problem=problem)


@transaction.atomic
def name_documents(*, session_id: int, documents: Sequence[int]) -> None:
    """What a page pays, in the order it is settled; said again it changes nothing.

    Once the payer has completed the page, the daily run charges none of them by another way.
    """
    SessionDocument.objects.bulk_create(
        [
            SessionDocument(session_id=session_id, document_id=pk, position=position)
            for position, pk in enumerate(documents, start=1)
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def book_session(
    *,
    session_id: int,
    customer_id: int,
    notice: PageNotice,
    asked_at: datetime,
    documents: Sequence[int] = (),
) -> Payment | None:
    """The money of a page becomes a payment of the customer, its method theirs. Called again it changes nothing.

    Settles ``documents`` in their order, or those the session was opened for; what is left stands on account. None
    where nothing was paid (only a method was stored).
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    session = PaymentSession.objects.select_for_update(no_key=True, of=("self",)).get(pk=session_id)
    method = None
    if notice.method is not None and session.stores_method:
        method = store_method(
            customer_id=customer.pk, account=session.account, payer=session.payer, stored=notice.method
        )
    session.customer, session.problem = customer, ""
    session.awaits_method = session.stores_method and notice.method is None
    session.save(update_fields=["customer", "problem", "awaits_method"])
    name_documents(session_id=session.pk, documents=documents)
    if notice.payment is None or not session.amount_minor:
        return None
    payment = Payment.objects.filter(session=session).first() or _write_payment(
        session, notice.payment, method_id=method.pk if method else None
    )
    take_news(
        payment_id=payment.pk,
        notice=notice.payment,
        asked_at=asked_at,
        today=clock.local_day(asked_at, customer.issuer),
    )
    return payment


def _write_payment(session: PaymentSession, notice: Notice, *, method_id: int | None) -> Payment:
    return Payment.objects.create(
        issuer_id=session.issuer_id,
        customer_id=cast(int, session.customer_id),
        provider=session.account.provider,
        account=session.account,
        session=session,
        way=Payment.Way.PROVIDER,
        method_id=method_id,
        amount_minor=session.amount_minor,
        currency=session.currency,
        # The provider knows the money by the session's key: by it news find the payment as well.
        idempotency_key=session.idempotency_key,
        reference=notice.reference,
        # The payer sent it on the page: there is nothing for the outbox to send.
        work_state=Payment.WorkState.DONE,
        done_at=clock.now(),
    )


@transaction.atomic
def book_on_account(
    *, session_id: int, customer_id: int, notice: PageNotice, asked_at: datetime
) -> Payment | None:
    """The money of a page that found nothing to pay for, whole, as credit: it settles nothing, whatever is open.

    For money that is here and is to go back. Called again it changes nothing; None where nothing was paid.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    session = PaymentSession.objects.select_for_update(no_key=True, of=("self",)).get(pk=session_id)
    if notice.payment is None:
        return None
    session.customer, session.problem = customer, ""
    session.save(update_fields=["customer", "problem"])
    payment = Payment.objects.filter(session=session).first() or _write_payment(
        session, notice.payment, method_id=None
    )
    today = clock.local_day(asked_at, customer.issuer)
    keep_on_account(payment_id=payment.pk, day=today)
    take_news(payment_id=payment.pk, notice=notice.payment, asked_at=asked_at, today=today)
    return payment
