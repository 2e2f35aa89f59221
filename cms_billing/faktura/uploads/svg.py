"""SVG logos, written anew from a list of harmless elements and attributes; the rest is refused or left out.

Refused is what would be missed (a program, a foreign object, something from outside); left out is what only editors
write (metadata, their own namespaces).
"""

from __future__ import annotations

import base64
import io
import re
import time
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from .refusal import Refused

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
MOST_ELEMENTS = 5_000
# Elements drawn when every reference is followed: what grows beyond this was built to grow.
MOST_DRAWN = 20_000
SLOWEST_DRAWING = 4.0
_DEEPEST = 60

_ELEMENTS = frozenset(
    [
        "svg",
        "g",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "defs",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
        "mask",
        "pattern",
        "use",
        "symbol",
        "marker",
        "title",
        "desc",
        "style",
    ]
)
_LEFT_OUT = frozenset(["metadata", "filter", "switch", "view", "cursor"])
_PROGRAMS = frozenset(
    ["script", "handler", "listener", "animate", "animateMotion", "animateTransform", "animateColor", "set"]
)
_URL = re.compile(r"url\s*\(\s*(['\"]?)\s*([^)'\"]*)\s*\1\s*\)", re.IGNORECASE)
# An address of any kind, also where CSS hides letters behind escapes.
_OUTSIDE = re.compile(
    r"@import|@font-face|@namespace|expression\s*\(|javascript:|image-set|\\|//|src\s*\(", re.IGNORECASE
)


def clean_svg(content: bytes) -> bytes:
    """The drawing, written anew. Raises Refused."""
    try:
        root = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise Refused("doctype") from None
    except (ElementTree.ParseError, ValueError):
        raise Refused("broken") from None
    if root.tag != f"{{{SVG}}}svg":
        raise Refused("unknown_logo")
    count = sum(1 for _element in root.iter())
    if count > MOST_ELEMENTS:
        raise Refused("too_complex")
    cleaned = _copied(root, 0)
    if cleaned is None:
        raise Refused("broken")
    _check_growth(cleaned)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    written = ElementTree.tostring(cleaned, encoding="utf-8", xml_declaration=False)
    _try(written)
    return written


def _copied(given: ElementTree.Element, depth: int) -> ElementTree.Element | None:
    """None for what is left out."""
    if depth > _DEEPEST:
        raise Refused("too_complex")
    if not isinstance(given.tag, str):  # comments and processing instructions
        return None
    namespace, _brace, name = given.tag.removeprefix("{").rpartition("}")
    if name in _PROGRAMS:
        raise Refused("script", what=name)
    if namespace not in (SVG, "") or name in _LEFT_OUT:
        return None
    if name not in _ELEMENTS:
        raise Refused("element", what=name[:40])
    element = ElementTree.Element(f"{{{SVG}}}{name}", _attributes(given))
    if name == "style":
        _refuse_outside(given.text or "")
    element.text, element.tail = given.text, given.tail
    element.extend([child for part in given if (child := _copied(part, depth + 1)) is not None])
    return element


def _attributes(given: ElementTree.Element) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, value in given.attrib.items():
        namespace, _brace, name = key.removeprefix("{").rpartition("}")
        if name.lower().startswith("on"):
            raise Refused("script", what=name[:40])
        if name == "href":
            if not value.strip().startswith("#"):
                raise Refused("external", what=value.strip()[:60])
            kept[f"{{{XLINK}}}href"] = value.strip()
        elif not namespace and name != "filter":
            _refuse_outside(value)
            kept[name] = value
    return kept


def _refuse_outside(text: str) -> None:
    for _quote, address in _URL.findall(text):
        if not address.startswith("#"):
            raise Refused("external", what=address[:60])
    if _OUTSIDE.search(text) or text.lower().count("url") > len(_URL.findall(text)):
        raise Refused("external", what=text.strip()[:60])


def _check_growth(root: ElementTree.Element) -> None:
    """Counts what is drawn when each reference is followed; refuses circles and what multiplies."""
    named = {element.get("id", ""): element for element in root.iter() if element.get("id")}
    drawn: dict[ElementTree.Element, int] = {}
    open_now: set[ElementTree.Element] = set()

    def count(element: ElementTree.Element) -> int:
        if element in drawn:
            return drawn[element]
        if element in open_now:
            raise Refused("loop", what=element.get("id", "")[:40])
        if len(open_now) > 4 * _DEEPEST:
            raise Refused("too_complex")
        open_now.add(element)
        total = 1 + sum(count(child) for child in element)
        total += sum(count(named[name]) for name in _references(element) if name in named)
        open_now.discard(element)
        if total > MOST_DRAWN:
            raise Refused("too_complex")
        drawn[element] = total
        return total

    count(root)


def _references(element: ElementTree.Element) -> list[str]:
    found = [
        address.removeprefix("#")
        for value in element.attrib.values()
        for _quote, address in _URL.findall(value)
    ]
    href = element.get(f"{{{XLINK}}}href")
    return [*found, href.removeprefix("#")] if href else found


def _try(svg: bytes) -> None:
    """Printed once, here, where it can do no harm: what takes long is refused."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    address = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    page = f'<img src="{address}" style="width: 60mm; max-height: 40mm">'
    began = time.monotonic()
    HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=["data"]), base_url="about:blank").write_pdf(
        io.BytesIO()
    )
    if time.monotonic() - began > SLOWEST_DRAWING:
        raise Refused("too_complex")
