"""What becomes of a page that was opened for documents, or only to store a method."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from .exceptions import CannotComplete
from .links import DAYS_AFTER_A_VISIT, payment_token, visit_token
from .models import PaymentSession
from .providers import PageNotice
from .services import book_session, keep_method


class PayDocuments:
    """Purpose ``documents``: the customer is known, the money settles what the page was opened for."""

    def complete(
        self, session: PaymentSession, notice: PageNotice, *, asked_at: datetime
    ) -> Callable[[], object]:
        if session.customer_id is None:
            raise CannotComplete.without_customer()
        return partial(
            book_session,
            session_id=session.pk,
            customer_id=session.customer_id,
            notice=notice,
            asked_at=asked_at,
        )

    def next_url(self, request: HttpRequest, session: PaymentSession) -> str:
        """Back to the documents, which show by then what is settled or under way.

        Who was signed in when they left has to be so still: their page is not opened to whoever has the address.
        """
        ids = list(session.documents.order_by("pk").values_list("pk", flat=True))
        visit = visit_token(session)
        if session.user_id is not None:
            query = urlencode([*(("of", pk) for pk in ids), ("visit", visit)])
            return f"{reverse('cms_billing:pay_open')}?{query}"
        page = reverse("cms_billing:payment_page", args=[payment_token(ids, days=DAYS_AFTER_A_VISIT)])
        return f"{page}?{urlencode({'visit': visit})}"


class KeepMethod(PayDocuments):
    """Purpose ``method``: nothing is paid, the provider keeps a card or mandate."""

    def complete(
        self, session: PaymentSession, notice: PageNotice, *, asked_at: datetime
    ) -> Callable[[], object]:
        if session.customer_id is None:
            raise CannotComplete.without_customer()
        return partial(
            keep_method,
            session_id=session.pk,
            customer_id=session.customer_id,
            notice=notice,
            asked_at=asked_at,
        )

    def next_url(self, request: HttpRequest, session: PaymentSession) -> str:
        return f"{reverse('cms_billing:payment_methods')}?{urlencode({'visit': visit_token(session)})}"
