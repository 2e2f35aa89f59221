"""What a document shows, in whose words, and that its PDF is made without asking anybody."""

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfReader

from cms_billing.core.money import Money
from cms_billing.faktura import checks, links
from cms_billing.faktura.models import Document, DocumentKind
from cms_billing.faktura.rendering import (
    DesignData,
    PdfRenderer,
    WeasyPrintRenderer,
    document_data,
    document_html,
    stylesheet,
)
from cms_billing.faktura.services import CreditLine, cancel_document, credit_document, post_entries
from cms_billing.faktura.services.ledger import Entry
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, LetterheadFactory
from cms_billing.testing.renderers import PlainRenderer

from .documents import TODAY, draft_line, dunning_letter, issue

pytestmark = pytest.mark.django_db


def data_of(document: Document):
    [data] = document_data([document.pk])
    return data


def words(document: Document) -> str:
    """The text of the page, tags and line breaks left out."""
    html = document_html(data_of(document))
    html = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace("\xa0", " "))
    return re.sub(r" ([.,])", r"\1", text)


@pytest.fixture
def no_payment_page(monkeypatch) -> None:
    monkeypatch.setattr(links, "_payment_link", [])
    monkeypatch.setattr(links, "_payment_notes", [])


def test_invoice_says_what_the_law_asks_for():
    """§ 14 (4) UStG no. 1 to 8."""
    issuer = IssuerFactory(legal_name="Klangwerk GmbH", vat_id="DE123456789")
    customer = CustomerFactory(issuer=issuer, first_name="Anna", last_name="Muster", number="K-7")
    page = words(issue(customer))
    for asked in (
        "Klangwerk GmbH",
        "Lindenstraße 12",
        "50674 Köln",
        "Anna Muster",
        "Hauptstraße 1",
        "10115 Berlin",
        "USt-IdNr.: DE123456789",
        "Steuernummer: 215/5432/1234",
        "Datum 02.03.2026",
        "Rechnungsnummer RE-2026-000001",
        "Mitgliedschaft 1",
        "Leistungszeitraum 01.03.2026 – 31.03.2026",
        "19 % 8,32 € 1,58 € 9,90 €",
        "Gesamtbetrag 9,90 €",
        "Kundennummer K-7",
        "Vertrag V-000012",
        "Zahlbar bis 16.03.2026",
    ):
        assert asked in page, asked


def test_english_customer_reads_english():
    page = words(issue(CustomerFactory(language="en")))
    assert "Invoice number RE-2026-000001" in page
    assert "Please pay €9.90 by Mar 16, 2026." in page


def test_cancellation_names_number_and_date_of_the_invoice():
    """§ 31 (5) UStDV; and no “Gutschrift”, which means self-billing (§ 14 (2) UStG)."""
    invoice = issue()
    cancellation = cancel_document(document_id=invoice.pk, reason="Falsche Anschrift", today=date(2026, 3, 5))
    page = words(cancellation)
    assert "Stornorechnung zu Rechnung Nr. RE-2026-000001 vom 02.03.2026" in page
    assert "Grund: Falsche Anschrift" in page
    assert "Stornierter Betrag -9,90 €" in page
    assert "Gutschrift" not in page
    assert "überweisen" not in page


def test_cancellation_after_a_correction_takes_back_only_the_rest_and_says_so():
    invoice = issue()
    credit = CreditLine(line_id=invoice.lines.get().pk, gross_minor=400)
    credit_document(document_id=invoice.pk, lines=[credit], reason="Kulanz", today=date(2026, 3, 4))
    cancellation = cancel_document(document_id=invoice.pk, reason="Aufgehoben", today=date(2026, 3, 5))
    page = words(cancellation)
    assert "was von der oben genannten Rechnung nach früheren Rechnungskorrekturen übrig ist" in page
    assert "in voller Höhe" not in page
    assert "Stornierter Betrag -5,90 €" in page
    assert "in voller Höhe" in words(
        cancel_document(document_id=issue().pk, reason="Falsch", today=date(2026, 3, 5))
    )


