"""Money back to the customer: a row first, then the way it takes, then – exactly once – the books and the receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Document, Issuer
from cms_billing.faktura.services import Problem, book_refund, book_returned_refund, credit_on_account
from cms_billing.faktura.validators import validate_iban

from .. import exceptions as errors
from .. import selectors
from ..credentials import provider_of
from ..models import Payment, Refund
from ..providers import OutcomeUnknown, Provider, RefundNotice, RefundRequest, RefundStatus
from ..rules import refund_may_become
from ..signals import tell_refund_changed
from .asking import ask_about_refund, require_repeatable
from .charging import KEY_IS_FRESH
from .news import LookedUp
from .receiving import lock_payment

Way = Refund.Way
State = Refund.State


@transaction.atomic
def refund_customer(
    *,
    customer_id: int,
    amount: Money,
    way: str,
    today: date,
    payment_id: int | None = None,
    document_id: int | None = None,
    iban: str = "",
    account_holder: str = "",
    reason: str = "",
    instead_of: int | None = None,
    user: Any = None,
) -> Refund:
    """Pay credit back: through the payment it came by (``provider``), by ``transfer`` or in ``cash``.

    Never more than the customer's credit less what is on its way already, nor, through a provider, than is left of the
    payment. A transfer waits until ``mark_transferred``; cash is booked at once; the provider is asked after commit.
    ``document_id`` is the correction it is for, ``instead_of`` a failed refund that this one replaces. Raises
    CannotRefund.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id) if payment_id else None
    document = Document.objects.get(pk=document_id) if document_id else None
    if instead_of is not None:
        withdraw_refund(refund_id=instead_of, user=user)
    _check(customer, amount, way, payment, document)
    if way == Way.TRANSFER:
        iban, account_holder = _account(iban, account_holder)
    refund = Refund.objects.create(
        issuer_id=customer.issuer_id,
        customer=customer,
        payment=payment,
        document=document,
        amount_minor=amount.minor,
        currency=amount.currency,
        way=way,
        provider=payment.provider if payment and way == Way.PROVIDER else "",
        account_id=payment.account_id if payment and way == Way.PROVIDER else None,
        state=State.PENDING if way == Way.TRANSFER else State.CREATED,
        iban=iban if way == Way.TRANSFER else "",
        account_holder=account_holder if way == Way.TRANSFER else "",
        reason=reason,
        created_by=user if user is not None and user.pk else None,
        **({} if way == Way.PROVIDER else _no_work()),
    )
    log(
        instance=refund,
        action="cms_billing.refund_start",
        user=user,
        data={"amount": str(amount), "way": way},
    )
    if way == Way.CASH:
        _book(refund, paid_on=today, today=today, user=user)
    elif way == Way.PROVIDER:
        outbox.hint(refund)
    return refund


def _no_work() -> dict[str, Any]:
    """A person moves the money: there is nothing to ask a provider for."""
    return {"work_state": Refund.WorkState.DONE, "done_at": clock.now()}


def _check(
    customer: Customer, amount: Money, way: str, payment: Payment | None, document: Document | None
) -> None:
    """The customer is locked: nobody else promises the same credit."""
    if amount.minor <= 0:
        raise errors.not_positive(amount)
    for theirs in (payment, document):
        if theirs is not None and theirs.customer_id != customer.pk:
            raise errors.not_their_payment(theirs, customer)
    facts = selectors.refundable(customer_id=customer.pk, currency=amount.currency)
    if amount.minor > facts.most:
        promised = Money(facts.promised, amount.currency)
        raise errors.above_the_credit(customer, Money(facts.most, amount.currency), promised)
    if way == Way.PROVIDER:
        if payment is None or payment.currency != amount.currency or not selectors.pays_back(payment):
            raise errors.provider_pays_nothing_back(payment or _("The payment"))
        left = selectors.left_of_payment(payment)
        if amount.minor > left.minor:
            raise errors.above_the_payment(payment, left)


def _account(iban: str, account_holder: str) -> tuple[str, str]:
    compact = "".join(iban.split()).upper()
    try:
        validate_iban(compact)
    except ValidationError as error:
        raise errors.wrong_iban(" ".join(error.messages)) from error
    if not account_holder.strip():
        raise errors.no_account_holder()
    return compact, account_holder.strip()[:70]


@transaction.atomic
def mark_transferred(*, refund_id: int, paid_on: date, today: date, user: Any = None) -> Refund:
    """A person has made the transfer. Said again it changes nothing. Raises CannotRefund."""
    refund = lock_refund(refund_id)
    if refund.state == State.PAID:
        return refund
    if refund.way != Way.TRANSFER or refund.state != State.PENDING:
        raise errors.refund_is(refund, refund.get_state_display())
    if not clock.local_day(refund.created_at, refund.issuer) <= paid_on <= today:
        raise errors.paid_on_impossible_day(paid_on)
    _book(refund, paid_on=paid_on, today=today, user=user)
    return refund


