"""Logos as data URIs: the letterhead travels inside the page, so that rendering fetches nothing."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable
from functools import lru_cache

from wagtail.images import get_image_model

logger = logging.getLogger(__name__)

# Large enough for 40 mm in print, small enough to be carried by every invoice.
_FILTER = "max-800x320|format-png"


def logo_data_uris(image_ids: Iterable[int | None]) -> dict[int, str]:
    """By image id; an image that has been deleted or cannot be read is left out, the letter goes without it."""
    wanted = {pk for pk in image_ids if pk}
    if not wanted:
        return {}
    images = get_image_model().objects.filter(pk__in=wanted).values_list("pk", "file_hash")
    uris = {pk: _data_uri(pk, file_hash) for pk, file_hash in images}
    return {pk: uri for pk, uri in uris.items() if uri}


@lru_cache(maxsize=64)
def _data_uri(image_id: int, file_hash: str) -> str:
    """Cached by content: a replaced file has another hash."""
    image = get_image_model().objects.get(pk=image_id)
    try:
        if image.is_svg():
            with image.open_file() as file:
                return _uri("image/svg+xml", file.read())
        with image.get_rendition(_FILTER).file.open("rb") as file:
            return _uri("image/png", file.read())
    except (OSError, ValueError) as error:
        logger.warning("The logo %s cannot be read: %s", image_id, error)
        return ""


def _uri(content_type: str, content: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"
