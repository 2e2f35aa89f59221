"""A test mail to the editor who is writing it: nobody else can be reached with one."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError

from .. import archive, delivery, transport
from ..mailsettings import MailSettings
from ..models import Document, MailText
from ..previews import Shown, show
from ..rendering import document_html, stylesheet
from ..rendering.data import DocumentData
from ..rendering.renderers import pdf_renderer
from .outgoing import NoAddress

# An editor's test mails in so many seconds; a person reads them slower.
LIMIT, WINDOW_SECONDS = 10, 600
# Seconds an editor waits for the mail server.
PATIENCE = 10

_WATERMARK = """
@page { @top-center { content: "%(word)s"; color: #c00; font: bold 14pt sans-serif; } }
body::after {
  content: "%(word)s"; position: fixed; top: 80mm; left: 0; right: 0; text-align: center;
  font: bold 64pt sans-serif; color: rgba(200, 0, 0, 0.16); transform: rotate(-30deg);
}
"""


class TooManyTests(BillingError):
    """An editor has sent many test mails in a short time."""


def send_test_mail(*, text: MailText, user: Any) -> str:
    """Send ``text``, saved or not, to ``user``'s own address and return it.

    At once and without a row: the editor waits for what the mail server says. The attachment is the archived PDF of
    the document whose data the mail shows (only for whoever may view documents), else a sample marked as such.
    Raises NoAddress, TooManyTests, CopySendsNothing, MailNotSent and MailRefused.
    """
    check_may_test(user)
    shown = show(text, user)
    return send_as_test(
        user=user,
        content=shown.content,
        wanted=shown.settings,
        sender=shown.sender,
        attachments=_attachments(shown),
    )


def check_may_test(user: Any) -> None:
    """Raises NoAddress, TooManyTests."""
    if not user.email:
        raise NoAddress(_("Your user account has no e-mail address. Add one in your profile."))
    _count(user)


def send_as_test(
    *,
    user: Any,
    content: delivery.Content,
    wanted: MailSettings,
    sender: str,
    attachments: tuple[delivery.Attachment, ...] = (),
) -> str:
    """What a mail would be, to ``user`` alone and marked as a test; after ``check_may_test``."""
    mail = delivery.Mail(
        to=user.email,
        sender=sender,
        reply_to=delivery.one_line(wanted.reply_to),
        cc=(),
        bcc=(),
        subject=_("[Test] %(subject)s") % {"subject": content.subject},
        body=content.body,
        html=content.html,
        message_id=f"<billing-test-{uuid.uuid4().hex}@{delivery.domain_of(wanted)}>",
        composed_at=clock.now(),
        attachments=attachments,
    )
    message = transport.message_of(mail, customer=str(user))
    transport.send(message, to=user.email, customer=str(user), timeout=PATIENCE)
    return user.email


def _count(user: Any) -> None:
    key = f"cms_billing.test_mails.{user.pk}"
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        sent = cache.incr(key)
    except ValueError:  # it ran out between the two
        sent = 1
    if sent > LIMIT:
        raise TooManyTests(
            _("You have sent %(n)s test mails in a few minutes. Wait a little.") % {"n": LIMIT}
        )


def _attachments(shown: Shown) -> tuple[delivery.Attachment, ...]:
    files = _archived(shown.document) if shown.document else {}
    made = []
    for name in shown.attachments:
        kind = archive.XML if name.endswith(".xml") else archive.PDF
        if kind in files:
            made.append(delivery.Attachment(*files[kind], kind))
        elif kind == archive.PDF:
            made.append(delivery.Attachment(name, sample_pdf(shown.data), kind))
    return tuple(made)


def _archived(document: Document) -> dict[str, tuple[str, bytes]]:
    try:
        return archive.archived_files(document)
    except archive.NotArchivedYet:
        return {}


def sample_pdf(data: DocumentData) -> bytes:
    """Marked on every page as a test."""
    marked = stylesheet(data.design) + _WATERMARK % {"word": _("TEST – NOT VALID")}
    return pdf_renderer().render(document_html(replace(data, payment_link="")), css=marked)
