"""The mail server: handing it a message, and telling what its answers mean.

One SMTP transaction an address: in a shared one a refusal of the customer's address would go unnoticed behind an
accepted copy. All get the same bytes, which are those the archive keeps.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils.translation import gettext as _

from cms_billing.core.copies import require_original
from cms_billing.core.exceptions import BillingError, PermanentFailure

if TYPE_CHECKING:
    from .delivery import Mail

logger = logging.getLogger(__name__)

# Seconds a silent mail server is waited for, where EMAIL_TIMEOUT says nothing: without one a worker hangs for ever.
TIMEOUT_SECONDS = 30

# Told of every copy: its address, and what went wrong or "".
Copied = Callable[[str, str], None]


class MailRefused(PermanentFailure):
    """The server will never take mail for this address: a person has to correct it."""


class MailNotSent(BillingError):
    """The server could not take the mail now; it is tried again."""


class Message(EmailMultiAlternatives):
    """A mail as Django sends it, whose bytes are made once: those the server gets are those that are archived."""

    envelope: Sequence[str] = ()
    _made: Any = None

    def recipients(self) -> list[str]:
        """The envelope's, whatever the headers say."""
        return list(self.envelope)

    def message(self) -> Any:  # type: ignore[override]
        if self._made is None:
            self._made = super().message()
        return self._made

    @property
    def raw(self) -> bytes:
        return self.message().as_bytes(linesep="\r\n")


def message_of(mail: Mail, *, customer: str) -> Message:
    """Made again after a crash it is the same message. Raises MailRefused for impossible addresses."""
    message = Message(
        subject=mail.subject,
        body=mail.body,
        from_email=mail.sender,
        to=[mail.to],
        cc=list(mail.cc),
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={
            "Message-ID": mail.message_id,
            "Date": format_datetime(mail.composed_at),
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(mail.html, "text/html")
    for part in mail.attachments:
        message.attach(part.name, part.content, part.content_type)
    with _answers_explained(customer=customer, to=mail.to):
        _name_boundaries(message.message(), mail.message_id)
    return message


def archived_message(raw: bytes) -> Message:
    """A mail that was sent before, to be sent again as it is: the server gets exactly these bytes."""
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    message = Message(subject=str(parsed["Subject"] or ""), from_email=str(parsed["From"] or ""))
    parsed.as_bytes = lambda *args, **kwargs: raw  # type: ignore[method-assign]
    message._made = parsed
    return message


def _name_boundaries(made: Any, message_id: str) -> None:
    """Drawn from the Message-ID instead of by lot: the same mail made again is the same to the byte."""
    parts = [part for part in made.walk() if part.is_multipart()]
    for number, part in enumerate(parts):
        digest = hashlib.sha256(f"{message_id} {number}".encode()).hexdigest()
        part.set_boundary(f"=_{digest[:40]}")


def send(
    message: Message,
    *,
    to: str,
    customer: str,
    copies: Sequence[str] = (),
    copied: Copied = lambda address, error: None,
    timeout: float | None = None,
) -> None:
    """Hand it to the mail server, for ``to`` first and then for each of ``copies``; ``customer`` is named in errors.

    Raises CopySendsNothing on a copy of the database, MailRefused for what no retry mends, MailNotSent for the rest.
    No address stops another one: copies go out
    once it is settled whether the customer gets the mail, and what befalls them is told to ``copied`` only.
    """
    require_original()
    connection = get_connection(timeout=timeout or settings.EMAIL_TIMEOUT or TIMEOUT_SECONDS)
    try:
        refused = None
        try:
            with _answers_explained(customer=customer, to=to):
                connection.open()
                _hand_over(message, to, connection)
        except MailRefused as error:
            refused = error
        for address in copies:
            copied(address, _copy(message, address, connection))
        if refused:
            raise refused
    finally:
        _hang_up(connection)


def _hand_over(message: Message, address: str, connection: Any) -> None:
    message.envelope, message.connection = [address], connection
    message.send()


def _copy(message: Message, address: str, connection: Any) -> str:
    """What went wrong, or "": the customer has the mail, a failing copy must not send it to them a second time."""
    try:
        with _answers_explained(customer=address, to=address):
            _hand_over(message, address, connection)
    except BillingError as error:
        logger.warning("The copy of “%s” for %s was not sent: %s", message.subject, address, error)
        _hang_up(connection)  # the next one gets a fresh connection
        return str(error)
    return ""


def _hang_up(connection: Any) -> None:
    """What goes wrong after the server has taken the mail is no reason to send it again."""
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        logger.info("The mail server hung up first", exc_info=True)


@contextmanager
def _answers_explained(*, customer: str, to: str) -> Iterator[None]:
    """What the mail server says, as the error that tells a person what to do."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()), (0, b""))
        raise _refusal(code, answer, customer=customer, to=to) from error
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error, customer=customer, to=to) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(_trouble(error)) from error
    except (ValueError, UnicodeError) as error:
        # An address that cannot be written into a header, such as one with letters before the @ that are not ASCII.
        raise MailRefused(
            _("The mail to %(customer)s cannot be addressed to %(to)s: %(error)s. Correct the address.")
            % {"customer": customer, "to": to, "error": error}
        ) from error


def _refusal(code: int, answer: bytes | str, *, customer: str, to: str) -> BillingError:
    """RFC 5321, 4.2.1: 5xx is for good, 4xx (full mailbox, greylisting) may pass."""
    said: Mapping[str, str] = {"customer": customer, "to": to, "answer": f"{code} {_readable(answer)}"}
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


def _trouble(error: Exception) -> str:
    """What is wrong with the site's way out, and who can mend it."""
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code >= 500:
        return _(
            "The mail server takes no mail from %(sender)s: %(answer)s. Correct the issuer's sender address."
        ) % {"sender": error.sender, "answer": _readable(error.smtp_error)}
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _(
            "The mail server refuses this site's login: %(answer)s. "
            "Have EMAIL_HOST_USER and EMAIL_HOST_PASSWORD corrected."
        ) % {"answer": f"{error.smtp_code} {_readable(error.smtp_error)}"}
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _(
            "The mail server cannot do what this site asks for: %(error)s. Have EMAIL_USE_TLS and the login checked."
        ) % {"error": error}
    if isinstance(error, ssl.SSLError):
        return _(
            "There is no encrypted connection to the mail server: %(error)s. "
            "Have its certificate, EMAIL_HOST and EMAIL_USE_TLS checked."
        ) % {"error": error}
    if isinstance(error, smtplib.SMTPResponseException):
        return _("The mail server does not serve this site: %(answer)s") % {
            "answer": f"{error.smtp_code} {_readable(error.smtp_error)}"
        }
    return _("The mail server did not answer: %(error)s") % {"error": error}


def _readable(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return " ".join(text.split())[:300]
