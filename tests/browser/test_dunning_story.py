"""Two customers who do not pay, each to their end: a member who is locked, pays and reads on, and a business whose case
becomes ready for collection. The days between are jumped over; on those that matter the real daily run is made."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.services import move_clock
from cms_billing.dunning.models import Case, Level
from cms_billing.faktura.models import Customer, Document, DocumentKind
from cms_billing.memberships.models import Contract, Plan
from cms_billing.payments.services import record_payment
from cms_billing.paywall.models import ArrearsPage
from cms_billing.testing.factories import CustomerFactory, UserFactory, signed_contract
from cms_billing.testing.timemachine import live_today

from .conftest import DESKTOP, PHONE
from .story import PASSWORD, SECRET, begin_on_tenth_of_april, let_the_worker_work, open_magazine

pytestmark = pytest.mark.browser

BODY = [
    ("owed", None),
    ("payment", {"label": ""}),
    ("reason", None),
    ("offers", None),
    ("contact", {"text": ""}),
]
WORDS = {"de": "Hier fehlt noch Ihre Zahlung", "en": "Your payment is still missing"}


@pytest.fixture
def magazine(settings, live_server):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "SITE_URL": live_server.url,
        "TIME_MACHINE": True,
        "PDF_RENDERER": "cms_billing.faktura.rendering.WeasyPrintRenderer",
    }
    magazine = open_magazine()
    home = Page.objects.get(slug="magazine").get_parent()
    for language, title in WORDS.items():
        Page.objects.get(pk=home.pk).add_child(
            instance=ArrearsPage(
                issuer=magazine.issuer, language=language, title=title, slug=f"pay-{language}", body=BODY
            )
        )
    return magazine


class Debtor:
    """A customer of the academy at a window of their own."""

    def __init__(self, magazine, window, screenshot, *, name: str, **values) -> None:
        self.name, self.magazine, self.window, self._screenshot = name, magazine, window, screenshot
        user = UserFactory(username=name, email=f"{name}@example.org", password=PASSWORD)
        self.customer: Customer = CustomerFactory(
            issuer=magazine.issuer, user=user, email=user.email, first_name=name.title(), **values
        )
        self.contract: Contract = signed_contract(
            plan=Plan.objects.get(), customer=self.customer, start=clock.today()
        )
        log_in(window, user)

    def look(self, station: str) -> None:
        size = self.window.viewport_size["width"]
        self._screenshot(self.window, f"dunning-{station}-{self.name}")
        wide = self.window.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= size, f"{station} scrolls sideways"

    def opens(self, path: str) -> int:
        return self.window.goto(path).status

    def sees(self, text: str) -> None:
        expect(self.window.locator("body")).to_contain_text(text)

    def reads(self) -> None:
        assert self.opens(self.magazine.article) == 200
        expect(self.window.locator(".body")).to_have_text(SECRET)

    def is_locked_out(self, *, words: str) -> None:
        assert self.opens(self.magazine.article) == 402
        assert SECRET not in self.window.content()
        expect(self.window.locator("h1").first).to_have_text(words)

    @property
    def letters(self) -> list[Document]:
        letters = Document.objects.filter(kind=DocumentKind.DUNNING_LETTER, customer=self.customer)
        return list(letters.order_by("pk"))

    @property
    def case(self) -> Case:
        return Case.objects.filter(customer=self.customer).order_by("pk")[0]

    def mails_with(self, letter: Document) -> int:
        about = [m for m in mail.outbox if m.to == [self.customer.email]]
        return sum(letter.number in m.subject + m.body + _names(m) for m in about)


def log_in(window, user) -> None:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    window.context.add_cookies([{**cookie, "domain": "localhost", "path": "/"}])


def _names(message) -> str:
    return " ".join(str(attachment[0]) for attachment in message.attachments)


def jump_to(day: date) -> None:
    """Nothing happens on the days between; ``day`` is really lived."""
    move_clock(days=(day - clock.today()).days)
    lived = live_today()
    assert not lived.errors, lived
    let_the_worker_work()


@pytest.fixture
def debtor(magazine, open_window, screenshot):
    def make(name: str, device: dict, **values) -> Debtor:
        return Debtor(magazine, open_window(**device), screenshot, name=name, **values)

    return make


@pytest.mark.parametrize(
    ("language", "device"), [("en", DESKTOP), ("de", PHONE)], ids=["english-desktop", "german-phone"]
)
def test_a_consumer_is_reminded_locked_pays_and_reads_on(debtor, language, device):
    start = begin_on_tenth_of_april()
    anna = debtor(f"anna-{language}", device, language=language)
    jump_to(start + timedelta(days=1))
    jump_to(start + timedelta(days=21 + 1))
    assert [letter.extra["level"] for letter in anna.letters] == [1]
    anna.reads()
    anna.look("1-reminded-still-open")
    expect(anna.window.locator(".paywall-banner")).to_be_visible()

    jump_to(clock.today() + timedelta(days=14))
    first_claim = anna.case.document.number
    assert first_claim in anna.letters[-1].extra["lock_notice"]
    assert anna.case.lock_scope == ""
    anna.reads()

    jump_to(clock.today() + timedelta(days=14))
    assert [letter.extra["level"] for letter in anna.letters] == [1, 2, 3]
    assert all(anna.mails_with(letter) == 1 for letter in anna.letters)
    anna.is_locked_out(words=WORDS[language])
    anna.sees(first_claim)
    anna.sees("9.90" if language == "en" else "9,90")
    anna.look("2-locked")
    for path in ("account_arrears", "account_documents", "account_contracts"):
        assert anna.opens(reverse(f"cms_billing:{path}")) == 200
        if path == "account_arrears":
            anna.sees(first_claim)
            anna.look("3-account")
    anna.opens(anna.magazine.article)
    anna.window.locator(".paywall-arrears .btn-primary").click()
    anna.sees("DE02 1203 0000 0000 2020 51")
    anna.look("4-payment-page")

    before = len(anna.letters)
    document = anna.case.document
    record_payment(
        customer_id=anna.customer.pk,
        amount=document.open_item.open_amount,
        received_on=clock.today(),
        way="transfer",
        today=clock.today(),
        documents=[document],
    )
    anna.reads()
    anna.look("5-open-again")
    assert Case.objects.get(document=document).state == Case.State.CLOSED
    jump_to(clock.today() + timedelta(days=1))
    assert all(first_claim not in str(letter.extra["claims"]) for letter in anna.letters[before:])


@pytest.mark.parametrize(
    ("language", "device"), [("de", DESKTOP), ("en", PHONE)], ids=["german-desktop", "english-phone"]
)
def test_a_business_that_never_pays_is_locked_wholly_and_ready_for_collection(
    debtor, open_window, screenshot, language, device
):
    Level.objects.filter(procedure__customer_kind="business", number=3).update(lock_scope="customer")
    start = begin_on_tenth_of_april()
    firm = debtor(
        f"firm-{language}", device, language=language, kind=Customer.Kind.BUSINESS, company="Brinkmann GmbH"
    )
    jump_to(start + timedelta(days=1))
    jump_to(start + timedelta(days=22))
    jump_to(clock.today() + timedelta(days=14))
    jump_to(clock.today() + timedelta(days=14))
    assert [letter.extra["level"] for letter in firm.letters] == [1, 2, 3]
    firm.is_locked_out(words=WORDS[language])
    firm.sees("locks all contracts" if language == "en" else "sperrt alle Verträge")
    firm.look("6-locked-wholly")

    jump_to(clock.today() + timedelta(days=11))
    case = firm.case
    assert (case.state, case.lock_scope) == (Case.State.READY_FOR_COLLECTION, "customer")
    firm.is_locked_out(words=WORDS[language])
    assert firm.opens(reverse("cms_billing:account_arrears")) == 200
    firm.look("7-account-before-collection")

    clerk = open_window(**DESKTOP)
    log_in(clerk, UserFactory(is_superuser=True))
    clerk.goto(reverse("billing-dunning:inspect", args=[case.pk]))
    expect(clerk.locator("main")).to_contain_text(re.compile("Closed: contract .* is locked"))
    screenshot(clerk, f"dunning-8-case-{language}")
