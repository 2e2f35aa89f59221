"""Backgrounds of letters: the drawing of one A4 page, and nothing else of the file it came in.

A cleaned background is a PDF of one page that draws one form, ``FORM``: that form is what letters get underneath.
"""

from __future__ import annotations

import io
import time
import zlib
from typing import Any

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PdfReadError
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    StreamObject,
)

from .refusal import Refused

FORM = "/Letterhead"
A4 = (595.276, 841.89)
TOLERANCE = 3 * 72 / 25.4
MOST_OBJECTS = 20_000
MOST_BYTES = 16 * 1024 * 1024
SLOWEST_DRAWING = 4.0
_DEEPEST = 80
_RESOURCES = ("/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/XObject", "/Font")
# What acts, refers elsewhere, or tells of the author: never of what is to be seen.
_LEFT_OUT = frozenset(
    [
        "/A",
        "/AA",
        "/OpenAction",
        "/JS",
        "/JavaScript",
        "/Annots",
        "/AcroForm",
        "/Names",
        "/AF",
        "/EF",
        "/RichMedia",
        "/Metadata",
        "/PieceInfo",
        "/Parent",
        "/StructParent",
        "/StructParents",
        "/OPI",
        "/Ref",
        "/OC",
        "/Alternates",
        "/LastModified",
        "/Measure",
        "/PtData",
        "/B",
        "/Thumb",
        "/Trans",
        "/Dur",
        "/Tabs",
        "/VP",
        "/Next",
        "/URI",
    ]
)
_NO_DRAWING = frozenset(
    {
        "/Action",
        "/Filespec",
        "/F",
        "/EmbeddedFile",
        "/Annot",
        "/ObjStm",
        "/Sig",
        "/Catalog",
        "/Page",
        "/Pages",
    }
)


def from_pdf(content: bytes) -> bytes:
    """The first page's drawing. Raises Refused."""
    reader = _opened(content)
    page = _first_page(reader)
    box, rotation = page.cropbox, page.rotation % 360
    matrix = _onto_a4([float(value) for value in box], rotation)
    drawing = page.get_contents()
    writer = PdfWriter()
    copy = _Copier(writer)
    form = DecodedStreamObject()
    form.set_data(drawing.get_data() if drawing is not None else b"")
    copy.count_bytes(len(form.get_data()))
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): _numbers(float(value) for value in box),
            NameObject("/Matrix"): _numbers(matrix),
            NameObject("/Resources"): copy.resources(page.get("/Resources")),
        }
    )
    group = page.get("/Group")
    if group is not None:
        form[NameObject("/Group")] = copy.value(group)
    return _tried(_one_page(writer, form.flate_encode()))


def from_picture(picture: Image.Image) -> bytes:
    """A page that the picture (RGB) fills: without loss where that stays small."""
    pixels = zlib.compress(picture.tobytes(), 9)
    packed, name = pixels, "/FlateDecode"
    if len(pixels) > 600_000:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=88, optimize=True)
        packed, name = buffer.getvalue(), "/DCTDecode"
    image = StreamObject()
    image._data = packed
    image.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(picture.width),
            NameObject("/Height"): NumberObject(picture.height),
            NameObject("/ColorSpace"): NameObject("/DeviceRGB"),
            NameObject("/BitsPerComponent"): NumberObject(8),
            NameObject("/Filter"): NameObject(name),
        }
    )
    writer = PdfWriter()
    form = DecodedStreamObject()
    form.set_data(f"{A4[0]} 0 0 {A4[1]} 0 0 cm /Picture Do".encode())
    objects = DictionaryObject({NameObject("/Picture"): writer._add_object(image)})
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): _numbers((0, 0, *A4)),
            NameObject("/Resources"): DictionaryObject({NameObject("/XObject"): objects}),
        }
    )
    return _tried(_one_page(writer, form))


