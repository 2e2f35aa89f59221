import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from sandbox.mails.models import Attachment, SentMail

pytestmark = pytest.mark.usefixtures("empty_sandbox")


@pytest.fixture
def sent_mail() -> SentMail:
    message = EmailMultiAlternatives(
        subject="Ihre Rechnung SW-2026-0001",
        body="Guten Tag,\nanbei Ihre Rechnung.",
        from_email="Saitenweg <post@saitenweg.example>",
        to=["klara@example.org"],
        cc=["buero@example.org"],
        connection=get_connection("sandbox.mails.backend.EmailBackend"),
    )
    message.attach_alternative("<p>Guten Tag</p><script>alert(1)</script>", "text/html")
    message.attach("Rechnung.pdf", b"%PDF-1.7 demo", "application/pdf")
    message.attach("Daten.html", b"<script>alert(1)</script>", "text/html")
    assert message.send() == 1
    return SentMail.objects.get()


def test_a_sent_message_is_kept_with_its_texts_and_attachments(sent_mail):
    assert sent_mail.subject == "Ihre Rechnung SW-2026-0001"
    assert sent_mail.recipients.splitlines() == ["klara@example.org", "buero@example.org"]
    assert "anbei Ihre Rechnung." in sent_mail.text
    assert "<p>Guten Tag</p>" in sent_mail.html
    assert bytes(sent_mail.attachments.get(name="Rechnung.pdf").content) == b"%PDF-1.7 demo"


def test_the_inbox_lists_messages_and_finds_them_by_recipient(client, sent_mail):
    assert "SW-2026-0001" in client.get("/mails/").content.decode()
    assert "SW-2026-0001" in client.get("/mails/", {"q": "klara@"}).content.decode()
    assert "SW-2026-0001" not in client.get("/mails/", {"q": "peter@"}).content.decode()


def test_a_message_shows_its_text_and_links_its_attachments(client, sent_mail):
    page = client.get(sent_mail.get_absolute_url()).content.decode()

    assert "anbei Ihre Rechnung." in page
    assert "Rechnung.pdf" in page


def test_the_html_part_is_shown_without_scripts(client, sent_mail):
    response = client.get(f"/mails/{sent_mail.pk}/html/")

    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_a_pdf_opens_in_the_browser_and_anything_active_is_only_downloaded(client, sent_mail):
    pdf, html = Attachment.objects.order_by("pk")

    assert client.get(pdf.get_absolute_url())["Content-Disposition"].startswith("inline")
    answer = client.get(html.get_absolute_url())
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"


def test_an_attachment_is_only_found_under_its_own_message(client, sent_mail):
    attachment = sent_mail.attachments.first()

    assert client.get(f"/mails/{sent_mail.pk + 1}/anlage/{attachment.pk}/").status_code == 404


def test_a_message_in_latin_letters_outside_ascii_survives():
    message = EmailMultiAlternatives(
        subject="Grüße – für Ayşe",
        body="Schöne Grüße",
        to=["ayse@example.org"],
        connection=get_connection("sandbox.mails.backend.EmailBackend"),
    )
    message.send()

    mail = SentMail.objects.get()
    assert mail.subject == "Grüße – für Ayşe"
    assert mail.text.strip() == "Schöne Grüße"
