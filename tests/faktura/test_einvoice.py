"""Invoices as XML: they fit the schema, keep the rules of EN 16931, and say what the document says."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import facturx
import pytest
from lxml import etree

from cms_billing.core import outbox
from cms_billing.faktura import archive
from cms_billing.faktura.einvoice import xml_of
from cms_billing.faktura.models import ArchiveRecord, Issuer
from cms_billing.faktura.previews import sample
from cms_billing.faktura.rendering import document_data
from cms_billing.faktura.services import cancel_document
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .documents import archived, draft_line, issue, render

ISSUER = Issuer(
    name="Akademie",
    legal_name="Akademie GmbH",
    street="Lindenstraße 12",
    postal_code="50674",
    city="Köln",
    country="DE",
    email="rechnung@example.org",
    phone="0221 1234",
    vat_id="DE123456789",
    tax_number="215/5432/1234",
    iban="DE02 1203 0000 0000 2020 51",
    bic="BYLADEM1001",
)


def parsed(xml: bytes):
    facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    return etree.fromstring(xml)


def value(root, path: str) -> str:
    steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    return root.xpath(f"string(.//{steps})")


def test_invoice_says_who_what_and_how_much():
    root = parsed(xml_of(sample(ISSUER, "invoice", "de")))
    assert value(root, "ExchangedDocument/ID") == "2026-000123"
    assert value(root, "ExchangedDocument/TypeCode") == "380"
    assert value(root, "SellerTradeParty/Name") == "Akademie GmbH"
    assert value(root, "BuyerTradeParty/PostalTradeAddress/CityName") == "Berlin"
    assert value(root, "BuyerTradeParty/PostalTradeAddress/PostcodeCode") == "10115"
    assert value(root, "PayeePartyCreditorFinancialAccount/IBANID") == "DE02120300000000202051"
    assert value(root, "GrandTotalAmount") == "119.00"
    assert value(root, "DuePayableAmount") == "119.00"


def test_country_in_capitals_is_no_street():
    data = replace(
        sample(ISSUER, "invoice", "de"), recipient=("Erika", "Graben 1", "1010 Wien", "ÖSTERREICH")
    )
    root = parsed(xml_of(data, recipient_country="AT"))
    address = "BuyerTradeParty/PostalTradeAddress"
    assert value(root, f"{address}/CountryID") == "AT"
    assert value(root, f"{address}/CityName") == "Wien"
    assert "ÖSTERREICH" not in etree.tostring(root, encoding="unicode")


@pytest.mark.django_db
def test_correction_is_a_credit_note_with_positive_amounts_and_names_its_invoice():
    invoice = issue(CustomerFactory(), lines=2)
    cancellation = cancel_document(
        document_id=invoice.pk, reason="falsche Anschrift", today=date(2026, 3, 3), user=None
    )
    [data] = document_data([cancellation.pk])
    root = parsed(xml_of(data, recipient_country="DE"))
    assert value(root, "ExchangedDocument/TypeCode") == "381"
    assert value(root, "GrandTotalAmount") == "19.80"
    assert value(root, "InvoiceReferencedDocument/IssuerAssignedID") == invoice.number
    assert Decimal(value(root, "BilledQuantity")) == 1


@pytest.mark.django_db
def test_what_is_taken_off_is_a_negative_quantity_never_a_negative_price():
    lines = (
        draft_line("Kurs", unit_price_minor=11900),
        draft_line("Rabatt", unit_price_minor=-1000),
        draft_line(
            "Heft", unit_price_minor=333, quantity=Decimal("3"), tax_percent=Decimal(7), tax_code="reduced"
        ),
    )
    [data] = document_data([issue(CustomerFactory(), lines=lines).pk])
    root = parsed(xml_of(data))
    prices = [Decimal(x) for x in root.xpath("//*[local-name()='ChargeAmount']/text()")]
    quantities = [Decimal(x) for x in root.xpath("//*[local-name()='BilledQuantity']/text()")]
    nets = [Decimal(x) for x in root.xpath("//*[local-name()='LineTotalAmount']/text()")]
    assert min(prices) >= 0
    assert quantities == [1, -1, 3]
    for price, quantity, net in zip(prices, quantities, nets, strict=False):
        assert round(price * quantity, 2) == net
    assert sum(nets[:3]) == nets[3] == data.net.amount


@pytest.mark.django_db
def test_small_business_is_exempt_with_its_reason():
    issuer = IssuerFactory(small_business=True)
    line = draft_line(tax_percent=Decimal(0), tax_code="exempt")
    [data] = document_data([issue(CustomerFactory(issuer=issuer), lines=(line,)).pk])
    root = parsed(xml_of(data))
    assert value(root, "ApplicableTradeTax/CategoryCode") == "E"
    assert value(root, "ApplicableTradeTax/ExemptionReason")


@pytest.mark.django_db
def test_xml_is_archived_beside_the_pdf_where_the_issuer_wants_it():
    issuer = IssuerFactory(e_invoice="xml")
    document = archived(CustomerFactory(issuer=issuer))
    records = dict(ArchiveRecord.objects.filter(document=document).values_list("content_type", "filename"))
    assert records == {archive.PDF: "RE-2026-000001.pdf", archive.XML: "RE-2026-000001.xml"}
    _name, xml = archive.archived_files(document)[archive.XML]
    assert value(parsed(xml), "ExchangedDocument/ID") == "RE-2026-000001"


@pytest.mark.django_db
def test_correction_of_an_e_invoice_is_one_although_they_are_switched_off_since():
    issuer = IssuerFactory(e_invoice="xml")
    invoice = archived(CustomerFactory(issuer=issuer))
    issuer.e_invoice = "none"
    issuer.save()
    cancellation = cancel_document(document_id=invoice.pk, reason="x", today=date(2026, 3, 3), user=None)
    assert render(cancellation) == outbox.Drained(done=1)
    assert ArchiveRecord.objects.filter(document=cancellation, content_type=archive.XML).exists()


@pytest.mark.django_db
def test_none_is_the_default():
    document = archived()
    assert list(archive.archived_files(document)) == [archive.PDF]
