"""Letterhead drawings under the pages of a rendered PDF."""

from __future__ import annotations

import io

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, IndirectObject, NameObject

from ..uploads.background import FORM


def underlay(pdf: bytes, *, first: bytes | None, following: bytes | None) -> bytes:
    """``pdf`` with cleaned backgrounds (see ``uploads``) under its first and its other pages.

    The same bytes for the same arguments; a background is stored once, however many pages show it.
    """
    if not first and not following:
        return pdf
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    for number, page in enumerate(writer.pages):
        background, name = (following, "/LetterheadNext") if number else (first, "/LetterheadFirst")
        if background:
            if number < 2:
                form = _form(writer, background)
            _draw_below(writer, page, form, name)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _form(writer: PdfWriter, background: bytes) -> IndirectObject:
    page = PdfReader(io.BytesIO(background)).pages[0]
    form = page["/Resources"]["/XObject"].raw_get(FORM)  # type: ignore[index]
    return form.clone(writer).indirect_reference


def _draw_below(writer: PdfWriter, page: DictionaryObject, form: IndirectObject, name: str) -> None:
    resources = page["/Resources"]
    if "/XObject" not in resources:  # type: ignore[operator]
        resources[NameObject("/XObject")] = DictionaryObject()  # type: ignore[index]
    resources["/XObject"][NameObject(name)] = form  # type: ignore[index]
    drawing = DecodedStreamObject()
    drawing.set_data(f"q {name} Do Q\n".encode())
    old = page.get("/Contents")
    contents = page.raw_get("/Contents") if old is not None else None
    rest = list(old) if isinstance(old, ArrayObject) else [contents] if contents is not None else []
    page[NameObject("/Contents")] = ArrayObject([writer._add_object(drawing), *rest])
