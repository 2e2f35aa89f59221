"""What this app and the payments below it know to stand against letters (``hindrances``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from cms_billing.faktura.models import Customer
from cms_billing.payments.selectors import documents_being_paid

from .hindrances import Item
from .rules import Hindrance, Reason


def blocks(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    rows = Customer.objects.filter(pk__in={item.customer_id for item in items}, dunning_block=True)
    blocked = {
        pk: Hindrance(Reason.BLOCKED, until, reason)
        for pk, until, reason in rows.values_list("pk", "dunning_block_until", "dunning_block_reason")
    }
    return {item.document_id: blocked[item.customer_id] for item in items if item.customer_id in blocked}


def payments_under_way(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    """A charge that was written, a debit in clearing, money from a payment page that is not here yet."""
    under_way = documents_being_paid([item.document_id for item in items])
    return dict.fromkeys(under_way, Hindrance(Reason.PAYMENT_UNDER_WAY))
