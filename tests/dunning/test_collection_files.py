"""What agencies read: cells, encodings, columns. And what they send back: amounts, dates, files of all sorts."""

from __future__ import annotations

import contextlib
import csv
import io
import string
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cms_billing.dunning.collection import columns, status_csv
from cms_billing.dunning.collection.csv_format import CsvFormat, Kind, LetterMissing, cell, lines, replaced_in
from cms_billing.dunning.collection.exceptions import BadStatusFile
from cms_billing.dunning.collection.facts import split_house_number

FORMULA = ("=", "+", "-", "@")
FORMATS = [
    CsvFormat(),
    CsvFormat(delimiter=",", encoding="utf-8", quote_all=False, line_end="\n", decimal_sign="."),
    CsvFormat(delimiter="\t", encoding="cp1252", replace_unknown=True),
    CsvFormat(delimiter="|", encoding="iso-8859-1", replace_unknown=True, quote_all=False),
]


def read_back(content: bytes, form: CsvFormat) -> list[list[str]]:
    text = content.decode(form.encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter))


@pytest.mark.parametrize("form", FORMATS)
@given(texts=st.lists(st.text(max_size=60), min_size=2, max_size=5))
@example(texts=["=1+1", "a;b"])
@example(texts=['he said "x"', "two\nlines"])
@example(texts=["\uff1dHYPERLINK(1)", "\uff0b1"])
@example(texts=["\u2028=1", "\ufeff=1"])
def test_any_text_comes_back_as_it_was_or_guarded(form, texts):
    cells = [cell(text, Kind.TEXT, "EUR", form) for text in texts]
    content = b"".join(lines([cells], form, header=["A"] * len(texts)))
    rows = read_back(content, form)
    assert len(rows) == 2, "a claim is one line"
    assert rows[1] == cells
    for text, came_back in zip(texts, rows[1], strict=True):
        assert not came_back.startswith((*FORMULA, "\t", "\r"))
        plain = " ".join(text.split())
        if form.codec == "utf-8" and plain.isprintable() and not plain.startswith(FORMULA):
            assert came_back == plain


@given(minor=st.integers(-(10**12), 10**12), form=st.sampled_from(FORMATS))
def test_amounts_are_numbers_in_the_agencys_writing(minor, form):
    written = cell(minor, Kind.MONEY, "EUR", form)
    assert Decimal(written.replace(form.decimal_sign, ".")) == Decimal(minor) / 100
    assert len(written.split(form.decimal_sign)[1]) == 2


def test_amounts_follow_the_currency():
    assert cell(1234, Kind.MONEY, "JPY", CsvFormat()) == "1234"


@given(day=st.dates(min_value=date(1900, 1, 1)))
def test_dates_are_written_as_agreed(day):
    assert cell(day.isoformat(), Kind.DATE, "EUR", CsvFormat()) == f"{day:%d.%m.%Y}"
    assert cell(day.isoformat(), Kind.DATE, "EUR", CsvFormat(date_format="%Y-%m-%d")) == day.isoformat()


def test_a_letter_the_encoding_lacks_is_refused_with_its_name():
    form = CsvFormat(encoding="cp1252")
    assert cell("Müller & Söhne – 5 €", Kind.TEXT, "EUR", form) == "Müller & Söhne – 5 €"
    with pytest.raises(LetterMissing, match="Ł") as error:
        cell("Łukasz", Kind.TEXT, "EUR", form)
    assert "cp1252" in str(error.value)


def test_or_replaced_and_listed():
    form = CsvFormat(encoding="iso-8859-1", replace_unknown=True)
    assert cell("Łukasz Žižek 5 €", Kind.TEXT, "EUR", form).startswith("Lukasz Zizek 5 ")
    [replaced] = replaced_in([(7, "Łukasz"), (8, "Müller")], form)
    assert (replaced.row, replaced.text, replaced.written) == (7, "Łukasz", "Lukasz")


def test_a_replaced_letter_is_no_formula_either():
    form = CsvFormat(encoding="cp1252", replace_unknown=True)
    assert not cell("＝1+1", Kind.TEXT, "EUR", form).startswith("=")


def test_the_mark_is_only_at_the_beginning():
    content = b"".join(lines([["ä"], ["ö"]], CsvFormat(), header=["A"]))
    assert content.count(b"\xef\xbb\xbf") == 1
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")


def test_the_default_columns_are_those_of_the_documentation():
    headings = [heading for _key, heading in columns.headed([])]
    assert headings[:3] == ["Uebergabe_ID", "Uebergabedatum", "Formatversion"]
    assert headings[-2:] == ["Bemerkung", "Dokumente"]
    assert len(headings) == len(set(headings)) == 62


