"""What the stories in the browser are made of: a small business, its visitors, its worker, and the days."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pydoc import locate

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse
from django_q.brokers import get_broker
from django_q.signing import SignedPackage
from playwright.sync_api import Page as Window
from playwright.sync_api import expect
from wagtail.models import Page, Site

from cms_billing.core import clock
from cms_billing.core.services import move_clock
from cms_billing.daily.models import ParkedRow
from cms_billing.dunning.services import create_default_procedure
from cms_billing.faktura.models import Issuer
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import IssuerFactory, PlanFactory, UserFactory
from cms_billing.testing.timemachine import live_through
from tests.shop.shop import euro, germany, partner_of, plan_product
from tests.testsite.models import ArticlePage

SECRET = "Tune the low strings first, and always from below."
PASSWORD = "Saiten-und-Klang-26"

Look = Callable[[Window, str], None]


@dataclass(frozen=True)
class Magazine:
    """An academy whose magazine is open to members: ``article`` is the path of a page in it."""

    issuer: Issuer
    article: str


def open_magazine() -> Magazine:
    germany()
    issuer = IssuerFactory(
        name="Saitenweg Akademie",
        legal_name="Saitenweg Akademie GmbH",
        bank_name="Musterbank",
        vat_id="DE123456788",
        register_entry="Amtsgericht Köln, HRB 12345",
        managing_directors="Carla Weiß",
    )
    create_default_procedure(issuer)
    plan = PlanFactory(issuer=issuer, name="Membership, monthly", code="month", price=euro("9.90"))
    plan_product(partner_of(issuer), plan)
    site = Site.objects.get(is_default_site=True)
    section = site.root_page.add_child(instance=ArticlePage(title="Magazine", slug="magazine"))
    teaser = "New strings sound dull for a day. Five minutes of care change that."
    article = ArticlePage(title="How to tune a guitar", slug="tuning", teaser=teaser, body=SECRET)
    section.add_child(instance=article)
    set_rule(page=section, plans=[plan])
    return Magazine(issuer, Page.objects.get(pk=article.pk).url)


def hire_accountant(issuer: Issuer) -> str:
    """A login to Wagtail's admin that may keep the books of this issuer; returns the user name."""
    accountant = UserFactory(username="accountant", password=PASSWORD)
    group = Group.objects.get(name="Accountants")
    accountant.groups.add(group)
    issuer.groups.add(group)
    return accountant.username


# -- time and the worker ---------------------------------------------------------------------------------------------


def begin_on_tenth_of_april() -> date:
    """Move the clock to the next one, so that no length of a month changes the story."""
    today = clock.today()
    day = date(today.year, 4, 10)
    if day < today:
        day = day.replace(year=today.year + 1)
    move_clock(days=(day - today).days)
    return day


def live_until(day: date) -> None:
    """Every day up to ``day`` with its daily run; nothing may be left undone or parked on the way."""
    for lived in live_through(until=day):
        assert not lived.errors, lived
        assert not lived.failed, lived
    assert not ParkedRow.objects.filter(resolved_at=None).exists()


def let_the_worker_work() -> None:
    """Take the tasks from the broker as a worker of django-q does, until there are none."""
    broker = get_broker()
    while batch := broker.dequeue():
        for ack_id, package in batch:
            task = SignedPackage.loads(package)
            locate(task["func"])(*task["args"], **task["kwargs"])
            broker.acknowledge(ack_id)


# -- visitors --------------------------------------------------------------------------------------------------------


