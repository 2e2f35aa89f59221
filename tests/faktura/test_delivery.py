"""Mails with documents, sent to a real SMTP server: one that takes them, refuses, asks to wait, or says nothing."""

import email
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from cms_billing.core import clock, outbox
from cms_billing.faktura import archive, delivery_vetoes, links
from cms_billing.faktura.models import Delivery, MailText
from cms_billing.faktura.placeholders import PLACEHOLDERS, fill, unknown_placeholders
from cms_billing.faktura.services import NoAddress, send_again
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .documents import archived, deliver, dunning_letter, issue, render
from .mail_servers import free_port, smtp_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment_page(monkeypatch) -> None:
    monkeypatch.setattr(links, "_payment_link", [lambda ids: f"https://pay.example.org/{ids[0]}"])


def plain(message: email.message.EmailMessage) -> str:
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def only_delivery() -> Delivery:
    return Delivery.objects.get()


def test_mail_carries_the_archived_pdf_in_the_customers_language(mail_server, payment_page):
    issuer = IssuerFactory(legal_name="Müller & Söhne GmbH", reply_to="fragen@example.org")
    document = archived(CustomerFactory(issuer=issuer, language="en", email="anna@example.org"))
    assert deliver().done == 1
    message = mail_server.only_message()
    assert message["To"] == "anna@example.org"
    assert message["From"] == "Müller & Söhne GmbH <rechnung@example.org>"
    assert message["Reply-To"] == "fragen@example.org"
    assert message["Subject"] == "Your invoice RE-2026-000001"
    body = plain(message)
    assert "Please pay €9.90 by Mar 16, 2026." in body
    assert f"https://pay.example.org/{document.pk}" in body
    html = message.get_body(("html",)).get_content()
    assert "Müller &amp; Söhne GmbH" in html
    assert f'href="https://pay.example.org/{document.pk}"' in html
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "RE-2026-000001.pdf"
    assert attachment.get_content() == archive.archived_pdf(document)
    sent = only_delivery()
    assert (sent.work_state, sent.subject, sent.message_id) == (
        "done",
        message["Subject"],
        message["Message-ID"],
    )
    assert sent.body.strip() == body.strip()
    assert sent.sent_at is not None


def test_without_a_payment_page_no_line_speaks_of_it(mail_server, monkeypatch):
    monkeypatch.setattr(links, "_payment_link", [])
    archived(CustomerFactory(language="en"))
    deliver()
    assert "online" not in plain(mail_server.only_message())


def test_reminder_says_in_the_mail_what_it_says_on_paper(mail_server, payment_page):
    customer = CustomerFactory(language="de")
    letter = dunning_letter(customer, issue(customer))
    render(letter)
    assert deliver(letter).done == 1
    message = mail_server.only_message()
    assert message["Subject"] == "Zweite Mahnung – MA-2026-000001"
    body = plain(message)
    assert "die Rechnung ist noch offen." in body
    assert "RE-2026-000001" in body
    assert "9,90\xa0€" in body
    assert "Danach sperren wir den Zugang." in body
    assert "Zu zahlen bis zum 10.05.2026: 10,66\xa0€" in body


@pytest.mark.parametrize(("language", "regards"), [("de", "Mit freundlichen Grüßen"), ("en", "Kind regards")])
def test_reminder_closes_after_all_it_asks_for(mail_server, payment_page, language, regards):
    customer = CustomerFactory(language=language)
    letter = dunning_letter(customer, issue(customer))
    render(letter)
    deliver(letter)
    body = plain(mail_server.only_message()).strip()
    assert body.endswith(f"{regards}\n{customer.issuer.legal_name}")
    assert body.index("RE-2026-000001") < body.index("https://") < body.index(regards)


def test_copy_goes_to_the_issuer_with_the_same_message_id(mail_server):
    archived(CustomerFactory(issuer=IssuerFactory(mail_copy_to="ablage@example.org")))
    assert deliver().done == 1
    (first, message), (second, copy) = mail_server.taken
    assert second == "ablage@example.org"
    assert copy["To"] == message["To"] == first
    assert copy["Message-ID"] == message["Message-ID"]


def test_copy_that_is_refused_does_not_send_to_the_customer_again(mail_server):
    mail_server.answers["ablage@example.org"] = "550 no such user"
    archived(CustomerFactory(issuer=IssuerFactory(mail_copy_to="ablage@example.org")))
    assert deliver().done == 1
    assert len(mail_server.taken) == 1


def test_refused_address_fails_for_good_and_names_customer_and_address(mail_server):
    mail_server.answers["weg@example.org"] = "550 5.1.1 mailbox does not exist"
    issuer = IssuerFactory(mail_copy_to="ablage@example.org")
    archived(CustomerFactory(issuer=issuer, number="K-00042", last_name="Muster", email="weg@example.org"))
    assert deliver().failed == 1
    row = only_delivery()
    assert row.work_state == "failed"
    assert "K-00042 Anna Muster" in row.last_error
    assert "weg@example.org" in row.last_error
    assert "550 5.1.1 mailbox does not exist" in row.last_error
    assert [to for to, _message in mail_server.taken] == ["ablage@example.org"], "the issuer's copy"


def test_greylisted_mail_is_sent_later_with_the_same_message_id(mail_server):
    mail_server.answers["anna@example.org"] = "451 4.7.1 greylisted, try again"
    archived(CustomerFactory(email="anna@example.org"))
    assert deliver().retry == 1
    row = only_delivery()
    assert (row.work_state, row.attempts) == ("pending", 1)
    assert "try again later: 451 4.7.1 greylisted" in row.last_error
    assert deliver().retry == deliver().done == 0, "it is not due yet"
    mail_server.answers.clear()
    assert outbox.drain(Delivery, now=clock.now() + timedelta(minutes=2)).done == 1
    assert mail_server.only_message()["Message-ID"] == row.message_id


