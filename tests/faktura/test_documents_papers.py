"""What papers say, in which languages, and how long ones carry their sums."""

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from cms_billing.core.formats import ISO, LONG, Formats
from cms_billing.core.money import Money
from cms_billing.faktura.models.parties import LANGUAGES
from cms_billing.faktura.rendering import document_html
from cms_billing.faktura.rendering.sale import Detail, groups_of

from .papers import correction, final_invoice, in_language, line, pages_of, paper, pdf_of, refund, statement

CODES = [code for code, _name in LANGUAGES]
CARRIED = re.compile(r"Übertrag ([\d.]+,\d\d) €")
MM = 72 / 25.4


def words(data) -> str:
    html = re.sub(r"<svg.*?</svg>", "", document_html(data), flags=re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace("\xa0", " "))
    return re.sub(r" ([.,])", r"\1", text)


def minor(text: str) -> int:
    return int(text.replace(".", "").replace(",", ""))


def every_paper():
    return {
        "invoice": paper(lines=[line()]),
        "deposit": paper(lines=[line()], is_deposit=True),
        "final": final_invoice(),
        "pro forma": paper("pro_forma", [line()]),
        "correction": correction(),
        "cancellation": correction("cancellation"),
        "refund": refund(),
        "statement": statement(),
        "statement in credit": statement(-500),
        "settled statement": statement(0),
    }


def test_pro_forma_says_that_it_is_no_invoice_and_asks_for_nothing():
    page = words(paper("pro_forma", [line()], number="PF-2026-000001"))
    assert "Pro-forma-Rechnung PF-2026-000001" in page
    assert "keine Rechnung im Sinne des § 14 UStG" in page
    assert "nicht zum Vorsteuerabzug" in page
    assert "überweisen" not in page


def test_final_invoice_deducts_deposits_with_their_tax():
    """§ 14 (5) UStG: the deposits and the tax on them, openly."""
    page = words(final_invoice())
    for asked in (
        "Schlussrechnung",
        "Summe der Gesamtleistung 226,00 €",
        "RE-2026-000001, 05.01.2026 19 % 50,00 € 9,50 € 59,50 €",
        "RE-2026-000001, 05.01.2026 7 % 20,00 € 1,40 € 21,40 €",
        "Restbetrag 145,10 €",
    ):
        assert asked in page, asked
    assert "Anzahlungsrechnung" in words(paper(lines=[line()], is_deposit=True))


def test_corrections_are_never_called_gutschrift_and_say_what_becomes_of_the_amount():
    for data in (correction(), correction("cancellation")):
        page = words(data)
        assert "RE-2026-000001 vom 02.03.2026" in page
        assert "Gutschrift" not in page
        assert "Ein Buch zurück" in page
        assert "bezahlt" in page or "gezahlte" in page


def test_refund_receipt_and_statement_say_what_has_moved():
    page = words(refund())
    for asked in (
        "Auszahlungsbeleg AZ-2026-000001",
        "19,90 €",
        "Überweisung",
        "04.03.2026",
        "RK-2026-000001",
    ):
        assert asked in page, asked
    page = words(statement())
    for asked in (
        "01.01.2026 – 31.03.2026",
        "Anfangssaldo 0,00 €",
        "Endsaldo 9,90 €",
        "Rücklastschrift",
        "K-000007",
    ):
        assert asked in page, asked
    assert "Guthaben von 5,00 €" in words(statement(-500))
    assert "ausgeglichen" in words(statement(0))


def test_texts_of_one_document_win():
    page = words(paper(lines=[line()], extra={"intro": "Nur hier.", "closing": "Bis bald."}))
    assert page.index("Nur hier.") < page.index("Gesamtbetrag") < page.index("Bis bald.")


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("name", every_paper())
def test_every_paper_is_in_one_language(name: str, language: str):
    """English words would stand out: none of the headings of another language is left."""
    page = words(in_language(every_paper()[name], language))
    english = ("Total amount", "Customer number", "Balance", "Refund", "Cancel", "Payee", "Deposit invoice")
    if language != "en":
        assert [word for word in english if word in page] == []
    assert "{" not in page


@pytest.mark.parametrize(
    ("formats", "amount", "day"),
    [
        (Formats("de"), "1.234,50 €", "31.01.2026"),
        (Formats("de", "CH"), "€ 1’234.50", "31.01.2026"),
        (Formats("en"), "€1,234.50", "Jan 31, 2026"),
        (Formats("en", "GB"), "€1,234.50", "31 Jan 2026"),
        (Formats("de", "", ISO), "1.234,50 €", "2026-01-31"),
        (Formats("de", "AT", LONG), "€ 1.234,50", "31. Jänner 2026"),
        (Formats("nl", "XX"), "€ 1.234,50", "31 jan 2026"),
    ],
)
def test_formats_by_language_region_and_style(formats: Formats, amount: str, day: str):
    written = formats.money(Money(123450, "EUR")).replace("\xa0", " ")
    assert written in (amount, amount.replace("€ ", "EUR "), amount.replace("€ ", "€ "))
    assert formats.day(date(2026, 1, 31)) in (day, day.replace("jan ", "jan. "))


