"""The accountant pays back and settles, seen in Chromium; the pages fit a telephone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import cancel_document, issue_next_invoices
from cms_billing.payments.models import Payment, Refund
from cms_billing.payments.services import collect_due, record_payment, refund_customer
from cms_billing.testing.factories import (
    BookingFactory,
    CustomerFactory,
    IssuerFactory,
    PaymentMethodFactory,
)

from .story import PASSWORD, hire_accountant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TODAY = date(2026, 3, 31)


@pytest.fixture(autouse=True)
def _today():
    with clock.frozen(datetime(2026, 3, 31, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def customer(live_server):
    """Paid 49.00 by card for what was cancelled; owes 30.00 and 12.00. The accountant buys at home, too."""
    issuer = IssuerFactory(name="Akademie", payment_days=0)
    accountant = get_user_model().objects.get(username=hire_accountant(issuer))
    customer = CustomerFactory(issuer=issuer, last_name="Muster", user=accountant)
    PaymentMethodFactory(customer=customer, reference="card-1", label="Visa •••• 4242")
    invoice_of(customer, 4900)
    collect_due(issuer=issuer, today=TODAY)
    outbox.drain(Payment, now=clock.now())
    cancelled = Document.objects.get(customer=customer)
    cancel_document(document_id=cancelled.pk, reason="Kurs fällt aus", today=TODAY, bill_again=False)
    invoice_of(customer, 3000)
    invoice_of(customer, 1200)
    return customer


def invoice_of(customer, cents: int) -> None:
    BookingFactory(customer=customer, unit_price_minor=cents, period_start=TODAY, period_end=TODAY)
    assert issue_next_invoices(issuer=customer.issuer, today=TODAY).done


def sign_in(page, customer) -> None:
    page.goto(reverse("wagtailadmin_login"))
    page.fill("input[name=username]", customer.user.username)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/admin/")


def fits(page) -> bool:
    """Nothing sticks out of the window sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")


@pytest.mark.parametrize("window", ["page", "phone"])
def test_accountant_pays_back_by_transfer_and_ticks_it_off(window, request, customer, screenshot):
    page = request.getfixturevalue(window)
    sign_in(page, customer)
    page.goto(reverse("billing-refund:pay_back", args=[customer.pk]))
    screenshot(page, f"pay-back-{window}")
    assert page.locator("input[name=way]").first.is_checked()
    assert fits(page)
    page.fill("input[name=amount]", "19.00")
    page.check("input[name=way][value=transfer]")
    page.fill("input[name=iban]", "DE02 1203 0000 0000 2020 51")
    page.get_by_role("button", name="Pay back").click()
    page.wait_for_url("**/inspect/**")
    screenshot(page, f"refund-{window}")
    page.goto(reverse("billing-refund:transfers"))
    screenshot(page, f"transfers-{window}")
    assert page.locator(".billing-transfer__qr svg").is_visible()
    assert fits(page)
    page.check("input[name=refund]")
    page.get_by_role("button", name="Mark as transferred").click()
    page.get_by_text("1 transfer of").wait_for()
    assert Refund.objects.get().state == "paid"
    page.goto(reverse("billing-customer:inspect", args=[customer.pk]))
    screenshot(page, f"customer-with-refund-{window}")


@pytest.mark.parametrize("window", ["page", "phone"])
def test_accountant_settles_writes_off_and_states_the_account(window, request, customer, screenshot):
    record_payment(
        customer_id=CustomerFactory(issuer=customer.issuer).pk,
        amount=Money.of("1", "EUR"),
        received_on=TODAY,
        way="cash",
        today=TODAY,
    )
    page = request.getfixturevalue(window)
    sign_in(page, customer)
    page.goto(reverse("billing_settle", args=[customer.pk]))
    screenshot(page, f"settle-{window}")
    assert fits(page)
    first, _second = page.locator("input[type=number]").all()
    first.fill("")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("Credit €49.00, of which €12.00").wait_for()
    page.goto(reverse("billing_statement", args=[customer.pk]))
    screenshot(page, f"statement-{window}")
    assert fits(page)
    document = Document.objects.filter(customer=customer, kind="invoice").latest("pk")
    page.goto(reverse("billing_write_off", args=[document.pk]))
    screenshot(page, f"write-off-{window}")
    assert fits(page)


@pytest.mark.parametrize("window", ["page", "phone"])
def test_member_sees_credit_refund_and_corrections(window, request, customer, screenshot):
    refund_customer(customer_id=customer.pk, amount=Money.of("5.00", "EUR"), way="cash", today=TODAY)
    refund_customer(
        customer_id=customer.pk,
        amount=Money.of("4.00", "EUR"),
        way="transfer",
        iban="DE02120300000000202051",
        account_holder="Anna Muster",
        today=TODAY,
    )
    page = request.getfixturevalue(window)
    sign_in(page, customer)
    page.goto(reverse("cms_billing:account_documents"))
    screenshot(page, f"account-documents-{window}")
    page.get_by_text("of it are on their way to you").wait_for()
