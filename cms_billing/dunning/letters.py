"""The letter as plain data: what ``faktura`` freezes, renders and sends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from cms_billing.core.formats import ISO, LONG, Formats
from cms_billing.faktura.drafts import Draft
from cms_billing.faktura.models import Customer, DocumentKind, Issuer

from . import rules, texts
from .figures import Figures
from .plans import ActiveProcedure, Claim
from .rules import LevelFacts, Step


@dataclass(frozen=True)
class Letter:
    """A draft with the claims it is written for. ``fee_minor`` is posted on the document ``fee_document``."""

    draft: Draft
    claims: tuple[Claim, ...]
    level: LevelFacts
    fee_minor: int
    fee_document: int


def letter_for(
    issuer: Issuer,
    customer: Customer,
    procedure: ActiveProcedure,
    claims: Sequence[Claim],
    *,
    today: date,
    figures: Figures | None = None,
) -> Letter:
    """``claims`` of one currency: those that go a level up, and those that are only listed.

    The letter speaks the language of its highest level; the list says the level of each claim. The fee is the letter's,
    not the claims': it goes on the oldest claim of that level. ``figures``: those of an example, for previews.
    """
    stepping = [claim for claim in claims if claim.decision.step is Step.LETTER]
    first, level = _highest(procedure, stepping)
    currency = first.item.currency
    fee = level.fee_minor if currency == issuer.currency else 0
    figures = figures or figures_of(claims, fee_minor=fee)
    pay_until = today + timedelta(days=level.days_to_pay)
    values = {
        **_values(issuer, customer, stepping, pay_until=pay_until),
        "lock": lock_sentences(procedure, stepping, language=customer.language),
        **figures.printed(_formats(issuer, customer), currency),
    }
    subject, body = text_of(
        procedure, level=first.level, language=customer.language, issuer=issuer, kind=customer.kind
    )
    extra = {
        "subject": texts.fill(subject, values),
        "text": texts.fill(body, values),
        "level": first.level,
        "claims": [_listed(claim) for claim in sorted(claims, key=_by_due_date)],
        **figures.stored(),
        "pay_until": f"{pay_until:%Y-%m-%d}",
        "lock_notice": lock_notice(procedure, stepping, language=customer.language),
        "channel": level.channel,
        "attach_invoices": level.attach_invoices,
    }
    draft = Draft(DocumentKind.DUNNING_LETTER, customer.pk, currency, extra=extra)
    return Letter(draft, tuple(stepping), level, fee, first.item.document_id)


def _highest(procedure: ActiveProcedure, claims: Sequence[Claim]) -> tuple[Claim, LevelFacts]:
    """The first claim of the highest level, and that level."""
    first = max(claims, key=lambda claim: claim.level)
    level = procedure.facts.level(first.level)
    assert level is not None, "the rule only names levels of the procedure"
    return first, level


def _values(
    issuer: Issuer, customer: Customer, claims: Sequence[Claim], *, pay_until: date
) -> dict[str, str]:
    """What the placeholders of a text say, but for locks and figures."""
    return {
        "name": customer.person or customer.name,
        "customer_number": customer.number,
        "documents": ", ".join(claim.item.number for claim in claims),
        "pay_until": _in_a_sentence(_formats(issuer, customer)).day(pay_until),
        "issuer": issuer.legal_name or issuer.name,
    }


def figures_of(claims: Sequence[Claim], *, fee_minor: int) -> Figures:
    """What the letter asks for; ``fee_minor`` is that of this letter, on top of what stands on the claims already."""
    parts = [_parts(claim) for claim in claims]
    return Figures(
        principal_minor=sum(part.principal for part in parts),
        fee_minor=fee_minor,
        fees_minor=fee_minor + sum(part.fees for part in parts),
        interest_minor=sum(part.interest for part in parts),
        flat_minor=sum(part.flat for part in parts),
    )


class Parts(NamedTuple):
    """What a claim asks for once the letter is out, but for the letter's fee."""

    principal: int
    fees: int = 0
    interest: int = 0
    flat: int = 0


def _parts(claim: Claim) -> Parts:
    charges = claim.charges
    if charges is None:
        return Parts(claim.item.open_minor)
    owed = charges.owed
    return Parts(
        owed.principal_open,
        owed.costs_open - owed.flat_open,
        owed.interest_open + charges.interest_minor,
        owed.flat_open + charges.flat_minor,
    )


