"""``DocumentData``: everything a template may show of an issued document, as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from babel import Locale
from django.utils import translation

from cms_billing.core.money import Money

from .. import links
from ..epc import epc_payload
from ..models import Document, DocumentKind, DocumentLine, TaxGroup
from .logos import logo_data_uris

_HEX_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_DEFAULT_ACCENT = "#1f4e5f"
_PURPOSE_LENGTH = 140  # of a SEPA transfer


@dataclass(frozen=True)
class IssuerData:
    """The issuer as it was at issue; the fields are those of ``Issuer``. ``logo`` is a data URI or empty."""

    name: str = ""
    legal_name: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    tax_number: str = ""
    vat_id: str = ""
    register_entry: str = ""
    managing_directors: str = ""
    small_business: bool = False
    account_holder: str = ""
    iban: str = ""
    bic: str = ""
    bank_name: str = ""
    creditor_id: str = ""
    accent_color: str = _DEFAULT_ACCENT
    invoice_intro: str = ""
    invoice_closing: str = ""
    letter_footer: str = ""
    payment_days: int = 14
    logo: str = ""

    @property
    def accent(self) -> str:
        return self.accent_color if _HEX_COLOR.fullmatch(self.accent_color) else _DEFAULT_ACCENT

    @property
    def tint(self) -> str:
        """The accent colour, nearly white: for the ground of boxes."""
        parts = [int(self.accent[i : i + 2], 16) for i in (1, 3, 5)]
        return "#" + "".join(f"{round(255 - (255 - part) * 0.07):02x}" for part in parts)

    @property
    def printed_iban(self) -> str:
        iban = self.iban.replace(" ", "")
        return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))

    @property
    def printed_website(self) -> str:
        return self.website.removeprefix("https://").removeprefix("http://").rstrip("/")

    @property
    def payee(self) -> str:
        return self.account_holder or self.legal_name


@dataclass(frozen=True)
class LineData:
    position: int
    description: str
    quantity: Decimal
    unit_price: Money
    tax_percent: Decimal
    net: Money
    tax: Money
    gross: Money
    service_start: date | None
    service_end: date | None
    contract_reference: str


@dataclass(frozen=True)
class TaxData:
    """The sums of one rate; ``notice`` is what the law wants to read where no tax is shown."""

    tax_code: str
    percent: Decimal
    net: Money
    tax: Money
    gross: Money
    notice: str


@dataclass(frozen=True)
class Reference:
    """The document that this one corrects."""

    number: str
    issued_on: date


@dataclass(frozen=True)
class Claim:
    """One overdue document in a dunning letter."""

    number: str
    issued_on: date | None
    due_on: date | None
    gross: Money
    open: Money
    level: int | None


@dataclass(frozen=True)
class Letter:
    """What a dunning letter says, in the customer's language, as ``Document.extra`` holds it."""

    subject: str
    text: str
    level: int | None
    claims: tuple[Claim, ...]
    fee: Money
    total: Money
    pay_until: date | None
    lock_notice: str


