"""Settling with credit, writing off and account statements in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core.money import Money
from cms_billing.faktura.models import Document, LedgerEntry, OpenItem
from cms_billing.faktura.services import can_settle, issue_next_invoices
from cms_billing.payments.services import record_payment
from cms_billing.testing.factories import BookingFactory

from .conftest import TODAY, Business

pytestmark = pytest.mark.django_db


def messages_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def debts_and_credit(business: Business) -> list[OpenItem]:
    """80.20 of credit and three open items of 40.00."""
    customer = business.customer
    record_payment(
        customer_id=customer.pk,
        amount=Money.of("100.00", "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
    )
    for _each in range(3):
        BookingFactory(customer=customer, unit_price_minor=4000, period_start=TODAY, period_end=TODAY)
        assert issue_next_invoices(issuer=business.issuer, today=TODAY).done
    return list(OpenItem.objects.open().filter(customer=customer).order_by("pk"))


def settle(client, business: Business, order: dict[int, object], **data):
    form = {f"item_{pk}": place for pk, place in order.items()}
    url = reverse("billing_settle", args=[business.customer.pk])
    return client.post(url, {**form, **data}, follow=True)


def test_preview_shows_the_oldest_first_and_what_stays_on_the_account(accountant, ours):
    items = debts_and_credit(ours)
    page = accountant.get(reverse("billing_settle", args=[ours.customer.pk]))
    plan = page.context["preview"].rows
    assert [(item.pk, part.minor) for item, part in plan] == [
        (items[0].pk, 4000),
        (items[1].pk, 4000),
        (items[2].pk, 20),
    ]
    assert "Credit €80.20, of which €80.20 are used" in page.content.decode()


def test_settling_is_offered_to_those_with_credit_and_debts(accountant, ours):
    page = reverse("billing-customer:inspect", args=[ours.customer.pk])
    settle_url = reverse("billing_settle", args=[ours.customer.pk])
    assert settle_url not in accountant.get(page).content.decode()
    debts_and_credit(ours)
    assert settle_url in accountant.get(page).content.decode()


def test_page_of_a_customer_costs_the_same_however_much_they_owe(accountant, ours):
    page = reverse("billing-customer:inspect", args=[ours.customer.pk])
    debts_and_credit(ours)
    accountant.get(page)
    with CaptureQueriesContext(connection) as few:
        accountant.get(page)
    for _each in range(4):
        BookingFactory(customer=ours.customer, unit_price_minor=4000, period_start=TODAY, period_end=TODAY)
        assert issue_next_invoices(issuer=ours.issuer, today=TODAY).done
    with CaptureQueriesContext(connection) as more:
        accountant.get(page)
    assert len(more) == len(few)


def test_whether_there_is_something_to_settle_loads_no_items(ours):
    debts_and_credit(ours)
    with CaptureQueriesContext(connection) as captured:
        assert can_settle(customer_id=ours.customer.pk)
    assert len(captured) <= 5
    assert not any('"due_on"' in query["sql"] for query in captured)


def test_chosen_items_are_settled_in_the_order_of_their_numbers(accountant, ours):
    first, second, third = debts_and_credit(ours)
    order = {first.pk: "", second.pk: 2, third.pk: 1}
    page = settle(accountant, ours, order, preview="1")
    assert [item.pk for item, _part in page.context["preview"].rows] == [third.pk, second.pk]
    assert not LedgerEntry.objects.filter(kind="transfer").exists()
    answer = settle(accountant, ours, order)
    assert "€80.00 of the credit" in messages_of(answer)
    open_items = dict(OpenItem.objects.open().values_list("pk", "open_minor"))
    assert open_items == {first.pk: 4000}


@pytest.mark.parametrize("order", ["none", "zero", "words"])
def test_nonsense_numbers_settle_nothing(accountant, ours, order):
    items = debts_and_credit(ours)
    value = {"none": "", "zero": 0, "words": "first"}[order]
    answer = settle(accountant, ours, {item.pk: value for item in items})
    assert answer.context["form"].errors
    assert not LedgerEntry.objects.filter(kind="transfer").exists()


def test_settling_without_credit_leads_back_with_the_reason(accountant, ours):
    url = reverse("billing_settle", args=[ours.customer.pk])
    assert "has no credit" in messages_of(accountant.get(url, follow=True))


def write_off(client, document: Document, **data):
    form = {"amount": "9.90", "reason": "uncollectable", "note": "", **data}
    return client.post(reverse("billing_write_off", args=[document.pk]), form, follow=True)


def test_write_off_starts_with_the_open_amount_and_names_the_limit(accountant, ours):
    page = accountant.get(reverse("billing_write_off", args=[ours.open.pk]))
    assert page.context["form"].initial["amount"] == Money.of("9.90", "EUR")
    assert "€9.90 are open. You may write off up to €50.00 of this document." in page.content.decode()


def test_write_off_settles_the_document_and_says_why_in_its_language(accountant, ours):
    answer = write_off(accountant, ours.open, note="Kleinbetrag")
    assert "are written off" in messages_of(answer)
    entry = LedgerEntry.objects.get(kind="write_off")
    assert (entry.amount_minor, entry.note.endswith(": Kleinbetrag")) == (-990, True)
    assert OpenItem.objects.get(pk=ours.open.pk).open_minor == 0
    assert "owed nothing" in messages_of(
        accountant.get(reverse("billing_write_off", args=[ours.open.pk]), follow=True)
    )


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"amount": "9.91"}, "cannot be meant"),
        ({"amount": "0"}, "at least"),
        ({"reason": "other"}, "Say which reason"),
        ({"reason": "mood"}, "not one of the available choices"),
    ],
)
def test_wrong_write_off_is_refused(accountant, ours, data, complaint):
    answer = write_off(accountant, ours.open, **data)
    assert complaint in answer.content.decode()
    assert not LedgerEntry.objects.filter(kind="write_off").exists()


def test_limit_counts_all_write_offs_of_a_document_together(accountant, ours):
    ours.issuer.write_off_limit_minor = 500
    ours.issuer.save(update_fields=["write_off_limit_minor"])
    write_off(accountant, ours.open, amount="3.00")
    answer = write_off(accountant, ours.open, amount="2.01")
    assert "needs somebody who may write off without limit" in answer.content.decode()
    write_off(accountant, ours.open, amount="2.00")
    assert OpenItem.objects.get(pk=ours.open.pk).open_minor == 490
    accountant.user.user_permissions.add(Permission.objects.get(codename="write_off_without_limit"))
    write_off(accountant, ours.open, amount="4.90")
    assert OpenItem.objects.get(pk=ours.open.pk).open_minor == 0


def test_statement_is_previewed_issued_and_opened(accountant, ours):
    url = reverse("billing_statement", args=[ours.customer.pk])
    page = accountant.get(url)
    assert [row["amount_minor"] for row in page.context["preview"].rows] == [990, 990, 990, -990]
    data = {"since": "2026-03-01", "until": "2026-03-31", "currency": "EUR"}
    accountant.post(url, {**data, "preview": "1"})
    assert not Document.objects.filter(kind="account_statement").exists()
    answer = accountant.post(url, data, follow=True)
    statement = Document.objects.get(kind="account_statement")
    assert answer.redirect_chain[-1][0] == reverse("billing-document:inspect", args=[statement.pk])
    assert statement.extra["statement"]["closing_minor"] == 1980


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"until": "2026-04-01"}, "still to come"),
        ({"since": "2026-03-31", "until": "2026-03-01"}, "ends after it has begun"),
        ({"currency": "USD"}, "not one of the available choices"),
    ],
)
def test_statement_of_an_impossible_time_is_refused(accountant, ours, data, complaint):
    url = reverse("billing_statement", args=[ours.customer.pk])
    form = {"since": "2026-01-01", "until": "2026-03-31", "currency": "EUR", **data}
    answer = accountant.post(url, form)
    assert complaint in str(answer.context["form"].errors)


PAGES = [("billing_settle", "customer"), ("billing_statement", "customer"), ("billing_write_off", "open")]


@pytest.mark.parametrize(("name", "row"), PAGES)
def test_neighbours_rows_are_not_there(accountant, ours, theirs, name, row):
    url = reverse(name, args=[getattr(theirs, row).pk])
    assert accountant.get(url).status_code == 404
    assert accountant.post(url, {}).status_code == 404


@pytest.mark.parametrize(("name", "row"), PAGES)
def test_auditors_settle_and_write_off_nothing(auditor, ours, name, row):
    url = reverse(name, args=[getattr(ours, row).pk])
    assert auditor.get(url).url == reverse("wagtailadmin_home")
