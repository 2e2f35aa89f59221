"""A buyer who pays on a provider's page, and the provider's news."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Booking, Document, OpenItem
from cms_billing.payments.links import session_url
from cms_billing.payments.models import Payment, PaymentSession, WebhookEvent
from cms_billing.shop.models import OrderBilling
from cms_billing.testing.factories import ProviderAccountFactory
from tests.payments.page_provider import PAGES

METHOD = "pages:main"


def offer_pages(settings) -> None:
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {**settings.CMS_BILLING["PROVIDERS"], "pages": "tests.payments.page_provider.PageFake"},
    }
    PAGES.clear()


def account_of(issuer, **changes):
    return ProviderAccountFactory(issuer=issuer, provider="pages", **changes)


def press(visitor, *products, shipping=False, method=METHOD) -> PaymentSession:
    """Up to the provider's page: the session that is open then."""
    for product in products:
        visitor.put_in_basket(product)
    response = visitor.press_the_button(visitor.go_to_preview(shipping=shipping, method=method))
    session = PaymentSession.objects.latest("pk")
    assert response.status_code == 302, response.content.decode()
    assert response.url == session.url
    return session


def come_back(visitor_client, session, **query):
    """Follows the way back to the page where it ends."""
    url = session_url(session)
    if query:
        url += "?" + "&".join(f"{key}={value}" for key, value in query.items())
    return visitor_client.get(url, follow=True)


def tell(*references: str, slug="main") -> None:
    """A webhook, and the workers after it."""
    address = reverse("cms_billing:account_webhook", args=["pages", slug])
    answer = Client().post(
        address, " ".join(references), content_type="text/plain", headers={"X-Signed": "yes"}
    )
    assert answer.status_code == 200
    work()


def work() -> None:
    for model in (WebhookEvent, PaymentSession, OrderBilling):
        outbox.drain(model, now=clock.now())


def one_order_paid(amount_minor: int) -> None:
    """One order, one invoice, one payment, nothing open."""
    assert OrderBilling.objects.count() == 1
    assert Document.objects.filter(kind="invoice").count() == 1
    assert Booking.objects.filter(state="billed").exists()
    payment = Payment.objects.get()
    assert (payment.state, payment.amount_minor) == ("settled", amount_minor)
    assert OpenItem.objects.get().open_minor == 0