@dataclass(frozen=True)
class DocumentData:
    """An issued document. Templates see nothing else: no model, no query, no clock."""

    document_id: int
    kind: str
    number: str
    issued_on: date
    due_on: date | None
    service_start: date | None
    service_end: date | None
    currency: str
    prices_include_tax: bool
    net: Money
    tax: Money
    gross: Money
    language: str
    customer_number: str
    recipient_name: str
    recipient: tuple[str, ...]
    recipient_vat_id: str
    recipient_email: str
    issuer: IssuerData
    lines: tuple[LineData, ...] = ()
    tax_groups: tuple[TaxData, ...] = ()
    corrects: Reference | None = None
    reason: str = ""
    letter: Letter | None = None
    is_paid: bool = False
    payment_link: str = ""
    # Told instead of the bank data where the reader need not transfer anything.
    payment_note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shows_tax(self) -> bool:
        return not self.issuer.small_business

    @property
    def notices(self) -> list[str]:
        return list(dict.fromkeys(group.notice for group in self.tax_groups if group.notice))

    @property
    def contracts(self) -> list[str]:
        return list(dict.fromkeys(line.contract_reference for line in self.lines if line.contract_reference))

    @property
    def service_is_one_day(self) -> bool:
        return self.service_start == self.service_end

    @property
    def lines_differ_in_detail(self) -> bool:
        """The information block has one period and the contracts; where lines differ each tells its own."""
        return (
            len({(line.service_start, line.service_end, line.contract_reference) for line in self.lines}) > 1
        )

    @property
    def to_pay(self) -> Money:
        """What the reader is asked for; zero for corrections and for what has been paid."""
        if self.letter:
            return self.letter.total
        if self.kind == DocumentKind.INVOICE and not self.is_paid and self.gross.minor > 0:
            return self.gross
        return Money.zero(self.currency)

    @property
    def pay_until(self) -> date | None:
        return self.letter.pay_until if self.letter else self.due_on

    @property
    def purpose(self) -> str:
        """What the reader writes on the transfer, so that the payment finds its documents."""
        if not self.letter:
            return self.number
        numbers = ", ".join(claim.number for claim in self.letter.claims)
        return numbers if 0 < len(numbers) <= _PURPOSE_LENGTH else self.number

    @cached_property
    def epc(self) -> str | None:
        """The text of the EPC QR code, where there is one."""
        return epc_payload(
            name=self.issuer.payee,
            iban=self.issuer.iban,
            bic=self.issuer.bic,
            amount=self.to_pay,
            purpose=self.purpose,
        )


def document_data(document_ids: Iterable[int]) -> list[DocumentData]:
    """The data of issued documents, in the order asked for. The number of queries does not grow with theirs."""
    ids = list(document_ids)
    documents = (
        Document.objects.filter(pk__in=ids, state=Document.State.ISSUED)
        .select_related("snapshot", "corrects", "customer", "open_item")
        .prefetch_related("lines", "tax_groups")
    )
    by_id: dict[int, Document] = {document.pk: document for document in documents}
    logos = logo_data_uris(_logo_id(document) for document in by_id.values())
    claimed = _claimed_documents(by_id.values())
    notes = _notes(by_id.values())
    return [_data(by_id[pk], logos, claimed, notes) for pk in ids if pk in by_id]


def _data(
    document: Document,
    logos: Mapping[int, str],
    claimed: Mapping[tuple[int, str], int],
    notes: Mapping[int, str],
) -> DocumentData:
    issuer = _issuer(document, logos)
    item = getattr(document, "open_item", None)
    return DocumentData(
        document_id=document.pk,
        kind=document.kind,
        number=document.number,
        issued_on=_given(document.issued_on),
        due_on=document.due_on,
        service_start=document.service_start,
        service_end=document.service_end,
        currency=document.currency,
        prices_include_tax=document.prices_include_tax,
        net=document.net,
        tax=document.tax,
        gross=document.gross,
        language=document.language,
        customer_number=document.customer.number,
        recipient_name=document.recipient_name,
        recipient=_recipient(document, issuer),
        recipient_vat_id=document.recipient_vat_id,
        recipient_email=document.recipient_email,
        issuer=issuer,
        lines=tuple(_line(line, document.currency) for line in document.lines.all()),
        tax_groups=tuple(_tax(group, document.currency) for group in document.tax_groups.all()),
        corrects=_reference(document),
        reason=str(document.extra.get("reason", "")),
        letter=_letter(document) if document.kind == DocumentKind.DUNNING_LETTER else None,
        is_paid=item is not None and document.gross_minor > 0 and item.open_minor <= 0,
        payment_link=links.payment_link(_payable(document, claimed)),
        payment_note=notes.get(document.pk, ""),
        extra=document.extra,
    )


def _issuer(document: Document, logos: Mapping[int, str]) -> IssuerData:
    """Snapshots of older versions may lack fields that were added since."""
    stored = document.snapshot.data if document.snapshot else {}
    known = {f.name for f in fields(IssuerData)} & stored.keys()
    logo = logos.get(stored.get("logo_id") or 0, "")
    return IssuerData(**{name: stored[name] for name in known} | {"logo": logo})


