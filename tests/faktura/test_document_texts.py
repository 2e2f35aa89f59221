"""Texts above and below the lines: by issuer, kind and language, frozen at issue."""

import io
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from cms_billing.faktura.mailtexts import values_of
from cms_billing.faktura.models import DocumentKind, DocumentText
from cms_billing.faktura.placeholders import text_placeholders_of
from cms_billing.faktura.rendering import document_data, document_html
from cms_billing.faktura.rendering.text_values import text_values
from cms_billing.faktura.services import cancel_document
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .documents import TODAY, draft_line, issue
from .papers import correction, line, paper, pdf_of, refund, statement


def data_of(document):
    [data] = document_data([document.pk])
    return data


def words(data) -> str:
    html = re.sub(r"<svg.*?</svg>", "", document_html(data), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace("\xa0", " "))


def text_of(issuer, language="", kind="invoice", **texts) -> DocumentText:
    return DocumentText.objects.create(issuer=issuer, kind=kind, language=language, **texts)


@pytest.mark.django_db
def test_text_in_the_customers_language_else_that_of_all_languages():
    issuer = IssuerFactory()
    text_of(issuer, intro="Hi {name}", closing="Bye")
    text_of(issuer, "de", intro="Guten Tag {name}")
    german = data_of(issue(CustomerFactory(issuer=issuer, language="de", first_name="Eva", last_name="Ohm")))
    italian = data_of(
        issue(CustomerFactory(issuer=issuer, language="it", first_name="Ugo", last_name="Riva"))
    )
    assert (german.intro, german.closing) == ("Guten Tag Eva Ohm", "Bye")
    assert (italian.intro, italian.closing) == ("Hi Ugo Riva", "Bye")


@pytest.mark.django_db
def test_issued_document_keeps_its_text_when_the_text_is_changed():
    customer = CustomerFactory()
    text = text_of(customer.issuer, intro="Rechnung {number} vom {date} über {amount}")
    before = issue(customer)
    text.intro = "Neu"
    text.save()
    assert data_of(before).intro.replace("\xa0", " ") == "Rechnung RE-2026-000001 vom 02.03.2026 über 9,90 €"
    assert data_of(issue(customer)).intro == "Neu"


@pytest.mark.django_db
def test_text_is_of_one_kind_and_one_issuer():
    customer = CustomerFactory()
    text_of(customer.issuer, kind="cancellation", intro="Zu {original_number}: {reason}")
    text_of(IssuerFactory(), intro="Anderer Aussteller")
    invoice = issue(customer)
    assert data_of(invoice).intro == ""
    cancellation = cancel_document(document_id=invoice.pk, reason="Irrtum", today=TODAY)
    assert data_of(cancellation).intro == "Zu RE-2026-000001: Irrtum"
    assert "Zu RE-2026-000001: Irrtum" in words(data_of(cancellation))


@pytest.mark.django_db
def test_editors_words_for_one_document_stand_instead():
    customer = CustomerFactory()
    text_of(customer.issuer, intro="Üblich", closing="Bis bald")
    data = data_of(issue(customer, extra={"intro": "Nur hier {name}"}))
    assert (data.intro, data.closing) == ("Nur hier {name}", "Bis bald")


@pytest.mark.django_db
def test_texts_take_one_query_for_a_batch(django_assert_num_queries):
    document = issue()
    text_of(document.issuer, intro="Guten Tag {name}")
    documents = [issue(document.customer).pk for _n in range(3)]
    with CaptureQueriesContext(connection) as one:
        document_data(documents[:1])
    with django_assert_num_queries(len(one)):
        assert [data.intro[:9] for data in document_data(documents)] == ["Guten Tag"] * 3


def test_line_about_something_there_is_not_is_left_out():
    data = correction(reason="")
    texts = replace(data.texts, intro="Zu {original_number}\nGrund: {reason}\nDanke")
    assert replace(data, texts=texts).intro == "Zu RE-2026-000001\nDanke"


def test_braces_in_a_name_stay_what_they_are():
    data = paper(recipient_name="{iban} {number}")
    assert replace(data, texts=replace(data.texts, intro="Hallo {name}")).intro == "Hallo {iban} {number}"


@pytest.mark.parametrize("kind", DocumentKind.values)
def test_every_placeholder_on_offer_has_a_value(kind):
    made = {"refund_receipt": refund, "account_statement": statement}
    data = made[kind]() if kind in made else correction(kind) if kind != "invoice" else paper()
    assert set(text_placeholders_of(kind)) <= text_values(data).keys()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    ["{payment_link}", "{open_amount}", "{nmae}", "{refund_way}"],
    ids=["mails", "moves", "typo", "kind"],
)
def test_placeholder_that_cannot_be_printed_is_refused(text):
    row = DocumentText(issuer=IssuerFactory(), kind="invoice", closing=text)
    with pytest.raises(ValidationError, match="closing"):
        row.full_clean()


@pytest.mark.django_db
def test_document_and_mail_write_alike_and_as_at_issue():
    issuer = IssuerFactory(format_region="CH", date_style="iso")
    customer = CustomerFactory(issuer=issuer)
    document = issue(customer, lines=(draft_line(unit_price_minor=123450, tax_percent=Decimal(19)),))
    issuer.format_region, issuer.date_style = "", "language"
    issuer.save()
    data = data_of(document)
    values = values_of(data, open_amount=data.gross)
    assert values["date"] == "2026-03-02"
    assert values["due_date"] == "2026-03-16"
    assert "1’234.50" in values["amount"]
    page = words(data)
    assert values["amount"].replace("\xa0", " ") in page
    assert "2026-03-16" in page
    assert "02.03.2026" not in page
    assert "1.234,50" not in page


@pytest.mark.parametrize("country", [(), ("ÖSTERREICH",)])
@pytest.mark.parametrize(
    "name", ["Gesellschaft für wissenschaftliche Datenverarbeitung mbH", "W" * 40, "Ohm " * 50]
)
def test_long_address_stays_in_its_window_to_the_last_line(name, country):
    """§ 14 (4) no. 1 UStG: the full address. What is beyond the window is cut off."""
    recipient = (
        name.strip(),
        "Maximiliane-Alexandra von und zu Hohenlohe-Bartenstein-Jagstberg",
        "Hinterhaus, dritter Aufgang, Empfang im Erdgeschoss",
        "Konrad-Adenauer-Straße 123–125",
        "73525 Schwäbisch Gmünd-Bargau",
        *country,
    )
    data = paper(lines=[line()], recipient=recipient)
    assert lowest_of(data, recipient[-1]) <= 45 + 45


def lowest_of(data, text: str) -> float:
    """Where the last line of the recipient stands, in millimetres from the upper edge; also where it is cut off."""
    heights = []
    page = PdfReader(io.BytesIO(pdf_of(data))).pages[0]
    page.extract_text(
        visitor_text=lambda found, cm, tm, _font, _size: (
            heights.append(cm[5] + cm[3] * tm[5]) if text.rsplit(maxsplit=1)[-1] in found else None
        )
    )
    return (float(page.mediabox.height) - min(heights)) * 25.4 / 72
