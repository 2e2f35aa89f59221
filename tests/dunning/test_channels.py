"""How letters travel: by mail with or without the PDF, on paper, with the invoices again, and once more."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.dunning.models import CaseStep, Level
from cms_billing.faktura import archive
from cms_billing.faktura.models import Attach, Delivery, PaperLetter, PrintFile, Rendering
from cms_billing.faktura.services import (
    content_of,
    make_print_files,
    print_again,
    send_again,
    send_same_again,
)
from cms_billing.testing.factories import UserFactory
from tests.faktura.mail_servers import mail_server  # noqa: F401

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FIRST = date(2026, 1, 22)


@pytest.fixture(autouse=True)
def address(customer):
    customer.email = "anna@example.org"
    customer.save()


def by(channel: str, **changes) -> None:
    Level.objects.filter(number=1).update(channel=channel, **changes)


def send_out() -> None:
    outbox.drain(Rendering, now=clock.now())
    drained = outbox.drain(Delivery, now=clock.now())
    assert (drained.failed, drained.retry) == (0, 0)


def letter_of(issuer, customer, *, amounts=(990,)):
    invoices = [invoice_due(customer, DUE, amount=amount) for amount in amounts]
    send_out()
    [letter] = run(issuer, FIRST)
    send_out()
    return letter, invoices


def last_message(server):
    return server.taken[-1][1]


def names(message) -> list[str]:
    return [part.get_filename() for part in message.iter_attachments()]


def test_mail_with_the_letter_as_pdf(issuer, customer, mail_server):  # noqa: F811
    letter, _invoices = letter_of(issuer, customer)
    message = last_message(mail_server)
    assert names(message) == [f"{letter.number}.pdf"]
    assert "Das Schreiben liegt als PDF bei." in message.get_body(("plain",)).get_content()


def test_mail_that_is_the_letter_carries_no_pdf(issuer, customer, mail_server):  # noqa: F811
    by("mail")
    letter, [invoice] = letter_of(issuer, customer)
    message = last_message(mail_server)
    text = message.get_body(("plain",)).get_content()
    assert names(message) == []
    assert "als PDF bei" not in text
    assert invoice.number in text
    assert "im Alltag geht leicht" in text
    assert archive.archived_pdf(letter).startswith(b"%PDF")
    send_again(document=letter, attach=Attach.PDF)
    send_out()
    assert names(last_message(mail_server)) == [f"{letter.number}.pdf"]


def test_a_letter_on_paper_is_not_mailed(issuer, customer, mail_server):  # noqa: F811
    by("print")
    letter, _invoices = letter_of(issuer, customer)
    assert not Delivery.objects.filter(document=letter).exists()
    row = PaperLetter.objects.get(document=letter)
    assert (row.cause, row.state) == ("paper", "waiting for print")


@pytest.mark.parametrize("channel", ["mail", "mail_pdf"])
def test_without_an_address_the_letter_falls_to_print(issuer, customer, channel):
    by(channel)
    customer.email = ""
    customer.save()
    letter, _invoices = letter_of(issuer, customer)
    row = PaperLetter.objects.get(document=letter)
    assert row.get_cause_display() == "the customer has no e-mail address"


def test_the_invoices_are_attached_again_to_the_byte(issuer, customer, mail_server):  # noqa: F811
    by("mail_pdf", attach_invoices=True)
    letter, invoices = letter_of(issuer, customer, amounts=(990, 500))
    message = last_message(mail_server)
    assert names(message) == [f"{d.number}.pdf" for d in (letter, *invoices)]
    files = [part.get_content() for part in message.iter_attachments()]
    assert files == [archive.archived_pdf(d) for d in (letter, *invoices)]
    text = message.get_body(("plain",)).get_content()
    assert f"Die Rechnungen liegen erneut bei: {invoices[0].number}, {invoices[1].number}" in text


def test_only_what_is_still_owed_is_attached_again(issuer, customer, mail_server):  # noqa: F811
    by("mail_pdf", attach_invoices=True)
    paid, owed = (invoice_due(customer, DUE, amount=amount) for amount in (990, 500))
    send_out()
    [letter] = run(issuer, FIRST)
    pay(paid, FIRST)
    send_out()
    assert names(last_message(mail_server)) == [f"{letter.number}.pdf", f"{owed.number}.pdf"]


def test_e_invoices_are_attached_as_they_were_sent(issuer, customer, mail_server):  # noqa: F811
    issuer.e_invoice, issuer.vat_id = "xml", "DE123456789"
    issuer.save()
    customer.mail_attach = Attach.BOTH
    customer.save()
    by("mail_pdf", attach_invoices=True)
    letter, [invoice] = letter_of(issuer, customer)
    assert names(last_message(mail_server)) == [
        f"{letter.number}.pdf",
        f"{invoice.number}.pdf",
        f"{invoice.number}.xml",
    ]


def test_invoices_that_are_too_large_are_named_instead(issuer, customer, mail_server, settings):  # noqa: F811
    settings.CMS_BILLING = {**settings.CMS_BILLING, "MAIL_ATTACHMENT_MB": 0}
    by("mail_pdf", attach_invoices=True)
    letter, [invoice] = letter_of(issuer, customer)
    message = last_message(mail_server)
    assert names(message) == [f"{letter.number}.pdf"]
    text = message.get_body(("plain",)).get_content()
    assert f"Zu groß für diese Mail: {invoice.number}." in text
    assert "erneut bei" not in text


def test_on_paper_the_invoices_are_enclosed(issuer, customer):
    by("print", attach_invoices=True)
    letter, [_invoice] = letter_of(issuer, customer)
    [file] = make_print_files(issuer=issuer)
    outbox.drain(PrintFile, now=clock.now())
    row = PaperLetter.objects.get(document=letter)
    assert row.pages == 2
    file.refresh_from_db()
    assert content_of(file).startswith(b"%PDF")


def test_a_letter_that_was_paid_before_print_stays_in_the_house(issuer, customer, after_commit):
    by("print")
    letter, [invoice] = letter_of(issuer, customer)
    with after_commit():
        pay(invoice, FIRST)
    make_print_files(issuer=issuer)
    outbox.drain(PrintFile, now=clock.now())
    assert "settled before" in PaperLetter.objects.get(document=letter).withdrawn_because


def test_the_same_mail_again_is_the_same_to_the_byte(issuer, customer, mail_server):  # noqa: F811
    letter, [invoice] = letter_of(issuer, customer)
    first = mail_server.contents[-1]
    send_same_again(document=letter, user=None)
    send_out()
    send_same_again(document=letter, to="kanzlei@example.org")
    send_out()
    assert mail_server.contents[-2:] == [first, first]
    assert [to for to, _message in mail_server.taken][-2:] == ["anna@example.org", "kanzlei@example.org"]
    rows = Delivery.objects.filter(document=letter).order_by("pk")
    assert len({row.archived_message.sha256 for row in rows}) == 1
    assert len({row.message_id for row in rows}) == 1
    steps = case_of(invoice).steps.filter(kind=CaseStep.Kind.SENT_AGAIN).order_by("pk")
    assert [step.reason for step in steps] == [
        f"{letter.number} to anna@example.org",
        f"{letter.number} to kanzlei@example.org",
    ]


def test_printing_again_stands_in_the_timeline(issuer, customer):
    letter, [invoice] = letter_of(issuer, customer)
    print_again(document=letter, reason="moved")
    step = case_of(invoice).steps.get(kind=CaseStep.Kind.SENT_AGAIN)
    assert step.reason == f"{letter.number} on paper moved"


def sender(client, issuer, *codes):
    from django.contrib.auth.models import Group

    group = Group.objects.create(name=f"Senders {issuer.pk}")
    group.permissions.set(Permission.objects.filter(codename__in=["access_admin", "view_case", *codes]))
    issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    client.force_login(user)


def test_send_again_from_the_page_of_the_case(client, issuer, customer):
    letter, [invoice] = letter_of(issuer, customer)
    sender(client, issuer, "send_document")
    case = case_of(invoice)
    url = reverse("billing_dunning_letter_again", args=[case.pk])
    assert url in client.get(reverse("billing-dunning:inspect", args=[case.pk])).content.decode()
    assert letter.number in client.get(url).content.decode()
    refused = client.post(url, {"letter": letter.pk, "how": "paper", "reason": ""})
    assert "Say why it is printed again." in refused.content.decode()
    client.post(url, {"letter": letter.pk, "how": "paper", "reason": "wants it by post"})
    assert PaperLetter.objects.get(document=letter).reason == "wants it by post"
    client.post(url, {"letter": letter.pk, "how": "same", "to": "neu@example.org"})
    assert Delivery.objects.get(to="neu@example.org").repeats.document_id == letter.pk


def test_sending_again_asks_for_the_permission_and_the_issuer(client, issuer, customer):
    from cms_billing.testing.factories import IssuerFactory

    _letter, [invoice] = letter_of(issuer, customer)
    url = reverse("billing_dunning_letter_again", args=[case_of(invoice).pk])
    sender(client, issuer)
    assert client.get(url).status_code == 302
    sender(client, IssuerFactory(), "send_document")
    assert client.get(url).status_code == 404


def test_a_letter_of_somebody_else_cannot_be_chosen(client, issuer, customer):
    from cms_billing.testing.factories import CustomerFactory

    _letter, [invoice] = letter_of(issuer, customer)
    invoice_due(CustomerFactory(issuer=issuer), DUE)
    [other] = run(issuer, FIRST)
    outbox.drain(Rendering, now=clock.now())
    sender(client, issuer, "send_document")
    url = reverse("billing_dunning_letter_again", args=[case_of(invoice).pk])
    client.post(url, {"letter": other.pk, "how": "mail", "to": "neu@example.org"})
    assert not Delivery.objects.filter(to="neu@example.org").exists()
