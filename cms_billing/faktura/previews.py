"""A mail text shown with real data: the latest document of its kind, else one made up."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from cms_billing.core.money import Money

from . import archive, delivery, links
from .mailsettings import MailSettings, inherit, parts_to_attach
from .models import ArchiveRecord, Document, Issuer, MailText
from .notices import issuer_data
from .rendering import DocumentData, document_data
from .rendering.data import Agreed, Claim, Letter, Notice
from .rendering.money_papers import refund_of, statement_of
from .rendering.sale import LineData, Reference, TaxData

_DAY = date(2026, 3, 2)
_PAYABLE = ("invoice", "dunning_letter", "charge_refused", "agreement_made", "instalment_due")


@dataclass(frozen=True)
class Shown:
    """``document`` is None where the data are made up."""

    data: DocumentData
    document: Document | None
    settings: MailSettings
    content: delivery.Content
    sender: str
    attachments: tuple[str, ...]


def show(text: MailText, user: Any) -> Shown:
    """The mail as ``text`` (saved or not) and the rows below it make it.

    Real data only for whoever may view documents, of issuers they see.
    """
    wanted = _settings(text)
    document = _latest(text, user)
    data = document_data([document.pk])[0] if document else sample(text.issuer, text.purpose, _language(text))
    link = links.account_link(document.pk if document else 1)
    parts = (
        parts_to_attach(wanted.attach, has_xml=_has_xml(document), has_link=bool(link))
        if data.notice is None
        else ()
    )
    content = delivery.write(
        data, wanted, open_amount=_open_amount(data, document), document_link=link, linked=not parts
    )
    return Shown(
        data=data,
        document=document,
        settings=wanted,
        content=content,
        sender=delivery.from_header(wanted, text.issuer, data.issuer.legal_name),
        attachments=tuple(_file_name(data.number, part) for part in parts),
    )


def _settings(text: MailText) -> MailSettings:
    rows = [text]
    if text.language:
        rows += MailText.objects.filter(issuer=text.issuer, purpose=text.purpose, language="")
    return inherit(text.issuer, rows)


def _language(text: MailText) -> str:
    return text.language or text.issuer.language


def _latest(text: MailText, user: Any) -> Document | None:
    if not user.has_perm("cms_billing_faktura.view_document"):
        return None
    documents = Document.objects.visible_to(user).filter(
        issuer=text.issuer, kind=text.purpose, state=Document.State.ISSUED
    )
    if text.language:
        documents = documents.filter(language=text.language)
    return documents.order_by("-issued_on", "-pk").first()


def _open_amount(data: DocumentData, document: Document | None) -> Money:
    from .services.outgoing import open_amount

    return open_amount(document) if document else data.to_pay


def _has_xml(document: Document | None) -> bool:
    return (
        document is None or ArchiveRecord.objects.filter(document=document, content_type=archive.XML).exists()
    )


def _file_name(number: str, part: str) -> str:
    return f"{archive.pdf_filename(number).removesuffix('.pdf')}.{part}"


def sample(issuer: Issuer, kind: str, language: str) -> DocumentData:
    """A document of this kind that nobody was ever sent, in the issuer's name."""
    with translation.override(language):
        data = _base(issuer, kind, language)
        return replace(data, **_EXTRAS[kind](data) if kind in _EXTRAS else {})


