"""The accountant's desk in a real browser: list, bulk actions, a document, a customer; desktop, phone, dark."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Group

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.core.roles import ACCOUNTANTS
from cms_billing.faktura.models import Customer, Delivery, Document, Rendering
from cms_billing.faktura.services import cancel_document, issue_next_invoices
from cms_billing.memberships.services import book_next_due
from cms_billing.payments.services import record_payment
from cms_billing.testing.factories import (
    CustomerFactory,
    IssuerFactory,
    PlanFactory,
    UserFactory,
    signed_contract,
)

from .conftest import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TODAY = date(2026, 3, 31)
NAMES = ["Schmidt", "Yılmaz", "Brandt-Lindqvist", "Petrov", "Weiß"]


@pytest.fixture
def desk(live_server) -> Customer:
    """Five customers with three invoices each: some paid, some cancelled, all on paper; the first is returned."""
    with clock.frozen(datetime(2026, 3, 31, 12, tzinfo=UTC)):
        issuer = IssuerFactory(name="Akademie am See", legal_name="Akademie am See gGmbH")
        plan = PlanFactory(issuer=issuer, name="Fördermitgliedschaft", price=Money.of("1249.00", "EUR"))
        for name in NAMES:
            customer = CustomerFactory(issuer=issuer, last_name=name)
            signed_contract(start=date(2026, 1, 31), plan=plan, customer=customer, today=TODAY)
        book_next_due(issuer=issuer, today=TODAY)
        issue_next_invoices(issuer=issuer, today=TODAY)
        first = Customer.objects.order_by("pk").first()
        record_payment(
            customer_id=first.pk,
            amount=Money.of("1500.00", "EUR"),
            received_on=TODAY,
            way="transfer",
            today=TODAY,
        )
        wrong = Document.objects.filter(customer=first).order_by("pk")[1]
        cancel_document(document_id=wrong.pk, reason="Wrong address", today=TODAY)
        for model in (Rendering, Delivery):
            outbox.drain(model, now=clock.now())
    user = UserFactory(username="accountant")
    group = Group.objects.get(name=ACCOUNTANTS.group)
    user.groups.add(group)
    issuer.groups.add(group)
    return first


def log_in(page) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", "accountant")
    page.fill("[name=password]", "secret")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


def tall(page) -> None:
    """Wagtail scrolls inside the window: make it as tall as what is in it, for the picture."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": 2400})


def wide_enough(page) -> bool:
    """Nothing but tables in their own boxes makes the page scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop", DESKTOP),
        ("dark", {**DESKTOP, "color_scheme": "dark"}),
        ("phone", PHONE),
    ],
)
def test_desk_can_be_worked_at(name, options, open_window, desk, screenshot):
    page = open_window(**options)
    log_in(page)
    page.goto("/admin/billing-document/")
    screenshot(page, f"desk-list-{name}")
    assert wide_enough(page)
    page.goto("/admin/billing-document/?q=1.249,00&standing=open")
    boxes = page.locator("[data-bulk-action-checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    screenshot(page, f"desk-bulk-{name}")
    page.locator("[data-bulk-action-footer] >> text=Cancel").click()
    page.wait_for_load_state()
    screenshot(page, f"desk-cancel-{name}")
    assert page.locator("text=Issue the cancellations").is_visible()
    wrong = Document.objects.get(kind="cancellation").corrects
    page.goto(f"/admin/billing-document/inspect/{wrong.pk}/")
    page.locator(".billing-pages img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.billing-pages img').naturalWidth > 0")
    tall(page)
    screenshot(page, f"desk-document-{name}")
    assert wide_enough(page)
    page.goto(f"/admin/billing-customer/inspect/{desk.pk}/")
    tall(page)
    screenshot(page, f"desk-customer-{name}")
    assert wide_enough(page)
    page.goto("/admin/billing-document/?q=nobody")
    screenshot(page, f"desk-empty-{name}")
