"""The way out of an issued document: rendered, archived, mailed. Outside work; see ``core.outbox``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
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

from .. import archive, delivery
from ..delivery_vetoes import reason_to_withdraw
from ..models import ArchiveRecord, Delivery, Document, Issuer, OpenItem, Rendering
from ..rendering import document_data, render_pdf
from ..signals import document_archived

DONE = OutsideWork.WorkState.DONE


class NoAddress(BillingError):
    """There is no e-mail address to send to, or none that can be one."""


def render_document(rendering: Rendering) -> Callable[[], None]:
    """Outside work: make the PDF and put its bytes into the archive; the record and the mail follow in one transaction.

    Repeated after a crash it gives the same bytes, which the archive keeps once.
    """
    if _is_archived(rendering.document_id):
        return partial(_hand_to_delivery, rendering.document_id)
    [data] = document_data([rendering.document_id])
    stored = archive.store_bytes(render_pdf(data))
    return partial(_record_pdf, rendering.document_id, stored)


def _is_archived(document_id: int) -> bool:
    return ArchiveRecord.objects.filter(document_id=document_id, content_type=archive.PDF).exists()


def _record_pdf(document_id: int, stored: archive.Stored) -> None:
    document = Document.objects.get(pk=document_id)
    archive.add_record(document, stored)
    _hand_to_delivery(document_id)
    tell = partial(document_archived.send_robust, sender=Document, document_id=document_id)
    transaction.on_commit(tell, robust=True)


def _hand_to_delivery(document_id: int) -> None:
    """One first delivery a document; without an e-mail address it waits among those to be sent by post."""
    document = Document.objects.select_related("issuer").get(pk=document_id)
    if not document.recipient_email:
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
    """Outside work: send one mail with the archived PDF. Repeated after a crash it carries the same Message-ID."""
    document = Document.objects.select_related("issuer", "customer").get(pk=row.document_id)
    if row.purpose == Delivery.Purpose.FIRST and (reason := reason_to_withdraw(document)):
        return partial(_record_withdrawal, row.pk, reason)
    [data] = document_data([document.pk])
    mail = delivery.compose(
        data,
        document.issuer,
        to=row.to,
        message_id=row.message_id or _stable_message_id(row, document.issuer),
        open_amount=_open_amount(document),
        attachment=(archive.pdf_filename(document.number), archive.archived_pdf(document)),
    )
    delivery.send(mail, customer=str(document.customer))
    return partial(_record_sent, row.pk, mail)


def _record_sent(pk: int, mail: delivery.Mail) -> None:
    Delivery.objects.filter(pk=pk).update(
        subject=mail.subject, body=mail.body, message_id=mail.message_id, sent_at=clock.now()
    )


def _record_withdrawal(pk: int, reason: str) -> None:
    Delivery.objects.filter(pk=pk).update(last_error=reason)


def _open_amount(document: Document) -> Money:
    if document.kind == Document.Kind.DUNNING_LETTER:
        return Money(document.extra.get("total_minor", 0), document.currency)
    item = OpenItem.objects.filter(pk=document.pk).first()
    return item.open_amount if item else Money.zero(document.currency)


@transaction.atomic
def send_again(*, document: Document, to: str = "", user: Any = None) -> Delivery:
    """Send the archived file once more, to ``to`` or the customer's address of today.

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
        message_id=_new_message_id(document.issuer),
    )
    log(instance=document, action="cms_billing.send_again", user=user, data={"to": address})
    outbox.hint(row)
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
    return f"<billing-{uuid.uuid4().hex}@{_domain(issuer)}>"


def _stable_message_id(row: Delivery, issuer: Issuer) -> str:
    """For rows that came without one."""
    return f"<billing-delivery-{row.pk}@{_domain(issuer)}>"


def _domain(issuer: Issuer) -> str:
    return delivery.domain_of(delivery.sender_address(issuer).rstrip(">")).encode("idna").decode()
