"""The list of documents: found by what people have in hand, added up, exported, and worked on many at once."""

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import outbox
from cms_billing.faktura import search
from cms_billing.faktura.amounts import amounts_in
from cms_billing.faktura.models import Customer, Delivery, Document, Rendering
from cms_billing.testing.factories import CustomerFactory

from .conftest import TODAY
from .test_lists import fill, numbers

pytestmark = pytest.mark.django_db

LIST = reverse("billing-document:index")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("99", {"99"}),
        ("99,00", {"99"}),
        ("99.00", {"99"}),
        ("-99,00", {"99"}),
        ("99,00 €", {"99"}),
        ("EUR 99", {"99"}),
        ("1.234,50", {"1234.5"}),
        ("1,234.50", {"1234.5"}),
        ("1'234.50", {"1234.5"}),
        ("1 234,5", {"1234.5"}),
        ("1.234", {"1234", "1.234"}),
        ("1.234.567", {"1234567"}),
        ("RE-2026-000001", set()),
        ("Anna", set()),
        ("1.2.3,4,5", set()),
        ("", set()),
        ("123456789012345678", set()),
        (",50", set()),
    ],
)
def test_amount_is_read_as_people_write_it(text, meant):
    assert amounts_in(text) == {Decimal(value) for value in meant}


@pytest.mark.parametrize("text", ["9,90", "9.90", "9,90 €", "-9,90"])
def test_documents_are_found_by_their_total(text, accountant, ours):
    assert len(numbers(accountant, q=text)) == 3


def test_documents_are_found_by_their_open_amount(accountant, ours):
    form = {"amount": "4.00", "received_on": "2026-03-31", "way": "cash", "note": ""}
    accountant.post(reverse("billing-payment:record_for_document", args=[ours.open.pk]), form)
    assert numbers(accountant, q="5,90") == {ours.open.number}
    assert numbers(accountant, open_min="5.90", open_max="5.90") == {ours.open.number}


def test_documents_are_found_by_customer_number_and_address(accountant, ours):
    assert len(numbers(accountant, q=ours.customer.number)) == 3
    assert len(numbers(accountant, q=ours.customer.email)) == 3
    assert len(numbers(accountant, q="ours anna")) == 3


@pytest.mark.parametrize("limits", [(100, 100), (0, 100), (0, 0)])
def test_search_finds_the_same_however_many_there_are(limits, accountant, ours, theirs, monkeypatch):
    monkeypatch.setattr(search, "SEVERAL", limits[0])
    monkeypatch.setattr(search, "MANY", limits[1])
    fill(ours.issuer, 3)
    customer = Document.objects.filter(issuer=ours.issuer).latest("pk").customer
    found = numbers(accountant, q=customer.last_name)
    mine = Document.objects.filter(issuer=ours.issuer, customer__last_name=customer.last_name)
    assert sorted(found) == sorted(mine.values_list("number", flat=True))
    assert not numbers(accountant, q="nobody of this name")


def test_rows_have_no_menu_that_repeats_their_link(accountant, ours):
    assert "More options for" not in accountant.get(LIST).content.decode()
    assert "More options for" in accountant.get(reverse("billing-customer:index")).content.decode()


def test_neighbours_documents_are_not_found_by_search(accountant, ours, theirs):
    assert numbers(accountant, q=theirs.customer.email) == set()
    assert len(numbers(accountant, q="9,90")) == 3


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"number_from": "RE-2026-000002", "number_to": "RE-2026-000003"}, 2),
        ({"number_from": "3"}, 1),
        ({"number_to": "RE-2026-000001"}, 1),
        ({"number_from": "XX-1"}, 0),
        ({"number_from": "RE"}, 3),
    ],
)
def test_documents_are_found_by_a_range_of_numbers(bounds, found, accountant, ours):
    assert len(numbers(accountant, **bounds)) == found


