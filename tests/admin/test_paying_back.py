"""Paying back in the admin: forms, lists, the page of transfers, and who may not."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import Document, LedgerEntry
from cms_billing.faktura.services import cancel_document
from cms_billing.payments.models import Payment, Refund
from cms_billing.payments.services import collect_due, refund_customer
from cms_billing.testing.factories import PaymentMethodFactory
from cms_billing.testing.models import FakeBehaviour, FakeRefund

from .conftest import TODAY, Business

pytestmark = pytest.mark.django_db
IBAN = "DE02 1203 0000 0000 2020 51"


def messages_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def give_credit(business: Business) -> Document:
    """The paid invoice of 9.90 is cancelled: 9.90 stand on the account."""
    return cancel_document(document_id=business.paid.pk, reason="Storno", today=TODAY, bill_again=False)


def transfer(business: Business, euros: str = "4.00", **changes) -> Refund:
    values = {
        "customer_id": business.customer.pk,
        "amount": Money.of(euros, "EUR"),
        "way": "transfer",
        "iban": IBAN,
        "account_holder": "Anna Muster",
        "today": TODAY,
        **changes,
    }
    return refund_customer(**values)


@pytest.fixture
def credit(ours) -> Document:
    return give_credit(ours)


def pay_back(client, business: Business, **data):
    form = {
        "amount": "9.90",
        "way": "transfer",
        "iban": IBAN,
        "account_holder": "Anna Muster",
        "reason": "",
        **data,
    }
    url = reverse("billing-refund:pay_back", args=[business.customer.pk])
    return client.post(url, form, follow=True)


def test_form_starts_with_the_whole_credit_and_the_customers_name(accountant, ours, credit):
    form = accountant.get(reverse("billing-refund:pay_back", args=[ours.customer.pk])).context["form"]
    assert form.initial["amount"] == Money.of("9.90", "EUR")
    assert form.initial["account_holder"] == ours.customer.name
    assert [key for key, _label in form.fields["way"].choices] == ["transfer", "cash"]


def test_card_the_money_came_from_is_offered_first(accountant, ours):
    PaymentMethodFactory(customer=ours.customer, reference="card-1", label="Visa •••• 4242")
    collect_due(issuer=ours.issuer, today=date(2026, 4, 30))
    outbox.drain(Payment, now=clock.now())
    cancellation = cancel_document(document_id=ours.open.pk, reason="Storno", today=TODAY, bill_again=False)
    url = reverse("billing-refund:pay_back_for_document", args=[cancellation.pk])
    form = accountant.get(url).context["form"]
    (first, label), *_others = form.fields["way"].choices
    payment = Payment.objects.get(way="provider", allocations__document=ours.open)
    assert first == f"provider:{payment.pk}" == form.initial["way"]
    assert label.startswith("Visa •••• 4242, paid on ")
    assert label.endswith("up to €9.90")
    answer = accountant.post(url, {"amount": "9.90", "way": first}, follow=True)
    refund = Refund.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("billing-refund:inspect", args=[refund.pk])
    assert (refund.payment, refund.document, refund.state) == (payment, cancellation, "created")
    outbox.drain(Refund, now=clock.now())
    assert FakeRefund.objects.get().amount == Money.of("9.90", "EUR")
    assert Refund.objects.get().receipt.number == "AZ-2026-000001"


def test_transfer_goes_to_the_list_and_is_booked_when_ticked_off(accountant, ours, credit):
    first = pay_back(accountant, ours, amount="4.00")
    assert "list of transfers" in messages_of(first)
    pay_back(accountant, ours, amount="5.90")
    url = reverse("billing-refund:transfers")
    page = accountant.get(url)
    assert [row.refund.amount_minor for row in page.context["transfers"]] == [400, 590]
    text = page.content.decode()
    assert "DE02 1203 0000 0000 2020 51" in text
    assert text.count('aria-label="QR code') == 2
    assert page.context["transfers"][0].purpose.endswith(ours.customer.number)
    chosen = [refund.pk for refund in Refund.objects.all()]
    answer = accountant.post(url, {"refund": chosen, "day": "2026-03-31"}, follow=True)
    assert "2 transfers of 03/31/2026 are booked" in messages_of(answer)
    assert set(Refund.objects.values_list("state", flat=True)) == {"paid"}
    assert LedgerEntry.objects.filter(kind="refund").count() == 2


def test_nothing_ticked_or_an_impossible_day_books_nothing(accountant, ours, credit):
    refund = transfer(ours)
    url = reverse("billing-refund:transfers")
    assert "Tick the transfers" in accountant.post(url, {"day": "2026-03-31"}).content.decode()
    answer = accountant.post(url, {"refund": [refund.pk], "day": "2026-04-01"}, follow=True)
    assert "Check the date" in messages_of(answer)
    assert Refund.objects.get().state == "pending"


def test_list_of_transfers_costs_the_same_with_more_of_them(
    accountant, ours, credit, django_assert_max_num_queries
):
    for _each in range(9):
        transfer(ours, "1.00")
    with django_assert_max_num_queries(20):
        accountant.get(reverse("billing-refund:transfers"))
    with django_assert_max_num_queries(20):
        accountant.get(reverse("billing-refund:index"))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"amount": "9.91"}, "pay back no more than that"),
        ({"amount": "0"}, "at least"),
        ({"iban": ""}, "A transfer needs this"),
        ({"iban": "DE02120300000000202052"}, "no valid IBAN"),
        ({"account_holder": ""}, "A transfer needs this"),
        ({"way": "provider:1"}, "not one of the available choices"),
    ],
)
def test_wrong_entries_are_refused_with_a_reason(accountant, ours, credit, data, complaint):
    answer = pay_back(accountant, ours, **data)
    assert complaint in answer.content.decode()
    assert not Refund.objects.exists()


def test_without_credit_the_form_leads_back_with_the_reason(accountant, ours):
    url = reverse("billing-refund:pay_back", args=[ours.customer.pk])
    assert "has no credit to pay back" in messages_of(accountant.get(url, follow=True))
    assert (
        url
        not in accountant.get(reverse("billing-customer:inspect", args=[ours.customer.pk])).content.decode()
    )


def test_pages_of_customer_and_cancellation_offer_it_and_show_what_became_of_it(accountant, ours, credit):
    customer = reverse("billing-customer:inspect", args=[ours.customer.pk])
    assert (
        reverse("billing-refund:pay_back", args=[ours.customer.pk])
        in accountant.get(customer).content.decode()
    )
    document = reverse("billing-document:inspect", args=[credit.pk])
    assert "pay-back-for" in accountant.get(document).content.decode()
    refund = transfer(ours, document_id=credit.pk)
    for page in (customer, document):
        assert reverse("billing-refund:inspect", args=[refund.pk]) in accountant.get(page).content.decode()


def test_failed_refund_is_on_the_to_do_list_until_it_is_paid_back_another_way(accountant, ours):
    PaymentMethodFactory(customer=ours.customer, reference="card-1")
    collect_due(issuer=ours.issuer, today=date(2026, 4, 30))
    outbox.drain(Payment, now=clock.now())
    cancel_document(document_id=ours.open.pk, reason="Storno", today=TODAY, bill_again=False)
    FakeBehaviour.objects.create(method_reference="refund", behaviour="fail-soft")
    payment = Payment.objects.get(way="provider", allocations__document=ours.open)
    failed = refund_customer(
        customer_id=ours.customer.pk,
        amount=Money.of("9.90", "EUR"),
        way="provider",
        payment_id=payment.pk,
        today=TODAY,
    )
    outbox.drain(Refund, now=clock.now())
    assert "Refund failed" in accountant.get(reverse("billing_todo")).content.decode()
    again = accountant.get(reverse("billing-refund:again", args=[failed.pk]))
    form = accountant.get(again.url).context["form"]
    assert (form.initial["way"], form.initial["amount"]) == ("transfer", Money.of("9.90", "EUR"))
    data = {"amount": "9.90", "way": "transfer", "iban": IBAN, "account_holder": "Anna Muster"}
    accountant.post(again.url, data)
    assert list(Refund.objects.order_by("pk").values_list("state", flat=True)) == ["withdrawn", "pending"]
    page = accountant.get(reverse("billing_todo")).content.decode()
    assert "Refund failed" not in page
    assert "To be transferred" in page


def test_one_transfer_is_marked_withdrawn_or_came_back_on_its_page(accountant, ours, credit):
    made, wrong = transfer(ours), transfer(ours)
    accountant.post(reverse("billing-refund:mark_transferred", args=[made.pk]), {"day": "2026-03-31"})
    accountant.post(reverse("billing-refund:withdraw", args=[wrong.pk]))
    data = {"day": "2026-03-31", "reason": "AC01"}
    accountant.post(reverse("billing-refund:came_back", args=[made.pk]), data)
    assert [(r.state, r.failure) for r in Refund.objects.order_by("pk")] == [
        ("failed", "AC01"),
        ("withdrawn", ""),
    ]
    assert list(LedgerEntry.objects.filter(kind="refund").values_list("amount_minor", flat=True)) == [
        400,
        -400,
    ]


def test_refund_of_the_providers_dashboard_is_entered_from_the_payment(accountant, ours):
    Payment.objects.filter(pk=ours.payment.pk).update(
        provider="fake", reference="fake_1", refunded_elsewhere_minor=300
    )
    assert "Refund made at the provider" in accountant.get(reverse("billing_todo")).content.decode()
    url = reverse("billing-refund:enter_elsewhere", args=[ours.payment.pk])
    assert url in accountant.get(reverse("billing-payment:inspect", args=[ours.payment.pk])).content.decode()
    accountant.post(url, {"amount": "3.00", "day": "2026-03-31", "reason": ""})
    assert Refund.objects.get().amount == Money.of("3.00", "EUR")
    assert "no refund" in messages_of(accountant.get(url, follow=True))


CUSTOMER = ["billing-refund:pay_back"]
REFUND = ["mark_transferred", "withdraw", "came_back", "again"]


def addresses(business: Business, cancellation: Document, refund: Refund) -> list[str]:
    return [
        reverse("billing-refund:pay_back", args=[business.customer.pk]),
        reverse("billing-refund:pay_back_for_document", args=[cancellation.pk]),
        reverse("billing-refund:enter_elsewhere", args=[business.payment.pk]),
        *(reverse(f"billing-refund:{name}", args=[refund.pk]) for name in REFUND),
    ]


def test_neighbours_money_is_nobodys_business_here(accountant, ours, theirs):
    urls = addresses(theirs, give_credit(theirs), refund := transfer(theirs))
    for url in [*urls, reverse("billing-refund:inspect", args=[refund.pk])]:
        assert accountant.get(url).status_code == 404, url
        assert accountant.post(url, {}).status_code in (404, 405), url
    assert "Theirs" not in accountant.get(reverse("billing-refund:index")).content.decode()
    assert not accountant.get(reverse("billing-refund:transfers")).context["transfers"]
    accountant.post(reverse("billing-refund:transfers"), {"refund": [refund.pk], "day": "2026-03-31"})
    refund.refresh_from_db()
    assert refund.state == "pending"


@pytest.mark.parametrize("role", ["editor", "auditor"])
def test_only_accountants_pay_back(role, request, ours, credit):
    client = request.getfixturevalue(role)
    home = reverse("wagtailadmin_home")
    refund = transfer(ours)
    for url in [*addresses(ours, credit, refund), reverse("billing-refund:transfers")]:
        assert client.get(url).url == home, url
        assert client.post(url, {}).url == home, url
    assert client.get(reverse("billing-refund:index")).status_code == 200
    assert client.get(reverse("billing-refund:inspect", args=[refund.pk])).status_code == 200
