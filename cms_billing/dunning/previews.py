"""A level's letter with an example customer: what its text, lock and charges look like before anybody gets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cms_billing.faktura import delivery
from cms_billing.faktura.mailsettings import MailSettings, settings_for
from cms_billing.faktura.models import Channel, Customer, DocumentKind, Issuer, Letterhead
from cms_billing.faktura.models.letterheads import inherited
from cms_billing.faktura.models.parties import LANGUAGES
from cms_billing.faktura.notices import issuer_data
from cms_billing.faktura.previews import sample
from cms_billing.faktura.rendering import DocumentData, render_pdf
from cms_billing.faktura.rendering.design import DesignData
from cms_billing.faktura.rendering.footers import finished
from cms_billing.faktura.rendering.letters import letter_of

from .figures import Figures
from .letters import letter_for
from .models import Case, Level, Procedure
from .plans import ActiveProcedure, Claim, Item, active
from .rules import Decision, Reason, Step, wider

LANGUAGE_CODES = tuple(code for code, _name in LANGUAGES)
_DAY = date(2026, 3, 2)
_INTEREST_MINOR = 187


@dataclass(frozen=True)
class Shown:
    """A letter of nobody. ``attachments`` are file names; ``on_paper``: it is printed and not mailed."""

    data: DocumentData
    settings: MailSettings
    content: delivery.Content
    sender: str
    attachments: tuple[str, ...]
    on_paper: bool


def kinds_of(procedure: Procedure) -> tuple[str, ...]:
    """The kinds of customers a procedure is for."""
    kind = procedure.customer_kind
    return tuple(Customer.Kind.values) if kind == Procedure.CustomerKind.ALL else (kind,)


def show(procedure: Procedure, *, level: int, language: str, kind: str) -> Shown:
    """The letter of ``level`` as ``procedure``, saved or being edited, writes it. Raises LookupError without it."""
    rows = {row.number: row for row in procedure.levels.all()}
    data = example(procedure, level=rows[level], language=language, kind=kind)
    wanted = settings_for(procedure.issuer, kind=DocumentKind.DUNNING_LETTER, language=language)
    row = rows[level]
    carried = (f"{data.number}.pdf",) if row.channel == Channel.MAIL_PDF else ()
    claims = data.letter.claims if data.letter else ()
    invoices = tuple(claim.number for claim in claims) if row.attach_invoices else ()
    content = delivery.write(data, wanted, open_amount=data.to_pay, linked=not carried, invoices=invoices)
    return Shown(
        data=data,
        settings=wanted,
        content=content,
        sender=delivery.from_header(wanted, procedure.issuer, data.issuer.legal_name),
        attachments=(*carried, *(f"{number}.pdf" for number in invoices)),
        on_paper=row.channel == Channel.PRINT,
    )


def example(procedure: Procedure, *, level: Level, language: str, kind: str) -> DocumentData:
    """Two invoices, of which the older one goes to ``level``; on the issuer's letterhead."""
    issuer = procedure.issuer
    with translation.override(language):
        customer = _customer(issuer, language, kind)
        base = sample(issuer, DocumentKind.DUNNING_LETTER, language)
    known = active(procedure)
    claims = _claims(known, level, issuer)
    figures = _figures(procedure, level, claims, kind)
    draft = letter_for(issuer, customer, known, claims, today=_DAY, figures=figures).draft
    address = tuple(customer.address_lines)
    return replace(
        base,
        letter=letter_of(draft.extra, issuer.currency),
        extra=draft.extra,
        recipient_name=customer.name,
        recipient=address,
        design=_design(issuer),
        number="MA-2026-000012",
    )


def preview_pdf(shown: Shown) -> bytes:
    return render_pdf(shown.data)


def _customer(issuer: Issuer, language: str, kind: str) -> Customer:
    business = kind == Customer.Kind.BUSINESS
    return Customer(
        pk=0,
        issuer=issuer,
        number="K-000042",
        kind=kind,
        company=_("Sample Publishing Ltd") if business else "",
        first_name="Erika",
        last_name=pgettext("surname", "Sample"),
        street=_("1 Sample Street"),
        postal_code="10115",
        city="Berlin",
        country=issuer.country,
        email="erika@example.org",
        language=language,
    )


def _claims(procedure: ActiveProcedure, level: Level, issuer: Issuer) -> list[Claim]:
    scopes = [one.lock_scope for one in procedure.facts.levels if one.number <= level.number]
    case = Case(level=level.number - 1, announced_scope=wider(*scopes, ""))
    older = _item(1, "2026-000101", 40 + 14 * (level.number - 1), 11900, issuer)
    newer = _item(2, "2026-000117", 24, 4900, issuer)
    first = Claim(
        older,
        case if level.number > 1 else None,
        False,
        Decision(Step.LETTER, Reason.LEVEL_DUE, level.number),
    )
    listed = Claim(newer, Case(level=1), False, Decision(Step.NONE, Reason.WAITING_FOR_LEVEL, 1))
    return [first] if level.number == 1 else [first, listed]


def _item(key: int, number: str, days: int, minor: int, issuer: Issuer) -> Item:
    due = _DAY - timedelta(days=days)
    values: dict[str, Any] = {
        "document_id": key,
        "customer_id": 0,
        "currency": issuer.currency,
        "due_on": due,
        "open_minor": minor,
        "number": number,
        "issued_on": due - timedelta(days=issuer.payment_days),
        "gross_minor": minor,
    }
    known = {*values, *Item._field_defaults}
    unknown: dict[str, Any] = {name: 0 for name in Item._fields if name not in known}
    return Item(**values, **unknown)


def _figures(procedure: Procedure, level: Level, claims: list[Claim], kind: str) -> Figures:
    """With what the level may claim: a little interest, the flat sum, the fee."""
    business = kind == Customer.Kind.BUSINESS
    return Figures(
        principal_minor=sum(claim.item.open_minor for claim in claims),
        fee_minor=level.fee_minor,
        fees_minor=level.fee_minor,
        interest_minor=_INTEREST_MINOR if level.claims_interest and procedure.interest_points else 0,
        flat_minor=procedure.flat_minor if level.claims_flat and business else 0,
    )


def _design(issuer: Issuer) -> DesignData:
    rows = list(Letterhead.objects.for_documents(issuer, DocumentKind.DUNNING_LETTER))
    return finished(DesignData.from_stored(inherited(rows)), issuer_data(issuer))
