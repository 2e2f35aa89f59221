"""Files that people upload for letterheads, good and bad."""

from __future__ import annotations

import io
import zlib

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    TextStringObject,
)

from cms_billing.testing.renderers import PlainRenderer

A4 = (595.276, 841.89)
MM = 72 / 25.4


def picture(width: int, height: int, form: str = "PNG", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height), 0).save(buffer, form)
    return buffer.getvalue()


def drawing(content: bytes = b"1 0 0 rg 0 800 595 42 re f", size=A4, pages: int = 1) -> PdfWriter:
    writer = PdfWriter()
    for _number in range(pages):
        page = writer.add_blank_page(*size)
        stream = DecodedStreamObject()
        stream.set_data(content)
        page[NameObject("/Contents")] = writer._add_object(stream)
    return writer


def written(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def with_actions() -> bytes:
    """Everything a PDF may do besides being looked at."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(PlainRenderer().render("<p>Briefkopf</p>", css=""))))
    program = {
        NameObject("/S"): NameObject("/JavaScript"),
        NameObject("/JS"): TextStringObject("app.alert('hello');"),
    }
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(program)
    writer.add_attachment("virus.exe", b"MZ")
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject("http://127.0.0.1:1/")}
    )
    page = writer.pages[0]
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})
    link = {NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): action}
    link[NameObject("/Rect")] = ArrayObject(FloatObject(n) for n in (0, 0, 100, 100))
    page[NameObject("/Annots")] = ArrayObject([writer._add_object(DictionaryObject(link))])
    return written(writer)


def multiplying(depth: int = 9, times: int = 12) -> bytes:
    """Forms that draw the form below a dozen times each."""
    writer = drawing(b"/F0 Do")
    below = None
    for level in range(depth, -1, -1):
        form = DecodedStreamObject()
        form.set_data(f"/F{level + 1} Do ".encode() * times if below else b"0 0 1 1 re f")
        form[NameObject("/Type")], form[NameObject("/Subtype")] = NameObject("/XObject"), NameObject("/Form")
        form[NameObject("/BBox")] = ArrayObject(FloatObject(n) for n in (0, 0, 600, 850))
        inner = DictionaryObject({NameObject(f"/F{level + 1}"): below}) if below else DictionaryObject()
        form[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): inner})
        below = writer._add_object(form)
    objects = DictionaryObject({NameObject("/F0"): below})
    writer.pages[0][NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): objects})
    return written(writer)


def inflating(megabytes: int = 300) -> bytes:
    """A page whose content unpacks to very much."""
    packed = zlib.compress(b" " * (megabytes * 1024 * 1024), 9)
    head = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    page = b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n"
    stream = (
        b"4 0 obj<</Length %d/Filter/FlateDecode>>stream\n" % len(packed) + packed + b"\nendstream endobj\n"
    )
    return head + page + stream + b"trailer<</Root 1 0 R>>\n%%EOF"


def svg(body: str = '<rect width="80" height="20" fill="#204060"/>', attributes: str = "") -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 100 40" {attributes}>{body}</svg>'
    ).encode()


def laughing(depth: int = 12) -> bytes:
    """Nested <use>: each draws the one below ten times."""
    groups = ['<g id="g0"><rect width="1" height="1"/></g>']
    groups += [f'<g id="g{n}">' + f'<use href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, depth)]
    return svg(f"<defs>{''.join(groups)}</defs><use href='#g{depth - 1}'/>")
