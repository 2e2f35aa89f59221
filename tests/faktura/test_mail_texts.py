"""What mails say and who says it: inheritance, placeholders, attachments, names of all kinds."""

from dataclasses import replace
from datetime import date

import pytest
from django.core.exceptions import ValidationError
from hypothesis import assume, given
from hypothesis import strategies as st

from cms_billing.core.money import Money
from cms_billing.faktura import archive, delivery
from cms_billing.faktura.addresses import split_addresses, validate_addresses
from cms_billing.faktura.mailsettings import inherit, parts_to_attach, settings_for
from cms_billing.faktura.mailtexts import shipped_text, values_of
from cms_billing.faktura.models import Delivery, DocumentKind, Issuer, MailText
from cms_billing.faktura.placeholders import (
    MAY_BE_EMPTY,
    PLACEHOLDERS,
    fill,
    placeholders_of,
    unknown_placeholders,
)
from cms_billing.faktura.previews import sample
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory

from .documents import archived, deliver

ISSUER = Issuer(name="Akademie", legal_name="Akademie GmbH", email="rechnung@example.org", language="de")
EUR = Money.of("119", "EUR")


def text(**fields) -> MailText:
    return MailText(**{"purpose": "invoice", "language": "de", **fields})


# -- inheritance ----------------------------------------------------------------------------------------------------


def test_empty_fields_come_from_the_row_for_all_languages_then_from_the_issuer():
    issuer = Issuer(
        name="A", email="info@example.org", mail_from="re@example.org", mail_copy_to="ablage@example.org"
    )
    rows = [
        text(subject="Rechnung", reply_to="fragen@example.org"),
        text(language="", subject="Invoice", body="Hello", cc="buch@example.org"),
    ]
    found = inherit(issuer, rows)
    assert (found.subject, found.body) == ("Rechnung", "Hello")
    assert (found.sender_address, found.reply_to) == ("re@example.org", "fragen@example.org")
    assert (found.cc, found.bcc) == (("buch@example.org",), ("ablage@example.org",))
    assert found.attach == "pdf"


def test_dash_means_nobody_although_the_issuer_names_somebody():
    issuer = Issuer(name="A", mail_copy_to="ablage@example.org")
    assert inherit(issuer, [text(bcc="-")]).bcc == ()


def test_customers_wish_for_the_attachment_stands_above_all():
    assert inherit(Issuer(mail_attach="pdf"), [text(attach="link")], attach="xml").attach == "xml"


@pytest.mark.django_db
def test_rows_of_other_kinds_languages_and_issuers_play_no_part():
    issuer = IssuerFactory()
    for row in (
        {"issuer": IssuerFactory(), "purpose": "invoice", "language": "de"},
        {"issuer": issuer, "purpose": "cancellation", "language": "de"},
        {"issuer": issuer, "purpose": "invoice", "language": "en"},
    ):
        MailText.objects.create(subject="wrong", **row)
    assert settings_for(issuer, kind="invoice", language="de").subject == ""


@pytest.mark.parametrize(
    ("attach", "has_xml", "has_link", "parts"),
    [
        ("pdf", True, True, ("pdf",)),
        ("xml", True, False, ("xml",)),
        ("xml", False, False, ("pdf",)),
        ("pdf_xml", True, False, ("pdf", "xml")),
        ("pdf_xml", False, False, ("pdf",)),
        ("link", True, True, ()),
        ("link", False, False, ("pdf",)),
    ],
)
def test_mail_never_carries_less_than_can_be_read(attach, has_xml, has_link, parts):
    assert parts_to_attach(attach, has_xml=has_xml, has_link=has_link) == parts


def test_addresses_are_split_and_checked():
    assert split_addresses("a@b.de; c@d.de\n a@b.de, -") == ("a@b.de", "c@d.de")
    with pytest.raises(ValidationError, match="no e-mail address"):
        validate_addresses("a@b.de, niemand")


# -- placeholders ---------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from(PLACEHOLDERS), st.text(), max_size=8), st.text())
def test_values_are_put_in_once_whatever_they_look_like(values, name):
    """A customer called “{number}” stays one."""
    values = {**dict.fromkeys(PLACEHOLDERS, "x"), **values, "name": name}
    parts = fill("\x01{name}\x02", values)
    assert parts == f"\x01{name}\x02"


@given(st.text(alphabet="{}a_n \nm"))
def test_what_is_no_placeholder_stays(body):
    assume("{name}" not in body)
    assert fill(body, {"name": "N", **dict.fromkeys(MAY_BE_EMPTY, "x")}) == body


def test_line_about_nothing_is_left_out_and_the_gap_closes():
    assert fill("A\n\nReason: {reason}\n\nB", {"reason": ""}) == "A\n\nB"


@pytest.mark.parametrize("kind", DocumentKind.values)
@pytest.mark.parametrize("language", ["de", "en"])
def test_shipped_text_of_every_kind_uses_only_its_own_placeholders(kind, language):
    from django.utils import translation

    data = sample(ISSUER, kind, language)
    with translation.override(language):
        shipped = shipped_text(data, open_amount=EUR)
        values = values_of(data, open_amount=EUR)
    for part in (shipped.subject, shipped.body):
        assert unknown_placeholders(part, kind) == []
        assert "{" not in fill(part, values)
    assert set(values) <= set(PLACEHOLDERS)


