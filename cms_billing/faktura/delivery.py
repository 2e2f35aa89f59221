"""A document as an e-mail: what it says, who gets it and what it carries. ``transport`` hands it to the mail server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from cms_billing.core.formats import use_formats
from cms_billing.core.money import Money

from . import mailtexts
from .mailsettings import MailSettings
from .models import Issuer
from .placeholders import fill
from .rendering import DocumentData
from .transport import MailNotSent, MailRefused, send

_SUBJECT_LENGTH = 200
_BLACK, _WHITE = "#1d2429", "#ffffff"


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    content_type: str


@dataclass(frozen=True)
class Mail:
    """One mail, ready to send. ``sender`` is a complete From header; ``composed_at`` its date."""

    to: str
    sender: str
    reply_to: str
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str
    body: str
    html: str
    message_id: str
    composed_at: datetime
    attachments: tuple[Attachment, ...] = ()

    @property
    def copies(self) -> tuple[str, ...]:
        """Everybody else it goes to, each address once."""
        return tuple(address for address in dict.fromkeys((*self.cc, *self.bcc)) if address != self.to)


@dataclass(frozen=True)
class Content:
    subject: str
    body: str
    html: str


def compose(
    data: DocumentData,
    issuer: Issuer,
    mail_settings: MailSettings,
    *,
    to: str,
    message_id: str,
    composed_at: datetime,
    open_amount: Money,
    attachments: tuple[Attachment, ...],
    document_link: str = "",
    linked: bool | None = None,
    invoices: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> Mail:
    """The mail in the document's language, in the editor's words where there are some.

    ``linked``: the document itself is not attached; ``invoices`` are attached again, ``missing`` could not be.
    """
    content = write(
        data,
        mail_settings,
        open_amount=open_amount,
        document_link=document_link,
        linked=not attachments if linked is None else linked,
        invoices=invoices,
        missing=missing,
    )
    return Mail(
        to=to,
        sender=from_header(mail_settings, issuer, data.issuer.legal_name),
        reply_to=one_line(mail_settings.reply_to),
        cc=mail_settings.cc,
        bcc=mail_settings.bcc,
        subject=content.subject,
        body=content.body,
        html=content.html,
        message_id=message_id,
        composed_at=composed_at,
        attachments=attachments,
    )


def write(
    data: DocumentData,
    mail_settings: MailSettings,
    *,
    open_amount: Money,
    document_link: str = "",
    linked: bool = False,
    invoices: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> Content:
    """What the mail says. ``linked``: nothing is attached, so it has to lead to the document."""
    with translation.override(data.language), use_formats(data.formats):
        shipped = mailtexts.shipped_text(data, open_amount=open_amount, linked=linked)
        values = {
            **mailtexts.values_of(data, open_amount=open_amount, document_link=document_link),
            "invoices_again": ", ".join(invoices),
            "invoices_missing": ", ".join(missing),
        }
        subject = one_line(fill(mail_settings.subject or shipped.subject, values))[:_SUBJECT_LENGTH]
        body = fill(mail_settings.body or shipped.body, values)
        accent = data.design.accent
        ink = ink_on(accent)
        html = render_to_string(
            "cms_billing/faktura/email/document.html",
            {
                "body": body,
                "document": data,
                "payment_link": values["payment_link"],
                "document_link": document_link if linked and data.notice is None else "",
                "subject": subject,
                "ink": ink,
                "brand": accent if ink == _WHITE else _BLACK,
            },
        )
    return Content(subject, body, html)


def sender_address(mail_settings: MailSettings) -> str:
    return one_line(mail_settings.sender_address or settings.DEFAULT_FROM_EMAIL)


def from_header(mail_settings: MailSettings, issuer: Issuer, legal_name: str) -> str:
    address = sender_address(mail_settings)
    if "<" in address:  # DEFAULT_FROM_EMAIL may be a whole header
        return address
    user, _at, domain = address.rpartition("@")
    name = one_line(mail_settings.sender_name or legal_name or issuer.name)
    return str(Address(name, user, domain))


def domain_of(mail_settings: MailSettings) -> str:
    """The domain of the sender in ASCII, for the Message-ID."""
    domain = sender_address(mail_settings).rstrip("> ").rpartition("@")[2] or "localhost"
    return domain.encode("idna").decode()


def one_line(text: str) -> str:
    """For headers: a line break in a name would start a header of the attacker's choice."""
    return " ".join(_CONTROL.sub(" ", text).split())


def ink_on(color: str) -> str:
    """Black or white, whichever reads better on ``#rrggbb`` (WCAG's relative luminance)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return _BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else _WHITE


_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")

__all__ = [
    "Attachment",
    "Content",
    "Mail",
    "MailNotSent",
    "MailRefused",
    "compose",
    "domain_of",
    "from_header",
    "ink_on",
    "one_line",
    "send",
    "sender_address",
    "write",
]
