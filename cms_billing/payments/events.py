"""What payments tell the timeline of a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from cms_billing.core.admin import Event, money_text
from cms_billing.faktura.models import Document

from .models import Payment

# What was received or came back stands in the ledger, which the timeline shows anyway.
_TOLD_HERE = {
    Payment.State.PENDING: "",
    Payment.State.FAILED: "critical",
    Payment.State.WITHDRAWN: "warning",
}


def payment_events(request: Any, document: Document) -> Iterable[Event]:
    if not request.user.has_perm("cms_billing_payments.view_payment"):
        return
    payments = Payment.objects.filter(Q(document=document) & Q(state__in=_TOLD_HERE))
    for payment in payments.order_by("pk"):
        yield Event(
            payment.asked_at or payment.created_at,
            _("payment %(state)s") % {"state": payment.get_state_display()},
            detail=" ".join(filter(None, [money_text(payment.amount), payment.reason])),
            url=reverse("billing-payment:inspect", args=[payment.pk]),
            tone=_TOLD_HERE[Payment.State(payment.state)],
        )
