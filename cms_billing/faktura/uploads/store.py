"""Cleaned files by their SHA-256, in a folder of the archive's storage: what a document was issued with stays there."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from django.utils.translation import gettext as _

from ..archive import ArchiveDamaged, archive_storage, store_bytes

FOLDER = "letterhead"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def keep(content: bytes) -> str:
    """Store cleaned bytes; their SHA-256. Raises ArchiveNotWritable."""
    return store_bytes(content, folder=FOLDER).sha256


def is_kept(sha256: str) -> bool:
    return bool(_SHA256.fullmatch(sha256)) and archive_storage().exists(_name(sha256))


@lru_cache(maxsize=32)
def read(sha256: str) -> bytes:
    """The bytes of a hash, checked. Raises ArchiveDamaged."""
    if not _SHA256.fullmatch(sha256):
        raise ArchiveDamaged(_("“%(value)s” is no file of a letterhead.") % {"value": sha256[:80]})
    try:
        with archive_storage().open(_name(sha256), "rb") as file:
            content = file.read()
    except OSError as error:
        raise ArchiveDamaged(
            _("A file of a letterhead cannot be read: %(error)s") % {"error": error}
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ArchiveDamaged(
            _("A file of a letterhead has been changed. Restore it from a backup: %(path)s")
            % {"path": _name(sha256)}
        )
    return content


def _name(sha256: str) -> str:
    return f"{FOLDER}/{sha256[:2]}/{sha256}"
