"""How a mail travels and what it carries: decided for a kind and language, a kind, the issuer, or by the package.

The rule is pure (``inherit``); ``settings_for`` reads the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .addresses import split_addresses
from .models import Attach, Issuer, MailText


@dataclass(frozen=True)
class MailSettings:
    """``subject`` and ``body`` are empty where the shipped text is to be used; so are sender fields without a value."""

    subject: str
    body: str
    sender_name: str
    sender_address: str
    reply_to: str
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    attach: str


def settings_for(issuer: Issuer, *, kind: str, language: str, attach: str = "") -> MailSettings:
    """``attach``: what the customer or the sending person wants, above all rows."""
    rows = MailText.objects.filter(issuer=issuer, purpose=kind, language__in=[language, ""])
    return inherit(issuer, sorted(rows, key=lambda row: row.language, reverse=True), attach=attach)


def inherit(issuer: Issuer, rows: Sequence[MailText], *, attach: str = "") -> MailSettings:
    """``rows`` from the most specific one on; the issuer is asked last."""

    def first(field: str, last: str = "") -> str:
        return next((value for row in rows if (value := getattr(row, field).strip())), last)

    return MailSettings(
        subject=first("subject"),
        body=first("body"),
        sender_name=first("sender_name", issuer.mail_sender_name),
        sender_address=first("sender_address", issuer.mail_from or issuer.email),
        reply_to=first("reply_to", issuer.reply_to),
        cc=split_addresses(first("cc")),
        bcc=split_addresses(first("bcc", issuer.mail_copy_to)),
        attach=attach or first("attach", issuer.mail_attach) or Attach.PDF,
    )


def parts_to_attach(attach: str, *, has_xml: bool, has_link: bool) -> tuple[str, ...]:
    """Of "pdf" and "xml" those that go with the mail.

    The PDF is always there. Never less than can be read: an e-invoice that does not exist, or a link for somebody
    without an account, is replaced by it.
    """
    wanted: Iterable[str] = {
        Attach.PDF: ("pdf",),
        Attach.XML: ("xml",),
        Attach.BOTH: ("pdf", "xml"),
        Attach.LINK: (),
    }[Attach(attach)]
    if attach == Attach.LINK and has_link:
        return ()
    there = {"pdf": True, "xml": has_xml}
    return tuple(part for part in wanted if there[part]) or ("pdf",)