def _base(issuer: Issuer, kind: str, language: str) -> DocumentData:
    currency = issuer.currency
    net, tax, gross = (Money.of(value, currency) for value in ("100", "19", "119"))
    line = LineData(
        **_known(
            LineData,
            position=1,
            description=_("Course “Bread baking for beginners”"),
            quantity=Decimal(1),
            unit_price=gross,
            tax_percent=Decimal(19),
            net=net,
            tax=tax,
            gross=gross,
            service_start=_DAY,
            service_end=_DAY,
            contract_reference="",
        )
    )
    return DocumentData(
        document_id=0,
        kind=kind,
        number="2026-000123",
        issued_on=_DAY,
        due_on=_DAY + timedelta(days=issuer.payment_days),
        service_start=_DAY,
        service_end=_DAY,
        currency=currency,
        prices_include_tax=True,
        net=net,
        tax=tax,
        gross=gross,
        language=language,
        customer_number="K-000042",
        recipient_name=_("Erika Sample"),
        recipient=(_("Erika Sample"), _("1 Sample Street"), "10115 Berlin"),
        recipient_vat_id="",
        recipient_email="erika@example.org",
        issuer=issuer_data(issuer),
        lines=(line,),
        tax_groups=(TaxData("standard", Decimal(19), net, tax, gross, ""),),
        payment_link="https://www.example.org/pay" if kind in _PAYABLE else "",
    )


def _known(data_class: Any, **values: Any) -> dict[str, Any]:
    names = {f.name for f in fields(data_class)}
    return {name: value for name, value in values.items() if name in names}


def _correction(data: DocumentData) -> dict[str, Any]:
    return {"corrects": Reference("2026-000101", _DAY - timedelta(days=20)), "reason": _("returned goods")}


def _letter(data: DocumentData) -> dict[str, Any]:
    fee = Money.of("5", data.currency)
    claim = Claim(
        "2026-000101", _DAY - timedelta(days=40), _DAY - timedelta(days=26), data.gross, data.gross, 1
    )
    letter = Letter(
        subject=_("Payment reminder"),
        text=_("Hello,\n\nthe following is still open. Perhaps it escaped your notice."),
        level=1,
        claims=(claim,),
        fee=fee,
        total=data.gross + fee,
        pay_until=_DAY + timedelta(days=10),
        lock_notice="",
    )
    return {"letter": letter, "lines": (), "tax_groups": ()}


def _refund(data: DocumentData) -> dict[str, Any]:
    refund = {
        "amount_minor": data.gross.minor,
        "way": "transfer",
        "way_text": _("bank transfer"),
        "paid_on": _DAY.isoformat(),
        "reference": "2026-000101",
        "for": [],
    }
    extra = {"refund": refund}
    return {"extra": extra, "refund": refund_of(extra, data.currency)}


def _refused(data: DocumentData) -> dict[str, Any]:
    return {
        "notice": Notice(
            payment_method="Visa •••• 4242",
            refusal_reason=_("Your card has expired."),
            account_link="https://www.example.org/account",
        )
    }


def _expires(data: DocumentData) -> dict[str, Any]:
    return {
        "notice": Notice(
            payment_method="Visa •••• 4242",
            expires_on=_DAY + timedelta(days=29),
            account_link="https://www.example.org/account",
        )
    }


def _agreed(data: DocumentData) -> dict[str, Any]:
    days = [_DAY + timedelta(days=days) for days in (7, 38, 68)]
    parts = tuple(zip(days, data.gross.allocate([1, 1, 1]), strict=True))
    agreed = Agreed("instalments", "2026-000101", data.gross, parts, grace_days=3, next_part=parts[0])
    return {"notice": Notice(payment_method="Visa •••• 4242", agreed=agreed)}


def _thanked(data: DocumentData) -> dict[str, Any]:
    return {"notice": Notice(paid_documents="2026-000101", access_opened=True)}


def _statement(data: DocumentData) -> dict[str, Any]:
    statement = {
        "from": date(_DAY.year, 1, 1).isoformat(),
        "to": _DAY.isoformat(),
        "opening_minor": 0,
        "closing_minor": data.gross.minor,
        "entries": [],
    }
    extra = {"statement": statement}
    return {"extra": extra, "statement": statement_of(extra, data.currency)}


_EXTRAS = {
    "credit_note": _correction,
    "cancellation": _correction,
    "dunning_letter": _letter,
    "refund_receipt": _refund,
    "account_statement": _statement,
    "charge_refused": _refused,
    "card_expires": _expires,
    "agreement_made": _agreed,
    "instalment_due": _agreed,
    "payment_thanks": _thanked,
}
