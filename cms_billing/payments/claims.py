"""What the payment page shows: the documents to pay, one claim an issuer and currency, and the ways to pay it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import segno
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from cms_billing.core.money import Money, total
from cms_billing.faktura.models import Document, Issuer
from cms_billing.faktura.selectors import AccountDocument, account_documents, with_standing

from .models import Payment
from .providers import Provider, all_providers

UNDER_WAY = (Payment.State.CREATED, Payment.State.PENDING)
# A bank statement shows 140 characters of purpose (ISO 20022, unstructured remittance information).
LONGEST_PURPOSE = 140


@dataclass(frozen=True)
class WayToPay:
    """One provider's part of the page: its own template, or the common one for transfer ``instructions``."""

    code: str
    label: Any
    template: str
    instructions: Mapping[str, Any] = field(default_factory=dict)
    qr_code: SafeString | None = None


@dataclass(frozen=True)
class Claim:
    """What one issuer still gets, in one currency. ``rows`` includes documents that are settled by now."""

    issuer: Issuer
    rows: Sequence[AccountDocument]
    amount: Money
    under_way: bool
    ways: Sequence[WayToPay]

    @property
    def is_settled(self) -> bool:
        return self.amount.minor <= 0


def claims_of(document_ids: Iterable[int], *, today: date) -> list[Claim]:
    """Claims of issued documents; unknown ids are left out."""
    issued = Document.objects.filter(pk__in=list(document_ids), state=Document.State.ISSUED)
    documents = with_standing(issued).select_related("open_item", "issuer").order_by("issued_on", "pk")
    groups: dict[tuple[int, str], list[AccountDocument]] = defaultdict(list)
    for row in account_documents(documents, today=today):
        groups[row.document.issuer_id, row.document.currency].append(row)
    return [_claim(rows, currency) for (_issuer, currency), rows in groups.items()]


def _claim(rows: Sequence[AccountDocument], currency: str) -> Claim:
    issuer = rows[0].document.issuer
    payable = [row for row in rows if row.is_payable]
    amount = total((row.open_amount for row in payable), currency)
    purpose = purpose_of([row.document.number for row in payable])
    charges = Payment.objects.filter(document__in=[row.document.pk for row in payable], state__in=UNDER_WAY)
    return Claim(
        issuer=issuer,
        rows=rows,
        amount=amount,
        under_way=bool(payable) and charges.exists(),
        ways=ways_to_pay(issuer, amount=amount, purpose=purpose) if payable else [],
    )


def purpose_of(numbers: Sequence[str]) -> str:
    """The numbers of the documents, whole ones only: a cut number would find no invoice."""
    purpose = ""
    for number in numbers:
        longer = f"{purpose} {number}".strip()
        if len(longer) > LONGEST_PURPOSE:
            break
        purpose = longer
    return purpose


def ways_to_pay(issuer: Issuer, *, amount: Money, purpose: str) -> list[WayToPay]:
    """One for every provider that explains itself (``instructions``) or ships a template of its own.

    A provider with a hosted page brings ``cms_billing/payments/options/<code>.html`` with its button.
    """
    ways = (_way(provider, issuer, amount=amount, purpose=purpose) for provider in all_providers().values())
    return [way for way in ways if way is not None]


def _way(provider: Provider, issuer: Issuer, *, amount: Money, purpose: str) -> WayToPay | None:
    own = f"cms_billing/payments/options/{provider.code}.html"
    template = own if _exists(own) else None
    instructions = provider.instructions(issuer=issuer, amount=amount, purpose=purpose) or {}
    if instructions.get("iban"):
        template = template or "cms_billing/payments/options/transfer.html"
    if template is None:
        return None
    return WayToPay(
        provider.code, provider.label, template, instructions, qr_code_of(instructions.get("epc"))
    )


def qr_code_of(payload: str | None) -> SafeString | None:
    """Inline SVG, dark on white with its quiet zone; level M as EPC069-12 asks for."""
    if not payload:
        return None
    code = segno.make(payload, error="m", boost_error=False, encoding="utf-8", micro=False)
    svg = code.svg_inline(scale=4, border=4, light="#fff", dark="#000", omitsize=True)
    return mark_safe(svg)


def _exists(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