def test_correction_is_no_gutschrift():
    invoice = issue()
    lines = (draft_line("Nachlass", unit_price_minor=-200),)
    correction = issue(invoice.customer, kind=DocumentKind.CREDIT_NOTE, lines=lines, corrects_id=invoice.pk)
    page = words(correction)
    assert "Rechnungskorrektur zu Rechnung Nr. RE-2026-000001 vom 02.03.2026" in page
    assert "Korrekturbetrag -2,00 €" in page
    assert "Gutschrift" not in page


def test_small_business_shows_no_vat_but_the_reason():
    customer = CustomerFactory(issuer=IssuerFactory(small_business=True))
    line = draft_line(
        tax_code="exempt", tax_percent=Decimal(0), tax_notice="Steuerfrei nach § 19 UStG (Kleinunternehmer)."
    )
    page = words(issue(customer, lines=(line,)))
    assert "Steuerfrei nach § 19 UStG (Kleinunternehmer)." in page
    assert "USt-Satz" not in page
    assert "inkl. USt" not in page


def test_dunning_letter_lists_claims_fee_total_day_and_lock():
    customer = CustomerFactory()
    page = words(dunning_letter(customer, issue(customer)))
    for asked in (
        "Zweite Mahnung",
        "RE-2026-000001 02.03.2026 16.03.2026 9,90 € 9,90 €",
        "Mahngebühr (nicht umsatzsteuerbar) 0,76 €",
        "Zu zahlen 10,66 €",
        "Bitte überweisen Sie 10,66 € bis zum 10.05.2026.",
        "Danach sperren wir den Zugang.",
        "Verwendungszweck RE-2026-000001",
    ):
        assert asked in page, asked
    assert page.index("Verwendungszweck") < page.index(
        f"Mit freundlichen Grüßen {customer.issuer.legal_name}"
    )


def test_letter_abroad_ends_with_the_country_in_capitals():
    page = data_of(issue(CustomerFactory(country="AT", city="Wien", postal_code="1010")))
    assert page.recipient[-2:] == ("1010 Wien", "ÖSTERREICH")


def test_paid_invoice_asks_for_nothing():
    invoice = issue()
    post_entries(
        issuer_id=invoice.issuer_id,
        customer_id=invoice.customer_id,
        entries=[Entry("payment", -invoice.gross, invoice.pk)],
        booked_on=TODAY,
    )
    page = words(invoice)
    assert "Diese Rechnung ist bezahlt." in page
    assert "überweisen" not in page


def test_invoice_that_we_collect_says_so_instead_of_bank_data(monkeypatch):
    invoice = issue()
    monkeypatch.setattr(links, "_payment_notes", [lambda ids: dict.fromkeys(ids, "Wir buchen ab.")])
    page = words(invoice)
    assert "Wir buchen ab." in page
    assert "überweisen" not in page


def test_epc_code_holds_the_transfer(no_payment_page):
    data = data_of(issue())
    assert data.epc is not None
    assert data.epc.splitlines()[5:8] == [data.issuer.payee, "DE02120300000000202051", "EUR9.90"]
    assert 'class="qr"' in document_html(data)
    assert replace(data, issuer=replace(data.issuer, iban="")).epc is None


def test_texts_of_people_cannot_break_the_page():
    customer = CustomerFactory(company="<script>alert(1)</script>", language="en")
    LetterheadFactory(issuer=customer.issuer, accent_color='"><b>')
    html = document_html(data_of(issue(customer)))
    assert "<script>" not in html
    assert '"><b>' not in html
    assert "--accent: #1f4e5f" in html


