"""What payments tell the timeline of a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from cms_billing.core.admin import Event, date_text, money_text
from cms_billing.faktura.models import Document

from .models import ChargePlan, Payment

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
    yield from _plan(document)


def _plan(document: Document) -> Iterable[Event]:
    item = getattr(document, "open_item", None)
    plan = ChargePlan.objects.filter(document=document).first()
    if plan is None or item is None or item.open_minor <= 0:
        return
    yield Event(
        plan.updated_at,
        next_charge_text(plan),
        detail=plan.refusal.editor_text if plan.refused_on else "",
        tone="critical" if plan.stopped_because else "",
    )


def next_charge_text(plan: ChargePlan) -> str:
    """When a document is charged next, or why it is not."""
    if plan.next_on is not None:
        return _("next attempt on %(day)s") % {"day": date_text(plan.next_on)}
    return _("no further attempt: %(reason)s") % {"reason": plan.get_stopped_because_display()}
