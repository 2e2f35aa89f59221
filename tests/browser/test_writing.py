"""Somebody writes an invoice by keyboard, watches the totals, issues it, and corrects it in part."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, expect

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
    write(clerk)
    page.get_by_role("button", name="Save as draft").press("Enter")
    clerk.look("04-draft")
    page.get_by_role("link", name="Edit").first.press("Enter")
    clerk.look("05-edited")
    page.get_by_role("button", name="Save and issue").press("Enter")
    expect(page.locator(".messages")).to_contain_text("has been issued")
    clerk.look("06-issued")
    correct(clerk)


def test_an_invoice_is_written_on_a_phone(anna, phone, look):
    clerk = Clerk(phone, look)
    clerk.signs_in(hire_accountant(anna.issuer))
    write(clerk)
    phone.get_by_role("button", name="Save and issue").press("Enter")
    expect(phone.locator(".messages")).to_contain_text("has been issued")
    clerk.look("06-issued")
    correct(clerk)


def total(window) -> Locator:
    return window.locator("[data-billing-total]")


def write(clerk: Clerk) -> None:
    """Choose a customer, put a booking on the invoice, add a line below and move it up, with keys only."""
    page = clerk.window
    page.goto(reverse("billing-draft:add"))
    clerk.look("01-empty")
    page.get_by_role("button", name="Choose a customer").press("Enter")
    page.get_by_placeholder("Number, name or e-mail").fill("muster")
    expect(page.get_by_role("link", name=re.compile("K-00002"))).to_have_count(0)
    clerk.look("02-chooser")
    page.get_by_role("link", name=re.compile("K-00001")).press("Enter")
    page.get_by_role("button", name=re.compile("Put on it.*Membership, May")).press("Enter")
    expect(total(page)).to_have_text("€9.90")

    first = page.locator("#id_lines-0-description")
    expect(first).to_have_value("Membership, May")
    first.press("Enter")
    page.keyboard.type("Guitar strings")
    for value in ("3", "11.90"):
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    expect(total(page)).to_have_text("€45.60")
    expect(page.locator("[data-billing-line='lines-1'] output")).to_have_text("€35.70")
    page.keyboard.press("Alt+ArrowUp")
    top = page.locator("[data-billing-line]:visible").first
    expect(top.get_by_label("Description")).to_have_value("Guitar strings")
    clerk.look("03-written")


def correct(clerk: Clerk) -> None:
    """Credit one of three sets of strings and a part of the membership; never more than was sold."""
    page = clerk.window
    page.get_by_role("link", name="Correct in part").first.press("Enter")
    page.get_by_label("Units to credit").first.fill("4")
    expect(page.locator(".billing-hints")).to_contain_text("Only 3 of 3 are left")
    clerk.look("07-too-many")
    page.get_by_label("Units to credit").first.fill("1")
    expect(total(page)).to_have_text("-€11.90")
    page.get_by_label("or amount, tax included").last.fill("2.90")
    expect(total(page)).to_have_text("-€14.80")
    page.get_by_label("Reason").fill("one set returned")
    clerk.look("08-correction")
    page.get_by_role("button", name="Issue the correction").press("Enter")
    expect(page.locator(".messages")).to_contain_text("-€14.80")
    clerk.look("09-corrected")
