"""An answer in pieces, each with its place: ``text``, ``meta og:description``, ``img alt``, ``json items[0].body``.

What a person would not look at (attributes, comments, structured data, headers) is a piece like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lxml import etree, html

from .words import plain

# Attributes that never hold sentences.
_NO_TEXT = frozenset(
    {"href", "src", "srcset", "class", "id", "style", "d", "integrity", "rel", "type", "name"}
)
_JSON_TYPES = ("application/ld+json", "application/json", "speculationrules", "importmap")


class Segment(NamedTuple):
    place: str
    text: str


def segments(body: bytes, content_type: str, headers: Mapping[str, str]) -> Iterator[Segment]:
    """All texts of an answer. Pictures and other binary bodies have none."""
    yield from _header_segments(headers)
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if not body:
        return
    if "html" in kind:
        yield from _html_segments(body)
    elif "json" in kind:
        yield from _json_segments(_decoded(body), "json")
    elif "xml" in kind:
        yield from _xml_segments(body)
    elif kind.startswith("text/") or "javascript" in kind:
        yield Segment("text", plain(_decoded(body)))


def _header_segments(headers: Mapping[str, str]) -> Iterator[Segment]:
    for name, value in headers.items():
        if value.count(" ") >= 4:  # fewer words are not looked for anyway
            yield Segment(f"header {name}", plain(value))


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _html_segments(body: bytes) -> Iterator[Segment]:
    try:
        root = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8", recover=True))
    except (etree.ParserError, etree.XMLSyntaxError):
        yield Segment("text", plain(_decoded(body)))
        return
    for element in root.iter():
        if element.tag is etree.Comment or element.tag is etree.ProcessingInstruction:
            yield Segment("comment", plain(element.text or ""))
        elif element.tag in ("script", "style"):
            yield from _script_segments(element)
        else:
            yield from _attribute_segments(element)
    yield Segment("text", _in_order(root))


def _in_order(root: Any) -> str:
    """The visible text as it is read: tails after children."""
    parts: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end", "comment")):
        skipped = not isinstance(element.tag, str) or element.tag in ("script", "style")
        if event == "start" and not skipped:
            parts.append(element.text or "")
        elif event in ("end", "comment"):
            parts.append(element.tail or "")
    return " ".join(filter(None, parts))


def _script_segments(element: Any) -> Iterator[Segment]:
    text = element.text or ""
    kind = element.get("type", "")
    if kind in _JSON_TYPES:
        name = "JSON-LD" if "ld+json" in kind else "script json"
        yield from _json_segments(text, name)
    elif text:
        yield Segment(element.tag, plain(_unescaped(text)))


def _unescaped(text: str) -> str:
    r"""``\u00e4`` and ``\"`` as people read them; whatever else a script says stays."""
    return (
        text.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
        if "\\" in text
        else text
    )


def _attribute_segments(element: Any) -> Iterator[Segment]:
    for name, value in element.attrib.items():
        if name in _NO_TEXT or value.count(" ") < 4:
            continue
        if element.tag == "meta":
            place = f"meta {element.get('property') or element.get('name') or name}"
        else:
            place = f"{element.tag} {name}"
        yield Segment(place, plain(value))


def _json_segments(text: str, name: str) -> Iterator[Segment]:
    try:
        data = json.loads(text)
    except ValueError:
        yield Segment(name, plain(text))
        return
    yield from _leaves(data, name)


def _leaves(data: Any, place: str) -> Iterator[Segment]:
    if isinstance(data, str):
        yield Segment(place, plain(data))
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, f"{place} {key}" if " " not in place else f"{place}.{key}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _leaves(value, f"{place}[{number}]")


def _xml_segments(body: bytes) -> Iterator[Segment]:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser=parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        yield Segment("text", plain(_decoded(body)))
        return
    for element in root.iter(etree.Element):
        tag = etree.QName(element).localname
        for text in (element.text, element.tail, *element.attrib.values()):
            if text and text.strip():
                yield Segment(f"xml {tag}", plain(text))
