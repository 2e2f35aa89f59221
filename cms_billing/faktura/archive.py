"""The archive: bytes stored once under their SHA-256, and a chain of records that proves nothing was swapped.

A file lies at ``<first two digits>/<sha256>`` in the storage ``CMS_BILLING["ARCHIVE_STORAGE"]``. Its record carries the
hash of the record before it, so whoever changes, removes or inserts one breaks the chain from there on
(``manage.py billing_verify``). GoBD: what has been issued is kept unchanged and complete.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, TypedDict

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError

from .models import ArchiveHead, ArchiveRecord, Delivery, Document
from .models.outgoing import MESSAGE

PDF = "application/pdf"
XML = "application/xml"


class ArchiveNotWritable(BillingError):
    """The storage took no file; nothing was recorded, and the work is tried again."""


class ArchiveDamaged(BillingError):
    """A file of the archive is missing or has other bytes than were archived."""


class NotArchivedYet(BillingError):
    """The document has no archived file yet."""


@dataclass(frozen=True)
class Stored:
    sha256: str
    size: int


class Facts(TypedDict):
    """What the chain vouches for."""

    issuer: int
    sequence: int
    document: int
    content_type: str
    filename: str
    size: int
    sha256: str
    archived_at: str


def archive_storage() -> Storage:
    return storages[billing_settings().archive_storage]


def storage_name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def store_bytes(content: bytes, *, folder: str = "") -> Stored:
    """Write ``content`` under its hash and read it back; storing the same bytes again changes nothing.

    Raises ArchiveNotWritable; then no file with that name exists, or the whole one.
    """
    return store_file(BytesIO(content), folder=folder)


def store_file(file: IO[bytes], *, folder: str = "") -> Stored:
    """The same for what is too large to hold: read from its beginning, a piece at a time.

    Raises ArchiveNotWritable.
    """
    file.seek(0)
    stored = Stored(_digest(file), file.tell())
    storage = archive_storage()
    name = f"{folder}/{storage_name(stored.sha256)}" if folder else storage_name(stored.sha256)
    try:
        if not _holds(storage, name, stored):
            file.seek(0)
            _write(storage, name, File(file))
        if not _holds(storage, name, stored):
            raise ArchiveNotWritable(
                _("The archive returned other bytes than were written to it. Have the storage checked.")
            )
    except OSError as error:
        raise ArchiveNotWritable(_told(error)) from error
    return stored


def add_record(
    document: Document, stored: Stored, *, content_type: str = PDF, filename: str = ""
) -> ArchiveRecord:
    """Chain a stored file to its issuer's archive; in the caller's transaction, which holds the chain's end until then.

    The document must not have a record of this content type yet, messages aside.
    """
    ArchiveHead.objects.get_or_create(issuer_id=document.issuer_id)
    head = ArchiveHead.objects.select_for_update(no_key=True).get(issuer_id=document.issuer_id)
    record = ArchiveRecord(
        issuer_id=document.issuer_id,
        sequence=head.sequence + 1,
        document_id=document.pk,
        content_type=content_type,
        filename=filename or pdf_filename(document.number),
        size=stored.size,
        sha256=stored.sha256,
        previous_hash=head.chain_hash,
        archived_at=clock.now(),
    )
    record.chain_hash = chain_hash(record.previous_hash, facts_of(record))
    record.save(force_insert=True)
    head.sequence, head.chain_hash = record.sequence, record.chain_hash
    head.save(update_fields=["sequence", "chain_hash"])
    return record


def add_message(delivery: Delivery, stored: Stored) -> ArchiveRecord:
    """Chain a mail as it was sent, in the caller's transaction. The file name says which delivery it was."""
    document = delivery.document
    name = f"{pdf_filename(document.number).removesuffix('.pdf')}-{delivery.pk}.eml"
    return add_record(document, stored, content_type=MESSAGE, filename=name)


