"""The checkout with Stripe's, Mollie's and Adyen's stand-ins: the real providers, over the wire they speak."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock, outbox
from cms_billing.payments.models import Payment, PaymentMethod, PaymentSession, WebhookEvent
from cms_billing.payments.services import collect_due
from cms_billing.testing.factories import IssuerFactory, ProviderAccountFactory, UserFactory
from cms_billing.testing.vendors import deliver_vendor_webhooks

from .paying import one_order_paid, press
from .shop import Visitor, euro, germany, partner_of, plan_product

Order = get_model("order", "Order")
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
SESSION = "cms_billing.testing.vendors.new_session"
VENDORS = {
    "stripe": (
        "cms_billing.payments.providers.stripe.StripeProvider",
        {"SECRET_KEY": "sk_test_51StandInMain", "WEBHOOK_SECRET": "whsec_standin_main"},
    ),
    "mollie": ("cms_billing.payments.providers.mollie.MollieProvider", {"API_KEY": "test_standinkey1"}),
    "adyen": (
        "cms_billing.payments.providers.adyen.AdyenProvider",
        {
            "API_KEY": "AQEyhmfxK-test-key-of-the-stand-in",
            "WEBHOOK_HMAC_KEY": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
            "WEBHOOK_USER": "name-of-the-endpoint",
            "WEBHOOK_PASSWORD": "pass-of-the-endpoint",
        },
    ),
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=VENDORS)
def vendor(request, settings):
    germany()
    path, secrets = VENDORS[request.param]
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {**settings.CMS_BILLING["PROVIDERS"], request.param: path},
        "PROVIDER_ACCOUNTS": {f"{request.param}/main": {**secrets, "SESSION": SESSION}},
        "TIME_MACHINE": True,
    }
    with clock.frozen(MARCH):
        yield request.param


@pytest.fixture
def issuer(vendor):
    issuer = IssuerFactory(payment_days=0)
    merchant = "AkademieECOM" if vendor == "adyen" else ""
    ProviderAccountFactory(issuer=issuer, provider=vendor, merchant_account=merchant, requests_per_second=500)
    return issuer


@pytest.fixture
def buyer(client, issuer):
    return Visitor(client, UserFactory(first_name="Anna", last_name="Muster"))


@pytest.fixture
def membership(issuer):
    return plan_product(partner_of(), issuer=issuer, price=euro("9.90"))


def choose(buyer, session, behaviour):
    """The buyer clicks on the vendor's page, and follows the way back."""
    path = session.url.removeprefix("http://testserver")
    return buyer.client.post(path, {"choice": behaviour}, follow=True)


def hear_and_work():
    deliver_vendor_webhooks()
    for model in (WebhookEvent, PaymentSession, Payment):
        outbox.drain(model, now=clock.now())


def test_card_is_paid_stored_and_charged_for_the_next_period(buyer, membership, vendor, issuer):
    session = press(buyer, membership, method=f"{vendor}:main")
    page = choose(buyer, session, "good-card")
    hear_and_work()
    one_order_paid(990)
    # Where the webhook is what tells of the money (Adyen), the page that waits goes on to the order.
    page = buyer.client.get(page.redirect_chain[-1][0], follow=True)
    assert page.request["PATH_INFO"] == reverse("checkout:thank-you")
    assert "Your payment has arrived" in page.content.decode()
    method = PaymentMethod.objects.get()
    assert (method.kind, method.is_default, method.customer.user) == ("card", True, buyer.user)
    assert Order.objects.get().sources.get().amount_debited == Order.objects.get().total_incl_tax
    hear_and_work()
    one_order_paid(990)


def test_webhook_without_a_redirect_places_the_order(buyer, membership, vendor):
    session = press(buyer, membership, method=f"{vendor}:main")
    buyer.client.post(session.url.removeprefix("http://testserver"), {"choice": "good-card"})
    hear_and_work()
    one_order_paid(990)


def test_sepa_places_the_order_and_settles_days_later(buyer, membership, vendor, issuer):
    session = press(buyer, membership, method=f"{vendor}:main")
    page = choose(buyer, session, "good-account")
    hear_and_work()
    assert Order.objects.count() == 1
    if vendor != "adyen":
        # Adyen calls a direct debit authorised at once.
        assert "Your payment is under way" in page.content.decode()
        assert Payment.objects.get().state == "pending"
    with clock.frozen(MARCH + timedelta(days=7)):
        assert collect_due(issuer=issuer, today=clock.today()) == []
        hear_and_work()
    one_order_paid(990)


def test_cancelling_orders_nothing_and_the_next_try_succeeds(buyer, membership, vendor):
    session = press(buyer, membership, method=f"{vendor}:main")
    page = choose(buyer, session, "cancel")
    hear_and_work()
    assert not Order.objects.exists()
    assert membership.title in page.content.decode()
    again = press(buyer, method=f"{vendor}:main")
    choose(buyer, again, "good-card")
    hear_and_work()
    one_order_paid(990)


def test_refused_card_orders_nothing(buyer, membership, vendor):
    session = press(buyer, membership, method=f"{vendor}:main")
    choose(buyer, session, "refused-card")
    hear_and_work()
    assert not Order.objects.exists()
    assert not Payment.objects.filter(state="settled").exists()
