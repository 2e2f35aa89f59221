"""The design that documents are issued with, and the files it needs."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache import cache

from ..models import Issuer, Letterhead
from ..models.letterheads import inherited
from ..uploads import store
from ..uploads.exceptions import UploadRefused
from ..uploads.sandbox import clean_background, clean_logo

logger = logging.getLogger(__name__)


def current_design(issuer: Issuer, kind: str) -> dict[str, Any]:
    """What a document of this kind that is issued now keeps: names of ``DesignData``, files as SHA-256.

    A logo whose picture was replaced since is cleaned again; a picture that is not taken leaves the logo as it was.
    """
    letterheads = Letterhead.objects.for_documents(issuer, kind)
    for letterhead in letterheads:
        _refresh_logo(letterhead)
    return inherited(letterheads)


def keep_background(content: bytes, *, name: str) -> str:
    """Clean and store an uploaded background; its SHA-256. Raises UploadRefused."""
    return store.keep(clean_background(content, name=name))


def keep_logo(image: Any) -> tuple[str, str]:
    """Clean and store a picture of the image library: ``(SHA-256, hash of the file)``. Raises UploadRefused."""
    source = image.get_file_hash()
    return _kept_logo(source, image), source


def _refresh_logo(letterhead: Letterhead) -> None:
    image = letterhead.logo
    if image is None or (letterhead.logo_sha256 and image.file_hash == letterhead.logo_source):
        return
    try:
        letterhead.logo_sha256, letterhead.logo_source = keep_logo(image)
    except (UploadRefused, OSError) as error:
        logger.warning("The logo of “%s” stays as it was: %s", letterhead, error)
        return
    Letterhead.objects.filter(pk=letterhead.pk).update(
        logo_sha256=letterhead.logo_sha256, logo_source=letterhead.logo_source
    )


def _kept_logo(source: str, image: Any) -> str:
    """Cleaning costs a second, and the preview asks after every key that is pressed."""
    key = f"cms_billing_logo_{source}"
    sha256 = cache.get(key)
    if not sha256 or not store.is_kept(sha256):
        with image.open_file() as file:
            sha256 = store.keep(clean_logo(file.read(), name=image.title))
        cache.set(key, sha256, 3600)
    return sha256
