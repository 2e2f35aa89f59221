"""Writing invoices in the admin: the form, its live totals, and what becomes of drafts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from wagtail.users.models import UserProfile

from cms_billing.core.money import Money
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.line_details import details_text, parse_details
from cms_billing.faktura.models import Booking, Customer, Document
from cms_billing.faktura.services import cancel_document, create_draft, finalise_drafts
from cms_billing.testing.factories import BookingFactory

from .conftest import TODAY

pytestmark = pytest.mark.django_db

ADD = "billing-draft:add"


def filled(of: Customer, /, *lines: dict, **changes) -> dict:
    """The form as a browser sends it: ``lines`` say what differs from a line of one piece at 11.90."""
    data = {
        "customer": of.pk,
        "kind": "invoice",
        "prices": "with",
        "currency": "EUR",
        "due_on": "",
        "finalise_on": "",
        "intro": "",
        "closing": "",
        "lines-TOTAL_FORMS": len(lines),
        "lines-INITIAL_FORMS": 0,
        "lines-MIN_NUM_FORMS": 0,
        "lines-MAX_NUM_FORMS": 500,
    }
    for index, line in enumerate(lines):
        usual = {
            "description": "Stimmgerät",
            "quantity": "1",
            "unit_price": "11.90",
            "tax_code": "standard",
            "service_start": "",
            "service_end": "",
            "contract_reference": "",
            "details": "",
            "booking": "",
            "ORDER": index + 1,
            "DELETE": "",
        }
        data |= {f"lines-{index}-{name}": value for name, value in {**usual, **line}.items()}
    return {**data, **changes}


BLANK = {"description": "", "unit_price": ""}


def draft(customer: Customer, **changes) -> Document:
    line = DraftLine("Stimmgerät", 1190, "standard", Decimal(0))
    content = {"kind": "invoice", "customer_id": customer.pk, "currency": "EUR", "lines": (line,), **changes}
    return create_draft(issuer=customer.issuer, draft=Draft(**content), today=TODAY)


def issued(customer: Customer, **changes) -> Document:
    document = draft(customer, **changes)
    [done] = finalise_drafts(issuer=customer.issuer, document_ids=[document.pk], today=TODAY).done
    return done


def test_written_invoice_is_a_draft_with_its_totals(accountant, ours):
    answer = accountant.post(
        reverse(ADD),
        filled(ours.customer, {"quantity": "2", "details": "2026-03-01; Saiten; 2; 4.50"}, BLANK, save="1"),
        follow=True,
    )
    document = Document.objects.latest("pk")
    assert answer.redirect_chain[-1][0] == reverse("billing-document:inspect", args=[document.pk])
    assert (document.state, document.number) == ("draft", "")
    assert (document.net_minor, document.tax_minor, document.gross_minor) == (2000, 380, 2380)
    [line] = document.lines.all()
    assert line.details == [{"date": "2026-03-01", "text": "Saiten", "quantity": "2", "amount_minor": 450}]


def totals(client, data: dict, document: Document | None = None) -> dict:
    name, args = ("billing-draft:totals_of", [document.pk]) if document else ("billing-draft:totals", [])
    return client.post(reverse(name, args=args), data).json()


def messages_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_totals_are_worked_out_while_one_types(accountant, ours):
    reduced = {"unit_price": "5.35", "tax_code": "reduced", "quantity": "2"}
    answer = totals(accountant, filled(ours.customer, {"unit_price": "119.00"}, reduced, BLANK))
    assert answer["lines"] == {"lines-0": "€119.00", "lines-1": "€10.70"}
    for amount in ("€110.00", "€19.00", "€0.70", "€129.70"):
        assert amount in answer["html"]
    assert not Document.objects.filter(state="draft").exists()


def test_totals_without_tax_add_it(accountant, ours):
    answer = totals(accountant, filled(ours.customer, {"unit_price": "100"}, prices="without"))
    assert "€119.00" in answer["html"]


def test_totals_leave_out_what_is_wrong_and_say_so(accountant, ours):
    answer = totals(accountant, filled(ours.customer, {}, {"unit_price": "ten"}))
    assert answer["lines"] == {"lines-0": "€11.90"}
    assert "Line 2 is not counted yet" in answer["html"]


def test_totals_need_no_customer_yet(accountant, ours):
    assert "€11.90" in totals(accountant, filled(ours.customer, {}, customer=""))["html"]


def test_totals_say_what_the_law_asks_for(accountant, ours):
    Customer.objects.filter(pk=ours.customer.pk).update(street="")
    assert "street of the customer" in totals(accountant, filled(ours.customer, {}))["html"]


def test_totals_of_a_currency_without_decimals(accountant, ours):
    answer = totals(accountant, filled(ours.customer, {"unit_price": "1190"}, currency="JPY"))
    assert answer["lines"] == {"lines-0": "¥1,190"}
    assert "no decimal places" in totals(accountant, filled(ours.customer, {}, currency="JPY"))["html"]


def test_german_numbers_are_understood(accountant, ours):
    UserProfile.objects.create(user=accountant.user, preferred_language="de")
    answer = totals(accountant, filled(ours.customer, {"quantity": "1,5", "unit_price": "1.190,00"}))
    assert "1.785,00" in answer["html"]
    answer = totals(accountant, filled(ours.customer, {"unit_price": "1.190"}))
    assert "1.190,00" in answer["html"]


@pytest.mark.parametrize(
    ("line", "changes", "complaint"),
    [
        ({"unit_price": "ten"}, {}, "Enter a number"),
        ({"unit_price": "9.999"}, {}, "2 decimal places"),
        ({"unit_price": ""}, {}, "required"),
        ({"quantity": "0"}, {}, "more than 0"),
        ({"quantity": "-1"}, {}, "more than 0"),
        ({"quantity": "NaN"}, {}, "Enter a number"),
        ({"description": "x" * 256}, {}, "at most 255"),
        ({"service_start": "2026-03-31", "service_end": "2026-03-01"}, {}, "cannot end before"),
        ({"details": "yesterday; Saiten"}, {}, "Row 1"),
        ({"tax_code": "none"}, {}, "valid choice"),
        ({}, {"currency": "XYZ"}, "XYZ"),
        ({}, {"customer": ""}, "required"),
        ({}, {"finalise_on": "2026-03-30"}, "has passed"),
        ({"unit_price": "-5"}, {}, "total is negative"),
        ({"description": "", "unit_price": ""}, {}, "at least one line"),
    ],
)
def test_wrong_input_is_refused_and_kept_as_typed(line, changes, complaint, accountant, ours):
    before = Document.objects.count()
    data = filled(ours.customer, {"description": "Erste Zeile"}, line, intro="Guten Tag,", **changes)
    if complaint == "at least one line":
        data |= {"lines-0-DELETE": "on"}
    if complaint == "total is negative":
        data |= {"lines-0-unit_price": "1"}
    answer = accountant.post(reverse(ADD), data)
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert "Guten Tag," in answer.content.decode()
    assert Document.objects.count() == before


def test_lines_keep_the_order_people_have_put_them_in(accountant, ours):
    rows = [{"description": "Zweite", "ORDER": 2}, {"description": "Erste", "ORDER": 1}]
    accountant.post(reverse(ADD), filled(ours.customer, *rows, {"description": "Weg", "DELETE": "on"}))
    document = Document.objects.latest("pk")
    assert [line.description for line in document.lines.all()] == ["Erste", "Zweite"]


def test_customer_of_the_address_is_chosen(accountant, ours):
    answer = accountant.get(reverse("billing-draft:add_for", args=[ours.customer.pk]), follow=True)
    assert ours.customer.number in answer.content.decode()
    assert answer.context["form"]["customer"].value() == ours.customer.pk


def test_waiting_booking_is_put_on_a_draft_and_billed_again_when_it_is_deleted(accountant, ours):
    booking = BookingFactory(customer=ours.customer)
    page = accountant.get(reverse("billing-draft:offers"), {"customer": ours.customer.pk})
    assert f'data-billing-booking="{booking.pk}"' in page.content.decode()
    accountant.post(reverse(ADD), filled(ours.customer, {"booking": booking.pk}))
    booking.refresh_from_db()
    assert booking.state == Booking.State.DRAFT
    document = Document.objects.latest("pk")
    accountant.post(reverse("billing-draft:delete", args=[document.pk]))
    booking.refresh_from_db()
    assert booking.state == Booking.State.OPEN
    assert not Document.objects.filter(pk=document.pk).exists()


def test_neighbours_booking_is_refused(accountant, ours, theirs):
    booking = BookingFactory(customer=theirs.customer)
    answer = accountant.post(reverse(ADD), filled(ours.customer, {"booking": booking.pk}))
    assert "billed meanwhile" in answer.content.decode()


def test_deposit_is_taken_off_by_the_final_invoice(accountant, ours):
    accountant.post(reverse(ADD), filled(ours.customer, {}, kind="deposit", issue="1"))
    deposit = Document.objects.get(is_deposit=True)
    assert deposit.state == "issued"
    data = filled(ours.customer, {"unit_price": "119"}, deposits=[deposit.pk])
    assert totals(accountant, data)["html"].count("€107.10") == 1
    accountant.post(reverse(ADD), data)
    final = Document.objects.latest("pk")
    assert final.gross == Money.of("107.10", "EUR")
    page = accountant.get(reverse("billing-draft:edit", args=[final.pk]))
    assert f'value="{deposit.pk}" checked' in page.content.decode()
    accountant.post(reverse("billing-draft:edit", args=[final.pk]), data | {"lines-0-unit_price": "238"})
    final.refresh_from_db()
    assert final.gross == Money.of("226.10", "EUR")


def test_draft_is_written_anew(accountant, ours):
    document = draft(ours.customer)
    page = accountant.get(reverse("billing-draft:edit", args=[document.pk]))
    assert 'value="Stimmgerät"' in page.content.decode()
    data = filled(ours.customer, {"quantity": "3"}, finalise_on="2026-04-02", closing="Danke")
    accountant.post(reverse("billing-draft:edit", args=[document.pk]), data)
    document.refresh_from_db()
    assert document.gross == Money.of("35.70", "EUR")
    assert (document.finalise_on, document.extra) == (date(2026, 4, 2), {"closing": "Danke"})


def test_issued_document_is_no_draft_any_more(accountant, ours):
    document = issued(ours.customer)
    for name in ("edit", "issue", "delete", "preview"):
        answer = accountant.get(reverse(f"billing-draft:{name}", args=[document.pk]))
        assert answer.status_code == 404


def test_saved_and_issued_at_once(accountant, ours):
    answer = accountant.post(reverse(ADD), filled(ours.customer, {}, issue="1"), follow=True)
    document = Document.objects.latest("pk")
    assert (document.state, document.due_on) == ("issued", date(2026, 4, 14))
    assert document.number in messages_of(answer)


def test_what_stands_in_the_way_of_issuing_leaves_a_draft(accountant, ours):
    Customer.objects.filter(pk=ours.customer.pk).update(street="")
    answer = accountant.post(reverse(ADD), filled(ours.customer, {}, issue="1"), follow=True)
    assert "saved, but not issued" in messages_of(answer)
    assert Document.objects.latest("pk").state == "draft"


def test_editor_writes_and_does_not_issue(editor, ours):
    editor.post(reverse(ADD), filled(ours.customer, {}, save="1"))
    document = Document.objects.latest("pk")
    assert document.state == "draft"
    for answer in (
        editor.post(reverse(ADD), filled(ours.customer, {}, issue="1"), follow=True),
        editor.post(reverse("billing-draft:issue", args=[document.pk]), follow=True),
    ):
        assert answer.status_code == 403 or "permission" in messages_of(answer)
    assert "Save and issue" not in editor.get(reverse(ADD)).content.decode()
    assert not Document.objects.filter(state="issued", pk__gte=document.pk).exists()


def test_auditor_looks_and_writes_nothing(auditor, ours):
    document = draft(ours.customer)
    assert auditor.get(reverse("billing-draft:index")).status_code == 200
    for name in ("edit", "delete", "issue"):
        answer = auditor.get(reverse(f"billing-draft:{name}", args=[document.pk]), follow=True)
        assert answer.status_code == 403 or "permission" in messages_of(answer)


@pytest.mark.parametrize("name", ["edit", "issue", "delete", "preview", "totals_of", "offers_of"])
def test_neighbours_draft_is_not_found(name, accountant, ours, theirs):
    document = draft(theirs.customer)
    send = accountant.post if name == "totals_of" else accountant.get
    assert send(reverse(f"billing-draft:{name}", args=[document.pk])).status_code == 404


def test_neighbours_customer_is_neither_chosen_nor_named(accountant, ours, theirs):
    chooser = "billing-customer-chooser"
    found = accountant.get(reverse(f"{chooser}:choose_results"), {"q": "kundin"}).content.decode()
    assert (ours.customer.number in found, theirs.customer.number in found) == (True, False)
    assert accountant.get(reverse(f"{chooser}:chosen", args=[theirs.customer.pk])).status_code == 404
    answer = accountant.post(reverse(ADD), filled(theirs.customer, {}))
    assert answer.status_code == 200
    assert theirs.customer.last_name not in answer.content.decode()
    offers = accountant.get(reverse("billing-draft:offers"), {"customer": theirs.customer.pk})
    assert offers.status_code == 404


def test_pro_forma_becomes_an_invoice_once(accountant, ours):
    pro_forma = issued(ours.customer, kind="pro_forma")
    convert = reverse("billing-draft:convert", args=[pro_forma.pk])
    answer = accountant.post(convert, follow=True)
    invoice = Document.objects.latest("pk")
    assert answer.redirect_chain[-1][0] == reverse("billing-draft:edit", args=[invoice.pk])
    assert (invoice.kind, invoice.based_on) == ("invoice", pro_forma)
    assert "has become" in accountant.post(convert).content.decode()


def test_cancelled_invoice_is_copied_with_todays_address(accountant, ours):
    document = issued(ours.customer)
    cancel_document(document_id=document.pk, reason="Adresse", today=TODAY)
    Customer.objects.filter(pk=ours.customer.pk).update(street="Neue Straße 5")
    accountant.post(reverse("billing-draft:copy", args=[document.pk]))
    copy = Document.objects.latest("pk")
    assert (copy.state, copy.gross) == ("draft", document.gross)
    assert "Neue Straße 5" in copy.recipient_address


def test_list_of_drafts_shows_drafts_only_and_asks_as_often_for_many(
    accountant, ours, django_assert_max_num_queries
):
    draft(ours.customer)
    url = reverse("billing-draft:index")
    accountant.get(url)
    with django_assert_max_num_queries(40) as few:
        page = accountant.get(url).content.decode()
    assert ours.open.number not in page
    for _n in range(8):
        draft(ours.customer)
    with django_assert_max_num_queries(40) as many:
        accountant.get(url)
    assert len(many) <= len(few)


def test_totals_ask_as_often_for_many_lines_as_for_few(accountant, ours, django_assert_max_num_queries):
    totals(accountant, filled(ours.customer, {}))
    with django_assert_max_num_queries(30) as few:
        totals(accountant, filled(ours.customer, {}))
    with django_assert_max_num_queries(30) as many:
        totals(accountant, filled(ours.customer, *[{}] * 40))
    assert len(many) == len(few)


def test_details_come_back_as_they_were_typed():
    text = "2026-03-01; Saiten; 2; 4.50\nStimmen\n; Anfahrt; ; 10.00"
    details = parse_details(text, "EUR")
    assert [row["text"] for row in details] == ["Saiten", "Stimmen", "Anfahrt"]
    assert parse_details(details_text(details, "EUR"), "EUR") == details


def test_issuers_terms_are_kept(accountant, ours):
    url = reverse("billing-issuer:edit", args=[ours.issuer.pk])
    form = accountant.get(url).context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    data |= {"write_off_limit": "75.50", "draft_days": "3", "grouping": "customer"}
    data |= {"groups": [group.pk for group in ours.issuer.groups.all()], "sites": []}
    answer = accountant.post(url, {name: value for name, value in data.items() if value != ""})
    assert answer.status_code == 302, answer.context["form"].errors
    ours.issuer.refresh_from_db()
    assert ours.issuer.write_off_limit == Money.of("75.50", "EUR")
    assert (ours.issuer.draft_days, ours.issuer.grouping) == (3, "customer")