def _opened(content: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise Refused("encrypted")
    except (PdfReadError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Refused("broken") from None
    return reader


def _first_page(reader: PdfReader) -> Any:
    try:
        if len(reader.pages) == 0:
            raise Refused("no_page")
        return reader.pages[0]
    except (PdfReadError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Refused("broken") from None


def _onto_a4(box: list[float], rotation: int) -> tuple[float, ...]:
    """The matrix that puts a page's visible box, upright, onto A4."""
    x0, y0, x1, y1 = box
    width, height = (x1 - x0, y1 - y0) if rotation in (0, 180) else (y1 - y0, x1 - x0)
    if abs(width - A4[0]) > TOLERANCE or abs(height - A4[1]) > TOLERANCE:
        raise Refused("not_a4", width=round(width * 25.4 / 72), height=round(height * 25.4 / 72))
    turned = {
        0: (1, 0, 0, 1, -x0, -y0),
        90: (0, -1, 1, 0, -y0, x1),
        180: (-1, 0, 0, -1, x1, y1),
        270: (0, 1, -1, 0, y1, -x0),
    }
    if rotation not in turned:
        raise Refused("broken")
    across, up = A4[0] / width, A4[1] / height
    a, b, c, d, e, f = turned[rotation]
    return (a * across, b * up, c * across, d * up, e * across, f * up)


class _Copier:
    """Copies drawings into another file, object by object, within a budget, leaving out whatever is none."""

    def __init__(self, writer: PdfWriter) -> None:
        self._writer = writer
        self._copied: dict[tuple[int, int], IndirectObject] = {}
        self._objects = 0
        self._bytes = 0

    def resources(self, given: Any) -> DictionaryObject:
        given = _seen(given)
        if not isinstance(given, DictionaryObject):
            return DictionaryObject()
        return DictionaryObject(
            {NameObject(key): self._named(given[key]) for key in _RESOURCES if key in given}
        )

    def _named(self, given: Any) -> DictionaryObject:
        """One category of resources: its keys are names that the drawing made up, so none of them is left out."""
        given = _seen(given)
        if not isinstance(given, DictionaryObject):
            return DictionaryObject()
        self.count_objects(len(given))
        return DictionaryObject({NameObject(key): self.value(given.raw_get(key), 2) for key in given})

    def value(self, given: Any, depth: int = 0) -> PdfObject:
        if depth > _DEEPEST:
            raise Refused("too_complex")
        if isinstance(given, IndirectObject):
            return self._indirect(given, depth)
        if isinstance(given, StreamObject):
            return self._writer._add_object(self._stream(given, depth))
        if isinstance(given, DictionaryObject):
            return self._dictionary(given, DictionaryObject(), depth)
        if isinstance(given, ArrayObject):
            self.count_objects(len(given))
            return ArrayObject(self.value(item, depth + 1) for item in given)
        return given.clone(self._writer, force_duplicate=True) if hasattr(given, "clone") else NullObject()

    def _indirect(self, given: IndirectObject, depth: int) -> PdfObject:
        key = (given.idnum, given.generation)
        if key in self._copied:
            return self._copied[key]
        meant = given.get_object()
        if meant is None:
            return NullObject()
        if not isinstance(meant, DictionaryObject):  # streams are dictionaries too
            return self.value(meant, depth + 1)
        empty: DictionaryObject = StreamObject() if isinstance(meant, StreamObject) else DictionaryObject()
        # Known before it is filled: drawings may refer to each other in a circle.
        self._copied[key] = self._writer._add_object(empty)
        if isinstance(meant, StreamObject):
            self._stream(meant, depth, into=empty)
        else:
            self._dictionary(meant, empty, depth)
        return self._copied[key]

    def _dictionary(self, given: DictionaryObject, into: DictionaryObject, depth: int) -> DictionaryObject:
        self.count_objects(len(given))
        if str(_seen(given.get("/Type"))) in _NO_DRAWING:
            return into
        for key in given:
            if key not in _LEFT_OUT:
                value = given.raw_get(key)
                copied = self.resources(value) if key == "/Resources" else self.value(value, depth + 1)
                into[NameObject(key)] = copied
        return into

    def _stream(self, given: StreamObject, depth: int, into: Any = None) -> StreamObject:
        if "/F" in given or "/FFilter" in given:
            raise Refused("broken")  # its bytes lie in another file
        if str(_seen(given.get("/Subtype"))) == "/PS":
            raise Refused("too_complex")
        stream = into if into is not None else StreamObject()
        self._dictionary(given, stream, depth)
        self.count_bytes(len(given._data))
        stream._data = given._data
        return stream

    def count_objects(self, more: int) -> None:
        self._objects += 1 + more
        if self._objects > MOST_OBJECTS:
            raise Refused("too_complex")

    def count_bytes(self, more: int) -> None:
        self._bytes += more
        if self._bytes > MOST_BYTES:
            raise Refused("too_complex")


def _seen(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


def _one_page(writer: PdfWriter, form: StreamObject) -> bytes:
    page = writer.add_blank_page(*A4)
    objects = DictionaryObject({NameObject(FORM): writer._add_object(form)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): objects})
    drawing = DecodedStreamObject()
    drawing.set_data(f"q {FORM} Do Q".encode())
    page[NameObject("/Contents")] = writer._add_object(drawing)
    writer.metadata = None
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _tried(pdf: bytes) -> bytes:
    """Drawn once, here: what cannot be drawn, or takes long, would trouble every reader of every letter."""
    import pypdfium2

    began = time.monotonic()
    try:
        document = pypdfium2.PdfDocument(pdf)
        document[0].render(scale=1.5)
    except pypdfium2.PdfiumError:
        raise Refused("broken") from None
    if time.monotonic() - began > SLOWEST_DRAWING:
        raise Refused("too_complex")
    return pdf


def _numbers(values: Any) -> ArrayObject:
    return ArrayObject(FloatObject(f"{value:.5f}") for value in values)
