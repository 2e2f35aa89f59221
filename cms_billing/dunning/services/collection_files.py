"""Outside work of hand-overs: the file, then its way to the agency."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from django.utils.translation import gettext as _

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.faktura import archive

from ..collection import mailing, sftp
from ..collection.packing import Packed, pack
from ..models import Agency, HandOver, HandOverFile, HandOverSending, Transport

FOLDER = "collection"


def make_file(row: HandOverFile) -> Callable[[], None]:
    """Outside work: pack the hand-over on disk and store it once. Repeated after a crash it gives the same bytes."""
    made = HandOver.objects.select_related("agency").get(pk=row.hand_over_id)
    with tempfile.TemporaryFile() as file:
        packed = pack(made, file)
        stored = archive.store_file(file, folder=FOLDER)
    return partial(_record_file, row.pk, packed, stored)


def _record_file(pk: int, packed: Packed, stored: archive.Stored) -> None:
    HandOverFile.objects.filter(pk=pk).update(sha256=stored.sha256, size=stored.size, contents=packed.files)
    made = HandOver.objects.select_related("agency__issuer", "file").get(file=pk)
    if not made.sendings.exists():
        add_sending(made, is_first=True)


def add_sending(made: HandOver, *, is_first: bool) -> HandOverSending | None:
    """None where a person downloads. In the caller's transaction."""
    agency = made.agency
    if agency.transport == Transport.DOWNLOAD:
        return None
    row = HandOverSending.objects.create(
        issuer_id=made.issuer_id,
        hand_over=made,
        way=agency.transport,
        to=agency.mail_to if agency.transport == Transport.MAIL else sftp.address_of(agency),
        message_id=f"<billing-collection-{uuid.uuid4().hex}@{mailing.domain_of(agency.issuer)}>",
        is_first=is_first,
    )
    outbox.hint(row)
    return row


def open_file(file: HandOverFile) -> IO[bytes]:
    """The stored ZIP. Raises OSError where the storage has lost it."""
    return archive.archive_storage().open(f"{FOLDER}/{archive.storage_name(file.sha256)}", "rb")


def send_file(row: HandOverSending) -> Callable[[], None]:
    """Outside work: the file to the agency, as its record says now. Repeated it is the same file under the same name,
    or a mail with the same Message-ID."""
    made = HandOver.objects.select_related("agency__issuer", "file").get(pk=row.hand_over_id)
    agency = made.agency
    with open_file(made.file) as content:
        encrypted = _carry(row, made, agency, content)
    return partial(_record_sent, row.pk, encrypted=encrypted)


def _carry(row: HandOverSending, made: HandOver, agency: Agency, content: IO[bytes]) -> bool:
    if row.way == Transport.SFTP:
        sftp.put(agency, name=made.file.name, content=content, size=made.file.size)
        return True
    if row.way == Transport.MAIL:
        mail = mailing.HandOverMail(
            made.reference, made.kind, made.file.name, row.message_id, made.created_at
        )
        return mailing.send(agency, mail, content=content, size=made.file.size)
    raise PermanentFailure(_("%(agency)s gets its files by download.") % {"agency": agency})


def _record_sent(pk: int, *, encrypted: bool) -> None:
    HandOverSending.objects.filter(pk=pk).update(sent_at=clock.now(), encrypted=encrypted)


def try_connection(agency: Agency) -> str:
    """Talk to the agency's server as a hand-over would, without any claim; says what worked.

    Raises a BillingError that says what did not.
    """
    if agency.transport == Transport.SFTP:
        sftp.try_out(agency)
        return _("Logged in at %(host)s; a file was written there and taken away again.") % {
            "host": agency.sftp_host
        }
    if agency.transport == Transport.MAIL:
        encrypted = mailing.send_test(agency)
        text = (
            _("An encrypted test mail has gone to %(to)s.")
            if encrypted
            else _("A test mail has gone to %(to)s, not encrypted: there is no certificate.")
        )
        return text % {"to": agency.mail_to}
    return _("Files for %(agency)s are downloaded here: there is nothing to test.") % {"agency": agency}


def log_download(made: HandOver, user: Any) -> None:
    from wagtail.log_actions import log

    log(instance=made, action="cms_billing.download_hand_over", user=user, data={"sha256": made.file.sha256})
