"""A member's invoices and letters: the list, and the archived file."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura import archive
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import cancel_document, issue_next_invoices, issue_statement
from cms_billing.payments.services import record_payment, refund_customer
from cms_billing.testing.factories import BookingFactory, CustomerFactory, UserFactory

TODAY = date(2026, 3, 14)
LIST = "cms_billing:account_documents"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(datetime(2026, 3, 14, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def invoice_of(customer):
    BookingFactory(customer=customer, due_on=TODAY)
    issue_next_invoices(issuer=customer.issuer, today=TODAY)
    return Document.objects.filter(customer=customer).latest("pk")


def archived(document, content=b"%PDF-1.7 the file"):
    archive.add_record(document, archive.store_bytes(content))
    return document


def pdf(document):
    return reverse("cms_billing:account_document_pdf", args=[document.pk])


def test_a_member_sees_their_documents_of_all_issuers_and_nobody_elses(client, member):
    mine = [invoice_of(CustomerFactory(user=member)) for _ in range(2)]
    theirs = invoice_of(CustomerFactory(user=UserFactory()))
    response = client.get(reverse(LIST))
    shown = {row.document for row in response.context["rows"]}
    assert shown == set(mine)
    assert theirs not in shown


def test_the_list_says_where_each_document_stands(client, member):
    customer = CustomerFactory(user=member)
    cancelled, waiting = invoice_of(customer), invoice_of(customer)
    cancel_document(document_id=cancelled.pk, reason="wrong", today=TODAY, bill_again=False)
    rows = {row.document.pk: row for row in client.get(reverse(LIST)).context["rows"]}
    assert rows[cancelled.pk].standing.value == "cancelled"
    assert rows[waiting.pk].standing.value == "open"
    with clock.frozen(datetime(2026, 5, 1, tzinfo=UTC)):
        rows = {row.document.pk: row for row in client.get(reverse(LIST)).context["rows"]}
    assert rows[waiting.pk].standing.value == "overdue"


def test_the_pdf_is_the_archived_file_byte_for_byte_and_kept_in_no_cache(client, member):
    document = archived(invoice_of(CustomerFactory(user=member)))
    response = client.get(pdf(document))
    assert b"".join(response.streaming_content) == b"%PDF-1.7 the file"
    assert response["Content-Disposition"] == f'attachment; filename="{document.number}.pdf"'
    assert response["Content-Type"] == "application/pdf"
    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))


def test_the_neighbours_pdf_is_a_404(client, member):
    theirs = archived(invoice_of(CustomerFactory(user=UserFactory())))
    assert client.get(pdf(theirs)).status_code == 404


def test_a_document_that_is_not_archived_yet_asks_for_patience(client, member):
    document = invoice_of(CustomerFactory(user=member))
    response = client.get(pdf(document))
    assert response.status_code == 503
    assert "being made" in response.content.decode()


def test_a_guest_signs_in_first(client):
    document = archived(invoice_of(CustomerFactory()))
    assert client.get(pdf(document)).status_code == 302


def test_the_list_costs_as_many_queries_for_many_documents_as_for_one(client, member):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse(LIST))
        return len(captured)

    customer = CustomerFactory(user=member)
    invoice_of(customer)
    queries()
    for_one = queries()
    for _ in range(4):
        invoice_of(customer)
    assert queries() == for_one


def test_corrections_receipts_and_statements_stand_beside_what_they_are_about(client, member):
    customer = CustomerFactory(user=member)
    invoice = invoice_of(customer)
    record_payment(customer_id=customer.pk, amount=invoice.gross, received_on=TODAY, way="cash", today=TODAY)
    cancellation = cancel_document(document_id=invoice.pk, reason="wrong", today=TODAY, bill_again=False)
    refund = refund_customer(customer_id=customer.pk, amount=Money.of("4.00", "EUR"), way="cash", today=TODAY)
    statement = issue_statement(
        customer_id=customer.pk, since=TODAY, until=TODAY, currency="EUR", today=TODAY
    )
    refund_customer(
        customer_id=customer.pk,
        amount=Money.of("2.00", "EUR"),
        way="transfer",
        iban="DE02120300000000202051",
        account_holder="Anna",
        today=TODAY,
    )
    page = client.get(reverse(LIST))
    rows = {row.document.pk: row for row in page.context["rows"]}
    assert rows[invoice.pk].corrected_by == cancellation.number
    assert rows[cancellation.pk].document.corrects == invoice
    assert rows[refund.receipt_id].document.total == Money.of("4.00", "EUR")
    assert rows[statement.pk].document.total == Money.of("-5.90", "EUR")
    assert not any(row.is_payable for row in rows.values())
    [credit] = page.context["credits"]
    assert (credit.amount, credit.on_its_way) == (Money.of("5.90", "EUR"), Money.of("2.00", "EUR"))
    assert client.get(pdf(archived(refund.receipt))).status_code == 200
    assert client.get(pdf(archived(statement))).status_code == 200


def test_drafts_and_other_peoples_credit_are_not_shown(client, member):
    mine, theirs = CustomerFactory(user=member), CustomerFactory(user=UserFactory())
    Document.objects.create(
        issuer=mine.issuer, customer=mine, kind="invoice", state="draft", currency="EUR", line_count=0
    )
    record_payment(
        customer_id=theirs.pk, amount=Money.of("9", "EUR"), received_on=TODAY, way="cash", today=TODAY
    )
    page = client.get(reverse(LIST))
    assert (page.context["rows"], page.context["credits"]) == ([], [])
