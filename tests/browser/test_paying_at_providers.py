"""Stripe, Mollie and Adyen from the first checkout to a late chargeback, in a real browser, at their stand-ins."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.core import mail

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.core.services import move_clock
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document, DocumentKind, OpenItem
from cms_billing.faktura.services import CreditLine, credit_document
from cms_billing.payments.models import ChargePlan, Payment, PaymentMethod, Refund, WebhookEvent
from cms_billing.payments.services import refund_customer
from cms_billing.testing.vendors import deliver_vendor_webhooks
from cms_billing.testing.vendors.behaviours import Behaviour
from cms_billing.testing.vendors.storing import behave
from tests.payments.vendor_world import VENDORS, assert_books_agree, billing_settings_with, open_account

from .story import Visitor, begin_on_tenth_of_april, let_the_worker_work, live_until, open_magazine

pytestmark = pytest.mark.browser


@pytest.fixture
def look(screenshot):
    def look_at(window, station: str) -> None:
        size = window.viewport_size["width"]
        screenshot(window, f"providers-{station}-{'phone' if size < 500 else 'desktop'}")
        assert window.evaluate("document.scrollingElement.scrollWidth") <= size, f"{station} scrolls sideways"

    return look_at


@pytest.fixture(params=VENDORS.values(), ids=list(VENDORS))
def vendor(request, settings, live_server):
    settings.CMS_BILLING = {
        **billing_settings_with(request.param, settings.CMS_BILLING),
        "SITE_URL": live_server.url,
        "TIME_MACHINE": True,
    }
    return request.param


def test_from_the_first_checkout_to_a_late_chargeback(vendor, page, look):
    year = begin_on_tenth_of_april().year
    magazine = open_magazine()
    account = open_account(vendor, magazine)
    anna = Visitor(page, "Anna", look)
    anna.buys_on_a_page(
        magazine.article, way=f"{vendor.code}:{account.slug}", behaviour=str(Behaviour.GOOD_CARD.label)
    )
    let_the_worker_work()
    first = invoices_of(anna)[0]
    assert open_of(first) == 0
    anna.reads(magazine.article)

    # In May the daily run collects; in June the card has not enough money, and goes on like this.
    jump_to(date(year, 5, 10), date(year, 5, 24))
    assert [open_of(invoice) for invoice in invoices_of(anna)] == [0, 0]
    behave(PaymentMethod.objects.get(), Behaviour.EMPTY_CARD)
    jump_to(date(year, 6, 10), date(year, 6, 24))
    june = invoices_of(anna)[-1]
    assert ChargePlan.objects.get(document=june).next_on > date(year, 6, 24)
    # The reminder waits for the last attempt that is planned.
    jump_to(date(year, 6, 29), date(year, 7, 5))
    assert not letters_to(anna)
    jump_to(date(year, 7, 12), date(year, 7, 13))
    attempts = Payment.objects.filter(document=june)
    assert set(attempts.values_list("state", flat=True)) == {"failed"}
    assert 2 <= attempts.count() <= 4
    assert letters_to(anna)

    # The reminder has a link; behind it Anna pays with a card that works.
    pay_by_the_link(anna)
    let_the_worker_work()
    assert open_of(june) == 0
    assert not Case.objects.exclude(state=Case.State.CLOSED).exists()
    anna.reads(magazine.article)

    # Days later her bank takes the money back: owed again, and dunning knows.
    paid = Payment.objects.get(session__purpose="documents")
    vendor.stand_in.charge_back_now(paid.reference)
    hear_the_news()
    assert open_of(june) == june.gross_minor
    jump_to(date(year, 7, 14))
    assert Case.objects.filter(customer__user=anna.user).exclude(state=Case.State.CLOSED).exists()

    # And April is credited: its money goes back to the card it came from.
    assert refunded(first, year) == "paid"
    assert_books_agree(vendor)


def pay_by_the_link(anna: Visitor) -> None:
    anna.goto(payment_link(mails_to(anna)[-1]))
    anna.look("42-payment-page")
    anna.press("Card or direct debit")
    anna.window.wait_for_url("**/stand-ins/**")
    anna.press(str(Behaviour.GOOD_CARD.label))
    anna.window.wait_for_url("**/billing/pay/**")
    anna.sees("Thank you")
    anna.look("43-paid")


def refunded(invoice: Document, year: int) -> str:
    """The state of the refund of all of an invoice, after the provider has told of it."""
    today = clock.today()
    lines = [CreditLine(line_id=line.pk, gross_minor=line.gross_minor) for line in invoice.lines.all()]
    correction = credit_document(document_id=invoice.pk, lines=lines, reason="Goodwill", today=today)
    payment = Payment.objects.get(allocations__document=invoice)
    refund = refund_customer(
        customer_id=invoice.customer_id,
        amount=Money(invoice.gross_minor, "EUR"),
        way="provider",
        payment_id=payment.pk,
        document_id=correction.pk,
        today=today,
    )
    let_the_worker_work()
    jump_to(date(year, 7, 15), date(year, 7, 16))
    refund.refresh_from_db()
    return refund.state


def jump_to(*days: date) -> None:
    """To each day in turn, and live it; on those between nothing falls due that the next would not find."""
    for day in days:
        move_clock(days=(day - clock.today()).days - 1)
        live_until(day)


def hear_the_news() -> None:
    deliver_vendor_webhooks()
    for model in (WebhookEvent, Refund):
        outbox.drain(model, now=clock.now())


def invoices_of(member: Visitor) -> list[Document]:
    kept = Document.objects.filter(kind=DocumentKind.INVOICE, customer__user=member.user)
    return list(kept.order_by("pk"))


def open_of(document: Document) -> int:
    return OpenItem.objects.get(pk=document.pk).open_minor


def mails_to(member: Visitor) -> list:
    return [message for message in mail.outbox if message.to == [member.email]]


def letters_to(member: Visitor) -> list[Document]:
    return list(Document.objects.filter(kind=DocumentKind.DUNNING_LETTER, recipient_email=member.email))


def payment_link(message) -> str:
    return re.search(r"https?://[^\s\"<>]*/billing/pay/[^\s\"<>]+", message.body)[0]
