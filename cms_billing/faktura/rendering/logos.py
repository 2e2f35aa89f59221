"""Logos as data URIs: the letterhead travels inside the page, so that rendering fetches nothing."""

from __future__ import annotations

import base64
import logging
from functools import lru_cache

from ..archive import ArchiveDamaged
from ..uploads.store import read

logger = logging.getLogger(__name__)


def logo_uri(sha256: str) -> str:
    """Of a cleaned logo; empty where it cannot be read: the letter goes without it."""
    try:
        return _data_uri(sha256)
    except ArchiveDamaged as error:
        logger.warning("The logo %s cannot be read: %s", sha256, error)
        return ""


@lru_cache(maxsize=64)
def _data_uri(sha256: str) -> str:
    content = read(sha256)
    content_type = "image/png" if content.startswith(b"\x89PNG") else "image/svg+xml"
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"
