"""``DocumentData``: everything a template may show of an issued document, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from textwrap import wrap
from typing import Any

from cms_billing.core.formats import Formats
from cms_billing.core.money import Money, total

from ..epc import epc_payload
from ..models import DocumentKind
from ..placeholders import fill
from ..printed import printed_notice
from .design import DesignData
from .letters import Claim, Letter
from .money_papers import RefundData, StatementData
from .sale import Deduction, Group, LineData, Reference, TaxData, deductions_of, groups_of, taxes_of
from .text_values import text_values

__all__ = ["Claim", "DocumentData", "IssuerData", "Letter", "Notice", "Texts"]

_PURPOSE_LENGTH = 140  # of a SEPA transfer
# Class in page.css, letters a line and lines that fit the window of DIN 5008.
_ADDRESS_SIZES = (("", 40, 5), ("long", 47, 8))


@dataclass(frozen=True)
class IssuerData:
    """The issuer as it was at issue; the fields are those of ``Issuer``."""

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
    payment_days: int = 14
    format_region: str = ""
    date_style: str = "language"

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
class Texts:
    """The issuer's texts above and below, as they were at issue, with their placeholders."""

    intro: str = ""
    closing: str = ""


@dataclass(frozen=True)
class Agreed:
    """What was agreed with the customer. ``kind``: promise, instalments or deferral; ``documents``: their numbers.

    ``parts``: day and amount of each payment; ``next_part``: the one a reminder is about.
    """

    kind: str
    documents: str
    amount: Money
    parts: tuple[tuple[date, Money], ...]
    grace_days: int = 0
    next_part: tuple[date, Money] | None = None


@dataclass(frozen=True)
class Notice:
    """What a mail without a paper tells about a way of payment, in the customer's language."""

    payment_method: str = ""
    refusal_reason: str = ""
    expires_on: date | None = None
    account_link: str = ""
    agreed: Agreed | None = None
    # Of a payment that ended reminders.
    paid_documents: str = ""
    access_opened: bool = False


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
    design: DesignData = field(default_factory=DesignData)
    lines: tuple[LineData, ...] = ()
    tax_groups: tuple[TaxData, ...] = ()
    is_deposit: bool = False
    corrects: Reference | None = None
    # A cancellation of what earlier corrections have left of the invoice.
    cancels_rest: bool = False
    reason: str = ""
    letter: Letter | None = None
    refund: RefundData | None = None
    statement: StatementData | None = None
    is_paid: bool = False
    payment_link: str = ""
    # Told instead of the bank data where the reader need not transfer anything.
    payment_note: str = ""
    notice: Notice | None = None
    texts: Texts = Texts()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def formats(self) -> Formats:
        return Formats(self.language, self.issuer.format_region, self.issuer.date_style)

    @property
    def recipient_size(self) -> str:
        """The largest letters in which the address stays in its window; what does not fit there would be cut off."""
        for size, letters, lines in _ADDRESS_SIZES:
            if sum(len(wrap(line, letters)) for line in self.recipient) <= lines:
                return size
        return "longest"

    @property
    def shows_tax(self) -> bool:
        return not self.issuer.small_business

    @property
    def notices(self) -> list[str]:
        return list(dict.fromkeys(printed_notice(group.notice) for group in self.tax_groups if group.notice))

    @property
    def contracts(self) -> list[str]:
        return list(dict.fromkeys(line.contract_reference for line in self.lines if line.contract_reference))

    @property
    def details_as(self) -> str:
        """How particulars of lines are printed: short (not at all), grouped or annex."""
        return str(getattr(self.design, "line_details", "short"))

    @property
    def services(self) -> list[LineData]:
        """The lines that sell something: all but those that deduct a deposit."""
        return [line for line in self.lines if not line.deducts]

    @cached_property
    def groups(self) -> list[Group]:
        return groups_of(
            self.services,
            prices_include_tax=self.prices_include_tax,
            currency=self.currency,
            grouped=self.details_as == "grouped",
        )

    @property
    def carries(self) -> bool:
        """Are there enough lines to carry their sum from page to page?"""
        return any(row.after is not None for group in self.groups for row in group.rows)

    @property
    def intro(self) -> str:
        """What stands above the lines: an editor's words for this document, else the issuer's text."""
        return str(self.extra.get("intro") or fill(self.texts.intro, text_values(self)))

    @property
    def closing(self) -> str:
        return str(self.extra.get("closing") or fill(self.texts.closing, text_values(self)))

    @property
    def detailed_lines(self) -> list[LineData]:
        """Lines with particulars, for the annex."""
        return [line for line in self.services if line.details] if self.details_as == "annex" else []

    @cached_property
    def deductions(self) -> list[Deduction]:
        """§ 14 (5) UStG: a final invoice deducts deposits with the tax on them."""
        return deductions_of(self.lines, self.currency)

    @cached_property
    def service_taxes(self) -> list[TaxData]:
        """The tax groups before deposits are deducted."""
        return taxes_of(self.services, self.currency)

    @property
    def service_gross(self) -> Money:
        return total((line.gross for line in self.services), self.currency)

    @property
    def services_total(self) -> Money:
        """What the printed amounts of the lines add up to."""
        return total(
            (line.gross if self.prices_include_tax else line.net for line in self.services), self.currency
        )

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
        if not self.design.show_qr:
            return None
        return epc_payload(
            name=self.issuer.payee,
            iban=self.issuer.iban,
            bic=self.issuer.bic,
            amount=self.to_pay,
            purpose=self.purpose,
        )
