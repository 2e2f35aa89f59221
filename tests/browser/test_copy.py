"""A copy of the database in a real browser: the banner on every page, and the way to make it the original."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cms_billing.core import clock, copies, outbox
from cms_billing.faktura.models import Delivery, Rendering
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.models import WebhookEvent
from cms_billing.testing.factories import BookingFactory, CustomerFactory, UserFactory

from .conftest import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TODAY = date(2026, 3, 10)
DARK = {"color_scheme": "dark"}


@pytest.fixture
def staging(live_server, settings) -> None:
    """Three mails and a webhook event wait; the dump is restored on the staging site."""
    copies.installation()
    with clock.frozen(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        for customer in CustomerFactory.create_batch(3, issuer__payment_days=0, email="anna@example.org"):
            BookingFactory(customer=customer, period_start=TODAY, period_end=TODAY)
            issue_next_invoices(issuer=customer.issuer, today=TODAY)
        outbox.drain(Rendering, now=clock.now())
        WebhookEvent.objects.create(provider="fake", body=b"{}", digest="0" * 64, references=[])
    assert Delivery.objects.count() == 3
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://staging.example.org"}
    UserFactory(username="administrator", is_superuser=True, is_staff=True)


def log_in(page) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", "administrator")
    page.fill("[name=password]", "secret")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("desktop", DESKTOP),
        ("desktop-dark", {**DESKTOP, **DARK}),
        ("phone", PHONE),
        ("phone-dark", {**PHONE, **DARK}),
    ],
)
def test_the_banner_stands_on_top_and_fits(staging, open_window, screenshot, name, window):
    page = open_window(**window)
    log_in(page)
    for path, title in [
        ("/admin/", "home"),
        ("/admin/billing/", "todo"),
        ("/admin/billing-document/", "list"),
    ]:
        page.goto(path)
        banner = page.get_by_role("region", name="Copy of the database")
        banner.wait_for()
        assert "Deliveries 3 · Webhook events 1" in banner.inner_text()
        assert banner.bounding_box()["y"] == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        screenshot(page, f"copy-{title}-{name}")
    page.goto("/admin/billing/installation/")
    page.get_by_role("region", name="Copy of the database").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screenshot(page, f"copy-confirm-{name}")
    page.get_by_role("button", name="Make this the original").scroll_into_view_if_needed()
    screenshot(page, f"copy-confirm-end-{name}")


def test_from_the_banner_to_the_original_by_keyboard(staging, page, screenshot):
    log_in(page)
    link = page.get_by_role("link", name="Is this the original?")
    link.wait_for()
    for _stop in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/billing/installation/")
    page.get_by_role("checkbox").press("Space")
    page.get_by_role("button", name="Make this the original").press("Enter")
    page.get_by_text("This is the original now.").wait_for()
    assert page.get_by_role("region", name="Copy of the database").count() == 0
    assert not copies.is_copy()
    screenshot(page, "copy-original")


def test_guests_at_the_login_see_no_banner(staging, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/admin/login/")
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "installation/banner" in url]
