"""The main story of the package in a real browser: buy, read, forget to pay, be reminded, pay, read on."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO

import pytest
from django.core import mail
from django.urls import reverse
from playwright.sync_api import expect
from pypdf import PdfReader

from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document, DocumentKind
from cms_billing.payments.services import record_payment

from .story import (
    Clerk,
    Visitor,
    begin_on_tenth_of_april,
    hire_accountant,
    let_the_worker_work,
    live_until,
    open_magazine,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def look(screenshot):
    """Take a picture; on a telephone no page may be wider than the screen."""

    def look_at(window, station: str) -> None:
        size = window.viewport_size["width"]
        device = "phone" if size < 500 else "desktop"
        screenshot(window, f"story-{station}-{device}")
        assert window.evaluate("document.scrollingElement.scrollWidth") <= size, f"{station} scrolls sideways"

    return look_at


@pytest.fixture
def magazine(settings, live_server):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "SITE_URL": live_server.url,
        "TIME_MACHINE": True,
        "PDF_RENDERER": "cms_billing.faktura.rendering.WeasyPrintRenderer",
    }
    return open_magazine()


def test_a_member_buys_reads_is_locked_out_and_comes_back(magazine, page, phone, open_window, look):
    first_day = begin_on_tenth_of_april()
    year = first_day.year
    anna, bert = Visitor(page, "Anna", look), Visitor(phone, "Bert", look)
    for member in (anna, bert):
        buys_and_reads(member, magazine.article)
    for member in (anna, bert):
        transfers(member, on=first_day)

    # From May on nobody pays: reminders on 31 May and 14 June, on 28 June the third, which locks.
    live_until(date(year, 6, 27))
    anna.reads(magazine.article)
    live_until(date(year, 6, 28))
    for member in (anna, bert):
        was_reminded_three_times(member)
        finds_the_page_locked(member, magazine.article)

    accountant = Clerk(open_window(viewport={"width": 1280, "height": 900}), look)
    accountant.signs_in(hire_accountant(magazine.issuer))
    accountant.records_what_is_owed_by(anna)

    anna.reads(magazine.article)
    anna.look("15-open-again")
    bert.may_not_read(magazine.article)
    assert {case.state for case in cases_of(anna)} == {Case.State.CLOSED}
    accountant.looks_at_the_cases()

    before = len(letters_to(anna))
    live_until(date(year, 7, 28))
    assert len(letters_to(anna)) == before == 3
    anna.reads(magazine.article)
    assert {case.state for case in cases_of(anna)} == {Case.State.CLOSED}


def test_a_neighbour_finds_nothing_of_what_is_not_theirs(magazine, page, phone, look):
    begin_on_tenth_of_april()
    anna, bert = Visitor(page, "Anna", look), Visitor(phone, "Bert", look)
    for member in (anna, bert):
        member.buys_the_membership(magazine.article)
        let_the_worker_work()
    invoice = Document.objects.get(recipient_email=anna.email)
    contract = invoice.customer.contracts.get()
    theirs = [
        reverse("cms_billing:account_document_pdf", args=[invoice.pk]),
        reverse("cms_billing:pay_document", args=[invoice.pk]),
        reverse("cms_billing:account_contract", args=[contract.pk]),
    ]
    for path in theirs:
        assert anna.window.request.get(path).status == 200, path
        assert bert.window.request.get(path).status == 404, path


def buys_and_reads(member: Visitor, article: str) -> None:
    member.buys_the_membership(article)
    let_the_worker_work()
    invoice = mails_to(member)[-1]
    number = Document.objects.get(recipient_email=member.email).number
    assert number in invoice.subject
    assert pdf_text(invoice).count(number) >= 1
    member.reads(article)
    member.look("09-article")
    member.goto("/billing/account/invoices/")
    member.sees(number)
    member.look("10-invoices")


def transfers(member: Visitor, *, on: date) -> None:
    """The first invoice is paid as it should be."""
    invoice = Document.objects.get(recipient_email=member.email)
    record_payment(
        customer_id=invoice.customer_id,
        amount=invoice.gross,
        received_on=on,
        way="transfer",
        today=on,
        documents=[invoice],
    )


def was_reminded_three_times(member: Visitor) -> None:
    letters = letters_to(member)
    assert [letter.extra["level"] for letter in letters] == [1, 2, 3]
    for letter in letters:
        mails = [mail for mail in mails_to(member) if letter.number in pdf_text(mail)]
        assert len(mails) == 1


def finds_the_page_locked(member: Visitor, article: str) -> None:
    member.may_not_read(article)
    member.sees_heading("waiting for your payment")
    member.sees("€9.90")
    member.look("11-locked")
    member.follow(re.compile("^Pay €9.90"))
    member.sees("DE02 1203 0000 0000 2020 51")
    expect(member.window.get_by_role("img", name="QR code")).to_be_visible()
    member.look("12-payment-page")
    member.goto("/billing/account/invoices/")
    member.look("13-invoices-in-arrears")
    member.goto("/billing/account/contracts/")
    member.look("14-contracts")


def mails_to(member: Visitor) -> list:
    return [message for message in mail.outbox if message.to == [member.email]]


def letters_to(member: Visitor) -> list[Document]:
    letters = Document.objects.filter(kind=DocumentKind.DUNNING_LETTER, recipient_email=member.email)
    return list(letters.order_by("pk"))


def cases_of(member: Visitor) -> list[Case]:
    return list(Case.objects.filter(customer__user=member.user))


def pdf_text(message) -> str:
    """The text of the attached PDFs."""
    files = [content for _name, content, kind in message.attachments if kind == "application/pdf"]
    return "\n".join(page.extract_text() for file in files for page in PdfReader(BytesIO(file)).pages)
