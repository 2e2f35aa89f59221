"""What a member owes an issuer, in words and amounts: for the page they get when locked, and for their account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.money import Money, total
from cms_billing.dunning.member_offers import page_offers
from cms_billing.dunning.models import CaseStep
from cms_billing.faktura.models import Issuer
from cms_billing.payments.links import payment_token, payment_url
from cms_billing.payments.page_notes import notes_on

from . import texts
from .rules import Decision, OwedDocument


@dataclass(frozen=True)
class Link:
    label: Any
    url: str


@dataclass(frozen=True)
class OwedRow:
    """A document in the words of the page. ``charges``: the part that is fees and interest, empty without; ``note``:
    that somebody else collects it by now."""

    id: int
    number: str
    issued_on: date | None
    due_on: date
    amount: str
    charges: str
    level: int
    effects: tuple[str, ...]
    note: str = ""

    @classmethod
    def of(cls, paper: OwedDocument, language: str, *, note: str = "") -> OwedRow:
        charges = Money(paper.charges_minor, paper.currency)
        return cls(
            id=paper.id,
            number=paper.number,
            issued_on=paper.issued_on,
            due_on=paper.due_on,
            amount=Money(paper.open_minor, paper.currency).format(language),
            charges=charges.format(language) if charges.minor else "",
            level=paper.level,
            effects=tuple(map(str, texts.effects(paper))),
            note=note,
        )


@dataclass(frozen=True)
class LetterSent:
    level: int
    day: date


@dataclass(frozen=True)
class Arrears:
    """Towards one issuer. ``payable``: what of the total the payment page takes; ``payment_url`` is empty where it
    takes nothing. ``reason`` says why something is locked, empty where nothing is."""

    issuer: Issuer
    owed: tuple[OwedRow, ...]
    total: str
    payable: str
    letters: tuple[LetterSent, ...]
    payment_url: str
    reason: str = ""
    offers: tuple[Link, ...] = ()

    @property
    def highest_level(self) -> int:
        return max((row.level for row in self.owed), default=0)


def arrears_of(
    papers: Sequence[OwedDocument],
    *,
    issuer: Issuer,
    language: str,
    reason: str = "",
) -> Arrears:
    """The member's facts in their language, which has to be active."""
    ids = [paper.id for paper in papers]
    notes = notes_on(ids)
    payable = [paper for paper in papers if paper.id not in notes or notes[paper.id].payable]
    return Arrears(
        issuer=issuer,
        owed=tuple(
            OwedRow.of(paper, language, note=notes[paper.id].text if paper.id in notes else "")
            for paper in papers
        ),
        total=amount_owed(papers, language),
        payable=amount_owed(payable, language),
        letters=letters_about(ids),
        payment_url=url_to_pay([paper.id for paper in payable]),
        reason=reason,
        offers=tuple(_offers(ids)),
    )


def example(*, issuer: Issuer, language: str, today: date, decision: Decision | None = None) -> Arrears:
    """A member who does not exist, for the editors' preview: locked, or as the made-up ``decision`` says."""
    told = decision.documents[0] if decision and decision.documents else None
    paper = told or _example_paper(issuer.currency, today)
    reason = texts.locked_text(contract="V-0000123", plan=_("Membership"), papers=[paper])
    amount = Money(paper.open_minor, paper.currency).format(language)
    return Arrears(
        issuer=issuer,
        owed=(OwedRow.of(paper, language),),
        total=amount,
        payable=amount,
        letters=tuple(
            LetterSent(level, today - timedelta(days=14 * (paper.level + 1 - level) - 10))
            for level in range(1, paper.level + 1)
        ),
        payment_url="#",
        reason=texts.sentence(decision) if decision and told else reason,
        offers=(Link(_("Pay in instalments"), "#"),),
    )


def _example_paper(currency: str, today: date) -> OwedDocument:
    due = today - timedelta(days=45)
    return OwedDocument(
        id=0,
        number="R-2026-00042",
        issued_on=due - timedelta(days=14),
        due_on=due,
        open_minor=1980,
        currency=currency,
        level=3,
        lock_scope="contract",
    )


def letters_about(document_ids: Iterable[int]) -> tuple[LetterSent, ...]:
    """The letters that were written for these documents, oldest first."""
    steps = CaseStep.objects.filter(
        case__document__in=list(document_ids), kind=CaseStep.Kind.LETTER, letter__isnull=False
    )
    rows = steps.order_by("letter__issued_on", "level").values_list("level", "letter__issued_on").distinct()
    return tuple(LetterSent(level, day) for level, day in rows if day is not None)


def amount_owed(papers: Sequence[OwedDocument], language: str) -> str:
    """The sum, or sums where currencies differ."""
    sums = [
        total((Money(p.open_minor, p.currency) for p in papers if p.currency == currency), currency)
        for currency in sorted({paper.currency for paper in papers})
    ]
    return " + ".join(amount.format(language) for amount in sums)


def url_to_pay(document_ids: Sequence[int]) -> str:
    """Empty on a site that has not included the billing addresses."""
    try:
        return payment_url(document_ids) if document_ids else ""
    except NoReverseMatch:
        return ""


def _offers(document_ids: Sequence[int]) -> Iterable[Link]:
    """What the issuer offers to those who cannot pay at once; as on the payment page."""
    try:
        token = payment_token(document_ids)
        for offer in page_offers(document_ids, token, clock.today()) if document_ids else ():
            yield Link(offer.label, offer.url)
    except NoReverseMatch:
        return
