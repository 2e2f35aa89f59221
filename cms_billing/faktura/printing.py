"""A print file from the archive's PDFs: letters in the order the post sorts them, behind a list of recipients."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.template.loader import render_to_string
from django.utils import translation

from cms_billing.core.formats import Formats, use_formats

from .models import Issuer
from .rendering.renderers import pdf_renderer

_POSTAL_CODE = re.compile(r"(?:[A-Z]{1,2}-)?(\d[\d ]{2,8}\d)\b")
_TEMPLATE = "cms_billing/faktura/print"


def postal_order(address: str, country: str, *, home: str) -> tuple[bool, str, str, str, str]:
    """Sorts addresses: home before abroad, by country, postal code and place, then by the whole address.

    ``address``: as printed in the window, one line each, the place in the last.
    """
    lines = [line.strip() for line in address.splitlines() if line.strip()]
    place = lines[-1] if lines else ""
    code = _POSTAL_CODE.search(place)
    return (
        country != home,
        country,
        code[1].replace(" ", "") if code else "~",
        place.casefold(),
        address.casefold(),
    )


@dataclass(frozen=True)
class Sheet:
    """One letter of the file: its PDFs (the letter, then what is enclosed). ``first_page`` counts from 1."""

    key: int
    number: str
    kind: str
    customer_number: str
    recipient: tuple[str, ...]
    pdfs: tuple[bytes, ...]
    pages: int = 0
    first_page: int = 0

    @property
    def last_page(self) -> int:
        return self.first_page + self.pages - 1


@dataclass(frozen=True)
class Printed:
    content: bytes
    pages: int
    sheets: tuple[Sheet, ...]


def merge(sheets: Sequence[Sheet], *, issuer: Issuer, title: str, day: date, two_sided: bool) -> Printed:
    """One PDF. ``two_sided``: each letter begins on a new sheet of paper, so that none has another's page on its back.

    Raises ValueError for what is no PDF.
    """
    from pypdf import PdfReader

    counted = [
        replace(sheet, pages=sum(len(PdfReader(io.BytesIO(pdf)).pages) for pdf in sheet.pdfs))
        for sheet in sheets
    ]
    # The list names pages, which begin behind it: made once to see how long it is.
    cover_pages = _pages_of(_cover(counted, issuer=issuer, title=title, day=day))
    placed = tuple(_placed(counted, after=cover_pages, two_sided=two_sided))
    cover = _cover(placed, issuer=issuer, title=title, day=day)
    content, pages = _joined([(cover,), *(sheet.pdfs for sheet in placed)], two_sided=two_sided)
    return Printed(content, pages, placed)


def _placed(sheets: Sequence[Sheet], *, after: int, two_sided: bool) -> Iterator[Sheet]:
    page = _on_a_new_sheet(after, two_sided=two_sided)
    for sheet in sheets:
        yield replace(sheet, first_page=page + 1)
        page = _on_a_new_sheet(page + sheet.pages, two_sided=two_sided)


def _on_a_new_sheet(pages: int, *, two_sided: bool) -> int:
    return pages + pages % 2 if two_sided else pages


def _joined(parts: Sequence[Sequence[bytes]], *, two_sided: bool) -> tuple[bytes, int]:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    for pdfs in parts:
        for pdf in pdfs:
            writer.append(PdfReader(io.BytesIO(pdf)), import_outline=False)
        if two_sided and len(writer.pages) % 2:
            writer.add_blank_page()
    joined = io.BytesIO()
    writer.write(joined)
    return joined.getvalue(), len(writer.pages)


def _pages_of(pdf: bytes) -> int:
    from pypdf import PdfReader

    return len(PdfReader(io.BytesIO(pdf)).pages)


def _cover(sheets: Sequence[Sheet], *, issuer: Issuer, title: str, day: date) -> bytes:
    formats = Formats(issuer.language, issuer.format_region, issuer.date_style)
    context = {"sheets": sheets, "issuer": issuer, "title": title, "day": formats.day(day)}
    with translation.override(issuer.language), use_formats(formats):
        html = render_to_string(f"{_TEMPLATE}/cover.html", context)
    return pdf_renderer().render(html, css=render_to_string(f"{_TEMPLATE}/cover.css"))
