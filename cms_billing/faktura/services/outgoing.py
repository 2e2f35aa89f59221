"""The way out of an issued document: rendered, archived, mailed. Outside work; see ``core.outbox``."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import BillingError
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import Money

from .. import archive, delivery, links, transport
from ..delivery_vetoes import reason_to_withdraw
from ..einvoice import KINDS as E_INVOICE_KINDS
from ..einvoice import xml_of
from ..mailsettings import inherit, parts_to_attach, settings_for
from ..models import (
    ArchiveRecord,
    Channel,
    Delivery,
    Document,
    EInvoice,
    Issuer,
    OpenItem,
    PaperLetter,
    Rendering,
)
from ..rendering import document_data, render_pdf
from ..signals import document_archived, document_sent_again
from .attachments import invoices_again
from .printing import put_in_line, take_out_of_line

DONE = OutsideWork.WorkState.DONE
# How long the date of a mail that could not be sent yet stands.
_DATE_STANDS = timedelta(days=2)


class NoAddress(BillingError):
    """There is no e-mail address to send to, or none that can be one."""


class AlreadySent(BillingError):
    """A delivery that is to be corrected has been sent in the meantime."""


def render_document(rendering: Rendering) -> Callable[[], None]:
    """Outside work: make the PDF and put its bytes into the archive; the record and the mail follow in one transaction.

    Repeated after a crash it gives the same bytes, which the archive keeps once.
    """
    if _is_archived(rendering.document_id):
        return partial(_hand_to_delivery, rendering.document_id)
    [data] = document_data([rendering.document_id])
    document = Document.objects.select_related("issuer").get(pk=rendering.document_id)
    stored = {archive.PDF: archive.store_bytes(render_pdf(data))}
    if _is_e_invoice(document):
        xml = xml_of(data, recipient_country=document.recipient_country)
        stored[archive.XML] = archive.store_bytes(xml)
    return partial(_record_files, rendering.document_id, stored)


def _is_e_invoice(document: Document) -> bool:
    """Where the issuer wants it, and for corrections of e-invoices (§ 14 (1), (6) UStG)."""
    if document.kind not in E_INVOICE_KINDS:
        return False
    corrected = ArchiveRecord.objects.filter(document=document.corrects_id, content_type=archive.XML)
    return document.issuer.e_invoice == EInvoice.XML or corrected.exists()


def _is_archived(document_id: int) -> bool:
    return ArchiveRecord.objects.filter(document_id=document_id, content_type=archive.PDF).exists()


def _record_files(document_id: int, stored: Mapping[str, archive.Stored]) -> None:
    document = Document.objects.get(pk=document_id)
    for content_type, file in stored.items():
        name = archive.file_name(document.number, content_type)
        archive.add_record(document, file, content_type=content_type, filename=name)
    _hand_to_delivery(document_id)
    tell = partial(document_archived.send_robust, sender=Document, document_id=document_id)
    transaction.on_commit(tell, robust=True)


def _hand_to_delivery(document_id: int) -> None:
    """One first delivery a document; on paper where it is to go that way, or where there is no e-mail address."""
    document = Document.objects.select_related("issuer").get(pk=document_id)
    on_paper = document.extra.get("channel") == Channel.PRINT
    if on_paper or not document.recipient_email:
        put_in_line(document, PaperLetter.Cause.PAPER if on_paper else PaperLetter.Cause.NO_ADDRESS)
        return
    first, created = Delivery.objects.get_or_create(
        document=document,
        purpose=Delivery.Purpose.FIRST,
        defaults={"to": document.recipient_email, "message_id": _new_message_id(document.issuer)},
    )
    if created and not _others_wait_to_be_rendered():
        # In a batch the next step of its run sends them all; a task for each would only knock at closed doors.
        outbox.hint(first)


def _others_wait_to_be_rendered() -> bool:
    return Rendering.objects.filter(work_state=OutsideWork.WorkState.PENDING, next_try_at=None).exists()


def send_delivery(row: Delivery) -> Callable[[], None] | None:
    """Outside work: send one mail with what is archived. Repeated after a crash it carries the same Message-ID.

    The message is stored before it is sent: a full disk must not send it twice.
    """
    document = Document.objects.select_related("issuer", "customer").get(pk=row.document_id)
    if row.purpose == Delivery.Purpose.FIRST and (reason := reason_to_withdraw(document)):
        return partial(_record_withdrawal, row.pk, reason)
    if row.repeats_id:
        return _send_same(row, document)
    mail = mail_of(document, row)
    message = transport.message_of(mail, customer=str(document.customer))
    stored = archive.store_bytes(message.raw)
    transport.send(
        message,
        to=mail.to,
        customer=str(document.customer),
        copies=[address for address in mail.copies if row.copies.get(address) != ""],
        copied=partial(_note_copy, row),
    )
    return partial(_record_sent, row.pk, mail, stored)


def _send_same(row: Delivery, document: Document) -> Callable[[], None]:
    """The archived message of another delivery, unchanged to the byte. Raises ArchiveDamaged."""
    record = ArchiveRecord.objects.get(delivery=row.repeats_id)
    raw = archive.read_record(record)
    transport.send(transport.archived_message(raw), to=row.to, customer=str(document.customer))
    return partial(_record_same, row.pk, archive.Stored(record.sha256, record.size))


def _record_same(pk: int, stored: archive.Stored) -> None:
    row = Delivery.objects.select_related("document", "repeats").get(pk=pk)
    assert row.repeats is not None
    Delivery.objects.filter(pk=pk).update(
        subject=row.repeats.subject,
        body=row.repeats.body,
        message_id=row.repeats.message_id,
        sent_at=clock.now(),
        archived_message=row.archived_message or archive.add_message(row, stored),
    )


def mail_of(document: Document, row: Delivery) -> delivery.Mail:
    """The mail of a delivery, as the settings and texts of its issuer want it now."""
    [data] = document_data([document.pk])
    files = archive.archived_files(document)
    wanted = settings_for(
        document.issuer,
        kind=document.kind,
        language=document.language,
        attach=row.attach or document.customer.mail_attach,
    )
    link = links.account_link(document.pk) if document.customer.user_id else ""
    attached = _attachments(files, wanted.attach, has_link=bool(link))
    if document.extra.get("channel") == Channel.MAIL and not row.attach:
        attached = ()  # the mail is the letter
    again = invoices_again(document, carried=attached)
    return delivery.compose(
        data,
        document.issuer,
        wanted,
        to=row.to,
        message_id=row.message_id or f"<billing-delivery-{row.pk}@{delivery.domain_of(wanted)}>",
        composed_at=_date_of(row),
        open_amount=open_amount(document),
        attachments=(*attached, *again.files),
        document_link=link,
        linked=not attached,
        invoices=again.numbers,
        missing=again.missing,
    )


def _attachments(
    files: Mapping[str, tuple[str, bytes]], attach: str, *, has_link: bool
) -> tuple[delivery.Attachment, ...]:
    parts = parts_to_attach(attach, has_xml=archive.XML in files, has_link=has_link)
    types = {"pdf": archive.PDF, "xml": archive.XML}
    return tuple(
        delivery.Attachment(*files[content_type], content_type)
        for content_type in (types[part] for part in parts)
    )


def _date_of(row: Delivery) -> datetime:
    """When it was handed over, so that an attempt repeated soon sends the same bytes; old work gets a new date."""
    now = clock.now()
    return row.created_at if now - row.created_at < _DATE_STANDS else now


def _note_copy(row: Delivery, address: str, error: str) -> None:
    """At once: the copies that went out are not sent again, whatever becomes of this attempt."""
    row.copies = {**row.copies, address: error}
    Delivery.objects.filter(pk=row.pk).update(copies=row.copies)


def _record_sent(pk: int, mail: delivery.Mail, stored: archive.Stored) -> None:
    row = Delivery.objects.select_related("document").get(pk=pk)
    Delivery.objects.filter(pk=pk).update(
        subject=mail.subject,
        body=mail.body,
        message_id=mail.message_id,
        sent_at=clock.now(),
        archived_message=row.archived_message or archive.add_message(row, stored),
    )


def _record_withdrawal(pk: int, reason: str) -> None:
    Delivery.objects.filter(pk=pk).update(last_error=reason)


def open_amount(document: Document) -> Money:
    if document.kind == Document.Kind.DUNNING_LETTER:
        return Money(document.extra.get("total_minor", 0), document.currency)
    item = OpenItem.objects.filter(pk=document.pk).first()
    return item.open_amount if item else Money.zero(document.currency)


@transaction.atomic
def send_again(*, document: Document, to: str = "", attach: str = "", user: Any = None) -> Delivery:
    """Send the archived file once more, to ``to`` or the customer's address of today; ``attach`` chooses PDF or XML.

    Raises NotArchivedYet, and NoAddress with a sentence that names what is wrong.
    """
    address = to.strip() or document.customer.email
    if not address:
        raise NoAddress(
            _("%(customer)s has no e-mail address. Add one, or send %(document)s by post.")
            % {"customer": document.customer, "document": document}
        )
    _check_address(address)
    _check_archived(document)
    row = Delivery.objects.create(
        document=document,
        purpose=Delivery.Purpose.AGAIN,
        to=address,
        attach=attach,
        message_id=_new_message_id(document.issuer),
    )
    _tell_sent_again(row, user)
    return row


@transaction.atomic
def send_same_again(*, document: Document, to: str = "", user: Any = None) -> Delivery:
    """The last mail with this document once more, unchanged to the byte: same text, same files, same Message-ID.

    ``to``: another address; the mail itself keeps naming the one it was first sent to. Raises NotArchivedYet where none
    has been sent yet, and NoAddress.
    """
    sent = document.deliveries.exclude(archived_message=None).order_by("-pk").first()
    if sent is None:
        raise archive.NotArchivedYet(
            _("No mail with %(document)s has been sent yet.") % {"document": document}
        )
    address = to.strip() or sent.to
    _check_address(address)
    row = Delivery.objects.create(
        document=document, purpose=Delivery.Purpose.AGAIN, to=address, repeats=sent.repeats or sent
    )
    _tell_sent_again(row, user)
    return row


def _tell_sent_again(row: Delivery, user: Any) -> None:
    document = row.document
    take_out_of_line(document)
    log(instance=document, action="cms_billing.send_again", user=user, data={"to": row.to})
    document_sent_again.send(Document, document=document, to=row.to, reason="", user=user)
    outbox.hint(row)


@transaction.atomic
def send_elsewhere(
    *, delivery_id: int, to: str, attach: str = "", keep_address: bool = False, user: Any = None
) -> Delivery:
    """A mail that failed for good goes to another address; ``keep_address`` makes it the customer's from now on.

    Copies that went out at the first try are not sent again. Raises NoAddress, and AlreadySent.
    """
    row = Delivery.objects.select_for_update().select_related("document__customer").get(pk=delivery_id)
    if row.work_state != OutsideWork.WorkState.FAILED:
        raise AlreadySent(
            _("%(delivery)s is not waiting for you any more: it was sent, or it is being sent right now.")
            % {"delivery": row}
        )
    address, before = to.strip(), row.to
    _check_address(address)
    Delivery.objects.filter(pk=row.pk).update(to=address, attach=attach)
    if keep_address:
        customer = row.document.customer
        customer.email = address
        customer.save(update_fields=["email"])
        log(instance=customer, action="wagtail.edit", user=user)
    data = {"to": address, "instead_of": before}
    log(instance=row.document, action="cms_billing.send_again", user=user, data=data)
    outbox.try_again(row)
    row.refresh_from_db()
    return row


@transaction.atomic
def mark_sent_by_post(*, document: Document, user: Any = None) -> Delivery:
    """A person has put the printed document into an envelope: it no longer waits. Raises NotArchivedYet."""
    _check_archived(document)
    row, created = Delivery.objects.get_or_create(
        document=document,
        purpose=Delivery.Purpose.FIRST,
        defaults={
            "to": "",
            "work_state": DONE,
            "done_at": clock.now(),
            "sent_at": clock.now(),
        },
    )
    if created:
        log(instance=document, action="cms_billing.send_by_post", user=user)
        paper = PaperLetter.objects.filter(document=document, posted_at=None, withdrawn_because="")
        paper.update(posted_at=clock.now())
    return row


def _check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise NoAddress(_("“%(address)s” is no e-mail address.") % {"address": address}) from error


def _check_archived(document: Document) -> None:
    if not _is_archived(document.pk):
        raise archive.NotArchivedYet(
            _("%(document)s has no PDF yet; it is made within minutes.") % {"document": document}
        )


def _new_message_id(issuer: Issuer) -> str:
    """Given before the first attempt, so that a repeat after a crash is recognised as the same message."""
    domain = delivery.domain_of(inherit(issuer, ()))
    return f"<billing-{uuid.uuid4().hex}@{domain}>"