def test_refused_content_fails_for_good(mail_server):
    mail_server.answer_to_data = "554 5.7.1 looks like spam"
    archived()
    assert deliver().failed == 1
    assert "554 5.7.1 looks like spam" in only_delivery().last_error


def test_refused_sender_is_the_issuers_problem_and_retried(mail_server):
    mail_server.answer_to_sender = "550 5.7.0 sender not allowed"
    archived()
    assert deliver().retry == 1
    assert "Correct the issuer's sender address" in only_delivery().last_error


def test_server_that_says_nothing_is_left_after_the_timeout(silent_server):
    archived()
    assert deliver().retry == 1
    assert "did not answer" in only_delivery().last_error


def test_no_server_at_all_is_retried():
    archived()
    with smtp_at(free_port()):
        assert deliver().retry == 1
    assert "did not answer" in only_delivery().last_error


def test_repeat_after_a_crash_carries_the_same_message_id(mail_server):
    archived()
    row = only_delivery()
    outbox._performers[Delivery](row)  # the worker dies before it can record anything
    assert only_delivery().sent_at is None
    assert deliver().done == 1
    assert len({message["Message-ID"] for _to, message in mail_server.taken}) == 1
    assert len(mail_server.taken) == 2


def test_line_breaks_in_names_start_no_header(mail_server):
    issuer = IssuerFactory(legal_name="Akademie\r\nBcc: opfer@example.org")
    MailText.objects.create(
        issuer=issuer, purpose="invoice", language="de", subject="Rechnung {name}", body="{name}"
    )
    archived(
        CustomerFactory(issuer=issuer, company="Böse\r\nBcc: opfer@example.org", email="anna@example.org")
    )
    assert deliver().done == 1
    [(to, message)] = mail_server.taken
    assert to == "anna@example.org"
    assert message["Bcc"] is None
    assert message["Subject"] == "Rechnung Böse Bcc: opfer@example.org"


def test_editors_own_words_are_used_and_escaped_in_html(mail_server):
    issuer = IssuerFactory()
    MailText.objects.create(
        issuer=issuer,
        purpose="invoice",
        language="de",
        subject="{issuer}: {number}",
        body="Hallo {name}, {amount} bis {due_date}, offen {open_amount}, vom {date}.",
    )
    archived(CustomerFactory(issuer=issuer, company="<b>Söhne & Co</b>"))
    assert deliver().done == 1
    message = mail_server.only_message()
    assert message["Subject"] == f"{issuer.legal_name}: RE-2026-000001"
    assert plain(message).strip() == (
        "Hallo <b>Söhne & Co</b>, 9,90\xa0€ bis 16.03.2026, offen 9,90\xa0€, vom 02.03.2026."
    )
    assert "Hallo &lt;b&gt;Söhne &amp; Co&lt;/b&gt;" in message.get_body(("html",)).get_content()


def test_unknown_placeholder_in_an_editors_text_is_named():
    text = MailText(
        issuer=IssuerFactory(), purpose="invoice", language="de", subject="{nummer}", body="{name} {iban}"
    )
    with pytest.raises(ValidationError) as error:
        text.full_clean()
    messages = error.value.message_dict
    assert "{nummer}" in messages["subject"][0]
    assert "{iban}" in messages["body"][0]
    assert "{payment_link}" in messages["body"][0]


def test_placeholders_are_filled_once_and_other_braces_stay():
    assert (
        fill("{name} {x} { }", {"name": "{number}", "number": "1", "payment_link": "l"}) == "{number} {x} { }"
    )
    assert unknown_placeholders("".join(f"{{{name}}}" for name in PLACEHOLDERS)) == []


def test_sent_again_to_another_address_is_the_archived_file(mail_server):
    document = archived(CustomerFactory(email="alt@example.org"))
    deliver()
    again = send_again(document=document, to="neu@example.org")
    assert deliver().done == 1
    assert [to for to, _message in mail_server.taken] == ["alt@example.org", "neu@example.org"]
    [attachment] = mail_server.taken[1][1].iter_attachments()
    assert attachment.get_content() == archive.archived_pdf(document)
    again.refresh_from_db()
    assert again.purpose == "again"
    assert again.message_id != Delivery.objects.get(purpose="first").message_id


def test_sending_again_uses_the_customers_address_of_today(mail_server):
    customer = CustomerFactory(email="alt@example.org")
    document = archived(customer)
    customer.email = "heute@example.org"
    customer.save()
    document.refresh_from_db()
    assert send_again(document=document).to == "heute@example.org"


@pytest.mark.parametrize(
    ("to", "stored", "says"), [("", "", "has no e-mail address"), ("anna@", "", "is no e-mail")]
)
def test_sending_again_needs_an_address(to, stored, says):
    document = archived(CustomerFactory(email=stored))
    with pytest.raises(NoAddress, match=says):
        send_again(document=document, to=to)


def test_withdrawn_document_is_not_sent_and_says_why(mail_server, monkeypatch):
    monkeypatch.setitem(delivery_vetoes._vetoes, "invoice", [lambda document: "Paid in the meantime."])
    archived()
    assert deliver().done == 1
    row = only_delivery()
    assert (row.sent_at, row.last_error) == (None, "Paid in the meantime.")
    assert mail_server.taken == []
