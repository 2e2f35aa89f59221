"""Payments that came in and found no order: a person completes them, or sends the money back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from oscar.core.loading import get_model
from wagtail.log_actions import log

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Customer
from cms_billing.faktura.services.accounts import new_customer, open_account
from cms_billing.payments.completion import completion_of
from cms_billing.payments.models import PaymentSession, Refund
from cms_billing.payments.providers import PageNotice, Status
from cms_billing.payments.services import book_on_account, put_to_repair, refund_customer
from cms_billing.payments.services.sessions import ask_about_page

from . import exceptions as errors
from .checkout.attempts import place_attempt, place_attempt_at_paid_price, release_attempt
from .completion import complete_with
from .models import CheckoutAttempt
from .services.orders import facts_of


def complete_session(session: PaymentSession, *, user: Any = None) -> None:
    """Try once more, with what was mended meanwhile; offers and vouchers that ended are granted as they were shown.

    Not inside a transaction. Raises CannotPlace, CannotRepair, ProviderDown; the reason is kept.
    """
    notice, asked_at = _ask(session)
    try:
        if session.purpose == PaymentSession.Purpose.CHECKOUT:
            _try_billing_again(session)
            record = complete_with(_place_as_paid, session, notice, asked_at=asked_at)
        else:
            record = completion_of(session.purpose).complete(session, notice, asked_at=asked_at)  # type: ignore[assignment]
    except errors.CannotPlace as error:
        put_to_repair(session_id=session.pk, problem=str(error))
        raise
    with transaction.atomic():
        if record is not None:
            record()
        _done(session, user, "cms_billing.session_complete", problem="")


def _place_as_paid(attempt: CheckoutAttempt) -> Any:
    try:
        return place_attempt(attempt)
    except errors.TotalDiffers:
        return place_attempt_at_paid_price(attempt)


def _try_billing_again(session: PaymentSession) -> None:
    attempt = CheckoutAttempt.objects.filter(session=session).select_related("order__billing").first()
    if attempt is not None and attempt.order is not None:
        outbox.try_again(attempt.order.billing)


def pay_session_back(session: PaymentSession, *, user: Any = None, reason: str = "") -> Refund:
    """The money goes back the way it came, over an account of the buyer, so that the books show both.

    Not inside a transaction. Raises CannotRepair, CannotRefund, ProviderDown.
    """
    notice, asked_at = _ask(session)
    if notice.payment is None or notice.payment.status is not Status.SETTLED:
        raise errors.not_received(session.get_money_display())
    attempt = CheckoutAttempt.objects.filter(session=session).select_related("order", "user").first()
    if attempt is not None and attempt.order is not None:
        raise errors.already_ordered(attempt.order)
    refund = _book_and_refund(session, attempt, notice, asked_at, user=user, reason=reason)
    if attempt is not None:
        release_attempt(attempt_id=attempt.pk, now=asked_at)
    return refund


@transaction.atomic
def _book_and_refund(
    session: PaymentSession,
    attempt: CheckoutAttempt | None,
    notice: PageNotice,
    asked_at: datetime,
    *,
    user: Any,
    reason: str,
) -> Refund:
    customer = _customer(session, attempt)
    payment = book_on_account(
        session_id=session.pk, customer_id=customer.pk, notice=notice, asked_at=asked_at
    )
    if payment is None:
        raise errors.page_unknown()
    refund = refund_customer(
        customer_id=customer.pk,
        amount=payment.amount,
        way=Refund.Way.PROVIDER,
        payment_id=payment.pk,
        today=clock.local_day(asked_at, session.issuer),
        reason=reason,
        user=user,
    )
    _done(session, user, "cms_billing.session_pay_back", problem="", money=PaymentSession.Money.RETURNED)
    return refund


def _customer(session: PaymentSession, attempt: CheckoutAttempt | None) -> Customer:
    if session.customer is not None:
        return session.customer
    fields = (attempt.billing_address or attempt.shipping_address) if attempt is not None else None
    if attempt is None or not fields:
        raise errors.nobody_to_pay_back()
    address = get_model("order", "BillingAddress")(**_known(fields))
    email = attempt.guest_email or (attempt.user.email if attempt.user else "")
    facts = facts_of(address, email=email, language=attempt.language)
    if attempt.user is None:
        return new_customer(issuer=session.issuer, facts=facts)
    return open_account(issuer=session.issuer, user=attempt.user, facts=facts)


def _known(fields: dict[str, str]) -> dict[str, str]:
    """A shipping address has columns that a billing address lacks."""
    columns = {field.attname for field in get_model("order", "BillingAddress")._meta.concrete_fields}
    return {name: value for name, value in fields.items() if name in columns}


def _ask(session: PaymentSession) -> tuple[PageNotice, datetime]:
    asked_at = clock.now()
    try:
        notice = ask_about_page(session)
    except LookupError as error:
        raise errors.page_unknown() from error
    if notice is None:
        raise errors.page_unknown()
    return notice, asked_at


def _done(session: PaymentSession, user: Any, action: str, **columns: Any) -> None:
    """Nothing is left to do for the workers; who decided what stands in the log."""
    state = PaymentSession.WorkState.DONE
    PaymentSession.objects.filter(pk=session.pk).update(
        work_state=state, last_error="", next_try_at=None, done_at=clock.now(), **columns
    )
    log(instance=session, action=action, user=user, data={"amount": str(session.amount)})
