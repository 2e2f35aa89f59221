"""Writing invoices in the admin: the form, its live totals, and what becomes of drafts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.services import create_draft, finalise_drafts

from .conftest import TODAY

pytestmark = pytest.mark.django_db

ADD = "billing-draft:add"


def filled(customer: Customer, *lines: dict, **changes) -> dict:
    """The form as a browser sends it: ``lines`` say what differs from a line of one piece at 11.90."""
    data = {
        "customer": customer.pk,
        "kind": "invoice",
        "prices": "with",
        "currency": "EUR",
        "due_on": "",
        "finalise_on": "",
        "intro": "",
        "closing": "",
        "lines-TOTAL_FORMS": len(lines),
        "lines-INITIAL_FORMS": 0,
        "lines-MIN_NUM_FORMS": 0,
        "lines-MAX_NUM_FORMS": 500,
    }
    for index, line in enumerate(lines):
        usual = {
            "description": "Stimmgerät",
            "quantity": "1",
            "unit_price": "11.90",
            "tax_code": "standard",
            "service_start": "",
            "service_end": "",
            "contract_reference": "",
            "details": "",
            "booking": "",
            "ORDER": index + 1,
            "DELETE": "",
        }
        data |= {f"lines-{index}-{name}": value for name, value in {**usual, **line}.items()}
    return {**data, **changes}


BLANK = {"description": "", "unit_price": ""}


def draft(customer: Customer, **changes) -> Document:
    line = DraftLine("Stimmgerät", 1190, "standard", Decimal(0))
    content = {"kind": "invoice", "customer_id": customer.pk, "currency": "EUR", "lines": (line,), **changes}
    return create_draft(issuer=customer.issuer, draft=Draft(**content), today=TODAY)


def issued(customer: Customer, **changes) -> Document:
    document = draft(customer, **changes)
    [done] = finalise_drafts(issuer=customer.issuer, document_ids=[document.pk], today=TODAY).done
    return done


def test_written_invoice_is_a_draft_with_its_totals(accountant, ours):
    answer = accountant.post(
        reverse(ADD),
        filled(ours.customer, {"quantity": "2", "details": "2026-03-01; Saiten; 2; 4.50"}, BLANK, save="1"),
        follow=True,
    )
    document = Document.objects.latest("pk")
    assert answer.redirect_chain[-1][0] == reverse("billing-document:inspect", args=[document.pk])
    assert (document.state, document.number) == ("draft", "")
    assert (document.net_minor, document.tax_minor, document.gross_minor) == (2000, 380, 2380)
    [line] = document.lines.all()
    assert line.details == [{"date": "2026-03-01", "text": "Saiten", "quantity": "2", "amount_minor": 450}]