@transaction.atomic
def withdraw_refund(*, refund_id: int, user: Any = None) -> Refund:
    """Give up a refund whose money has not left: a transfer nobody has made, one never sent, one that failed.

    The credit is the customer's again. Raises CannotRefund.
    """
    refund = lock_refund(refund_id)
    if not may_be_withdrawn(refund):
        raise errors.refund_is(refund, refund.get_state_display())
    _become(refund, State.WITHDRAWN, work_state=Refund.WorkState.DONE)
    log(instance=refund, action="cms_billing.refund_withdraw", user=user)
    return refund


def may_be_withdrawn(refund: Refund) -> bool:
    """A provider that was asked may have paid already, whatever we have heard."""
    if refund.state == State.CREATED:
        return refund.attempts == 0 and refund.work_state == Refund.WorkState.PENDING
    return refund.state == State.FAILED or (refund.state == State.PENDING and refund.way == Way.TRANSFER)


@transaction.atomic
def transfer_came_back(*, refund_id: int, day: date, reason: str, today: date, user: Any = None) -> Refund:
    """The bank sent a transfer back that had been made: the customer has the credit again. Raises CannotRefund."""
    refund = lock_refund(refund_id)
    if refund.way == Way.PROVIDER or refund.state != State.PAID:
        raise errors.refund_is(refund, refund.get_state_display())
    if refund.paid_on is None or not refund.paid_on <= day <= today:
        raise errors.paid_on_impossible_day(day)
    _fail(refund, reason, today=day)
    log(instance=refund, action="cms_billing.refund_returned", user=user, data={"reason": reason})
    return refund


@transaction.atomic
def enter_refund_at_provider(
    *, payment_id: int, amount: Money, paid_on: date, today: date, reason: str = "", user: Any = None
) -> Refund:
    """Somebody paid back at the provider's own dashboard: book what has gone, whatever the customer's credit is.

    Not more than the provider told us of. Raises CannotRefund.
    """
    payment = lock_payment(payment_id)
    if amount.currency != payment.currency or not 0 < amount.minor <= payment.refunded_elsewhere_minor:
        raise errors.not_told_by_the_provider(payment, payment.refunded_elsewhere)
    if paid_on > today:
        raise errors.paid_on_impossible_day(paid_on)
    payment.refunded_elsewhere_minor -= amount.minor
    payment.save(update_fields=["refunded_elsewhere_minor"])
    refund = Refund.objects.create(
        issuer_id=payment.issuer_id,
        customer_id=payment.customer_id,
        payment=payment,
        amount_minor=amount.minor,
        currency=amount.currency,
        way=Way.PROVIDER,
        provider=payment.provider,
        reason=reason,
        created_by=user if user is not None and user.pk else None,
        **_no_work(),
    )
    _book(refund, paid_on=paid_on, today=today, user=user)
    return refund


def carry_out_refund(refund: Refund) -> Callable[[], Any] | None:
    """Outside work of a refund: send it, or find out what became of one whose answer was lost."""
    provider = provider_of(refund)
    asked_at = clock.now()
    notice = ask_about_refund(refund, provider) if _may_have_been_sent(refund) else None
    if notice is None:
        if not _is_covered(refund):
            return partial(_give_up, refund_id=refund.pk)
        if _may_have_been_sent(refund):
            require_repeatable(refund, provider)
        try:
            notice = _send(provider, refund)
        except PermanentFailure as refusal:
            notice = RefundNotice(refund.reference, RefundStatus.FAILED, str(refusal))
    return _record(refund, notice, asked_at)


def _record(refund: Refund, notice: RefundNotice, asked_at: datetime) -> Callable[[], None]:
    return partial(
        take_refund_news,
        refund_id=refund.pk,
        notice=notice,
        asked_at=asked_at,
        today=clock.local_day(asked_at, refund.issuer),
    )


def _may_have_been_sent(refund: Refund) -> bool:
    return refund.attempts > 1 or bool(refund.reference) or refund.created_at < clock.now() - KEY_IS_FRESH


def _is_covered(refund: Refund) -> bool:
    """The payment may have been charged back between the promise and now: then its money goes back once only."""
    ahead = Refund.objects.under_way().filter(
        customer_id=refund.customer_id, currency=refund.currency, pk__lte=refund.pk
    )
    promised = sum(ahead.values_list("amount_minor", flat=True))
    credit = credit_on_account(customer_id=refund.customer_id, currency=refund.currency)
    return promised <= credit.minor and selectors.is_covered_by_payment(refund)


def _send(provider: Provider, refund: Refund) -> RefundNotice:
    assert refund.payment is not None
    with translation.override(refund.customer.language):
        description = selectors.purpose_of_transfer(refund)
    request = RefundRequest(
        idempotency_key=refund.idempotency_key,
        payment_reference=refund.payment.reference,
        amount=refund.amount,
        description=description,
        issuer_id=refund.issuer_id,
    )
    try:
        return provider.refund(request)
    except OutcomeUnknown:
        found = ask_about_refund(refund, provider)
        if found is None:
            raise
        return found


