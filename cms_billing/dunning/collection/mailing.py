"""Files to an agency by e-mail, encrypted for its certificate where there is one (S/MIME, RFC 8551).

Encrypted to the whole: text and file are inside, the subject names only the number.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from email.mime.application import MIMEApplication
from email.utils import format_datetime
from typing import IO, Any

from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from django.core.mail.message import MIMEMixin
from django.utils import translation
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.faktura import delivery, transport
from cms_billing.faktura.mailsettings import inherit
from cms_billing.faktura.models import Issuer

from ..models import Agency, HandOver
from .exceptions import FileTooLarge
from .keys import is_valid_at, read_certificate

# What most mail servers take, less a third for base64.
LARGEST = 15_000_000


class Sealed(MIMEMixin, MIMEApplication):  # type: ignore[misc]
    """The encrypted envelope, written as Django writes its own parts."""


@dataclass(frozen=True)
class HandOverMail:
    reference: str
    kind: str
    file_name: str
    message_id: str
    composed_at: datetime


def domain_of(issuer: Issuer) -> str:
    return delivery.domain_of(inherit(issuer, ()))


def send(agency: Agency, mail: HandOverMail, *, content: IO[bytes], size: int) -> bool:
    """True: it went encrypted. Raises FileTooLarge, what ``transport.send`` raises, and PermanentFailure for a
    certificate that has run out."""
    if size > LARGEST:
        raise FileTooLarge(
            _("%(name)s has %(size)s MB, more than mail servers take. Agree on SFTP, or download it.")
            % {"name": mail.file_name, "size": size // 1_000_000}
        )
    with translation.override(agency.issuer.language):
        text = (
            _("New claims are attached: %(number)s.")
            if mail.kind == HandOver.Kind.CLAIMS
            else _("What has happened to claims you have is attached: %(number)s.")
        )
        body = _body(agency, text % {"number": mail.reference})
        subject = _("%(issuer)s: %(number)s") % {"issuer": _creditor(agency), "number": mail.reference}
    message = _message(agency, subject, body, mail.message_id, mail.composed_at)
    message.attach(mail.file_name, content.read(), "application/zip")
    return _send(agency, message)


def send_test(agency: Agency) -> bool:
    """A mail without any claim, encrypted like the others."""
    with translation.override(agency.issuer.language):
        subject = _("%(issuer)s: test") % {"issuer": _creditor(agency)}
        body = _body(agency, _("This mail tests whether our files reach you. There is nothing to do."))
    message_id = f"<billing-test-{uuid.uuid4().hex}@{domain_of(agency.issuer)}>"
    return _send(agency, _message(agency, subject, body, message_id, clock.now()))


def _creditor(agency: Agency) -> str:
    return delivery.one_line(agency.issuer.legal_name or agency.issuer.name)


def _body(agency: Agency, text: str) -> str:
    number = _("Client number: %(number)s") % {"number": agency.client_number}
    parts = [text, number if agency.client_number else "", _creditor(agency)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _message(
    agency: Agency, subject: str, body: str, message_id: str, composed_at: datetime
) -> transport.Message:
    settings = inherit(agency.issuer, ())
    return transport.Message(
        subject=subject,
        body=body,
        from_email=delivery.from_header(settings, agency.issuer, agency.issuer.legal_name),
        to=[agency.mail_to],
        reply_to=[settings.reply_to] if settings.reply_to else None,
        headers={
            "Message-ID": message_id,
            "Date": format_datetime(composed_at),
            "Auto-Submitted": "auto-generated",
        },
    )


def _send(agency: Agency, message: transport.Message) -> bool:
    encrypted = bool(agency.certificate.strip())
    if encrypted:
        seal(message, agency.certificate, name=agency.name)
    transport.send(message, to=agency.mail_to, customer=agency.name)
    return encrypted


def seal(message: transport.Message, pem: str, *, name: str) -> None:
    """Put the whole content of the message into an envelope that only the certificate's owner can open."""
    certificate = read_certificate(pem)
    if not is_valid_at(certificate, clock.now()):
        raise PermanentFailure(
            _("The certificate of %(name)s is not valid today. Ask for a new one and enter it.")
            % {"name": name}
        )
    made = message.message()
    headers = [(key, value) for key, value in made.items() if not _of_content(key)]
    for key, _value in headers:
        del made[key]
    envelope = (
        PKCS7EnvelopeBuilder()
        .set_data(made.as_bytes(linesep="\r\n"))
        .set_content_encryption_algorithm(AES256)
        .add_recipient(certificate)
        .encrypt(Encoding.DER, [PKCS7Options.Binary])
    )
    parameters: dict[str, Any] = {"smime-type": "enveloped-data", "name": "smime.p7m"}
    sealed = Sealed(envelope, "pkcs7-mime", **parameters)
    sealed["Content-Disposition"] = 'attachment; filename="smime.p7m"'
    for key, value in headers:
        sealed[key] = value
    message._made = sealed


def _of_content(key: str) -> bool:
    return key.lower().startswith("content-") or key.lower() == "mime-version"
