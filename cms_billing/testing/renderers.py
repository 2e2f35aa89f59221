"""A renderer without WeasyPrint: for tests and load runs, where the look of a page does not matter."""

from __future__ import annotations

import html as html_entities
import re

_NOT_TEXT = re.compile(r"<(svg|style|head)\b.*?</\1>|<[^>]+>", re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_LINES_A_PAGE = 60


class PlainRenderer:
    """The words of the page on a valid one-page PDF, in well under a millisecond.

    The same page gives the same bytes; what does not fit on one sheet is left out.
    """

    def render(self, html: str, *, css: str) -> bytes:
        title = _TITLE.search(html)
        text = html_entities.unescape(_NOT_TEXT.sub("\n", html))
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        return _pdf(title=" ".join(title[1].split()) if title else "", lines=lines[:_LINES_A_PAGE])


def _pdf(*, title: str, lines: list[str]) -> bytes:
    shown = b"".join(b"(%s) '\n" % _literal(line) for line in lines)
    content = b"BT /F1 8 Tf 12 TL 40 800 Td\n%sET" % shown
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (%s) >>" % _literal(title),
    ]
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def _literal(text: str) -> bytes:
    raw = text.encode("cp1252", errors="replace")
    return raw.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
