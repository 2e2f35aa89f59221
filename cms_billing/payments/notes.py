"""What an invoice says where its reader need not transfer anything, because we collect."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from cms_billing.core.formats import active_formats
from cms_billing.core.money import Money
from cms_billing.faktura.models import OpenItem

from .models import PaymentMethod
from .selectors import collecting_methods


def collection_notes(document_ids: Sequence[int]) -> dict[int, str]:
    """By document: from which card or account we collect and when, in the active language.

    Documents that are settled, or whose customer has stored no way to collect, are left out.
    """
    items = list(OpenItem.objects.open().filter(pk__in=document_ids))
    by_customer = collecting_methods({item.customer_id for item in items}) if items else {}
    return {item.pk: _note(item, method) for item in items if (method := by_customer.get(item.customer_id))}


def _note(item: OpenItem, method: PaymentMethod) -> str:
    formats = active_formats()
    return _("We collect %(amount)s on %(day)s from %(method)s; there is nothing you have to do.") % {
        "amount": formats.money(Money(item.open_minor, item.currency)),
        "day": formats.day(item.due_on),
        "method": method,
    }
