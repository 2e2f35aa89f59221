"""What the payment page shows: the documents to pay, one claim a customer and currency, and the ways to pay it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import segno
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from cms_billing.core.money import Money, total
from cms_billing.faktura.models import Document, Issuer
from cms_billing.faktura.selectors import AccountDocument, account_documents, with_standing

from .page_notes import PageNote, notes_on
from .page_offers import DuePart, due_parts
from .providers import Provider, all_providers
from .selectors import documents_being_paid
from .ways import PageWay, page_ways

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
class Choice:
    """What the payer wants to pay: everything open, what is due by today, single documents, or a part (its key)."""

    only_due: bool = False
    documents: frozenset[int] | None = None
    part: int | None = None

    def takes(self, paper: AccountDocument, *, today: date) -> bool:
        if self.documents is not None:
            return paper.document.pk in self.documents
        return not self.only_due or is_due(paper, today=today)


EVERYTHING = Choice()


@dataclass(frozen=True)
class ClaimRow:
    """A document on the page. ``under_way``: a charge or a payment on a provider's page; it is not to be paid again.
    ``note``: what an app above has to say of it."""

    paper: AccountDocument
    under_way: bool
    is_due: bool
    chosen: bool
    note: PageNote | None = None

    @property
    def document(self) -> Document:
        return self.paper.document

    @property
    def open_amount(self) -> Money:
        return self.paper.open_amount

    @property
    def is_payable(self) -> bool:
        return self.paper.is_payable and not self.under_way and (self.note is None or self.note.payable)


@dataclass(frozen=True)
class Claim:
    """What one issuer still gets of one customer, in one currency. ``rows`` includes what is settled by now.

    ``amount`` is what is chosen; ``ways`` to transfer it and ``page_ways`` to pay it on a provider's page are empty
    where nothing is. ``parts`` may be paid alone; ``part`` is the one that is chosen.
    """

    rows: Sequence[ClaimRow]
    amount: Money
    ways: Sequence[WayToPay]
    page_ways: Sequence[PageWay]
    parts: Sequence[DuePart] = ()
    part: DuePart | None = None

    @property
    def key(self) -> int:
        """What forms call it: the first of its documents."""
        return self.rows[0].document.pk

    @property
    def issuer(self) -> Issuer:
        return self.rows[0].document.issuer

    @property
    def chosen(self) -> list[ClaimRow]:
        return [row for row in self.rows if row.chosen]

    @property
    def payable(self) -> list[ClaimRow]:
        return [row for row in self.rows if row.is_payable]

    @property
    def whole(self) -> Money:
        return total((row.open_amount for row in self.payable), self.amount.currency)

    @property
    def due(self) -> Money:
        return total((row.open_amount for row in self.payable if row.is_due), self.amount.currency)

    @property
    def under_way(self) -> bool:
        return any(row.under_way for row in self.rows)

    @property
    def is_settled(self) -> bool:
        return not any(row.paper.is_payable for row in self.rows)

    @property
    def keeps_methods(self) -> bool:
        return any(way.keeps for way in self.page_ways)


def is_due(paper: AccountDocument, *, today: date) -> bool:
    return paper.due_on is not None and paper.due_on <= today


def claims_of(document_ids: Iterable[int], *, today: date, choice: Choice = EVERYTHING) -> list[Claim]:
    """Claims of issued documents; unknown ids are left out."""
    issued = Document.objects.filter(pk__in=list(document_ids), state=Document.State.ISSUED)
    documents = with_standing(issued).select_related("open_item", "issuer").order_by("issued_on", "pk")
    papers = account_documents(documents, today=today)
    open_papers = [paper.document.pk for paper in papers if paper.is_payable]
    being_paid, notes = documents_being_paid(open_papers), notes_on(open_papers)
    parts = due_parts([pk for pk in open_papers if pk not in being_paid], today=today)
    part = next((part for part in parts if part.key == choice.part), None)
    if part is not None:
        choice = Choice(documents=frozenset(part.documents))
    groups: dict[tuple[int, str], list[ClaimRow]] = defaultdict(list)
    for paper in papers:
        under_way = paper.is_payable and paper.document.pk in being_paid
        row = ClaimRow(
            paper, under_way, is_due(paper, today=today), chosen=False, note=notes.get(paper.document.pk)
        )
        row = replace(row, chosen=row.is_payable and choice.takes(paper, today=today))
        groups[paper.document.customer_id, paper.document.currency].append(row)
    accounts = page_ways(paper.document.issuer_id for paper in papers)
    return [
        _claim(rows, currency, accounts.get(rows[0].document.issuer_id, []), parts, part)
        for (_customer, currency), rows in groups.items()
    ]


def _claim(
    rows: Sequence[ClaimRow],
    currency: str,
    accounts: Sequence[PageWay],
    parts: Sequence[DuePart],
    part: DuePart | None,
) -> Claim:
    chosen = [row for row in rows if row.chosen]
    amount = total((row.open_amount for row in chosen), currency)
    mine = {row.document.pk for row in rows}
    parts = [known for known in parts if mine.issuperset(known.documents)]
    part = part if part in parts else None
    if part is not None:
        amount = min(amount, part.amount)
    purpose = purpose_of([row.document.number for row in chosen])
    issuer = rows[0].document.issuer
    ways = ways_to_pay(issuer, amount=amount, purpose=purpose) if chosen else []
    return Claim(rows, amount, ways, accounts if chosen else [], parts, part)


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
