"""Files of closed collections that a page shows: whoever may read the page but not have them sees a broken picture.

A link to a closed document is none of them: it leads guests to the login, and back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from django.urls import reverse
from lxml import etree, html

from ..files.moving import kind_of
from ..files.names import PRIVATE, Kind, read_name
from .clients import Answer

# What a browser loads by itself, and what networks show of a link.
_LOADED = ("src", "srcset", "data-src", "data-srcset", "poster", "data", "style", "imagesrcset")
_META = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "og:video", "og:audio")


class ShownFile(NamedTuple):
    """``place``: which part of the page shows it, such as “img src”."""

    place: str
    kind: str
    id: int
    title: str
    collection_id: int


def shown_files(answer: Answer) -> Iterator[ShownFile]:
    """Files of closed collections that the page (HTML) has its readers' browsers load, each once."""
    base = _base()
    if answer.status != 200 or "html" not in answer.content_type or base.encode() not in answer.body:
        return
    seen = set()
    for place, value in _loaded(answer.body):
        for folder, name in re.findall(re.escape(base) + r"([^/\s\"'(),]+)/([^/?#\s\"'(),]+)", value):
            file = _file_called(f"{PRIVATE}{folder}/{unquote(name)}")
            if file is not None and (place, file[:2]) not in seen:
                seen.add((place, file[:2]))
                yield ShownFile(place, *file)


def _base() -> str:
    return reverse("cms_billing:private_file", args=["x", "x"]).removesuffix("x/x")


def _loaded(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        root = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8", recover=True))
    except (etree.ParserError, etree.XMLSyntaxError):
        return
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if name in _LOADED or (element.tag == "link" and name == "href"):
                yield f"{element.tag} {name}", value
        named = element.get("property") or element.get("name")
        if element.tag == "meta" and named in _META:
            yield f"meta {named}", element.get("content") or ""


def _file_called(name: str) -> tuple[str, int, str, int] | None:
    """Kind, key, title and collection of what has this private name."""
    from wagtail.documents import get_document_model
    from wagtail.images import get_image_model

    private = read_name(name)
    if private is None:
        return None
    found: Any
    if private.kind is Kind.DOCUMENT:
        found = get_document_model().objects.filter(file=name).first()
    elif private.kind is Kind.RENDITION:
        found = get_image_model().objects.filter(pk=private.image_id).first()
    else:
        found = get_image_model().objects.filter(file=name).first()
    return (str(kind_of(found)), found.pk, found.title, found.collection_id) if found else None
