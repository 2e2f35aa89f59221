"""Issued documents for tests of what comes after: rendering, archive, mail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import Q

from cms_billing.core import clock, outbox
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.models import Customer, Delivery, Document, DocumentKind, Rendering
from cms_billing.faktura.services import issue_drafts
from cms_billing.testing.factories import CustomerFactory

TODAY = date(2026, 3, 2)


def draft_line(description: str = "Mitgliedschaft", **changes) -> DraftLine:
    return DraftLine(
        **{
            "description": description,
            "unit_price_minor": 990,
            "tax_code": "standard",
            "tax_percent": Decimal(19),
            "service_start": date(2026, 3, 1),
            "service_end": date(2026, 3, 31),
            "contract_reference": "V-000012",
            **changes,
        }
    )


def issue(
    customer: Customer | None = None,
    *,
    kind: str = DocumentKind.INVOICE,
    lines: int | tuple[DraftLine, ...] = 1,
    **changes,
) -> Document:
    """``lines``: how many equal ones, or the lines themselves."""
    customer = customer or CustomerFactory()
    if isinstance(lines, int):
        lines = tuple(draft_line(f"Mitgliedschaft {n}") for n in range(1, lines + 1))
    draft = Draft(
        **{
            "kind": kind,
            "customer_id": customer.pk,
            "currency": "EUR",
            "lines": lines,
            "due_on": date(2026, 3, 16) if kind == DocumentKind.INVOICE else None,
            **changes,
        }
    )
    [document] = issue_drafts(
        issuer=customer.issuer, kind=kind, drafts=[draft], customers={customer.pk: customer}, today=TODAY
    )
    return Document.objects.get(pk=document.pk)


def dunning_letter(customer: Customer, claimed: Document, **changes) -> Document:
    extra = {
        "subject": "Zweite Mahnung",
        "text": "Guten Tag,\n\ndie Rechnung ist noch offen.",
        "level": 2,
        "claims": [
            {
                "number": claimed.number,
                "date": "2026-03-02",
                "due_on": "2026-03-16",
                "gross_minor": 990,
                "open_minor": 990,
                "level": 2,
            }
        ],
        "fee_minor": 76,
        "total_minor": 1066,
        "pay_until": "2026-05-10",
        "lock_notice": "Danach sperren wir den Zugang.",
        **changes,
    }
    return issue(customer, kind=DocumentKind.DUNNING_LETTER, lines=0, extra=extra)


def render(*documents: Document) -> outbox.Drained:
    only = Q(document__in=documents) if documents else None
    return outbox.drain(Rendering, now=clock.now(), only=only)


def deliver(*documents: Document) -> outbox.Drained:
    only = Q(document__in=documents) if documents else None
    return outbox.drain(Delivery, now=clock.now(), only=only)


def archived(customer: Customer | None = None, **changes) -> Document:
    document = issue(customer, **changes)
    assert render(document).done == 1
    return document