def text_of(
    procedure: ActiveProcedure, *, level: int, language: str, issuer: Issuer, kind: str = texts.CONSUMER
) -> tuple[str, str]:
    """Subject and text of a level: in the customer's language, else the issuer's, else any, else as shipped."""
    for wanted in (language, issuer.language):
        if text := procedure.texts.get((level, wanted)):
            return text
    written = [text for (number, _language), text in sorted(procedure.texts.items()) if number == level]
    return written[0] if written else texts.default_text(level, language, kind)


def lock_notice(procedure: ActiveProcedure, claims: Sequence[Claim], *, language: str) -> str:
    """Which documents this letter locks, or announces to lock with the next one; empty where it does neither."""
    locked: dict[str, list[str]] = defaultdict(list)
    announced: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        now, next_one = scopes_of(procedure, claim)
        if now:
            locked[now].append(claim.item.number)
        if next_one:
            announced[next_one].append(claim.item.number)
    return texts.lock_notice(locked=locked, announced=announced, language=language)


def lock_sentences(procedure: ActiveProcedure, claims: Sequence[Claim], *, language: str) -> str:
    """The same for the text, in general words: the widest scope of each."""
    scopes = [scopes_of(procedure, claim) for claim in claims]
    locked = rules.wider(*(now for now, _next in scopes))
    announced = rules.wider(*(next_one for _now, next_one in scopes))
    if rules.wider(locked, announced) == locked:
        announced = ""
    return texts.lock_sentences(locked=locked, announced=announced, language=language)


def scopes_of(procedure: ActiveProcedure, claim: Claim) -> tuple[str, str]:
    """What the claim locks once this letter is out, and what more the next one is to lock."""
    locked, announced = scope_after(procedure, claim), announced_after(procedure, claim)
    return locked, "" if rules.wider(locked, announced) == locked else announced


def scope_after(procedure: ActiveProcedure, claim: Claim) -> str:
    """What the claim locks once this letter is out. What was locked stays so."""
    before = claim.case.announced_scope if claim.case else ""
    already = claim.case.lock_scope if claim.case else ""
    return rules.wider(already, rules.scope_locked(before, procedure.facts.level(claim.level)))


def announced_after(procedure: ActiveProcedure, claim: Claim) -> str:
    """What has been announced to lock once this letter is out."""
    before = claim.case.announced_scope if claim.case else ""
    return rules.scope_announced(before, procedure.facts.after(claim.level))


def _by_due_date(claim: Claim) -> tuple[date, int]:
    return claim.item.due_on, claim.item.document_id


def _listed(claim: Claim) -> dict[str, object]:
    """``open_minor`` is all that is open on it before the letter; where there are charges, beside it what of each kind
    the letter asks for, and how the interest was worked out."""
    item = claim.item
    return {
        "document_id": item.document_id,
        "number": item.number,
        "date": f"{item.issued_on:%Y-%m-%d}" if item.issued_on else "",
        "due_on": f"{item.due_on:%Y-%m-%d}",
        "gross_minor": item.gross_minor,
        "open_minor": item.open_minor,
        **_listed_parts(claim),
        "level": claim.level,
    }


def _listed_parts(claim: Claim) -> dict[str, object]:
    parts = _parts(claim)
    if parts == Parts(claim.item.open_minor):
        return {}
    return {
        "principal_minor": parts.principal,
        "fees_minor": parts.fees,
        "interest_minor": parts.interest,
        "flat_minor": parts.flat,
        **_listed_interest(claim),
    }


def _listed_interest(claim: Claim) -> dict[str, object]:
    """How it was worked out; beside it what earlier letters asked for of it, and what of that is settled."""
    charges = claim.charges
    if charges is None or not (charges.rows or charges.owed.interest_open):
        return {"interest": []}
    worked_out: dict[str, object] = {"interest": [row.stored() for row in charges.rows]}
    if charges.claimed:
        worked_out["interest_claimed"] = [
            {"number": one.number, "date": f"{one.day:%Y-%m-%d}" if one.day else "", "minor": one.minor}
            for one in charges.claimed
        ]
        worked_out["interest_settled_minor"] = charges.settled_minor
    return worked_out


def _formats(issuer: Issuer, customer: Customer) -> Formats:
    return Formats(customer.language, issuer.format_region, issuer.date_style)


def _in_a_sentence(formats: Formats) -> Formats:
    """The month in words, unless the issuer wants ISO dates."""
    return formats if formats.date_style == ISO else replace(formats, date_style=LONG)
