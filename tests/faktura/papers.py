"""Documents as plain values, for tests of what papers look like: no database."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from pypdf import PdfReader

from cms_billing.core.money import Money
from cms_billing.faktura.rendering import DocumentData, WeasyPrintRenderer, document_html, stylesheet
from cms_billing.faktura.rendering.data import IssuerData
from cms_billing.faktura.rendering.money_papers import refund_of, statement_of
from cms_billing.faktura.rendering.sale import LineData, Reference, taxes_of

ISSUER = IssuerData(
    name="Klangwerk",
    legal_name="Klangwerk GmbH",
    street="Lindenstraße 12",
    postal_code="50674",
    city="Köln",
    country="DE",
    email="rechnung@klangwerk.example",
    vat_id="DE123456789",
    account_holder="Klangwerk GmbH",
    iban="DE02120300000000202051",
    bic="BYLADEM1001",
    bank_name="DKB",
)
_RENDERER = WeasyPrintRenderer()


def line(
    position: int = 1,
    gross: int = 990,
    percent: str = "19",
    description: str = "Mitgliedschaft",
    **changes: Any,
) -> LineData:
    rate = Decimal(percent)
    net = round(Decimal(gross) / (1 + rate / 100))
    return LineData(
        **{
            "position": position,
            "description": description,
            "quantity": Decimal(1),
            "unit_price": Money(gross, "EUR"),
            "tax_percent": rate,
            "net": Money(net, "EUR"),
            "tax": Money(gross - net, "EUR"),
            "gross": Money(gross, "EUR"),
            "service_start": date(2026, 3, 1),
            "service_end": date(2026, 3, 31),
            "contract_reference": "V-000012",
            **changes,
        }
    )


def paper(kind: str = "invoice", lines: Sequence[LineData] = (), **changes: Any) -> DocumentData:
    lines = tuple(lines)
    zero = Money.zero("EUR")
    extra = changes.get("extra", {})
    return DocumentData(
        **{
            "document_id": 1,
            "kind": kind,
            "number": "RE-2026-000001",
            "issued_on": date(2026, 3, 2),
            "due_on": date(2026, 3, 16) if kind == "invoice" else None,
            "service_start": date(2026, 3, 1) if lines else None,
            "service_end": date(2026, 3, 31) if lines else None,
            "currency": "EUR",
            "prices_include_tax": True,
            "net": sum((row.net for row in lines), zero),
            "tax": sum((row.tax for row in lines), zero),
            "gross": sum((row.gross for row in lines), zero),
            "language": "de",
            "customer_number": "K-000007",
            "recipient_name": "Anna Muster",
            "recipient": ("Anna Muster", "Hauptstraße 1", "10115 Berlin"),
            "recipient_vat_id": "",
            "recipient_email": "anna@example.org",
            "issuer": ISSUER,
            "lines": lines,
            "tax_groups": tuple(taxes_of(lines, "EUR")),
            "refund": refund_of(extra, "EUR"),
            "statement": statement_of(extra, "EUR"),
            **changes,
        }
    )


def correction(kind: str = "credit_note", **changes: Any) -> DocumentData:
    changes = {
        "corrects": Reference("RE-2026-000001", date(2026, 3, 2)),
        "reason": "Ein Buch zurück",
        **changes,
    }
    return paper(kind, [line(gross=-990)], **{"number": "RK-2026-000001", **changes})


def refund(**changes: Any) -> DocumentData:
    extra = {
        "refund": {
            "amount_minor": 1990,
            "way": "transfer",
            "way_text": "Überweisung",
            "paid_on": "2026-03-04",
            "reference": "AZ 1",
            "for": [{"number": "RK-2026-000001", "date": "2026-03-02", "amount_minor": -1990}],
        }
    }
    return paper("refund_receipt", **{"number": "AZ-2026-000001", "extra": extra, **changes})


def statement(closing: int = 990, **changes: Any) -> DocumentData:
    kinds = [
        "invoice",
        "payment",
        "credit",
        "cancellation",
        "chargeback",
        "fee",
        "refund",
        "write_off",
        "transfer",
    ]
    entries = [
        {
            "date": "2026-03-02",
            "kind": kind,
            "note": "",
            "number": "RE-2026-000001",
            "amount_minor": 990,
            "balance_minor": 990 * n,
        }
        for n, kind in enumerate(kinds, start=1)
    ]
    extra = {
        "statement": {
            "from": "2026-01-01",
            "to": "2026-03-31",
            "opening_minor": 0,
            "closing_minor": closing,
            "entries": entries,
        }
    }
    return paper("account_statement", **{"number": "KA-2026-000001", "extra": extra, **changes})


def final_invoice(**changes: Any) -> DocumentData:
    deposit = Reference("RE-2026-000001", date(2026, 1, 5))
    lines = [
        line(1, 11900, description="Jahreskurs Gitarre"),
        line(2, 10700, "7", description="Lehrbücher"),
        line(3, -5950, description="Abschlag", deducts=deposit),
        line(4, -2140, "7", description="Abschlag", deducts=deposit),
    ]
    return paper(lines=lines, **{"number": "RE-2026-000009", **changes})


def in_language(data: DocumentData, language: str) -> DocumentData:
    return replace(data, language=language)


def pdf_of(data: DocumentData) -> bytes:
    return _RENDERER.render(document_html(data), css=stylesheet(data.design))


def pages_of(data: DocumentData) -> list[str]:
    """The text of every page, white space made one blank."""
    reader = PdfReader(io.BytesIO(pdf_of(data)))
    return [" ".join(page.extract_text().split()) for page in reader.pages]
