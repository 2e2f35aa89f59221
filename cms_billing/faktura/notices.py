"""Mails without a paper: in the issuer's name and look, about a document or only to a customer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime

from cms_billing.core.money import Money

from . import delivery, transport
from .mailsettings import settings_for
from .models import Customer, Document, Issuer
from .rendering import DocumentData, document_data
from .rendering.data import IssuerData, Notice
from .rendering.design import DesignData
from .services.letterheads import current_design


@dataclass(frozen=True)
class Envelope:
    """Who gets a notice, and what makes it the same mail when it is sent again after a crash."""

    to: str
    message_key: str
    composed_at: datetime


def mail_about(
    document: Document,
    *,
    kind: str,
    notice: Notice,
    open_amount: Money,
    payment_link: str,
    envelope: Envelope,
) -> delivery.Mail:
    """A notice about an issued document, in its language."""
    [data] = document_data([document.pk])
    data = replace(data, kind=kind, notice=notice, letter=None, payment_link=payment_link, payment_note="")
    return _compose(data, document.issuer, open_amount=open_amount, envelope=envelope)


def mail_to(
    customer: Customer,
    *,
    kind: str,
    notice: Notice,
    today: date,
    envelope: Envelope,
    open_amount: Money | None = None,
    payment_link: str = "",
) -> delivery.Mail:
    """A notice that belongs to no document, in the customer's language."""
    issuer = customer.issuer
    nothing = Money.zero(issuer.currency)
    data = DocumentData(
        document_id=0,
        kind=kind,
        number="",
        issued_on=today,
        due_on=None,
        service_start=None,
        service_end=None,
        currency=issuer.currency,
        prices_include_tax=True,
        net=nothing,
        tax=nothing,
        gross=nothing,
        language=customer.language,
        customer_number=customer.number,
        recipient_name=customer.name,
        recipient=tuple(customer.address_lines),
        recipient_vat_id=customer.vat_id,
        recipient_email=customer.email,
        issuer=issuer_data(issuer),
        design=DesignData.from_stored(current_design(issuer, kind)),
        notice=notice,
        payment_link=payment_link,
    )
    return _compose(data, issuer, open_amount=open_amount or nothing, envelope=envelope)


def send(mail: delivery.Mail, *, customer: Customer) -> None:
    """Hand it to the mail server. Raises MailRefused, MailNotSent."""
    message = transport.message_of(mail, customer=str(customer))
    transport.send(message, to=mail.to, customer=str(customer), copies=mail.copies)


def issuer_data(issuer: Issuer) -> IssuerData:
    """As the issuer is today."""
    names = [f.name for f in fields(IssuerData) if hasattr(issuer, f.name)]
    return IssuerData(**{name: getattr(issuer, name) for name in names})


def _compose(data: DocumentData, issuer: Issuer, *, open_amount: Money, envelope: Envelope) -> delivery.Mail:
    wanted = settings_for(issuer, kind=data.kind, language=data.language)
    return delivery.compose(
        data,
        issuer,
        wanted,
        to=envelope.to,
        message_id=f"<{envelope.message_key}@{delivery.domain_of(wanted)}>",
        composed_at=envelope.composed_at,
        open_amount=open_amount,
        attachments=(),
    )
