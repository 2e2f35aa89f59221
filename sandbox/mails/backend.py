"""A mail backend that stores instead of sending."""

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMessage

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from .models import Attachment, SentMail


class EmailBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            keep_mail(message)
        return len(email_messages)


@transaction.atomic
def keep_mail(message: EmailMessage) -> SentMail:
    """Store the message as the recipient's mail program would read it: from its bytes."""
    source = message.message().as_bytes(linesep="\r\n")
    parsed = message_from_bytes(source, policy=policy.default)
    mail = SentMail.objects.create(
        sender=message.from_email,
        recipients="\n".join(message.recipients()),
        subject=str(message.subject),
        text=body_of(parsed, "plain"),
        html=body_of(parsed, "html"),
        source=source,
    )
    Attachment.objects.bulk_create(attachments_of(parsed, mail))
    return mail


def body_of(parsed: ParsedMessage, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    return part.get_content() if part else ""


def attachments_of(parsed: ParsedMessage, mail: SentMail) -> list[Attachment]:
    found = []
    for part in parsed.iter_attachments():
        content = part.get_payload(decode=True) or b""
        found.append(
            Attachment(
                mail=mail,
                name=part.get_filename() or "attachment",
                content_type=part.get_content_type(),
                size=len(content),
                content=content,
            )
        )
    return found
