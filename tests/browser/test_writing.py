"""Somebody writes an invoice by keyboard, watches the totals, issues it, and corrects it in part."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from cms_billing.core import clock
from cms_billing.testing.factories import BookingFactory, CustomerFactory, IssuerFactory

from .story import Clerk, hire_accountant

pytestmark = pytest.mark.browser


@pytest.fixture
def look(screenshot):
    """Take a picture; no page may be wider than the screen."""

    def look_at(window, station: str) -> None:
        size = window.viewport_size["width"]
        screenshot(window, f"writing-{station}-{'phone' if size < 500 else 'desktop'}")
        assert window.evaluate("document.scrollingElement.scrollWidth") <= size, f"{station} scrolls sideways"

    return look_at


@pytest.fixture
def anna():
    issuer = IssuerFactory(name="Saitenweg Akademie", legal_name="Saitenweg Akademie GmbH")
    customer = CustomerFactory(issuer=issuer, first_name="Anna", last_name="Muster", number="K-00001")
    CustomerFactory(issuer=issuer, first_name="Bert", last_name="Beispiel", number="K-00002")
    today = clock.today(issuer)
    BookingFactory(
        customer=customer,
        description="Membership, May",
        unit_price_minor=990,
        period_start=today - timedelta(days=10),
        period_end=today,
    )
    return customer


def test_an_invoice_is_written_by_keyboard_and_corrected_in_part(anna, page, look):
    clerk = Clerk(page, look)
    clerk.signs_in(hire_accountant(anna.issuer))
    page.goto(reverse("billing-draft:add"))
    clerk.look("01-empty")

    page.get_by_role("button", name="Choose a customer").press("Enter")
    page.get_by_placeholder("Number, name or e-mail").fill("muster")
    expect(page.get_by_role("link", name=re.compile("K-00002"))).to_have_count(0)
    clerk.look("02-chooser")
    page.get_by_role("link", name=re.compile("K-00001")).press("Enter")
    expect(page.locator("[data-billing-offers]")).to_contain_text("Membership, May")
    page.get_by_role("button", name=re.compile("Put on it.*Membership, May")).press("Enter")
    total = page.locator("[data-billing-total]")
    expect(total).to_have_text("€9.90")

    first = page.locator("#id_lines-0-description")
    expect(first).to_have_value("Membership, May")
    first.press("Enter")
    page.keyboard.type("Guitar strings")
    for value in ("3", "11.90"):
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    expect(total).to_have_text("€45.60")
    expect(page.locator("[data-billing-line='lines-1'] output")).to_have_text("€35.70")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-billing-line]:visible").first.locator("input[type=text]").first).to_have_value(
        "Guitar strings"
    )
    clerk.look("03-written")
    page.get_by_role("button", name="Save as draft").press("Enter")
    clerk.look("04-draft")
    page.get_by_role("link", name="Edit").first.press("Enter")
    clerk.look("05-edited")