def test_queries_do_not_grow_with_the_documents(django_assert_num_queries):
    customer = CustomerFactory()
    documents = [issue(customer, lines=3) for _ in range(6)]
    letters = [dunning_letter(customer, document) for document in documents[:3]]
    cancel_document(document_id=documents[5].pk, reason="", today=TODAY)
    # Documents, lines, tax groups, claimed documents; open items and payment methods for the notes.
    with django_assert_num_queries(6):
        some = document_data([documents[0].pk, letters[0].pk])
    with django_assert_num_queries(6):
        many = document_data([document.pk for document in documents + letters])
    assert len(some) == 2
    assert [data.document_id for data in many] == [document.pk for document in documents + letters]


def test_snapshot_of_an_older_version_is_still_readable():
    design = DesignData(accent_color="navy")
    assert design.accent == "#1f4e5f"
    assert design.tint == "#eff3f4"


def test_weasyprint_makes_the_same_bytes_of_the_same_document(no_payment_page):
    data = data_of(issue(lines=2))
    renderer = WeasyPrintRenderer()
    html, css = document_html(data), stylesheet()
    first = renderer.render(html, css=css)
    assert renderer.render(html, css=css) == first
    assert WeasyPrintRenderer().render(html, css=css) == first
    pdf = PdfReader(io.BytesIO(first))
    assert len(pdf.pages) == 1
    assert pdf.metadata.title == "Rechnung RE-2026-000001"
    assert "Mitgliedschaft 2" in pdf.pages[0].extract_text()


def test_later_pages_carry_number_and_heading():
    data = data_of(issue(lines=60))
    pdf = PdfReader(io.BytesIO(WeasyPrintRenderer().render(document_html(data), css=stylesheet())))
    assert len(pdf.pages) == 3
    for number, page in enumerate(pdf.pages, start=1):
        text = " ".join(page.extract_text().split())
        assert f"Seite {number} von 3" in text
        if number > 1:
            assert "Rechnung RE-2026-000001" in text
    assert "Beschreibung" in pdf.pages[1].extract_text()


def test_renderer_fetches_nothing(tmp_path, caplog):
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>geheim</text></svg>')
    html = (
        f'<link rel="stylesheet" href="{secret.as_uri()}"><p>Hallo</p>'
        f'<img src="{secret.as_uri()}"><img src="http://127.0.0.1:9/x.png">'
    )
    pdf = PdfReader(io.BytesIO(WeasyPrintRenderer().render(html, css="")))
    assert pdf.pages[0].extract_text().strip() == "Hallo"
    refused = [record for record in caplog.records if "disallowed protocol" in record.getMessage()]
    assert len(refused) == 3


def test_plain_renderer_makes_a_readable_pdf():
    renderer = PlainRenderer()
    assert isinstance(renderer, PdfRenderer)
    pdf = renderer.render("<head><title>Rechnung (1)</title></head><p>Müller &amp; Söhne</p>", css="")
    reader = PdfReader(io.BytesIO(pdf), strict=True)
    assert reader.metadata.title == "Rechnung (1)"
    assert reader.pages[0].extract_text().strip() == "Müller & Söhne"


def test_missing_libraries_are_named_with_the_way_to_get_them(settings, monkeypatch):
    settings.CMS_BILLING = {}
    monkeypatch.setattr(checks, "can_be_loaded", lambda names: False)
    found = {message.id: message.hint for message in checks.libraries_for_pdf_are_there(None)}
    assert "apt-get install libpango-1.0-0" in found["cms_billing.W030"]
    assert "apt-get install libharfbuzz-subset0" in found["cms_billing.W031"]
    settings.CMS_BILLING = {"PDF_RENDERER": "cms_billing.testing.renderers.PlainRenderer"}
    assert checks.libraries_for_pdf_are_there(None) == []


def test_money_to_pay_is_zero_for_corrections():
    invoice = issue()
    cancellation = cancel_document(document_id=invoice.pk, reason="", today=TODAY)
    assert data_of(cancellation).to_pay == Money.zero("EUR")
