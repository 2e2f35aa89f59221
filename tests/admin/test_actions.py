"""What people do in the admin, end to end: form, service, books, message."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import Q
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Customer, Document, Issuer, NumberSeries, OpenItem, Rendering
from cms_billing.faktura.services import account_balance, issue_next_invoices
from cms_billing.memberships.models import Contract, Plan
from cms_billing.payments.models import Payment
from cms_billing.testing.factories import BookingFactory, CustomerFactory

from .conftest import TODAY

pytestmark = pytest.mark.django_db


def messages_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def record(client, document: Document, **data) -> object:
    form = {"amount": "9.90", "received_on": "2026-03-31", "way": "transfer", "note": "", **data}
    return client.post(reverse("billing-payment:record_for_document", args=[document.pk]), form, follow=True)


def test_recording_a_payment_starts_with_the_open_amount(accountant, ours):
    page = accountant.get(reverse("billing-payment:record_for_document", args=[ours.open.pk]))
    assert page.context["form"].initial["amount"] == Money.of("9.90", "EUR")
    assert 'value="9.90"' in page.content.decode()


def test_recorded_payment_settles_the_document(accountant, ours):
    answer = record(accountant, ours.open)
    assert answer.redirect_chain[-1][0] == reverse("billing-document:inspect", args=[ours.open.pk])
    ours.open.open_item.refresh_from_db()
    assert ours.open.open_item.open_minor == 0
    assert Payment.objects.latest("pk").way == "transfer"


def test_recorded_payment_may_deviate_in_amount_date_and_way(accountant, ours):
    record(accountant, ours.open, amount="4.00", received_on="2026-03-01", way="cash")
    item = OpenItem.objects.get(pk=ours.open.pk)
    assert item.open_amount == Money.of("5.90", "EUR")
    assert Payment.objects.latest("pk").received_on == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"amount": "-5"}, "at least"),
        ({"amount": "0"}, "at least"),
        ({"amount": "9.999"}, "2 decimal places"),
        ({"amount": "99999999999999"}, "cannot be meant"),
        ({"amount": "1e400"}, "cannot be meant"),
        ({"amount": "NaN"}, "Enter a number"),
        ({"amount": "ten"}, "Enter a number"),
        ({"amount": ""}, "required"),
        ({"received_on": "2026-04-01"}, "still to come"),
        ({"received_on": "1926-03-31"}, "too long ago"),
        ({"received_on": "2026-02-30"}, "valid date"),
        ({"way": "seashells"}, "not one of the available choices"),
    ],
)
def test_implausible_payment_is_refused_with_a_reason(data, complaint, accountant, ours):
    before = Payment.objects.count()
    answer = record(accountant, ours.open, **data)
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert Payment.objects.count() == before


def test_settled_document_takes_no_second_payment(accountant, ours):
    answer = accountant.get(reverse("billing-payment:record_for_document", args=[ours.paid.pk]), follow=True)
    assert "is settled" in messages_of(answer)


def test_payment_of_a_customer_settles_the_oldest_first(accountant, ours):
    form = {"amount": "15.00", "received_on": "2026-03-31", "way": "transfer"}
    accountant.post(reverse("billing-payment:record", args=[ours.customer.pk]), form)
    left = OpenItem.objects.open().filter(customer=ours.customer)
    assert [item.open_minor for item in left] == [480]


def test_chargeback_reopens_what_was_settled(accountant, ours):
    form = {"day": "2026-03-31", "reason": "AC04 account closed"}
    accountant.post(reverse("billing-payment:charge_back", args=[ours.payment.pk]), form)
    ours.payment.refresh_from_db()
    assert ours.payment.state == Payment.State.CHARGED_BACK
    assert OpenItem.objects.get(pk=ours.paid.pk).open_minor == 990


@pytest.mark.parametrize("day", ["2026-04-01", "2026-03-30", "soon"])
def test_chargeback_on_an_impossible_day_is_refused(day, accountant, ours):
    form = {"day": day, "reason": "AC04"}
    answer = accountant.post(reverse("billing-payment:charge_back", args=[ours.payment.pk]), form)
    assert answer.context["form"].errors["day"]


@pytest.mark.parametrize(("then", "state"), [("again", "open"), ("void", "void")])
def test_cancelling_says_what_becomes_of_the_bookings(then, state, accountant, ours):
    url = reverse("billing-document:cancel", args=[ours.open.pk])
    answer = accountant.post(url, {"reason": "wrong address", "then": then}, follow=True)
    cancellation = Document.objects.get(corrects=ours.open)
    assert cancellation.number in messages_of(answer)
    assert Booking.objects.get(document_lines__document=ours.open).state == state
    assert account_balance(customer_id=ours.customer.pk, currency="EUR") == Money.of("9.90", "EUR")


def test_cancelled_document_is_not_cancelled_again(accountant, ours):
    url = reverse("billing-document:cancel", args=[ours.open.pk])
    accountant.post(url, {"reason": "wrong address", "then": "void"})
    answer = accountant.post(url, {"reason": "once more", "then": "void"}, follow=True)
    assert "cancelled already" in messages_of(answer)
    assert ours.open.corrections.count() == 1


def test_cancelling_needs_a_reason(accountant, ours):
    answer = accountant.post(
        reverse("billing-document:cancel", args=[ours.open.pk]), {"reason": " ", "then": "void"}
    )
    assert answer.context["form"].errors["reason"]


def test_new_contract_is_signed_at_the_plans_price(editor, ours):
    found = editor.post(reverse("billing-contract:new"), {"customer": ours.customer.number})
    assert found.url == reverse("billing-contract:sign", args=[ours.customer.pk])
    editor.post(found.url, {"plan": ours.plan.pk, "start": "2026-04-15"})
    contract = Contract.objects.latest("pk")
    assert (contract.state, contract.start) == (Contract.State.PENDING, date(2026, 4, 15))
    assert contract.lines.get().price == Money.of("9.90", "EUR")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"start": "1026-04-15"}, "Check the year"),
        ({"start": "2126-04-15"}, "Check the year"),
        ({"end": "2026-04-01"}, "before it starts"),
        ({"next_due": "2026-04-01"}, "lies before the start"),
        ({"price": "-1"}, "cannot be negative"),
        ({"price": "1.005"}, "2 decimal places"),
    ],
)
def test_implausible_contract_is_refused_with_a_reason(data, complaint, editor, ours):
    before = Contract.objects.count()
    form = {"plan": ours.plan.pk, "start": "2026-04-15", **data}
    answer = editor.post(reverse("billing-contract:sign", args=[ours.customer.pk]), form)
    assert complaint in answer.content.decode()
    assert Contract.objects.count() == before


def test_neighbours_plan_cannot_be_sold(editor, ours, theirs):
    form = {"plan": theirs.plan.pk, "start": "2026-04-15"}
    answer = editor.post(reverse("billing-contract:sign", args=[ours.customer.pk]), form)
    assert answer.context["form"].errors["plan"]


def test_neighbours_customer_is_not_found_for_a_contract(editor, ours, theirs):
    answer = editor.post(reverse("billing-contract:new"), {"customer": theirs.customer.number})
    assert "no such customer" in answer.content.decode()


def test_terminating_a_contract(editor, ours):
    form = {"last_day": "2026-04-29", "reason": "moved away"}
    editor.post(reverse("billing-contract:terminate", args=[ours.contract.pk]), form)
    ours.contract.refresh_from_db()
    assert (ours.contract.state, ours.contract.end) == (Contract.State.TERMINATED, date(2026, 4, 29))


def test_contract_cannot_have_ended_yesterday(editor, ours):
    form = {"last_day": "2026-03-30", "reason": ""}
    answer = editor.post(reverse("billing-contract:terminate", args=[ours.contract.pk]), form)
    assert "cannot end on" in answer.content.decode()


def test_sold_plan_is_not_deleted_and_the_page_says_what_to_do(accountant, ours):
    url = reverse("billing-plan:delete", args=[ours.plan.pk])
    page = accountant.get(url).content.decode()
    assert "used by 1 contract" in page
    assert "Take it off sale instead" in page
    answer = accountant.post(url, follow=True)
    assert "Take it off sale instead" in messages_of(answer)
    assert Plan.objects.filter(pk=ours.plan.pk).exists()


@pytest.mark.parametrize("row", ["customer", "issuer", "series"])
def test_what_has_documents_is_not_deleted(row, accountant, ours):
    target = getattr(ours, row)
    namespace = {
        "customer": "billing-customer",
        "issuer": "billing-issuer",
        "series": "billing-numberseries",
    }[row]
    answer = accountant.post(reverse(f"{namespace}:delete", args=[target.pk]), follow=True)
    assert "cannot be deleted" in messages_of(answer)
    assert type(target).objects.filter(pk=target.pk).exists()


def test_unused_plan_is_deleted(accountant, ours):
    plan = Plan.objects.create(issuer=ours.issuer, code="idle", name="Idle")
    accountant.post(reverse("billing-plan:delete", args=[plan.pk]))
    assert not Plan.objects.filter(pk=plan.pk).exists()


def test_failed_mail_is_tried_again(accountant, ours):
    form = {"label": ours.failed._meta.label, "pk": ours.failed.pk}
    accountant.post(reverse("billing_retry"), form)
    ours.failed.refresh_from_db()
    assert (ours.failed.work_state, ours.failed.attempts) == ("pending", 0)


def test_neighbours_failed_mail_is_not_tried_again(accountant, ours, theirs):
    form = {"label": theirs.failed._meta.label, "pk": theirs.failed.pk}
    assert accountant.post(reverse("billing_retry"), form).status_code == 404
    accountant.post(reverse("billing_retry"))
    theirs.failed.refresh_from_db()
    assert theirs.failed.work_state == "failed"


@pytest.mark.parametrize(
    "form", [{"label": "auth.User", "pk": "1"}, {"label": "x", "pk": "y"}, {"label": "", "pk": "1"}]
)
def test_only_outside_work_is_tried_again(form, accountant):
    assert accountant.post(reverse("billing_retry"), form).status_code == 404


def test_run_is_started_for_own_issuers_only(accountant, ours, theirs):
    answer = accountant.post(reverse("billing_start_run"), {"issuer": ours.issuer.pk})
    assert answer.url == reverse("billing-dailyrun:inspect", args=[ours.run.pk])
    answer = accountant.post(reverse("billing_start_run"), {"issuer": theirs.issuer.pk})
    assert answer.context["form"].errors["issuer"]


def test_preview_lists_what_a_day_brings_and_writes_nothing(accountant, ours):
    before = Booking.objects.count()
    answer = accountant.get(reverse("billing_preview"), {"issuer": ours.issuer.pk, "day": "2026-04-30"})
    page = answer.content.decode()
    assert ours.contract.number in page
    assert "€9.90" in page
    assert Booking.objects.count() == before


@pytest.mark.parametrize("day", ["2026-03-30", "31.31.2026", ""])
def test_preview_of_no_day_to_come_is_refused(day, accountant, ours):
    answer = accountant.get(reverse("billing_preview"), {"issuer": ours.issuer.pk, "day": day})
    assert answer.context["form"].errors["day"]


def test_todo_list_shows_what_waits(accountant, ours):
    page = accountant.get(reverse("billing_todo")).content.decode()
    assert "The street is missing." in page
    assert "550 User unknown" in page


def archived(document: Document) -> Document:
    """As the rendering step leaves it."""
    outbox.drain(Rendering, now=clock.now(), only=Q(document=document))
    return document


def test_pdf_is_served_from_the_archive(accountant, ours):
    assert accountant.get(reverse("billing-document:pdf", args=[ours.open.pk])).status_code == 404
    answer = accountant.get(reverse("billing-document:pdf", args=[archived(ours.open).pk]))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")


def test_neighbours_pdf_does_not_exist(accountant, theirs):
    url = reverse("billing-document:pdf", args=[archived(theirs.open).pk])
    assert accountant.get(url).status_code == 404


def test_archived_document_is_sent_again(editor, ours):
    url = reverse("billing-document:send_again", args=[archived(ours.open).pk])
    assert editor.get(url).context["form"].initial["to"] == ours.customer.email
    editor.post(url, {"to": "new@example.org"})
    assert ours.open.deliveries.latest("pk").to == "new@example.org"


def test_document_without_address_goes_by_post_and_is_ticked_off(editor, ours):
    customer = CustomerFactory(issuer=ours.issuer, email="", last_name="Ohnemail")
    BookingFactory(customer=customer, due_on=TODAY)
    [document] = issue_next_invoices(issuer=ours.issuer, today=TODAY).done
    assert waiting_for_post(editor) == []
    archived(document)
    assert waiting_for_post(editor) == [document]
    editor.post(reverse("billing_posted", args=[document.pk]))
    assert waiting_for_post(editor) == []


def waiting_for_post(client) -> list[Document]:
    sections = client.get(reverse("billing_todo")).context["sections"]
    return next(section.rows for section in sections if section.title == "To send by post")


def numbers_form(series: NumberSeries, **data) -> dict:
    return {"format": series.format, "next_number": series.next_number, **data}


def test_used_series_keeps_its_next_number(accountant, ours):
    url = reverse("billing-numberseries:edit", args=[ours.series.pk])
    accountant.post(url, numbers_form(ours.series, next_number=1, format="R-{year}-{number:05}"))
    ours.series.refresh_from_db()
    assert (ours.series.next_number, ours.series.format) == (4, "R-{year}-{number:05}")


def test_unused_series_may_begin_anywhere(accountant, ours):
    series = NumberSeries.objects.create(
        issuer=ours.issuer, kind="credit_note", year=2026, format="RK-{year}-{number}"
    )
    accountant.post(
        reverse("billing-numberseries:edit", args=[series.pk]), numbers_form(series, next_number=500)
    )
    series.refresh_from_db()
    assert series.next_number == 500


@pytest.mark.parametrize(
    "pattern", ["RE-{number}", "RE-{year}", "{year}-{number!r}", "{year}-{number", "ST-{year}-{number:06}"]
)
def test_number_format_that_would_repeat_is_refused(pattern, accountant, ours):
    NumberSeries.objects.create(
        issuer=ours.issuer, kind="cancellation", year=2026, format="ST-{year}-{number:06}"
    )
    url = reverse("billing-numberseries:edit", args=[ours.series.pk])
    answer = accountant.post(url, numbers_form(ours.series, format=pattern))
    assert answer.context["form"].errors["format"]


@pytest.mark.parametrize("body", ["{nmae}", "{name.__class__}", "{name!r}", "{0}"])
def test_unknown_placeholder_in_a_mail_is_refused(body, accountant, ours):
    url = reverse("billing-mailtext:edit", args=[ours.mail_text.pk])
    form = {
        "issuer": ours.issuer.pk,
        "purpose": "invoice",
        "language": "de",
        "subject": "Rechnung {number}",
        "body": body,
    }
    assert accountant.post(url, form).context["form"].errors["body"]


def customer_form(issuer: Issuer, **data) -> dict:
    return {
        "issuer": issuer.pk,
        "number": "",
        "kind": "consumer",
        "last_name": "Neu",
        "country": "DE",
        "language": "de",
        **data,
    }


def test_new_customer_gets_a_number(editor, ours):
    editor.post(reverse("billing-customer:add"), customer_form(ours.issuer))
    customer = Customer.objects.get(last_name="Neu")
    assert customer.number == f"K-{customer.pk:06}"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"last_name": ""}, "last_name"),
        ({"country": "XX"}, "country"),
        ({"email": "nobody"}, "email"),
        ({"vat_id": "DE123"}, "vat_id"),
        ({"account": "nobody@example.org"}, "account"),
    ],
)
def test_implausible_customer_is_refused(data, field, editor, ours):
    answer = editor.post(reverse("billing-customer:add"), customer_form(ours.issuer, **data))
    assert answer.context["form"].errors[field]


def test_customer_cannot_be_added_to_a_neighbour(editor, ours, theirs):
    answer = editor.post(reverse("billing-customer:add"), customer_form(theirs.issuer))
    assert answer.context["form"].errors["issuer"]


def plan_form(plan: Plan, **data) -> dict:
    price = plan.prices.get()
    return {
        "issuer": plan.issuer_id,
        "name": plan.name,
        "code": plan.code,
        "kind": "membership",
        "interval": "monthly",
        "instalments": "1",
        "tax_code": "standard",
        "is_active": "on",
        "prices-TOTAL_FORMS": "2",
        "prices-INITIAL_FORMS": "1",
        "prices-MIN_NUM_FORMS": "1",
        "prices-MAX_NUM_FORMS": "1000",
        "prices-0-id": price.pk,
        "prices-0-valid_from": "2000-01-01",
        "prices-0-amount": "9.90",
        "prices-0-currency": "EUR",
        "prices-0-includes_tax": "on",
        "prices-0-DELETE": "",
        "prices-1-id": "",
        "prices-1-valid_from": "2026-05-01",
        "prices-1-amount": "12.50",
        "prices-1-currency": "EUR",
        "prices-1-includes_tax": "on",
        "prices-1-DELETE": "",
        **data,
    }


def test_prices_are_written_as_people_write_them(editor, ours):
    editor.post(reverse("billing-plan:edit", args=[ours.plan.pk]), plan_form(ours.plan))
    assert [str(price.amount) for price in ours.plan.prices.order_by("valid_from")] == [
        "9.90 EUR",
        "12.50 EUR",
    ]


def test_price_in_a_currency_without_decimals(editor, ours):
    form = plan_form(ours.plan, **{"prices-1-amount": "1500", "prices-1-currency": "JPY"})
    editor.post(reverse("billing-plan:edit", args=[ours.plan.pk]), form)
    assert ours.plan.prices.get(currency="JPY").amount_minor == 1500


@pytest.mark.parametrize(
    "data",
    [
        {"prices-1-amount": "-1"},
        {"prices-1-amount": "1.005"},
        {"prices-1-amount": "999999999999999999"},
        {"prices-1-currency": "XQX"},
        {"prices-1-valid_from": "2026-13-01"},
        {"prices-1-valid_from": "2000-01-01"},
        {"interval": "instalments", "instalments": "1"},
        {"instalments": "0"},
        {"prices-0-DELETE": "1", "prices-1-DELETE": "1"},
    ],
)
def test_implausible_plan_is_refused(data, editor, ours):
    answer = editor.post(reverse("billing-plan:edit", args=[ours.plan.pk]), plan_form(ours.plan, **data))
    assert answer.status_code == 200
    assert ours.plan.prices.count() == 1


def test_issuers_page_names_what_is_missing_for_a_lawful_invoice(accountant, ours):
    Issuer.objects.filter(pk=ours.issuer.pk).update(tax_number="", vat_id="")
    for name in ("billing-issuer:edit", "billing-issuer:inspect"):
        page = accountant.get(reverse(name, args=[ours.issuer.pk])).content.decode()
        assert "tax number or VAT id of the issuer" in page


def test_history_shows_who_did_what(accountant, ours):
    record(accountant, ours.open)
    payment = Payment.objects.latest("pk")
    page = accountant.get(reverse("billing-payment:history", args=[payment.pk])).content.decode()
    assert "Payment recorded" in page
