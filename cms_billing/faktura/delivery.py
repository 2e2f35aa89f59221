"""A document as an e-mail: compose it, hand it to the mail server, and tell what the server's answer means."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError, PermanentFailure
from cms_billing.core.money import Money

from . import mailtexts
from .models import Issuer
from .models import MailText as EditorsText
from .placeholders import fill
from .rendering import DocumentData

logger = logging.getLogger(__name__)

# Seconds a silent mail server is waited for, where EMAIL_TIMEOUT says nothing: without one a worker hangs for ever.
TIMEOUT_SECONDS = 30


class MailRefused(PermanentFailure):
    """The server will never take mail for this address: a person has to correct it."""


class MailNotSent(BillingError):
    """The server could not take the mail now; it is tried again."""


@dataclass(frozen=True)
class Mail:
    """One mail, ready to send. ``sender`` is a complete From header."""

    to: str
    sender: str
    reply_to: str
    copy_to: str
    subject: str
    body: str
    html: str
    message_id: str
    attachment_name: str
    attachment: bytes


def compose(
    data: DocumentData,
    issuer: Issuer,
    *,
    to: str,
    message_id: str,
    open_amount: Money,
    attachment: tuple[str, bytes],
) -> Mail:
    """The mail in the document's language, in the editor's words where there are some."""
    with translation.override(data.language):
        text = _text(data, issuer, open_amount)
        values = mailtexts.values_of(data, open_amount=open_amount)
        body = fill(text.body, values)
        html = render_to_string(
            "cms_billing/faktura/email/document.html",
            {"body": body, "document": data, "payment_link": values["payment_link"]},
        )
        subject = one_line(fill(text.subject, values))
    return Mail(
        to=to,
        sender=from_header(issuer, data.issuer.legal_name),
        reply_to=one_line(issuer.reply_to),
        copy_to=one_line(issuer.mail_copy_to),
        subject=subject[:200],
        body=body,
        html=html,
        message_id=message_id,
        attachment_name=attachment[0],
        attachment=attachment[1],
    )


def send(mail: Mail, *, customer: str) -> None:
    """Hand it to the mail server; ``customer`` is named in errors.

    Raises MailRefused for what no retry mends, MailNotSent for the rest. The issuer's copy is a second, equal message:
    in one with the customer's, a refusal of the customer's address would go unnoticed.
    """
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT or TIMEOUT_SECONDS)
    try:
        with _answers_explained(customer=customer, to=mail.to):
            connection.open()
            _message(mail, [mail.to], connection).send()
        if mail.copy_to:
            _send_copy(mail, connection)
    finally:
        _hang_up(connection)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2] or "localhost"


def sender_address(issuer: Issuer) -> str:
    return one_line(issuer.mail_from or issuer.email or settings.DEFAULT_FROM_EMAIL)


def from_header(issuer: Issuer, name: str) -> str:
    address = sender_address(issuer)
    if "<" in address:  # DEFAULT_FROM_EMAIL may be a whole header
        return address
    user, _at, domain = address.rpartition("@")
    return str(Address(one_line(name or issuer.name), user, domain))


def one_line(text: str) -> str:
    """For headers: a line break in a name would start a header of the attacker's choice."""
    return " ".join(text.split())


class _SentTo(EmailMultiAlternatives):
    """Goes to the envelope's recipients, whatever its To header says."""

    envelope: Sequence[str] = ()

    def recipients(self) -> list[str]:
        return list(self.envelope)


def _text(data: DocumentData, issuer: Issuer, open_amount: Money) -> mailtexts.MailText:
    own = EditorsText.objects.filter(issuer=issuer, purpose=data.kind, language=data.language).first()
    if own:
        return mailtexts.MailText(own.subject, own.body)
    return mailtexts.shipped_text(data, open_amount=open_amount)


def _message(mail: Mail, envelope: Sequence[str], connection: Any) -> _SentTo:
    message = _SentTo(
        subject=mail.subject,
        body=mail.body,
        from_email=mail.sender,
        to=[mail.to],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    message.envelope = envelope
    message.attach_alternative(mail.html, "text/html")
    message.attach(mail.attachment_name, mail.attachment, "application/pdf")
    return message


@contextmanager
def _answers_explained(*, customer: str, to: str) -> Iterator[None]:
    """What the mail server says, as the error that tells a person what to do."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()), (0, b""))
        raise _refusal(code, answer, customer=customer, to=to) from error
    except smtplib.SMTPSenderRefused as error:
        raise MailNotSent(
            _(
                "The mail server takes no mail from %(sender)s: %(answer)s. Correct the issuer's sender address."
            )
            % {"sender": error.sender, "answer": _readable(error.smtp_error)}
        ) from error
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error, customer=customer, to=to) from error
    except smtplib.SMTPResponseException as error:
        raise MailNotSent(
            _("The mail server does not serve this site: %(answer)s")
            % {"answer": f"{error.smtp_code} {_readable(error.smtp_error)}"}
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(_("The mail server did not answer: %(error)s") % {"error": error}) from error


def _refusal(code: int, answer: bytes | str, *, customer: str, to: str) -> BillingError:
    """RFC 5321, 4.2.1: 5xx is for good, 4xx (full mailbox, greylisting) may pass."""
    said = {"customer": customer, "to": to, "answer": f"{code} {_readable(answer)}"}
    if code >= 500:
        return MailRefused(
            _(
                "The mail to %(customer)s was refused for the address %(to)s: %(answer)s. Correct it and send again."
            )
            % said
        )
    return MailNotSent(
        _("The mail server of %(to)s (%(customer)s) asks to try again later: %(answer)s") % said
    )


def _send_copy(mail: Mail, connection: Any) -> None:
    """The customer has the mail; a copy that fails must not send it to them a second time."""
    try:
        _message(mail, [mail.copy_to], connection).send()
    except (OSError, smtplib.SMTPException):
        logger.warning("The copy of “%s” for %s was not sent", mail.subject, mail.copy_to, exc_info=True)


def _hang_up(connection: Any) -> None:
    """What goes wrong after the server has taken the mail is no reason to send it again."""
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        logger.info("The mail server hung up first", exc_info=True)


def _readable(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return one_line(text)[:300]