class Visitor:
    """A person at a window who clicks and types; ``look`` takes a picture of every station."""

    def __init__(self, window: Window, name: str, look: Look) -> None:
        self.window, self.first_name, self._look = window, name, look
        self.email = f"{name.lower()}@example.org"

    @property
    def user(self):
        return get_user_model().objects.get(email=self.email)

    def look(self, station: str) -> None:
        self._look(self.window, station)

    def goto(self, path: str) -> int:
        return self.window.goto(path).status

    def press(self, name: str) -> None:
        self.window.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str | re.Pattern[str]) -> None:
        self.window.get_by_role("link", name=name).first.click()

    def sees(self, text: str) -> None:
        expect(self.window.locator("body")).to_contain_text(text, ignore_case=True)

    def sees_heading(self, text: str | re.Pattern[str]) -> None:
        expect(self.window.locator("h1").first).to_contain_text(text)

    def may_not_read(self, article: str) -> None:
        self.goto(article)
        assert SECRET not in self.window.content()

    def reads(self, article: str) -> None:
        self.goto(article)
        expect(self.window.locator(".body")).to_have_text(SECRET)

    # From the teaser to the thank-you page

    def buys_the_membership(self, article: str) -> None:
        self.goes_to_the_last_step(article)
        self.press("Order with obligation to pay")
        self.window.wait_for_url("**/thank-you/")
        self.look("08-thank-you")

    def buys_on_a_page(self, article: str, *, way: str, behaviour: str) -> None:
        """Pays on the page of a provider's stand-in, and comes back from it by itself."""
        self.goes_to_the_last_step(article, way=way)
        self.press("Order and pay")
        self.window.wait_for_url("**/stand-ins/**")
        self.look("40-page-of-the-provider")
        self.press(behaviour)
        self.window.wait_for_url("**/thank-you/")
        self.sees("Your payment has arrived")
        self.look("41-thank-you-for-paying")

    def goes_to_the_last_step(self, article: str, *, way: str = "bank_transfer") -> None:
        self.may_not_read(article)
        self.look("01-teaser")
        self.follow(re.compile("^Choose"))
        self.look("02-product")
        self.press("Add to cart")
        self.goto("/shop/basket/")
        self.look("03-basket")
        self.follow("Proceed to checkout")
        self._sign_up()
        self._say_where_the_invoice_goes(way)
        self.sees("The contract goes on until you terminate it")
        self.look("07-review")

    def _sign_up(self) -> None:
        self.window.get_by_label(re.compile("mail")).first.fill(self.email)
        self.window.locator("input[name=options][value=new]").check()
        self.look("04-who-are-you")
        self.press("Continue")
        self.window.locator("#id_password1").fill(PASSWORD)
        self.window.locator("#id_password2").fill(PASSWORD)
        self.look("05-sign-up")
        self.press("Register")

    def _say_where_the_invoice_goes(self, way: str) -> None:
        self.window.wait_for_url("**/checkout/payment-method/")
        self.window.locator(f"input[name=method][value='{way}']").check()
        address = {
            "first_name": self.first_name,
            "last_name": "Muster",
            "line1": "Hauptstraße 1",
            "postcode": "10115",
            "line4": "Berlin",
        }
        for field, value in address.items():
            self.window.locator(f"[name=new-{field}]").fill(value)
        self.look("06-payment")
        self.press("Continue")
        self.window.wait_for_url("**/checkout/preview/")


class Clerk:
    """Somebody at Wagtail's admin."""

    def __init__(self, window: Window, look: Look) -> None:
        self.window, self._look = window, look

    def look(self, station: str) -> None:
        self.window.wait_for_load_state("networkidle")
        expect(self.window.locator("main")).to_be_visible()
        self._look(self.window, station)

    def signs_in(self, username: str) -> None:
        self.window.goto("/admin/login/")
        self.window.locator("[name=username]").fill(username)
        self.window.locator("[name=password]").fill(PASSWORD)
        self.window.get_by_role("button", name="Sign in").click()
        self.window.wait_for_url("**/admin/")

    def records_what_is_owed_by(self, member: Visitor) -> None:
        """On the page of the customer, with the amount that the form proposes."""
        self.window.goto(reverse("billing-customer:index") + f"?q={member.first_name}")
        self.window.get_by_role("link", name=re.compile(member.first_name)).first.click()
        self.look("20-admin-customer")
        self.window.get_by_role("link", name="Record payment").first.click()
        self.look("21-admin-record-payment")
        self.window.locator("main").get_by_role("button", name="Record payment").click()
        expect(self.window.locator(".messages")).to_contain_text("recorded")
        self.look("22-admin-recorded")

    def looks_at_the_cases(self) -> None:
        self.window.goto(reverse("billing-dunning:index"))
        self.look("23-admin-cases")
