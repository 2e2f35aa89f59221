"""Visits to a provider's page: a row first, then the page, then – whatever way the news come – the money, once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from cms_billing.core import clock, copies, outbox
from cms_billing.core.exceptions import BillingError, NotYet
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer

from .. import exceptions as errors
from ..completion import completion_of
from ..credentials import provider_for
from ..links import account_webhook_url, session_url
from ..models import Payment, PaymentSession, ProviderAccount, SessionDocument
from ..providers import (
    OutcomeUnknown,
    Page,
    PageNotice,
    PageRequest,
    PageStatus,
    PayerFacts,
    ProviderDown,
    Status,
)
from ..selectors import history_of
from ..signals import session_closed
from .methods import payer_for
from .owed import guard_documents
from .session_money import put_to_repair

logger = logging.getLogger(__name__)

State = PaymentSession.State
# A page that is about to close is not handed out again.
STILL_OPEN_FOR = timedelta(minutes=5)
# Anybody may make up an address to come back to.
LONGEST_RETURN = 4000
# Opening takes two calls at most; after that, whoever was opening a page is gone.
OPENING_TAKES = timedelta(minutes=2)


@dataclass(frozen=True)
class Visit:
    """What a page is opened for, and for whom. ``subject`` names it: at most one page is open for a subject.

    A zero ``amount`` only stores a method. ``documents`` are the ids of what is paid, in the order they are settled.
    """

    purpose: str
    subject: str
    amount: Money
    description: str
    stores_method: bool = False
    replaces_id: int | None = None
    customer_id: int | None = None
    documents: Sequence[int] = ()
    user: Any = None
    email: str = ""
    name: str = ""
    language: str = ""
    country: str = "DE"


def open_session(*, account: ProviderAccount, visit: Visit, now: datetime) -> PaymentSession:
    """A session whose ``url`` the payer can be sent to. Not inside a transaction.

    A page that is open for the same is used again; one that is open for something else is closed first. Raises
    AlreadyCompleted where the payer has paid on it meanwhile, NothingToPay where its documents are paid or about to be,
    and CannotOpenPage where the provider does not help, or this is a copy of the database: the pages it knows are the
    original's.
    """
    if copies.is_copy():
        raise errors.no_page_on_a_copy()
    before = (
        PaymentSession.objects.at_the_provider().filter(purpose=visit.purpose, subject=visit.subject).first()
    )
    if before is not None:
        again = _use_or_close(before, account, visit, now=now)
        if again is not None:
            return again
    try:
        session = _write_session(account, visit)
    except IntegrityError:
        # Two buttons, one subject: the other one was first and opens the page.
        raise errors.page_opens_elsewhere() from None
    return _open_page(session, visit)


def _use_or_close(
    session: PaymentSession, account: ProviderAccount, visit: Visit, *, now: datetime
) -> PaymentSession | None:
    try:
        session = sync_session(session)
    except BillingError as error:
        raise errors.page_not_opened(error) from error
    if session.state == State.COMPLETED:
        raise errors.AlreadyCompleted(session)
    if session.state not in (State.CREATED, State.OPEN):
        return None
    if not session.url and session.created_at > now - OPENING_TAKES:
        # Another window is opening it this very moment: a second page would take the money twice.
        raise errors.page_opens_elsewhere()
    lasts = session.expires_at is None or session.expires_at > now + STILL_OPEN_FOR
    if lasts and session.url and _is_alike(session, account, visit):
        return session
    if session.reference:
        _close(session)
    _leave(session, State.CANCELLED)
    return None


def _is_alike(session: PaymentSession, account: ProviderAccount, visit: Visit) -> bool:
    then = (session.account_id, session.amount, session.stores_method, session.replaces_id)
    if then != (account.pk, visit.amount, visit.stores_method, visit.replaces_id):
        return False
    chosen = SessionDocument.objects.filter(session=session).order_by("position")
    return list(chosen.values_list("document_id", flat=True)) == list(visit.documents)


def _close(session: PaymentSession) -> None:
    """Money that comes in on a page that could not be closed is found by its webhook, and lands in the repair inbox."""
    try:
        provider_for(session.account).close_page(reference=session.reference)  # type: ignore[attr-defined]
    except (ProviderDown, OutcomeUnknown):
        return


@transaction.atomic
def _leave(session: PaymentSession, state: str) -> None:
    if PaymentSession.objects.at_the_provider().filter(pk=session.pk).update(state=state, url=""):
        _tell_closed(session)


def _tell_closed(session: PaymentSession) -> None:
    tell = partial(session_closed.send_robust, sender=PaymentSession, session_id=session.pk)
    transaction.on_commit(tell, robust=True)


def cancel_session(session: PaymentSession) -> PaymentSession:
    """The payer gives up a page: it takes no money any more, as far as the provider can promise that.

    Not inside a transaction. What was paid on it before, or comes in on it all the same, is finished as ever: look at
    ``state`` and ``money`` of what is returned. Raises ProviderDown.
    """
    session = sync_session(session)
    if session.state in (State.CREATED, State.OPEN):
        if session.reference:
            _close(session)
        # Before the provider is asked again: some call a page that was closed an expired one.
        _leave(session, State.CANCELLED)
        session = sync_session(session)
    return PaymentSession.objects.select_related("account", "payer").get(pk=session.pk)


@transaction.atomic
def _write_session(account: ProviderAccount, visit: Visit) -> PaymentSession:
    guard_documents(visit.documents, visit.amount)
    signed_in = visit.user is not None and visit.user.is_authenticated
    session = PaymentSession.objects.create(
        issuer_id=account.issuer_id,
        account=account,
        payer=payer_for(account=account, user=visit.user),
        customer_id=visit.customer_id,
        user=visit.user if signed_in else None,
        purpose=visit.purpose,
        subject=visit.subject,
        amount_minor=visit.amount.minor,
        currency=visit.amount.currency,
        description=visit.description[:140],
        stores_method=visit.stores_method,
        replaces_id=visit.replaces_id,
        work_state=PaymentSession.WorkState.DONE,
    )
    SessionDocument.objects.bulk_create(
        SessionDocument(session=session, document_id=pk, position=position)
        for position, pk in enumerate(visit.documents, start=1)
    )
    return session


def _open_page(session: PaymentSession, visit: Visit) -> PaymentSession:
    provider = provider_for(session.account)
    request = PageRequest(
        idempotency_key=session.idempotency_key,
        amount=session.amount,
        description=session.description,
        payer=PayerFacts(
            key=session.payer.name_at_provider,
            reference=session.payer.reference,
            email=visit.email,
            name=visit.name,
            language=(visit.language or settings.LANGUAGE_CODE)[:2],
            country=visit.country,
        ),
        return_url=session_url(session),
        cancel_url=session_url(session) + "?cancelled=1",
        webhook_url=account_webhook_url(session.account),
        stores_method=session.stores_method,
        kinds=tuple(session.account.kinds),
    )
    try:
        try:
            page = provider.open_page(request)  # type: ignore[attr-defined]
        except OutcomeUnknown:
            # Once more with the same key: it is the same page.
            page = provider.open_page(request)  # type: ignore[attr-defined]
    except BillingError as error:
        _leave(session, State.FAILED)
        raise errors.page_not_opened(error) from error
    return _remember_page(session, page)


def _remember_page(session: PaymentSession, page: Page) -> PaymentSession:
    session = _write_page(session, page)
    if session.state not in (State.OPEN, State.COMPLETED):
        # Given up while it was being opened: nobody shall pay on it.
        _close(session)
        raise errors.page_opens_elsewhere()
    return session


@transaction.atomic
def _write_page(session: PaymentSession, page: Page) -> PaymentSession:
    """Webhooks may have been faster: what they said of the state stays."""
    locked = PaymentSession.objects.select_for_update(no_key=True).get(pk=session.pk)
    locked.reference, locked.url, locked.expires_at = page.reference, page.url, page.expires_at
    if locked.state == State.CREATED:
        locked.state = State.OPEN
    locked.save(update_fields=["reference", "url", "expires_at", "state"])
    # Another one than we knew: the provider had deleted the payer, and made a new one.
    if page.payer_reference and page.payer_reference != locked.payer.reference:
        type(locked.payer).objects.filter(pk=locked.payer_id).update(reference=page.payer_reference)
    return locked


def sync_session(session: PaymentSession) -> PaymentSession:
    """Ask the provider about a page and record what it says. Not inside a transaction. Raises ProviderDown."""
    if not session.reference:
        return session
    asked_at = clock.now()
    notice = ask_about_page(session)
    if notice is not None:
        take_page_news(session_id=session.pk, notice=notice, asked_at=asked_at)
    return PaymentSession.objects.select_related("account", "payer").get(pk=session.pk)


def come_back(session: PaymentSession, *, returned_with: Mapping[str, str]) -> PaymentSession:
    """The payer is back: ask, and finish at once what can be finished, so that they see it. Not inside a transaction.

    Whatever fails here is left to the webhook and the workers.
    """
    try:
        session = sync_session(_remember_return(session, returned_with))
        if session.state in (State.CREATED, State.OPEN) and "cancelled" in returned_with:
            session = cancel_session(session)
        outbox.work_on(PaymentSession, session.pk, now=clock.now())
    except Exception:
        logger.exception(
            "Payment session %s could not be finished at once; a worker will try again.", session.pk
        )
    return PaymentSession.objects.select_related("account", "payer").get(pk=session.pk)


def _remember_return(session: PaymentSession, returned_with: Mapping[str, str]) -> PaymentSession:
    """Whoever asks later, the worker that finishes the work, asks with it too."""
    kept = {name: value for name, value in returned_with.items() if len(name) + len(value) <= LONGEST_RETURN}
    if kept and len(kept) <= 20:
        session.returned_with = kept
        session.save(update_fields=["returned_with"])
    return session


def ask_about_page(session: PaymentSession) -> PageNotice | None:
    copies.require_original()
    provider = provider_for(session.account)
    references = [session.reference, session.payment_reference, str(session.idempotency_key)]
    can_be_asked = provider.capabilities.can_be_asked
    return provider.look_up_page(  # type: ignore[attr-defined]
        reference=session.reference,
        idempotency_key=session.idempotency_key,
        payer_reference=str(session.payer),
        returned_with=session.returned_with,
        history=() if can_be_asked else history_of(session.account_id, references),
    )


_STATES = {
    PageStatus.CANCELLED: State.CANCELLED,
    PageStatus.EXPIRED: State.EXPIRED,
    PageStatus.FAILED: State.FAILED,
}
_MONEY = {
    Status.PENDING: PaymentSession.Money.PENDING,
    Status.FAILED: PaymentSession.Money.FAILED,
}


@transaction.atomic
def take_page_news(*, session_id: int, notice: PageNotice, asked_at: datetime) -> None:
    """Record what the provider said of a page. Money wins over every other news, whenever it comes.

    When the payer has completed the page, the row's work begins: to put the money where it belongs.
    """
    session = PaymentSession.objects.select_for_update(no_key=True).get(pk=session_id)
    if session.asked_at is not None and asked_at < session.asked_at:
        return
    before = (session.state, session.money)
    session.asked_at, session.reason = asked_at, notice.reason[:200]
    if notice.payment is not None:
        session.payment_reference = notice.payment.reference or session.payment_reference
        session.refusal_code = notice.payment.code[:80]
        if session.money != PaymentSession.Money.RETURNED:
            session.money = _MONEY.get(notice.payment.status, PaymentSession.Money.SETTLED)
    if notice.payer_reference and not session.payer.reference:
        type(session.payer).objects.filter(pk=session.payer_id).update(reference=notice.payer_reference)
    if notice.status is PageStatus.COMPLETED:
        _complete(session, asked_at, money_before=before[1])
    elif session.state in (State.CREATED, State.OPEN):
        session.state = _STATES.get(notice.status, State.OPEN)
    session.save()
    if (session.state, session.money) != before and _is_lost(session):
        _tell_closed(session)


def _is_lost(session: PaymentSession) -> bool:
    return session.state in _STATES.values() or session.money == PaymentSession.Money.FAILED


def _complete(session: PaymentSession, now: datetime, *, money_before: str) -> None:
    """A success that follows a failure is work again: nothing was booked for the failure."""
    succeeds = money_before == PaymentSession.Money.FAILED and money_before != session.money
    if session.state == State.COMPLETED and not (succeeds and not _is_booked(session)):
        if session.work_state == PaymentSession.WorkState.PENDING:
            # It may have been put back for want of just these news.
            session.next_try_at = None
            outbox.hint(session)
        return
    session.state, session.completed_at, session.url = State.COMPLETED, now, ""
    session.work_state, session.attempts, session.next_try_at = PaymentSession.WorkState.PENDING, 0, None
    outbox.hint(session)


def carry_out_session(session: PaymentSession) -> Callable[[], object] | None:
    """Outside work of a completed page: ask once more, and let its purpose put the money where it belongs."""
    asked_at = clock.now()
    notice = ask_about_page(session)
    if notice is None or notice.status is not PageStatus.COMPLETED:
        raise errors.page_not_known_yet()
    if notice.payment is not None and notice.payment.status is Status.FAILED and not _is_booked(session):
        return None
    try:
        return completion_of(session.purpose).complete(session, notice, asked_at=asked_at)
    except (NotYet, ProviderDown, OutcomeUnknown):
        raise
    except BillingError as error:
        return partial(put_to_repair, session_id=session.pk, problem=str(error))


def _is_booked(session: PaymentSession) -> bool:
    return Payment.objects.filter(session=session).exists()


def look_up_open_sessions(
    *, now: datetime, older_than: timedelta, issuer: Issuer | None = None, limit: int = 500
) -> int:
    """Ask about pages nobody came back from; returns how many were asked about. A silent provider stops nobody else."""
    if copies.is_copy():
        return 0
    waiting = PaymentSession.objects.at_the_provider().filter(created_at__lte=now - older_than)
    if issuer is not None:
        waiting = waiting.filter(issuer=issuer)
    found = 0
    for session in waiting.select_related("account", "payer").order_by("asked_at", "pk")[:limit]:
        try:
            if not session.reference and session.created_at < now - timedelta(days=1):
                _leave(session, State.EXPIRED)
            sync_session(session)
            found += 1
        except BillingError:
            continue
    return found
