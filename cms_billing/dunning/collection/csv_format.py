"""A CSV file as an agency wants it. Pure: plain values in, bytes out.

Text cells never begin with what a spreadsheet takes for a formula, and never hold a line break: one claim, one line.
Numbers and dates are written by us and need no guard; a negative amount stays a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from anyascii import anyascii
from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.core.ui.exporting import guarded

LONGEST_CELL = 2000


class Kind(Enum):
    TEXT = "text"
    DATE = "date"
    MONEY = "money"
    PERCENT = "percent"
    YES_NO = "yes_no"


class LetterMissing(BillingError):
    """The agency's encoding has no way to write a letter."""

    def __init__(self, *, text: str, letter: str, encoding: str) -> None:
        self.letter = letter
        super().__init__(
            _(
                "“%(text)s” holds “%(letter)s”, which %(encoding)s cannot write. Choose UTF-8 for the agency, or let "
                "such letters be replaced."
            )
            % {"text": text[:60], "letter": letter, "encoding": encoding}
        )


@dataclass(frozen=True)
class CsvFormat:
    """``encoding``: a codec of Python; ``date_format``: for ``strftime``. ``replace_unknown``: letters that the
    encoding lacks are written in Latin letters instead of refused."""

    delimiter: str = ";"
    encoding: str = "utf-8-sig"
    replace_unknown: bool = False
    decimal_sign: str = ","
    date_format: str = "%d.%m.%Y"
    line_end: str = "\r\n"
    quote_all: bool = True
    with_header: bool = True

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def codec(self) -> str:
        """Without the mark, which stands at the beginning of the file only."""
        return "utf-8" if self.encoding == "utf-8-sig" else self.encoding


@dataclass(frozen=True)
class Replaced:
    """A cell whose letters were replaced: what it was, and what the file says."""

    row: int
    text: str
    written: str


def cell(value: Any, kind: Kind, currency: str, form: CsvFormat) -> str:
    """``value`` is as kept with a claim: text, ISO date, minor units, decimal text, bool; None and "" are empty.

    Raises LetterMissing.
    """
    if value is None or value == "":
        return ""
    if kind is Kind.DATE:
        return date.fromisoformat(value).strftime(form.date_format)
    if kind is Kind.MONEY:
        return _number(Money(value, currency).amount, form)
    if kind is Kind.PERCENT:
        return _number(Decimal(str(value)), form)
    if kind is Kind.YES_NO:
        return "J" if value else "N"
    return text_cell(str(value), form)


def text_cell(text: str, form: CsvFormat) -> str:
    """Letters first, guard last: what a letter is replaced by may itself begin a formula."""
    line = " ".join(text.split())[:LONGEST_CELL]
    return str(guarded(_writable(line, form)))


def _number(number: Decimal, form: CsvFormat) -> str:
    return f"{number:f}".replace(".", form.decimal_sign)


def _writable(text: str, form: CsvFormat) -> str:
    try:
        text.encode(form.codec)
        return text
    except UnicodeEncodeError as error:
        if not form.replace_unknown or form.codec == "utf-8":
            letter = text[error.start]
            if form.codec == "utf-8":  # half a surrogate pair: no letter at all
                return text.encode("utf-8", "ignore").decode()
            raise LetterMissing(text=text, letter=letter, encoding=form.encoding) from error
    return "".join(letter if _can(letter, form.codec) else anyascii(letter) for letter in text)


def _can(letter: str, codec: str) -> bool:
    try:
        letter.encode(codec)
        return True
    except UnicodeEncodeError:
        return False


def lines(rows: Iterable[Sequence[str]], form: CsvFormat, *, header: Sequence[str] = ()) -> Iterator[bytes]:
    """The file line by line, so that nobody holds all of it. Cells come from ``cell``."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer,
        delimiter=form.delimiter,
        lineterminator=form.line_end,
        quoting=csv.QUOTE_ALL if form.quote_all else csv.QUOTE_MINIMAL,
    )
    if form.encoding == "utf-8-sig":
        yield b"\xef\xbb\xbf"
    if form.with_header:
        yield _line(writer, buffer, [text_cell(name, form) for name in header], form)
    for row in rows:
        yield _line(writer, buffer, row, form)


def _line(writer: Any, buffer: io.StringIO, row: Sequence[str], form: CsvFormat) -> bytes:
    buffer.seek(0)
    buffer.truncate()
    writer.writerow(row)
    return buffer.getvalue().encode(form.codec)


def replaced_in(values: Iterable[tuple[int, str]], form: CsvFormat) -> list[Replaced]:
    """Of ``(row, text)`` those that the file does not say as they are, for the manifest."""
    found = []
    for row, text in values:
        line = " ".join(text.split())[:LONGEST_CELL]
        if (written := _writable(line, form)) != line:
            found.append(Replaced(row, line, written))
    return found
