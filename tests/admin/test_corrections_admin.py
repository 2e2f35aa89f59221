"""Correcting an invoice in part, and cancelling it, in the admin."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from cms_billing.core.money import Money
from cms_billing.faktura import goods
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.services import cancel_document, create_draft, finalise_drafts

from .conftest import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(ours) -> Document:
    return sold(ours.customer)


def sold(customer: Customer) -> Document:
    """Two books at 10.70 and postage of 4.90."""
    lines = (
        DraftLine("Notenbuch", 1070, "reduced", Decimal(0), quantity=Decimal(2)),
        DraftLine("Versand", 490, "standard", Decimal(0)),
    )
    draft = Draft(kind="invoice", customer_id=customer.pk, currency="EUR", lines=lines)
    document = create_draft(issuer=customer.issuer, draft=draft, today=TODAY)
    [done] = finalise_drafts(issuer=customer.issuer, document_ids=[document.pk], today=TODAY).done
    return done


@pytest.fixture
def stocked(monkeypatch, books):
    """The shop says that the books are goods from stock."""
    book = books.lines.get(position=1).pk
    monkeypatch.setattr(goods, "_stock_notes", [lambda ids: {pk: "2 shipped" for pk in ids if pk == book}])


def filled(document: Document, *lines: dict, **changes) -> dict:
    data = {"reason": "ein Buch zurück"}
    for line, said in zip(document.lines.all(), lines, strict=False):
        data |= {f"line-{line.pk}-{name}": value for name, value in said.items()}
    return {**data, **changes}


def credit(client, document: Document, *lines: dict, **changes):
    url = reverse("billing-correction:credit", args=[document.pk])
    return client.post(url, filled(document, *lines, **changes), follow=True)


def totals(client, document: Document, *lines: dict) -> dict:
    url = reverse("billing-correction:totals", args=[document.pk])
    return client.post(url, filled(document, *lines)).json()


def messages_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def corrections(document: Document) -> list[Document]:
    return list(document.corrections.order_by("pk"))


def test_one_of_two_books_is_credited(accountant, books):
    answer = credit(accountant, books, {"quantity": "1"})
    [correction] = corrections(books)
    assert (correction.kind, correction.gross) == ("credit_note", Money.of("-10.70", "EUR"))
    assert correction.extra["reason"] == "ein Buch zurück"
    assert correction.number in messages_of(answer)
    books.open_item.refresh_from_db()
    assert books.open_item.open_amount == Money.of("15.60", "EUR")


def test_price_of_a_line_is_reduced(accountant, books):
    credit(accountant, books, {}, {"amount": "1.90"})
    [correction] = corrections(books)
    assert (correction.gross_minor, correction.tax_minor) == (-190, -30)


def test_totals_of_the_correction_are_live(accountant, books):
    answer = totals(accountant, books, {"quantity": "1"}, {"amount": "1.90"})
    book, postage = (line.pk for line in books.lines.all())
    assert answer["lines"] == {f"line-{book}": "-€10.70", f"line-{postage}": "-€1.90"}
    assert "-€12.60" in answer["html"]
    assert corrections(books) == []


def test_totals_say_what_is_too_much(accountant, books):
    assert "Only 2 of 2 are left to credit" in totals(accountant, books, {"quantity": "3"})["html"]


@pytest.mark.parametrize(
    ("line", "changes", "complaint"),
    [
        ({"quantity": "3"}, {}, "Only 2 of 2 are left to credit"),
        ({"quantity": "-1"}, {}, "greater than or equal to 0"),
        ({"quantity": "one"}, {}, "Enter a number"),
        ({"amount": "21.41"}, {}, "Only €21.40 are left to credit"),
        ({"quantity": "1", "amount": "1"}, {}, "not both at once"),
        ({"quantity": "1"}, {"reason": ""}, "required"),
        ({}, {}, "Say which lines"),
    ],
)
def test_wrong_input_is_refused_and_kept_as_typed(line, changes, complaint, accountant, books):
    answer = credit(accountant, books, line, {"amount": "0.50"} if line else {}, **changes)
    assert complaint in answer.content.decode()
    if line:
        assert 'value="0.50"' in answer.content.decode()
    assert corrections(books) == []


def test_second_return_of_the_same_books_is_refused(accountant, books):
    """Also where the form was open while somebody else credited them: nothing of it is issued."""
    credit(accountant, books, {"quantity": "2"})
    answer = credit(accountant, books, {"quantity": "1"}, {"amount": "0.10"})
    assert "2 of 2 have been credited" in answer.content.decode()
    assert len(corrections(books)) == 1
    credit(accountant, books, {}, {"amount": "0.10"})
    assert corrections(books)[1].gross == Money.of("-0.10", "EUR")


def test_nothing_left_leads_back_with_the_reason(accountant, books):
    credit(accountant, books, {"quantity": "2"}, {"quantity": "1"})
    answer = accountant.get(reverse("billing-correction:credit", args=[books.pk]), follow=True)
    assert "all of its lines have been credited" in messages_of(answer)
    assert answer.redirect_chain[-1][0] == reverse("billing-document:inspect", args=[books.pk])


def test_cancelled_invoice_is_not_corrected(accountant, books):
    cancel_document(document_id=books.pk, reason="Adresse", today=TODAY)
    answer = accountant.get(reverse("billing-correction:credit", args=[books.pk]), follow=True)
    assert "has been cancelled already" in messages_of(answer)


@pytest.mark.parametrize(("switch", "restock"), [({"restock": "on"}, True), ({}, False)])
def test_goods_go_back_into_stock_unless_damaged(switch, restock, accountant, books, stocked):
    page = accountant.get(reverse("billing-correction:credit", args=[books.pk])).content.decode()
    assert page.count("Goods go back into stock") == 1
    assert "2 shipped" in page
    credit(accountant, books, {"quantity": "1", **switch})
    [correction] = corrections(books)
    assert correction.lines.get().restock is restock


def test_cancelling_names_the_damaged_goods(accountant, books, stocked):
    url = reverse("billing-document:cancel", args=[books.pk])
    page = accountant.get(url).content.decode()
    assert "2 × Notenbuch (2 shipped)" in page
    accountant.post(url, {"reason": "alles zurück", "then": "void", "restock": []})
    [cancellation] = corrections(books)
    by_name = {line.description: line.restock for line in cancellation.lines.all()}
    assert by_name == {"Notenbuch": False, "Versand": True}


def test_cancelling_what_is_not_in_stock_asks_no_such_question(accountant, books):
    page = accountant.get(reverse("billing-document:cancel", args=[books.pk])).content.decode()
    assert "back into stock" not in page


@pytest.mark.parametrize("name", ["credit", "totals"])
def test_neighbours_invoice_is_not_found(name, accountant, theirs):
    document = sold(theirs.customer)
    assert accountant.post(reverse(f"billing-correction:{name}", args=[document.pk])).status_code == 404


def test_who_may_only_look_or_write_corrects_nothing(auditor, editor, books):
    for client in (auditor, editor):
        answer = credit(client, books, {"quantity": "1"})
        assert answer.status_code == 403 or "permission" in messages_of(answer)
    assert corrections(books) == []


def test_form_asks_as_often_for_many_lines_as_for_few(accountant, ours, django_assert_max_num_queries):
    few, many = sold(ours.customer), _with_lines(ours.customer, 40)
    accountant.get(reverse("billing-correction:credit", args=[few.pk]))
    with django_assert_max_num_queries(40) as of_few:
        accountant.get(reverse("billing-correction:credit", args=[few.pk]))
    with django_assert_max_num_queries(40) as of_many:
        accountant.get(reverse("billing-correction:credit", args=[many.pk]))
    assert len(of_few) == len(of_many)


def _with_lines(customer: Customer, count: int) -> Document:
    line = DraftLine("Saite", 100, "standard", Decimal(0))
    draft = Draft(kind="invoice", customer_id=customer.pk, currency="EUR", lines=(line,) * count)
    document = create_draft(issuer=customer.issuer, draft=draft, today=TODAY)
    [done] = finalise_drafts(issuer=customer.issuer, document_ids=[document.pk], today=TODAY).done
    return done
