"""Pages of a PDF as PNG, for previews in the admin; drawn by PDFium, which asks nobody for anything."""

from __future__ import annotations

import io
from threading import Lock

# PDFium is not thread-safe: one page at a time in a process.
_PDFIUM = Lock()
_WIDEST = 2400


def page_images(pdf: bytes, *, width: int, first: int = 0, max_pages: int = 10) -> list[bytes]:
    """PNG bytes of up to ``max_pages`` pages from page ``first`` (0 is the first) on, ``width`` pixels wide.

    Raises ValueError for what is no PDF or cannot be opened.
    """
    import pypdfium2

    width = min(width, _WIDEST)
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise ValueError(f"not a readable PDF: {error}") from error
        try:
            pages = range(first, min(len(document), first + max_pages))
            return [_png(document[number], width) for number in pages]
        finally:
            document.close()


def page_count(pdf: bytes) -> int:
    """How many pages ``pdf`` has. Raises ValueError for what is no PDF."""
    import pypdfium2

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise ValueError(f"not a readable PDF: {error}") from error
        try:
            return len(document)
        finally:
            document.close()


def _png(page: object, width: int) -> bytes:
    scale = width / page.get_width()  # type: ignore[attr-defined]
    bitmap = page.render(scale=scale)  # type: ignore[attr-defined]
    buffer = io.BytesIO()
    bitmap.to_pil().save(buffer, "PNG", compress_level=4)
    bitmap.close()
    page.close()  # type: ignore[attr-defined]
    return buffer.getvalue()