def test_columns_are_chosen_ordered_and_named():
    chosen = columns.headed([("total", "Betrag"), ("last_name", "")])
    assert chosen == [("total", "Betrag"), ("last_name", "Nachname")]
    row = columns.row(columns.SAMPLE, [key for key, _heading in chosen], CsvFormat())
    assert row == ["41,81", "Müller-Łukasz"]


def test_personal_data_only_where_the_agency_may_have_them():
    keys = ["birth_date", "iban", "total"]
    assert columns.allowed(keys, birth_date=False, bank=False) == ["total"]
    assert columns.allowed(keys, birth_date=True, bank=False) == ["birth_date", "total"]


def test_the_sample_adds_up():
    s = columns.SAMPLE
    beside = s["fees"] + s["return_fees"] + s["flat"] + s["interest"]
    assert s["principal"] - s["credits"] + beside - s["payments"] == s["total"]


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("Hauptstraße 12a", ("Hauptstraße", "12a")),
        ("Am Markt 3-5", ("Am Markt", "3-5")),
        ("Straße des 17. Juni 135", ("Straße des 17. Juni", "135")),
        ("Ring 7/2", ("Ring", "7/2")),
        ("C4, 12", ("C4, 12", "")),
        ("Postfach", ("Postfach", "")),
        ("", ("", "")),
    ],
)
def test_house_numbers_are_split_where_it_is_plain(street, parts):
    assert split_house_number(street) == parts


# -- what comes back -------------------------------------------------------------------------------------------------

HEADINGS = status_csv.Headings(
    "Uebergabe_ID", "Belegnummer", "Status", "Gezahlt", "Kosten", "Datum", "Bemerkung"
)
HEAD = "Uebergabe_ID;Belegnummer;Status;Gezahlt;Kosten;Datum;Bemerkung\n"


def read(body: str | bytes) -> list[status_csv.Line]:
    data = body if isinstance(body, bytes) else (HEAD + body).encode()
    return status_csv.read(data, HEADINGS, currency="EUR")


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12", 1200),
        ("12,5", 1250),
        ("1.234,56", 123456),
        ("1,234.56", 123456),
        ("1.234", 123400),
        ("1 234,56 €", 123456),
        ("12.34", 1234),
        ("1.234.567", 123456700),
        ("EUR 0,01", 1),
        ("", 0),
    ],
)
def test_amounts_as_agencies_write_them(text, minor):
    [line] = read(f"U-1-000001;RE-1;bezahlt;{text};;02.03.2026;x")
    assert (line.paid_minor, line.problem) == (minor, "")


@pytest.mark.parametrize("text", ["12,345.6.7", "abc", "-5,00", "1e9", "=1+1", "9" * 40, "12,3456"])
def test_what_is_no_amount_is_a_problem_of_its_line(text):
    line, other = read(f"U-1-000001;RE-1;bezahlt;{text};;;\nU-1-000001;RE-2;bezahlt;5;;;")
    assert line.problem
    assert (other.problem, other.paid_minor) == ("", 500)


def test_days_of_all_sorts_and_none():
    rows = read("a;b;c;;;2026-03-02;\na;b;c;;;02.03.26;\na;b;c;;;;\na;b;c;;;soon;")
    assert [row.day for row in rows] == [date(2026, 3, 2), date(2026, 3, 2), None, None]
    assert "soon" in rows[3].problem


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(BadStatusFile):
        read(data)


@given(cells=st.lists(st.text(string.printable, max_size=30), min_size=7, max_size=9))
def test_any_cells_are_read_or_refused(cells):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=";").writerow(cells)
    with contextlib.suppress(BadStatusFile):
        read(buffer.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a workbook",
        b"Status;Belegnummer\nx;y\n",
        HEAD.encode(),
        b"\x00" * 20,
        b"x" * (status_csv.LARGEST + 1),
        (HEAD + "a;b;c\n" * (status_csv.MOST_LINES + 1)).encode(),
    ],
)
def test_what_is_no_status_file_is_refused_as_a_whole(data):
    with pytest.raises(BadStatusFile):
        read(data)


def test_other_orders_separators_and_encodings():
    data = "Status,Notiz,BELEGNUMMER,uebergabe_id\nbezahlt,größer,RE-1,U-1-000001\n".encode("cp1252")
    [line] = read(data)
    assert (line.document, line.hand_over, line.word) == ("RE-1", "U-1-000001", "bezahlt")
