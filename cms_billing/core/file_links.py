"""Signed links to private files, for where no login travels along: a mail, an app, a television.

A link names one file and whom it was made for, and expires. It stands for that person's login and for nothing else:
whoever serves it still asks whether *they* may have the file, at every request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing

from .conf import billing_settings

SALT = "cms_billing.core.file_links"


@dataclass(frozen=True)
class FileLink:
    """``file``: a name that the serving view understands, with its kind (“document 12”). ``holder``: whom it is for."""

    file: str
    holder: str


def sign_link(link: FileLink) -> str:
    return signing.TimestampSigner(salt=SALT).sign_object([link.file, link.holder], compress=True)


def read_link(token: str) -> FileLink | None:
    """None where the link was altered or has expired (``CMS_BILLING["FILE_LINK_SECONDS"]``)."""
    lasts = timedelta(seconds=billing_settings().file_link_seconds)
    try:
        file, holder = signing.TimestampSigner(salt=SALT).unsign_object(token, max_age=lasts)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return FileLink(str(file), str(holder))
