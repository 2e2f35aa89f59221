"""What the bank takes for a payment that came back, passed on to the customer where the issuer says so.

Once a chargeback: parts that come back one after the other are one. A dispute that is won takes the fee off again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import Sum
from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry, OpenItem
from cms_billing.faktura.services import Entry, post_entries

from ..models import Payment


def charge_fee(payment: Payment, document_ids: Sequence[int], *, day: date, fee: Money | None = None) -> None:
    """Post the account's fee, or the one that was entered, on the first document that is owed again. In the
    transaction of the chargeback."""
    minor = _account_fee(payment) if fee is None else fee.minor
    if not minor or payment.chargeback_fee_minor:
        return
    owed = set(OpenItem.objects.open().filter(pk__in=document_ids).values_list("pk", flat=True))
    document_id = next((pk for pk in document_ids if pk in owed), None)
    if document_id is None:
        return
    note = _("Fee for a returned payment")
    _post(payment, [Entry(LedgerEntry.Kind.FEE, Money(minor, payment.currency), document_id, note=note)], day)
    payment.chargeback_fee_minor, payment.chargeback_fee_document_id = minor, document_id
    payment.save(update_fields=["chargeback_fee_minor", "chargeback_fee_document"])


def _account_fee(payment: Payment) -> int:
    """It is in the issuer's currency and is not converted."""
    if payment.account is None or payment.currency != payment.issuer.currency:
        return 0
    return payment.account.chargeback_fee_minor


def take_fee_off(payment: Payment, *, day: date) -> None:
    """The dispute is won. What has been waived is not taken off twice; what has been paid becomes credit."""
    document_id, currency = payment.chargeback_fee_document_id, payment.currency
    if not payment.chargeback_fee_minor or document_id is None:
        return
    fees = LedgerEntry.objects.filter(document=document_id, kind=LedgerEntry.Kind.FEE)
    left = fees.aggregate(s=Sum("amount_minor"))["s"] or 0
    off = max(0, min(payment.chargeback_fee_minor, left))
    owed = OpenItem.objects.get(pk=document_id).open_minor
    on_document = max(0, min(off, owed))
    kind, note = LedgerEntry.Kind.FEE, _("The returned payment came in after all")
    parts = [
        Entry(kind, Money(-on_document, currency), document_id, note=note),
        Entry(kind, Money(on_document - off, currency), None, document_id, note=note),
    ]
    _post(payment, [entry for entry in parts if entry.amount.minor], day)
    payment.chargeback_fee_minor, payment.chargeback_fee_document = 0, None
    payment.save(update_fields=["chargeback_fee_minor", "chargeback_fee_document"])


def _post(payment: Payment, entries: Sequence[Entry], day: date) -> None:
    if entries:
        post_entries(
            issuer_id=payment.issuer_id, customer_id=payment.customer_id, entries=entries, booked_on=day
        )
