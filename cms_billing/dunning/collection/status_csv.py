"""From the bytes of an agency's status file to plain lines. Reads only; nothing is looked up."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money

from .exceptions import BadStatusFile

LARGEST = 3_000_000
MOST_LINES = 20_000
LONGEST_CELL = 500
DELIMITERS = (";", ",", "\t", "|")
DATES = ("%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y", "%d/%m/%Y", "%Y%m%d")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_GROUPED = re.compile(r"-?\d{1,3}(?P<group>[.,])\d{3}((?P=group)\d{3})*", re.ASCII)
_DECIMAL = re.compile(
    r"(?P<whole>-?(\d{1,3}(?P<group>[.,])\d{3}((?P=group)\d{3})*|\d+))((?P<sign>[.,])(?P<cents>\d{1,3}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Headings:
    """Headings of the agency's file; an empty one is not in it."""

    hand_over: str
    document: str
    status: str
    paid: str = ""
    costs: str = ""
    day: str = ""
    note: str = ""

    @property
    def required(self) -> list[str]:
        return [self.hand_over, self.document, self.status]


@dataclass(frozen=True)
class Line:
    """``problem``: why a cell of the line could not be read."""

    line: int
    hand_over: str
    document: str
    word: str
    paid_minor: int = 0
    costs_minor: int = 0
    day: date | None = None
    note: str = ""
    problem: str = ""


def read(data: bytes, wanted: Headings, *, currency: str) -> list[Line]:
    """Raises BadStatusFile for what is no such file, or is larger than one can be."""
    text = _decode(data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    headings = {(name or "").strip().casefold(): name for name in reader.fieldnames or []}
    missing = [name for name in wanted.required if name.strip().casefold() not in headings]
    if missing:
        raise BadStatusFile(
            _("The file has no column %(names)s. Correct the headings in the agency's record.")
            % {"names": ", ".join(f"“{name}”" for name in missing)}
        )
    lines = list(_lines(reader, wanted, headings, currency))
    if not lines:
        raise BadStatusFile(_("The file has a header but no lines below it."))
    return lines


def _decode(data: bytes) -> str:
    if len(data) > LARGEST:
        raise BadStatusFile(_("The file is larger than %(limit)s MB.") % {"limit": LARGEST // 1_000_000})
    if not data.strip():
        raise BadStatusFile(_("The file is empty."))
    if data.startswith(_WORKBOOKS) or b"\x00" in data:
        raise BadStatusFile(_("This is no CSV file. Save it as “CSV UTF-8” and try again."))
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("iso-8859-1")


def _lines(
    reader: csv.DictReader[str], wanted: Headings, headings: Mapping[str, str], currency: str
) -> Iterator[Line]:
    try:
        for number, row in enumerate(reader, start=2):
            if number > MOST_LINES + 1:
                raise BadStatusFile(_("The file has more than %(limit)s lines.") % {"limit": MOST_LINES})
            if any((value or "").strip() for key, value in row.items() if key is not None):
                yield _line(number, row, wanted, headings, currency)
    except csv.Error as error:
        raise BadStatusFile(_("The file cannot be read: %(error)s") % {"error": error}) from error


def _line(
    number: int, row: Mapping[str, str], wanted: Headings, headings: Mapping[str, str], currency: str
) -> Line:
    def cell(heading: str) -> str:
        name = headings.get(heading.strip().casefold(), "") if heading else ""
        # The sign before what a spreadsheet would take for a formula is ours.
        return (row.get(name) or "").strip().removeprefix("'")[:LONGEST_CELL] if name else ""

    problem, paid, costs, day = "", 0, 0, None
    try:
        paid, costs = _money(cell(wanted.paid), currency), _money(cell(wanted.costs), currency)
        day = _day(cell(wanted.day))
    except ValueError as error:
        problem = str(error)
    return Line(
        number,
        cell(wanted.hand_over)[:60],
        cell(wanted.document)[:60],
        cell(wanted.status)[:80],
        paid,
        costs,
        day,
        cell(wanted.note)[:255],
        problem[:255],
    )


def _money(text: str, currency: str) -> int:
    """``1.234,56``, ``1,234.56``, ``1234.5`` and ``12 €`` alike; one sign before three digits groups thousands.

    Raises ValueError.
    """
    plain = re.sub(r"[\s\u00a0\u202f'’€]|EUR|CHF", "", text)
    if not plain:
        return 0
    try:
        minor = Money.of(_number(plain), currency).minor
    except (InvalidOperation, BillingError) as error:
        raise ValueError(_("“%(text)s” is no amount of money.") % {"text": text[:40]}) from error
    if minor < 0:
        raise ValueError(_("“%(text)s” is negative.") % {"text": text[:40]})
    return minor


def _number(plain: str) -> Decimal:
    """Raises InvalidOperation."""
    if _GROUPED.fullmatch(plain):
        return Decimal(re.sub(r"[.,]", "", plain))
    match = _DECIMAL.fullmatch(plain)
    if match is None or match["group"] == match["sign"] is not None:
        raise InvalidOperation
    return Decimal(re.sub(r"[.,]", "", match["whole"]) + "." + (match["cents"] or "0"))


def _day(text: str) -> date | None:
    if not text:
        return None
    for form in DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  (a day, no moment)
        except ValueError:
            continue
    raise ValueError(_("“%(text)s” is no date.") % {"text": text[:40]})
