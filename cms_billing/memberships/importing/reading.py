"""From the bytes of a CSV file to its cells. Cells are text, whatever a spreadsheet would make of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError

LONGEST_CELL = 2000
DELIMITERS = (";", ",", "\t")
# First bytes of files that are no text, and what they are.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")


class BadFile(BillingError):
    """The file as a whole cannot be read; the message says why and how to save it."""


@dataclass(frozen=True, order=True)
class LineProblem:
    """What is wrong in one line. ``line`` as an editor numbers it, the header being line 1; ``column`` may be empty."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = _("Line %(line)s") % {"line": self.line}
        return f"{where}, {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"


@dataclass(frozen=True)
class Cells:
    """One line of the file: its number and its cells by column name, without surrounding blanks."""

    line: int
    values: Mapping[str, str]


def read_cells(
    data: bytes, *, columns: Sequence[str], required: Sequence[str]
) -> tuple[list[Cells], list[LineProblem]]:
    """Lines with as many cells as the header, and the problems of the others. Empty lines are left out.

    UTF-8 with or without a byte order mark, else Windows-1252; ``;``, ``,`` or a tab between the cells, as the header
    has them. Raises BadFile for a file that is no such text or whose header is wrong.
    """
    text = _decode(data)
    delimiter = _delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    lines = _numbered(reader)
    header = _header(next(lines, (1, []))[1], columns=columns, required=required)
    cells, problems = [], []
    for line, values in lines:
        if not any(value.strip() for value in values):
            continue
        problem = _shape_problem(values, header)
        if problem:
            problems.append(LineProblem(line, "", problem))
        else:
            stripped = (value.strip() for value in values)
            cells.append(Cells(line, dict(zip(header, stripped, strict=True))))
    if not cells and not problems:
        raise BadFile(_("The file has a header but no lines below it."))
    return cells, problems


def _decode(data: bytes) -> str:
    if not data.strip():
        raise BadFile(_("The file is empty."))
    if data.startswith(_WORKBOOKS):
        raise BadFile(_("This is a spreadsheet, not a CSV file. Save it as “CSV UTF-8” and try again."))
    if data.startswith(_WIDE_TEXT) or b"\x00" in data:
        raise BadFile(_("The file is no text in UTF-8. Save it as “CSV UTF-8” and try again."))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(
            _(
                "Line %(line)s holds a character that is neither UTF-8 nor Windows-1252. Save the file as “CSV UTF-8”."
            )
            % {"line": line}
        ) from error


def _delimiter_of(text: str) -> str:
    """The one the header has most of."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=header.count)


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line they begin on; a quoted cell may run over several."""
    begin = 1
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(
                _("Line %(line)s cannot be read: %(error)s. Check its quotation marks.")
                % {"line": begin, "error": error}
            ) from error
        yield begin, values
        begin = reader.line_num + 1  # type: ignore[attr-defined]


def _header(values: Sequence[str], *, columns: Sequence[str], required: Sequence[str]) -> list[str]:
    names = [value.strip().lower().replace(" ", "_") for value in values]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in columns]
    missing = [name for name in required if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    reasons = [
        text % {"names": ", ".join(f"“{name}”" for name in found)}
        for text, found in (
            (_("unknown: %(names)s"), unknown),
            (_("missing: %(names)s"), missing),
            (_("more than once: %(names)s"), twice),
        )
        if found
    ]
    if reasons:
        raise BadFile(
            _("The first line must name the columns; it does not (%(reasons)s). Known columns: %(columns)s.")
            % {"reasons": "; ".join(reasons), "columns": ", ".join(columns)}
        )
    return names


def _shape_problem(values: list[str], header: Sequence[str]) -> str:
    while len(values) > len(header) and not values[-1].strip():
        values.pop()
    if len(values) != len(header):
        return _("has %(count)s cells where the header has %(expected)s. Is a quotation mark missing?") % {
            "count": len(values),
            "expected": len(header),
        }
    if any(len(value) > LONGEST_CELL for value in values):
        return _("holds a cell of more than %(limit)s characters. Is a quotation mark missing?") % {
            "limit": LONGEST_CELL
        }
    return ""
