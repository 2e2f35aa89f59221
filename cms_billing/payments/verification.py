"""Refunds and the ledger say the same; ``manage.py billing_verify`` asks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Sum
from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Issuer, LedgerEntry

from .models import Refund

NAME = "refunds equal the ledger"


def refund_findings(issuer: Issuer) -> Iterator[str]:
    """By customer and currency, what refunds have paid back is the sum of the REFUND entries."""
    paid = _sums(Refund.objects.filter(issuer=issuer, state=Refund.State.PAID))
    booked = _sums(LedgerEntry.objects.filter(issuer=issuer, kind=LedgerEntry.Kind.REFUND))
    off = sorted(key for key in paid.keys() | booked.keys() if paid.get(key, 0) != booked.get(key, 0))
    customers = Customer.objects.in_bulk([pk for pk, _currency in off])
    for pk, currency in off:
        yield _("%(customer)s: refunds of %(paid)s are paid, but the ledger has %(booked)s.") % {
            "customer": customers[pk],
            "paid": Money(paid.get((pk, currency), 0), currency),
            "booked": Money(booked.get((pk, currency), 0), currency),
        }


def _sums(rows) -> dict[tuple[int, str], int]:  # type: ignore[no-untyped-def]
    sums = rows.order_by().values_list("customer_id", "currency").annotate(s=Sum("amount_minor"))
    return {(pk, currency): minor for pk, currency, minor in sums if minor}