def test_braces_in_names_reasons_and_dunning_texts_stay_as_they_are():
    data = sample(ISSUER, "dunning_letter", "en")
    letter = replace(data.letter, text="Dear {name} {number}", subject="{date}")
    data = replace(data, letter=letter, recipient_name="{iban}")
    content = delivery.write(data, inherit(ISSUER, ()), open_amount=EUR)
    assert content.body.startswith("Dear {name} {number}")
    assert content.subject == "{date} – 2026-000123"


def test_statement_and_refund_say_their_own_figures():
    statement = delivery.write(
        sample(ISSUER, "account_statement", "de"), inherit(ISSUER, ()), open_amount=EUR
    )
    assert "01.01.2026" in statement.subject
    assert "119,00\xa0€" in statement.body
    refund = delivery.write(sample(ISSUER, "refund_receipt", "en"), inherit(ISSUER, ()), open_amount=EUR)
    assert "we have refunded €119.00 to you" in refund.body
    assert "Reference: 2026-000101" in refund.body


def test_placeholder_of_another_kind_is_refused():
    assert "claims" not in placeholders_of("invoice")
    row = text(subject="{claims}", body="{refund_way}")
    with pytest.raises(ValidationError) as error:
        row.clean()
    assert set(error.value.message_dict) == {"subject", "body"}


def test_light_accents_get_dark_ink():
    assert delivery.ink_on("#ffe14d") == "#1d2429"
    assert delivery.ink_on("#1f4e5f") == "#ffffff"


# -- on the wire ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_long_and_foreign_names_and_domains_arrive(mail_server):
    name = "Gesellschaft für Übersetzungen, „Łódź“ & Söhne – 東京支社 " + "sehr langer Name " * 4
    issuer = IssuerFactory(
        legal_name=name.strip(),
        account_holder="Übersetzungen GmbH",
        email="rechnung@müller.example",
        reply_to="fragen@müller.example",
    )
    MailText.objects.create(
        issuer=issuer, purpose="invoice", language="de", subject="Rechnung für {name} 🎻", body="{name}"
    )
    archived(
        CustomerFactory(
            issuer=issuer, company="Ζωή Παπαδοπούλου ΑΕ", last_name="", email="zoe@bücher.example"
        )
    )
    assert deliver().done == 1
    [(to, message)] = mail_server.taken
    assert to == message["To"] == "zoe@xn--bcher-kva.example"
    [sender] = message["From"].addresses
    assert delivery.one_line(sender.display_name) == delivery.one_line(name)
    assert sender.addr_spec == "rechnung@xn--mller-kva.example"
    assert message["Subject"].strip() == "Rechnung für Ζωή Παπαδοπούλου ΑΕ 🎻"
    assert message["Message-ID"].endswith("@xn--mller-kva.example>")
    assert max(map(len, mail_server.contents[0].splitlines())) <= 998


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender_name", "Kasse\r\nBcc: opfer@example.org"),
        ("subject", "{name}\x0b\x85Bcc: opfer@example.org"),
    ],
)
def test_no_field_of_an_editor_starts_a_header(mail_server, field, value):
    issuer = IssuerFactory()
    MailText.objects.create(issuer=issuer, purpose="invoice", language="de", **{field: value})
    archived(CustomerFactory(issuer=issuer, company="Böse\u2028Bcc: opfer@example.org"))
    assert deliver().done == 1
    [(_to, message)] = mail_server.taken
    assert message["Bcc"] is None


@pytest.mark.django_db
def test_attached_file_keeps_a_foreign_name(mail_server, monkeypatch):
    monkeypatch.setattr(archive, "pdf_filename", lambda number: f"Reçu № {number}.pdf")
    archived()
    deliver()
    [(_to, message)] = mail_server.taken
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "Reçu № RE-2026-000001.pdf"


@pytest.mark.django_db
def test_xml_is_attached_where_it_is_archived_and_wanted(mail_server):
    issuer = IssuerFactory(mail_attach="pdf_xml")
    document = archived(CustomerFactory(issuer=issuer))
    archive.add_record(
        document, archive.store_bytes(b"<x/>"), content_type=archive.XML, filename="RE-2026-000001.xml"
    )
    deliver()
    [(_to, message)] = mail_server.taken
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == ["RE-2026-000001.pdf", "RE-2026-000001.xml"]


@pytest.mark.django_db
def test_member_with_an_account_gets_a_link_instead(mail_server, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://www.example.org"}
    issuer = IssuerFactory(mail_attach="link")
    member = archived(
        CustomerFactory(issuer=issuer, language="en", user=UserFactory(), email="m@example.org")
    )
    guest = archived(CustomerFactory(issuer=issuer, language="en", email="g@example.org"))
    assert deliver(member, guest).done == 2
    by_address = dict(mail_server.taken)
    assert list(by_address["m@example.org"].iter_attachments()) == []
    body = by_address["m@example.org"].get_body(("plain",)).get_content()
    assert "https://www.example.org" in body
    assert f"/invoices/{member.pk}/pdf/" in body
    assert "attached" not in body
    assert len(list(by_address["g@example.org"].iter_attachments())) == 1


@pytest.mark.django_db
def test_sent_message_is_verified_with_the_chain(mail_server):
    from io import StringIO

    from django.core.management import call_command

    archived()
    deliver()
    out = StringIO()
    call_command("billing_verify", stdout=out)
    assert Delivery.objects.get().archived_message.sequence == 2


def test_sample_is_dated_and_complete():
    assert sample(ISSUER, "invoice", "de").issued_on == date(2026, 3, 2)