@transaction.atomic
def _give_up(*, refund_id: int) -> None:
    """Never sent, never will be."""
    refund = lock_refund(refund_id)
    if refund.state == State.CREATED:
        failure = _("Not sent: the customer's credit or the payment had gone by then.")
        _become(refund, State.FAILED, failure=failure)


@transaction.atomic
def take_refund_news(*, refund_id: int, notice: RefundNotice, asked_at: datetime, today: date) -> None:
    """Record what the provider said when it was asked; older news than we have change nothing, said again neither."""
    refund = lock_refund(refund_id)
    if refund.asked_at is not None and asked_at < refund.asked_at:
        return
    refund.asked_at = asked_at
    refund.reference = refund.reference or notice.reference
    refund.save(update_fields=["asked_at", "reference"])
    match notice.status:
        case RefundStatus.PAID if refund.state != State.PAID:
            _book(refund, paid_on=today, today=today)
        case RefundStatus.PENDING if refund.state == State.CREATED:
            _become(refund, State.PENDING)
        case RefundStatus.FAILED if refund.state in (State.CREATED, State.PENDING, State.PAID):
            _fail(refund, notice.reason, today=today)


def _fail(refund: Refund, reason: str, *, today: date) -> None:
    if refund.state == State.PAID:
        assert refund.receipt_id is not None
        with translation.override(refund.customer.language):
            note = _("refund came back")
        book_returned_refund(receipt_id=refund.receipt_id, today=today, note=note)
    _become(refund, State.FAILED, failure=reason[:200])


def _book(refund: Refund, *, paid_on: date, today: date, user: Any = None) -> None:
    """The refund is paid: ledger, receipt and state in one transaction, so exactly once."""
    with translation.override(refund.customer.language):
        way_text = _way_text(refund)
    refund.receipt = book_refund(
        customer_id=refund.customer_id,
        amount=refund.amount,
        way=refund.way,
        way_text=way_text,
        paid_on=paid_on,
        today=today,
        reference=refund.reference,
        for_documents=[refund.document] if refund.document else [],
        user=user,
    )
    _become(refund, State.PAID, receipt=refund.receipt, paid_on=paid_on, failure="")


def _way_text(refund: Refund) -> str:
    if refund.way == Way.TRANSFER:
        return _("Bank transfer to %(iban)s") % {"iban": f"{refund.iban[:4]} •••• {refund.iban[-4:]}"}
    if refund.way == Way.CASH or refund.payment is None:
        return _("In cash")
    return selectors.name_of_way(refund.payment)


def _become(refund: Refund, state: str, **changes: Any) -> None:
    if not refund_may_become(refund.state, state):
        raise errors.refund_is(refund, refund.get_state_display())
    refund.state = state
    for name, value in changes.items():
        setattr(refund, name, value)
    refund.save(update_fields=["state", *changes])
    tell_refund_changed(refund.pk)


def lock_refund(refund_id: int) -> Refund:
    """The refund, with its customer locked first. Only inside a transaction; raises Refund.DoesNotExist."""
    customer_id = Refund.objects.values_list("customer_id", flat=True).get(pk=refund_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    return Refund.objects.select_for_update(no_key=True).get(pk=refund_id)


def look_up_pending_refunds(
    *, issuer: Issuer, now: datetime, older_than: timedelta, after_refund: int = 0, limit: int | None = None
) -> LookedUp:
    """As ``look_up_pending`` for payments: the webhook that would have told us may never come."""
    pending = (
        Refund.objects.filter(
            issuer=issuer,
            state=State.PENDING,
            way=Way.PROVIDER,
            pk__gt=after_refund,
            created_at__lte=now - older_than,
        )
        .select_related("payment", "issuer")
        .order_by("pk")[: limit or billing_settings().chunk_size]
    )
    problems, last, count = [], None, 0
    for refund in pending:
        last = refund.pk
        try:
            count += resync_refund(refund)
        except Exception as error:
            reason = str(error) or type(error).__name__
            problems.append(Problem(Refund._meta.label, refund.pk, str(refund), reason))
    return LookedUp(count, problems, last)


def resync_refund(refund: Refund) -> bool:
    """Ask the provider again; returns whether it knows the refund. Not inside a transaction."""
    asked_at = clock.now()
    notice = ask_about_refund(refund, provider_of(refund))
    if notice is None:
        return False
    _record(refund, notice, asked_at)()
    return True


def news_of_refunds(refunds: Sequence[Refund]) -> list[tuple[int, Callable[[], None]]]:
    """Ask about each; ``(customer id, record)``. Not inside a transaction."""
    news = []
    for refund in refunds:
        asked_at = clock.now()
        notice = ask_about_refund(refund, provider_of(refund))
        if notice is not None:
            news.append((refund.customer_id, _record(refund, notice, asked_at)))
    return news