def test_a_document_is_written_in_its_issuers_formats():
    data = paper(lines=[line(gross=123450)])
    data = replace(data, issuer=replace(data.issuer, format_region="CH", date_style="iso"))
    page = words(data)
    assert "1’234.50" in page
    assert "2026-03-16" in page


def test_sixty_lines_carry_their_sum_from_page_to_page():
    amounts = [1000 + n for n in range(60)]
    pages = pages_of(paper(lines=[line(n, amount) for n, amount in enumerate(amounts, start=1)]))
    assert len(pages) == 3
    carried = [[minor(text) for text in CARRIED.findall(page)] for page in pages]
    assert len(carried[0]) == 1
    assert len(carried[1]) == 2
    assert len(carried[2]) == 1
    assert carried[0][0] in carried[1]
    assert carried[2][0] in carried[1]
    sums = {sum(amounts[:n]) for n in range(1, 60)}
    assert {amount for page in carried for amount in page} <= sums


def test_a_short_invoice_carries_nothing():
    [page] = pages_of(paper(lines=[line(n) for n in range(1, 7)]))
    assert CARRIED.findall(page) == []


def test_totals_are_not_alone_on_their_page():
    for count in range(11, 19):
        *_, last = pages_of(paper(lines=[line(n) for n in range(1, count)]))
        if "Gesamtbetrag" in last:
            assert "Mitgliedschaft" in last


def test_annex_stands_on_a_page_of_its_own_and_groups_have_subtotals():
    details = tuple(
        Detail(date(2026, 3, 1), f"Anruf {n}", Decimal("2.5"), Money(12, "EUR")) for n in range(1, 4)
    )
    lines = [line(1, details=details), line(2, contract_reference="V-000013"), line(3)]
    data = paper(lines=lines)
    assert "Anruf" not in words(data)
    annex = replace(data, design=replace(data.design, line_details="annex"))
    pages = pages_of(annex)
    assert len(pages) == 2
    assert "Anruf 3" not in pages[0]
    assert "Anruf 3" in pages[1]
    grouped = words(replace(data, design=replace(data.design, line_details="grouped")))
    assert (
        grouped.index("Vertrag V-000012 1 ")
        < grouped.index("Anruf 3")
        < grouped.index("Zwischensumme 19,80 €")
    )


def right_edges(data) -> list[float]:
    """Where text begins, page by page: nothing may begin beyond the margin."""
    found: list[float] = []
    for page in PdfReader(io.BytesIO(pdf_of(data))).pages:
        page.extract_text(
            visitor_text=lambda text, cm, tm, _font, _size: (
                found.append(cm[0] * tm[4] + cm[4]) if text.strip() else None
            )
        )
    return found


def test_long_words_and_names_stay_within_the_margins():
    long = "Donaudampfschifffahrtsgesellschaftskapitän" * 6
    data = paper(lines=[line(description=long[:255], contract_reference="V" * 32)], customer_number="K" * 32)
    assert max(right_edges(data)) < (210 - 20) * MM


def test_ten_tax_rates_are_readable():
    page = " ".join(pages_of(paper(lines=[line(n, 1000 * n, str(n)) for n in range(1, 11)])))
    for n in range(1, 11):
        assert f"{n} %" in page


@given(st.lists(st.integers(-10_000, 1_000_000), min_size=1, max_size=80), st.booleans())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_carried_sums_are_the_sums_of_the_lines_before(amounts: list[int], grouped: bool):
    lines = [line(n, amount, contract_reference=f"V-{n % 3}") for n, amount in enumerate(amounts, start=1)]
    groups = groups_of(lines, prices_include_tax=True, currency="EUR", grouped=grouped)
    rows = [row for group in groups for row in group.rows]
    so_far = 0
    for row in rows:
        assert row.before is None or row.before.minor == so_far
        so_far += row.amount.minor
        assert row.after is None or row.after.minor == so_far
    assert so_far == sum(amounts)
    subtotals = [group.subtotal.minor for group in groups if group.subtotal is not None]
    assert not subtotals or sum(subtotals) == so_far


@given(st.lists(st.integers(1, 240), min_size=20, max_size=60))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pages_of_any_length_agree_on_what_they_carry(lengths: list[int]):
    lines = [line(n, 100 * n, description="Kurs " * (length // 5 + 1)) for n, length in enumerate(lengths, 1)]
    carried = [CARRIED.findall(page) for page in pages_of(paper(lines=lines))]
    everything = [text for page in carried for text in page]
    assert len(everything) % 2 == 0
    assert sorted(everything) == sorted(text for text in set(everything) for _ in range(2))
    # The last pages may hold nothing of the table: there the payment stands alone.
    assert all(before[-1] == after[0] for before, after in pairwise(carried) if after)
