"""First payment on a provider's page, in a real browser: cancelled, taken up again, paid; what editors see of it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.payments.models import PaymentSession
from cms_billing.payments.services import put_to_repair
from cms_billing.testing.factories import ProviderAccountFactory, UserFactory

from .story import PASSWORD, Clerk, Visitor, begin_on_tenth_of_april, open_magazine

pytestmark = pytest.mark.browser
Order = get_model("order", "Order")
ACCOUNT = {
    "SECRET_KEY": "sk_test_51StandInMain",
    "WEBHOOK_SECRET": "whsec_standin_main",
    "SESSION": "cms_billing.testing.vendors.new_session",
}


@pytest.fixture
def look(screenshot):
    def look_at(window, station: str) -> None:
        size = window.viewport_size["width"]
        device = "phone" if size < 500 else "desktop"
        screenshot(window, f"checkout-{station}-{device}")
        assert window.evaluate("document.scrollingElement.scrollWidth") <= size, f"{station} scrolls sideways"

    return look_at


@pytest.fixture
def magazine(settings, live_server):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "SITE_URL": live_server.url,
        "TIME_MACHINE": True,
        "PROVIDERS": {
            **settings.CMS_BILLING["PROVIDERS"],
            "stripe": "cms_billing.payments.providers.stripe.StripeProvider",
        },
        "PROVIDER_ACCOUNTS": {"stripe/main": ACCOUNT},
    }
    magazine = open_magazine()
    ProviderAccountFactory(issuer=magazine.issuer, requests_per_second=500)
    begin_on_tenth_of_april()
    return magazine


@pytest.mark.parametrize("device", ["page", "phone"])
def test_buyer_pays_on_the_providers_page(magazine, request, device, look):
    buyer = Visitor(request.getfixturevalue(device), "Anna", look)
    buyer.goes_to_the_last_step(magazine.article, way="stripe:main")
    buyer.press("Order and pay")
    buyer.window.wait_for_url("**/stand-ins/stripe/**")
    buyer.look("09-providers-page")
    buyer.goto(reverse("basket:summary"))
    buyer.sees("A payment of")
    buyer.look("10-basket-with-open-payment")
    buyer.press("Cancel the payment")
    buyer.sees("You have cancelled the payment")
    buyer.look("11-cancelled")
    buyer.goto(reverse("checkout:preview"))
    buyer.press("Order and pay")
    buyer.press("SEPA account: settles after 5 days")
    buyer.window.wait_for_url("**/thank-you/")
    buyer.sees("Your payment is under way")
    buyer.look("12-thank-you")
    assert Order.objects.count() == 1


def test_editors_see_the_payment_with_the_order_and_repair_what_is_stray(magazine, page, open_window, look):
    buyer = Visitor(page, "Anna", lambda window, station: None)
    buyer.goes_to_the_last_step(magazine.article, way="stripe:main")
    buyer.press("Order and pay")
    buyer.press("Card that works")
    buyer.window.wait_for_url("**/thank-you/")
    look(buyer.window, "13-thank-you-paid")
    paid = PaymentSession.objects.get()
    stray = PaymentSession.objects.create(
        **{
            field: getattr(paid, field)
            for field in ("issuer", "account", "payer", "purpose", "currency", "state")
        },
        subject="basket:0",
        money="settled",
        amount_minor=990,
        completed_at=clock.now(),
        work_state="done",
    )
    put_to_repair(session_id=stray.pk, problem="Paid twice: the basket has been ordered already.")
    UserFactory(username="chief", password=PASSWORD, is_staff=True, is_superuser=True)
    window = open_window(viewport={"width": 1280, "height": 900})
    clerk = Clerk(window, look)
    window.goto("/admin/login/")
    window.fill("#id_username", "chief")
    window.fill("#id_password", PASSWORD)
    window.keyboard.press("Enter")
    window.wait_for_url("**/admin/")
    for name, url in {
        "14-inbox": reverse("billing-stray-payment:index"),
        "15-stray": reverse("billing-stray-payment:inspect", args=[stray.pk]),
        "16-pay-back": reverse("billing-stray-payment:pay_back", args=[stray.pk]),
        "17-todo": reverse("billing_todo"),
    }.items():
        window.goto(url)
        clerk.look(name)
    window.goto(reverse("dashboard:order-detail", args=[Order.objects.get().number]))
    window.get_by_role("tab", name="Payment").or_(
        window.get_by_role("link", name="Payment", exact=True)
    ).first.click()
    window.screenshot(path="tests/browser/screenshots/checkout-18-dashboard.png", full_page=True)
    assert window.get_by_text("received").count()