def test_list_adds_up_what_the_filters_leave(accountant, ours):
    facts = {fact.label: fact.value for fact in accountant.get(LIST).context["summary"]}
    assert facts == {"Documents": "3", "Total": "€29.70", "Open": "€19.80"}
    facts = {fact.label: fact.value for fact in accountant.get(LIST, {"standing": "paid"}).context["summary"]}
    assert facts == {"Total": "€9.90"}


def test_list_counts_once_and_adds_up_in_the_same_query(accountant, ours):
    accountant.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        accountant.get(LIST, {"q": "Kundin", "standing": "open"})
    of_documents = [q["sql"] for q in captured if 'FROM "cms_billing_faktura_document"' in q["sql"][:2000]]
    assert len([sql for sql in of_documents if "COUNT(" in sql]) == 1


def test_pages_from_the_end_hold_the_same_rows_as_from_the_beginning(accountant, ours):
    fill(ours.issuer, 60)
    expected = list(
        Document.objects.filter(issuer=ours.issuer).order_by("-issued_on", "-pk").values_list("pk", flat=True)
    )
    pages = -(-len(expected) // 50)
    shown = []
    for page in range(1, pages + 1):
        shown += [row.pk for row in accountant.get(LIST, {"p": page}).context["object_list"]]
    assert shown == expected


@pytest.mark.parametrize(
    "ordering", ["gross_minor", "-open_item__open_minor", "recipient_name", "-open_item__due_on"]
)
def test_list_is_sorted_by_its_columns(ordering, accountant, ours):
    assert len(accountant.get(LIST, {"ordering": ordering}).context["object_list"]) == 3


def test_empty_list_says_what_comes_next(accountant, ours):
    page = accountant.get(reverse("billing-customer:index"), {"q": "nobody at all"}).content.decode()
    assert "Show all" in page


# Export


def csv_rows(answer) -> list[dict]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_export_has_the_filtered_rows_with_plain_amounts(accountant, ours):
    rows = csv_rows(accountant.get(LIST, {"export": "csv", "standing": "paid"}))
    assert [row["Number"] for row in rows] == [ours.paid.number]
    assert (rows[0]["Total"], rows[0]["Open"], rows[0]["Currency"]) == ("9.90", "0.00", "EUR")
    assert rows[0]["Date"] == "2026-03-31"


def test_exported_cells_run_no_formula(accountant, ours):
    Customer.objects.filter(pk=ours.customer.pk).update(number="=cmd|' /C calc'!A0")
    rows = csv_rows(accountant.get(LIST, {"export": "csv"}))
    assert {row["Customer number"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    sheet = openpyxl.load_workbook(
        io.BytesIO(b"".join(accountant.get(LIST, {"export": "xlsx"}).streaming_content))
    ).active
    cells = {cell.value: cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row}
    assert cells["=cmd|' /C calc'!A0"] == "s"
    assert 9.9 in cells


def test_export_ends_at_the_own_issuer(accountant, ours, theirs):
    rows = csv_rows(accountant.get(LIST, {"export": "csv"}))
    assert {row["Issuer"] for row in rows} == {"Ours"}


# Bulk actions


def bulk(action: str, *documents, **query) -> str:
    url = reverse("wagtail_bulk_action", args=["cms_billing_faktura", "document", action])
    ids = "&".join(f"id={getattr(document, 'pk', document)}" for document in documents)
    more = "".join(f"&{key}={value}" for key, value in query.items())
    return f"{url}?{ids}{more}&next={LIST}"


def archive_all() -> None:
    from cms_billing.core import clock

    outbox.drain(Rendering, now=clock.now())


CANCEL = {"reason": "Doppelt", "then": "void"}


def test_bulk_buttons_are_those_a_person_may_press(accountant, editor, auditor, ours):
    def offered(client):
        return [str(button.label) for button in client.get(LIST).context["bulk_buttons"]]

    assert offered(auditor) == ["Download PDFs", "Export XLSX", "Export CSV"]
    assert "Send again" in offered(editor)
    assert "Cancel" not in offered(editor)
    assert "Cancel" in offered(accountant)


def test_many_are_cancelled_each_on_its_own(accountant, ours):
    page = accountant.get(bulk("cancel", ours.open, ours.paid))
    assert "Issue the cancellations" in page.content.decode()
    accountant.post(bulk("cancel", ours.open, ours.paid), {**CANCEL, "ids": page.context["ids"]})
    cancelled = Document.objects.filter(kind="cancellation").values_list("corrects", flat=True)
    assert set(cancelled) == {ours.open.pk, ours.paid.pk}


def test_what_cannot_be_cancelled_is_reported_and_stops_nobody(accountant, ours):
    accountant.post(bulk("cancel", ours.open), CANCEL)
    answer = accountant.post(bulk("cancel", ours.open, ours.paid), CANCEL)
    page = answer.content.decode()
    assert "It is cancelled already." in page
    assert Document.objects.filter(kind="cancellation").count() == 2


def test_cancelling_many_needs_a_reason(accountant, ours):
    answer = accountant.post(bulk("cancel", ours.open), {"reason": "", "then": "void"})
    assert "This field is required" in answer.content.decode()
    assert not Document.objects.filter(kind="cancellation").exists()


@pytest.mark.parametrize("action", ["cancel", "send_again"])
def test_neighbours_id_in_a_bulk_action_does_nothing(action, accountant, ours, theirs):
    archive_all()
    before = Delivery.objects.count()
    for form in (CANCEL, {**CANCEL, "ids": str(theirs.open.pk)}):
        accountant.post(bulk(action, theirs.open), form)
    assert not Document.objects.filter(kind="cancellation").exists()
    assert Delivery.objects.count() == before
    assert theirs.open.number not in accountant.get(bulk(action, theirs.open)).content.decode().replace(
        ours.open.number, ""
    )


def test_neighbours_pdf_is_not_in_the_zip(accountant, ours, theirs):
    archive_all()
    answer = accountant.get(bulk("download", ours.open, theirs.open))
    names = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()
    assert names == [f"{ours.open.number}.pdf"]


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("cancel", {"accountant"}),
        ("send_again", {"accountant", "editor"}),
        ("export_csv", {"accountant", "editor", "auditor"}),
    ],
)
def test_bulk_action_needs_its_permission(action, allowed, ours, request):
    for role in ("accountant", "editor", "auditor", "stranger"):
        client = request.getfixturevalue(role)
        for answer in (client.get(bulk(action, ours.open)), client.post(bulk(action, ours.open), {})):
            refused = getattr(answer, "url", None) == reverse("wagtailadmin_home")
            assert refused is (role not in allowed), role


def test_all_in_listing_are_those_the_filters_leave(accountant, ours):
    fill(ours.issuer, 5)
    page = accountant.get(bulk("cancel", "all", standing="open", q="kundin"))
    assert page.context["count"] == 2
    rows = csv_rows(accountant.get(bulk("export_csv", "all", standing="paid")))
    assert [row["Number"] for row in rows] == [ours.paid.number]


def test_what_came_after_the_question_is_not_cancelled(accountant, ours):
    page = accountant.get(bulk("cancel", "all", standing="open"))
    fill(ours.issuer, 2)
    accountant.post(bulk("cancel", "all", standing="open"), {**CANCEL, "ids": page.context["ids"]})
    assert Document.objects.filter(kind="cancellation").count() == 2


def test_too_many_at_once_are_refused(accountant, ours, monkeypatch):
    from cms_billing.faktura.viewsets.document_bulk import Cancel

    monkeypatch.setattr(Cancel, "limit", 1)
    page = accountant.post(bulk("cancel", ours.open, ours.paid), CANCEL).content.decode()
    assert "More than 1 rows are selected" in page
    assert not Document.objects.filter(kind="cancellation").exists()


def test_send_again_goes_to_the_address_of_today(accountant, ours):
    archive_all()
    Customer.objects.filter(pk=ours.customer.pk).update(email="neu@example.org")
    accountant.post(bulk("send_again", ours.open, ours.paid), {})
    sent = Delivery.objects.filter(purpose="again", to="neu@example.org")
    assert set(sent.values_list("document", flat=True)) == {ours.open.pk, ours.paid.pk}


def test_documents_without_pdf_are_left_out_with_the_reason(accountant, ours):
    page = accountant.get(bulk("send_again", ours.open)).content.decode()
    assert "It has no PDF yet." in page


def test_zip_has_the_archived_bytes_under_safe_names(accountant, ours, theirs):
    theirs.issuer.groups.add(*accountant.user.groups.all())
    theirs.issuer.name = "../../Chor & Söhne"
    theirs.issuer.save()
    archive_all()
    answer = accountant.get(bulk("download", ours.open, theirs.open))
    file = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert file.testzip() is None
    assert all(name.endswith(".pdf") and ".." not in name.split("/") for name in file.namelist())
    assert {name.split("/")[0] for name in file.namelist()} == {"Ours", "..-..-Chor__Söhne"}
    assert all(file.read(name).startswith(b"%PDF") for name in file.namelist())


def test_zip_names_what_cannot_be_read(accountant, ours):
    from cms_billing.faktura.archive import archive_storage, storage_name

    archive_all()
    record = ours.open.archive_records.get()
    archive_storage().delete(storage_name(record.sha256))
    answer = accountant.get(bulk("download", ours.open, ours.paid))
    file = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert set(file.namelist()) == {f"{ours.paid.number}.pdf", "missing.txt"}
    assert ours.open.number in file.read("missing.txt").decode()


def test_zip_that_is_too_big_is_refused(accountant, ours, monkeypatch):
    from cms_billing.faktura.viewsets import document_bulk

    archive_all()
    monkeypatch.setattr(document_bulk, "ZIP_BYTES", 10)
    answer = accountant.get(bulk("download", ours.open), follow=True)
    assert "Select fewer" in " ".join(str(message) for message in answer.context["messages"])


def test_customer_is_found_by_full_name_in_any_order(accountant, ours):
    CustomerFactory(issuer=ours.issuer, first_name="Björn", last_name="Lindqvist")
    for text in ("Björn Lindqvist", "lindqvist björn"):
        page = accountant.get(reverse("billing-customer:index"), {"q": text})
        assert len(page.context["object_list"]) == 1, text


def draft(business) -> Document:
    from cms_billing.faktura.drafts import Draft, DraftLine
    from cms_billing.faktura.services import create_draft

    line = DraftLine(
        description="Beratung",
        quantity=Decimal(1),
        unit_price_minor=5000,
        tax_code="standard",
        tax_percent=Decimal(19),
    )
    return create_draft(
        issuer=business.issuer,
        draft=Draft(
            kind="invoice",
            customer_id=business.customer.pk,
            currency="EUR",
            prices_include_tax=True,
            lines=(line,),
        ),
        today=TODAY,
    )


def test_drafts_are_listed_first_and_issued_together(accountant, ours, theirs):
    drafts = [draft(ours), draft(ours)]
    neighbour = draft(theirs)
    rows = accountant.get(LIST).context["object_list"]
    assert {row.pk for row in rows[:2]} == {row.pk for row in drafts}
    assert {row.pk for row in accountant.get(LIST, {"standing": "draft"}).context["object_list"]} == {
        row.pk for row in drafts
    }
    accountant.post(bulk("finalise", *drafts, neighbour), {})
    assert set(Document.objects.filter(state="draft").values_list("pk", flat=True)) == {neighbour.pk}


def test_draft_that_cannot_be_issued_is_reported(accountant, ours):
    fine, wrong = draft(ours), draft(ours)
    other = CustomerFactory(issuer=ours.issuer, street="")
    Document.objects.filter(pk=wrong.pk).update(customer=other)
    page = accountant.post(bulk("finalise", fine, wrong), {}).content.decode()
    fine.refresh_from_db()
    assert fine.state == "issued"
    assert "With these rows nothing was done" in page
    assert accountant.post(bulk("cancel", wrong), CANCEL).content.decode().count("It is a draft") == 1


def test_editors_issue_no_drafts(editor, ours):
    one = draft(ours)
    editor.post(bulk("finalise", one), {})
    one.refresh_from_db()
    assert one.state == "draft"
