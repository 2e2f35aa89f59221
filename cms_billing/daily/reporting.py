"""What a day brought, read from the books rather than from the run's own counters."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, Sum

from cms_billing.faktura.models import Booking, Document, Issuer, LedgerEntry, OpenItem


def report_of(issuer: Issuer, day: date) -> dict[str, Any]:
    """Counts and sums of the day, by currency, in minor units; plain JSON."""
    documents = Document.objects.filter(issuer=issuer, issued_on=day).order_by()
    payments = LedgerEntry.objects.filter(
        issuer=issuer, booked_on=day, kind=LedgerEntry.Kind.PAYMENT
    ).order_by()
    return {
        "issued": {
            kind: {"count": count, "currency": currency, "gross_minor": gross}
            for kind, currency, count, gross in documents.values_list("kind", "currency").annotate(
                n=Count("id"), s=Sum("gross_minor")
            )
        },
        "received_minor": {
            currency: -amount
            for currency, amount in payments.values_list("currency").annotate(s=Sum("amount_minor"))
        },
        "open_minor": dict(
            OpenItem.objects.open()
            .filter(issuer=issuer)
            .order_by()
            .values_list("currency")
            .annotate(s=Sum("open_minor"))
        ),
        "overdue": OpenItem.objects.overdue(today=day).filter(issuer=issuer).count(),
        "unbilled": Booking.objects.filter(issuer=issuer, state=Booking.State.OPEN, due_on__lte=day).count(),
    }
