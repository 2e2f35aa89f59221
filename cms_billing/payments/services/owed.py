"""What is still to be paid, looked at under a lock."""

from __future__ import annotations

from collections.abc import Sequence

from cms_billing.core.money import Money
from cms_billing.faktura.models import OpenItem

from .. import exceptions as errors
from ..selectors import documents_being_paid


def guard_documents(document_ids: Sequence[int], amount: Money) -> None:
    """Only inside a transaction. Raises NothingToPay where less is open, or another payment is under way.

    The open items are locked as they are when charges are written: a page and a charge cannot both begin.
    """
    if not document_ids:
        return
    items = OpenItem.objects.filter(document__in=document_ids).order_by("pk")
    still_open = sum(item.open_minor for item in items.select_for_update(no_key=True, of=("self",)))
    if still_open < amount.minor or documents_being_paid(document_ids):
        raise errors.paid_meanwhile()
