"""The page of a document: pictures of its pages, its chain, its ledger, and what happened with it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.admin import date_text
from cms_billing.faktura.family import family_of
from cms_billing.faktura.models import Delivery, Document, Rendering
from cms_billing.faktura.services import CreditLine, cancel_document, credit_document
from cms_billing.faktura.viewsets.document_page import period_text
from cms_billing.payments.models import Payment

from .conftest import TODAY
from .test_desk import archive_all

pytestmark = pytest.mark.django_db


def page_of(client, document) -> str:
    return client.get(reverse("billing-document:inspect", args=[document.pk])).content.decode()


def events_of(client, document) -> list[tuple[str, str]]:
    context = client.get(reverse("billing-document:inspect", args=[document.pk])).context
    timeline = next(section for section in context["sections"] if hasattr(section, "events"))
    return [(str(event.text), str(event.detail)) for event in timeline.events]


def test_ledger_shows_the_balance_after_each_entry(accountant, ours):
    context = accountant.get(reverse("billing-document:inspect", args=[ours.paid.pk])).context
    ledger = next(section for section in context["sections"] if section.title == "Ledger")
    assert [(row.amount.minor, row.balance.minor) for row in ledger.rows] == [(990, 990), (-990, 0)]


def test_lines_show_what_is_credited_and_what_is_left(accountant, ours):
    assert "Credited" not in page_of(accountant, ours.open)
    line = ours.open.lines.get()
    credit_document(
        document_id=ours.open.pk,
        lines=[CreditLine(line_id=line.pk, gross_minor=400)],
        reason="Kulanz",
        today=TODAY,
    )
    context = accountant.get(reverse("billing-document:inspect", args=[ours.open.pk])).context
    [row] = next(section for section in context["sections"] if section.title == "Lines").rows
    assert (row.credited.minor, row.left.minor) == (400, 590)


def test_cancelled_invoice_and_its_cancellation_are_one_chain(accountant, ours):
    cancellation = cancel_document(document_id=ours.open.pk, reason="Doppelt", today=TODAY)
    for document in (ours.open, cancellation):
        assert [member.pk for member in family_of(document)] == [ours.open.pk, cancellation.pk]
        page = page_of(accountant, document)
        assert cancellation.number in page
        assert 'aria-current="true"' in page


def test_pro_forma_and_what_was_made_of_it_are_one_chain(ours):
    common = {"issuer": ours.issuer, "customer": ours.customer, "currency": "EUR"}
    pro_forma = Document.objects.create(**common, kind="pro_forma")
    invoice = Document.objects.create(**common, kind="invoice", based_on=pro_forma)
    copy = Document.objects.create(**common, kind="invoice", based_on=invoice)
    stranger = Document.objects.create(**common, kind="invoice")
    for document in (pro_forma, invoice, copy):
        assert {member.pk for member in family_of(document)} == {pro_forma.pk, invoice.pk, copy.pk}
    assert family_of(stranger) == [stranger]


def test_chain_takes_the_same_queries_for_many_relatives(ours, django_assert_max_num_queries):
    common = {"issuer": ours.issuer, "customer": ours.customer, "currency": "EUR"}
    first = Document.objects.create(**common, kind="pro_forma")
    for _number in range(30):
        Document.objects.create(**common, kind="invoice", based_on=first)
    with django_assert_max_num_queries(3):
        assert len(family_of(first)) == 31


def test_timeline_tells_who_did_what_in_order(accountant, ours):
    archive_all()
    outbox.drain(Delivery, now=clock.now())
    url = reverse("billing-document:cancel", args=[ours.open.pk])
    accountant.post(url, {"reason": "Doppelt", "then": "void"})
    texts = [text for text, _detail in events_of(accountant, ours.open)]
    assert texts.index("issued") < texts.index("archived") < texts.index("Cancelled")
    assert "sent by e-mail" in texts
    assert "could not be sent" in texts
    assert "accountants" in page_of(accountant, ours.open)


def test_timeline_tells_of_payments_and_failed_charges(accountant, ours):
    Payment.objects.create(
        issuer=ours.issuer,
        customer=ours.customer,
        document=ours.paid,
        way="provider",
        amount_minor=990,
        currency="EUR",
        state="failed",
        reason="card expired",
    )
    events = events_of(accountant, ours.paid)
    assert ("payment failed", "€9.90 card expired") in events
    assert any(text == "payment" and "-€9.90" in detail for text, detail in events)


def test_queries_of_a_document_do_not_grow_with_its_history(accountant, ours):
    archive_all()
    url = reverse("billing-document:inspect", args=[ours.open.pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            accountant.get(url)
        return len(captured)

    accountant.get(url)
    before = queries()
    for number in range(10):
        Delivery.objects.create(document=ours.open, purpose="again", to=f"a{number}@example.org")
    assert queries() <= before


def test_page_is_shown_as_a_picture(accountant, ours):
    archive_all()
    assert "data-billing-pages" in page_of(accountant, ours.open)
    url = reverse("billing-document:page", args=[ours.open.pk, 1])
    picture = accountant.get(url)
    assert (picture["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert "private" in picture["Cache-Control"]
    assert accountant.get(url, headers={"if-none-match": picture["ETag"]}).status_code == 304
    assert len(accountant.get(url, {"w": "1400"}).content) > len(picture.content)


@pytest.mark.parametrize("page", [0, 2, 99])
def test_page_that_is_not_there_is_not_found(page, accountant, ours):
    archive_all()
    assert accountant.get(reverse("billing-document:page", args=[ours.open.pk, page])).status_code == 404


def test_pages_of_a_neighbours_document_do_not_exist(accountant, auditor, stranger, ours, theirs):
    archive_all()
    url = reverse("billing-document:page", args=[theirs.open.pk, 1])
    assert accountant.get(url).status_code == 404
    own = reverse("billing-document:page", args=[ours.open.pk, 1])
    assert auditor.get(own).status_code == 200
    assert stranger.get(own).status_code in (302, 403)


def test_document_without_pdf_has_no_picture(accountant, ours):
    assert Rendering.objects.exists()
    assert "data-billing-pages" not in page_of(accountant, ours.open)
    url = reverse("billing-document:page", args=[ours.open.pk, 1])
    assert accountant.get(url).status_code == 404


def test_a_deposit_invoice_is_called_so_wherever_it_is_named(accountant, ours):
    deposit = Document.objects.create(
        issuer=ours.issuer, customer=ours.customer, currency="EUR", kind="invoice", is_deposit=True
    )
    Document.objects.create(
        issuer=ours.issuer, customer=ours.customer, currency="EUR", kind="invoice", based_on=deposit
    )
    page = page_of(accountant, deposit)
    assert f"Deposit invoice (draft {deposit.pk})" in page
    assert '<span class="billing-chain__kind">Deposit invoice</span>' in page


def test_a_draft_has_no_archive_and_was_not_sent(accountant, ours):
    draft = Document.objects.create(
        issuer=ours.issuer, customer=ours.customer, currency="EUR", kind="invoice"
    )
    context = accountant.get(reverse("billing-document:inspect", args=[draft.pk])).context
    assert not {"Sent", "Archive"} & {section.title for section in context["sections"]}


def test_a_service_of_one_day_names_it_once(ours):
    line = ours.open.lines.get()
    line.service_start = line.service_end = TODAY
    assert period_text(line) == date_text(TODAY)
