"""What becomes of a page on which an order was paid: the order, its invoice, and the money on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest

from cms_billing.core.exceptions import NotYet
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import Booking
from cms_billing.payments.models import PaymentSession
from cms_billing.payments.providers import PageNotice
from cms_billing.payments.services import book_session, cancel_session

from . import exceptions as errors
from .links import result_path
from .models import CheckoutAttempt
from .selectors import bookings_of_order, invoices_of_order
from .work import bill_now

logger = logging.getLogger(__name__)
Place = Callable[[CheckoutAttempt], Any]


class CompleteOrder:
    """Purpose ``checkout``. Whoever calls, and however often: one order, one invoice, one payment."""

    def complete(
        self, session: PaymentSession, notice: PageNotice, *, asked_at: datetime
    ) -> Callable[[], object]:
        from .checkout.attempts import place_attempt

        return complete_with(place_attempt, session, notice, asked_at=asked_at)

    def next_url(self, request: HttpRequest, session: PaymentSession) -> str:
        """The result page asks who comes: a provider's POST brings no cookies."""
        return result_path(session.pk)


def complete_with(
    place: Place, session: PaymentSession, notice: PageNotice, *, asked_at: datetime
) -> Callable[[], object]:
    """``place`` makes the order of an attempt, or finds it. Raises CannotPlace for what a person has to decide."""
    attempt = (
        CheckoutAttempt.objects.select_related("session", "user", "site").filter(session=session).first()
    )
    if attempt is None:
        raise errors.never_ordered()
    order = place(attempt)
    _close_other_pages(session)
    bill_now(order.billing)
    return partial(
        book_session,
        session_id=session.pk,
        customer_id=_billed_customer(order, session),
        notice=notice,
        asked_at=asked_at,
        documents=invoices_of_order(order, session.issuer_id),
    )


def _close_other_pages(session: PaymentSession) -> None:
    """A page that was given up was paid after all, while another was open for the same basket."""
    others = PaymentSession.objects.at_the_provider().filter(purpose=session.purpose, subject=session.subject)
    for other in others.select_related("account", "payer").exclude(pk=session.pk):
        try:
            cancel_session(other)
        except Exception:
            logger.exception("Payment session %s could not be closed; the sweeper will look at it.", other.pk)


def _billed_customer(order: Any, session: PaymentSession) -> int:
    work = type(order.billing).objects.get(order=order)
    if work.work_state == OutsideWork.WorkState.FAILED:
        raise errors.not_billed(work.last_error)
    bookings = Booking.objects.filter(bookings_of_order(order), issuer=session.issuer_id)
    customer_id = bookings.values_list("customer_id", flat=True).first()
    if customer_id is None:
        raise NotYet("The order is being billed.")
    return customer_id