def _recipient(document: Document, issuer: IssuerData) -> tuple[str, ...]:
    """DIN 5008: the last line of a letter abroad is the country, in capitals, in the sender's language."""
    lines = tuple(document.recipient_address.splitlines())
    if document.recipient_country and document.recipient_country != issuer.country:
        name = Locale("de" if issuer.country in ("DE", "AT", "CH") else "en").territories.get(
            document.recipient_country, document.recipient_country
        )
        lines += (name.upper(),)
    return lines


def _line(line: DocumentLine, currency: str) -> LineData:
    return LineData(
        position=line.position,
        description=line.description,
        quantity=line.quantity,
        unit_price=Money(line.unit_price_minor, currency),
        tax_percent=line.tax_percent,
        net=Money(line.net_minor, currency),
        tax=Money(line.tax_minor, currency),
        gross=Money(line.gross_minor, currency),
        service_start=line.service_start,
        service_end=line.service_end,
        contract_reference=line.contract_reference,
    )


def _tax(group: TaxGroup, currency: str) -> TaxData:
    return TaxData(
        tax_code=group.tax_code,
        percent=group.tax_percent,
        net=Money(group.net_minor, currency),
        tax=Money(group.tax_minor, currency),
        gross=Money(group.gross_minor, currency),
        notice=group.notice,
    )


def _reference(document: Document) -> Reference | None:
    """§ 31 (5) UStDV: a correction names the number and date of what it corrects."""
    original = document.corrects
    return Reference(original.number, _given(original.issued_on)) if original else None


def _letter(document: Document) -> Letter:
    extra, currency = document.extra, document.currency
    return Letter(
        subject=extra.get("subject", ""),
        text=extra.get("text", ""),
        level=extra.get("level"),
        claims=tuple(_claim(claim, currency) for claim in extra.get("claims", ())),
        fee=Money(extra.get("fee_minor", 0), currency),
        total=Money(extra.get("total_minor", 0), currency),
        pay_until=_day(extra.get("pay_until")),
        lock_notice=extra.get("lock_notice") or "",
    )


def _claim(claim: Mapping[str, Any], currency: str) -> Claim:
    return Claim(
        number=claim["number"],
        issued_on=_day(claim.get("date")),
        due_on=_day(claim.get("due_on")),
        gross=Money(claim.get("gross_minor", 0), currency),
        open=Money(claim.get("open_minor", 0), currency),
        level=claim.get("level"),
    )


def _claimed_documents(documents: Iterable[Document]) -> dict[tuple[int, str], int]:
    """Ids of the documents that dunning letters claim, by issuer and number; no query where there is no letter."""
    letters = [document for document in documents if document.kind == DocumentKind.DUNNING_LETTER]
    numbers = {claim["number"] for letter in letters for claim in letter.extra.get("claims", ())}
    if not numbers:
        return {}
    rows = Document.objects.filter(
        issuer__in={letter.issuer_id for letter in letters}, number__in=numbers
    ).values_list("issuer_id", "number", "pk")
    return {(issuer_id, number): pk for issuer_id, number, pk in rows}


def _payable(document: Document, claimed: Mapping[tuple[int, str], int]) -> Sequence[int]:
    """The documents that the payment link of this one is for."""
    if document.kind == DocumentKind.DUNNING_LETTER:
        numbers = [claim["number"] for claim in document.extra.get("claims", ())]
        return [claimed[key] for number in numbers if (key := (document.issuer_id, number)) in claimed]
    return [document.pk] if document.kind == DocumentKind.INVOICE and document.gross_minor > 0 else []


def _notes(documents: Iterable[Document]) -> dict[int, str]:
    """Notes are told in the language of each document: one question a language."""
    by_language: dict[str, list[int]] = {}
    for document in documents:
        if document.kind == DocumentKind.INVOICE:
            by_language.setdefault(document.language, []).append(document.pk)
    notes: dict[int, str] = {}
    for language, ids in by_language.items():
        with translation.override(language):
            notes.update({pk: str(note) for pk, note in links.payment_notes(ids).items()})
    return notes


def _logo_id(document: Document) -> int | None:
    return document.snapshot.data.get("logo_id") if document.snapshot else None


def _day(value: str | date | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None  # type: ignore[return-value]


def _given(day: date | None) -> date:
    """Issued documents have their date; the database says so (``issued_documents_have_number_and_date``)."""
    if day is None:
        raise ValueError("an issued document without a date")
    return day