def chain_hash(previous: str, facts: Facts) -> str:
    """SHA-256 over the previous record's hash and this record's facts as canonical JSON (sorted keys, no spaces)."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def facts_of(record: ArchiveRecord) -> Facts:
    return Facts(
        issuer=record.issuer_id,
        sequence=record.sequence,
        document=record.document_id,
        content_type=record.content_type,
        filename=record.filename,
        size=record.size,
        sha256=record.sha256,
        archived_at=_moment(record.archived_at),
    )


def archived_pdf(document: Document) -> bytes:
    """The PDF as it was archived. Raises NotArchivedYet, and ArchiveDamaged rather than showing wrong bytes."""
    return read_record(pdf_record(document))


def archived_files(document: Document) -> dict[str, tuple[str, bytes]]:
    """What was archived of a document, as name and bytes by content type; without the mails it went out with.

    Raises NotArchivedYet where there is no PDF, and ArchiveDamaged.
    """
    pdf_record(document)
    records = ArchiveRecord.objects.filter(document=document).exclude(content_type=MESSAGE)
    return {record.content_type: (record.filename, read_record(record)) for record in records}


def pdf_record(document: Document) -> ArchiveRecord:
    """Raises NotArchivedYet."""
    record = ArchiveRecord.objects.filter(document=document, content_type=PDF).first()
    if record is None:
        raise NotArchivedYet(
            _("%(document)s has no PDF yet; it is made within minutes.") % {"document": document}
        )
    return record


def read_record(record: ArchiveRecord) -> bytes:
    """The bytes of a record, checked against its size and hash. Raises ArchiveDamaged."""
    try:
        with archive_storage().open(storage_name(record.sha256), "rb") as file:
            content = file.read()
    except OSError as error:
        raise ArchiveDamaged(
            _("The archived file of %(name)s cannot be read: %(error)s") % {"name": record, "error": error}
        ) from error
    if len(content) != record.size or hashlib.sha256(content).hexdigest() != record.sha256:
        raise ArchiveDamaged(
            _("The archived file of %(name)s has been changed. Restore it from a backup: %(path)s")
            % {"name": record, "path": storage_name(record.sha256)}
        )
    return content


def read_stored(sha256: str, *, folder: str, name: str) -> bytes:
    """What ``store_bytes`` put into ``folder``, checked; ``name`` is for people. Raises ArchiveDamaged."""
    path = f"{folder}/{storage_name(sha256)}"
    try:
        with archive_storage().open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ArchiveDamaged(
            _("The archived file of %(name)s cannot be read: %(error)s") % {"name": name, "error": error}
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ArchiveDamaged(
            _("The archived file of %(name)s has been changed. Restore it from a backup: %(path)s")
            % {"name": name, "path": path}
        )
    return content


def pdf_filename(number: str) -> str:
    return f"{get_valid_filename(number.replace('/', '-'))}.pdf"


def file_name(number: str, content_type: str) -> str:
    name = pdf_filename(number)
    return f"{name.removesuffix('.pdf')}.xml" if content_type == XML else name


def _holds(storage: Storage, name: str, stored: Stored) -> bool:
    if not storage.exists(name) or storage.size(name) != stored.size:
        return False
    with storage.open(name, "rb") as file:
        return _digest(file) == stored.sha256


def _digest(file: IO[bytes]) -> str:
    """Of all that is still to be read, a piece at a time; any storage's file will do."""
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _write(storage: Storage, name: str, content: File[bytes]) -> None:
    if isinstance(storage, FileSystemStorage):
        _write_file(storage, name, content)
        return
    if storage.exists(name):
        storage.delete(name)  # half a file of a storage without atomic writes
    given = storage.save(name, content)
    if given != name:
        # Somebody else stored the same bytes at the same moment, and the storage made up a second name.
        storage.delete(given)


def _write_file(storage: FileSystemStorage, name: str, content: File[bytes]) -> None:
    """Whole or not at all, and still there after a power cut: a file beside it, flushed, then renamed."""
    path = Path(storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in content.chunks():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if storage.file_permissions_mode is not None:
            Path(unfinished).chmod(storage.file_permissions_mode)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent):
        _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _told(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _("The disk of the archive is full. Make room; the file is stored at the next attempt.")
    return _("The archive takes no file: %(error)s. It is tried again.") % {"error": error}
