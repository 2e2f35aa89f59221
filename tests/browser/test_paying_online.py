"""A member pays on the page of each provider's stand-in and keeps their cards, seen in Chromium."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Document, OpenItem
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.links import payment_url
from cms_billing.payments.models import MethodRemoval, PaymentMethod, PaymentSession, WebhookEvent
from cms_billing.payments.providers import StoredMethod
from cms_billing.payments.services import store_method
from cms_billing.testing.factories import (
    BookingFactory,
    CustomerFactory,
    IssuerFactory,
    ProviderAccountFactory,
    UserFactory,
    signed_contract,
)
from cms_billing.testing.vendors import deliver_vendor_webhooks

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STAND_INS = "cms_billing.testing.vendors.new_session"
PROVIDERS = {
    "stripe": "cms_billing.payments.providers.stripe.StripeProvider",
    "mollie": "cms_billing.payments.providers.mollie.MollieProvider",
    "adyen": "cms_billing.payments.providers.adyen.AdyenProvider",
}
SECRETS = {
    "stripe/main": {"SECRET_KEY": "sk_test_51Browser", "WEBHOOK_SECRET": "whsec_browser"},
    "mollie/main": {"API_KEY": "test_BrowserBrowserBrowserBrowser12", "WEBHOOK_SECRET": "whs_browser"},
    "adyen/main": {
        "API_KEY": "AQEbrowser",
        "WEBHOOK_HMAC_KEY": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
        "WEBHOOK_USER": "endpoint",
        "WEBHOOK_PASSWORD": "endpoint",
    },
}
TITLES = {"stripe": "Card or direct debit", "mollie": "iDEAL, card or PayPal", "adyen": "Card"}


@pytest.fixture(autouse=True)
def stage(settings, live_server):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "SITE_URL": live_server.url,
        "TIME_MACHINE": True,
        "PROVIDERS": {**settings.CMS_BILLING["PROVIDERS"], **PROVIDERS},
        "PROVIDER_ACCOUNTS": {name: {**secrets, "SESSION": STAND_INS} for name, secrets in SECRETS.items()},
    }


@pytest.fixture
def customer(stage):
    """Owes 9.90 since two weeks ago and 24.80 in two weeks; accounts at all three providers.

    The server runs in a thread of its own, by the real clock.
    """
    today = clock.today()
    issuer = IssuerFactory(name="Akademie am See", payment_days=14)
    merchants = {"adyen": "AkademieECOM"}
    for vendor, title in TITLES.items():
        ProviderAccountFactory(
            issuer=issuer, provider=vendor, title=title, merchant_account=merchants.get(vendor, "")
        )
    customer = CustomerFactory(issuer=issuer, user=UserFactory())
    for minor, day in ((990, today - timedelta(days=28)), (2480, today)):
        BookingFactory(
            customer=customer, unit_price_minor=minor, period_start=day, period_end=day, due_on=day
        )
        assert issue_next_invoices(issuer=issuer, today=day).done
    return customer


def link(customer) -> str:
    return payment_url(Document.objects.filter(customer=customer).values_list("pk", flat=True))


def sign_in(page, customer) -> None:
    page.goto(reverse("customer:login"))
    page.fill("#id_login-username", customer.user.email)
    page.fill("#id_login-password", "secret")
    page.click("button[name=login_submit]")
    page.wait_for_url("**/")


def news() -> None:
    deliver_vendor_webhooks()
    for model in (WebhookEvent, PaymentSession, MethodRemoval):
        outbox.drain(model, now=clock.now())


def assert_fits(page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), .billing-pay input:not([type=hidden])')]"
        ".filter(field => !field.labels.length && !field.getAttribute('aria-label')).length"
    )
    assert unlabelled == 0


@pytest.mark.parametrize(("vendor", "title"), TITLES.items())
def test_a_guest_ticks_one_invoice_and_pays_it(page, customer, screenshot, vendor, title):
    page.goto(link(customer))
    assert_fits(page)
    screenshot(page, f"payment-page-{vendor}")
    page.get_by_label("€24.80").uncheck()
    page.locator(".billing-total strong").filter(has_text="€9.90").wait_for()
    assert page.locator(".billing-copy").count() >= 4
    page.get_by_role("button", name=title, exact=True).click()
    page.get_by_role("button", name="Card that works", exact=True).click()
    page.get_by_text("Thank you!").first.wait_for()
    screenshot(page, f"payment-page-{vendor}-back")
    news()
    page.goto(link(customer))
    assert list(OpenItem.objects.open().values_list("open_minor", flat=True)) == [2480]
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize("vendor", ["stripe", "mollie", "adyen"])
def test_refused_and_cancelled_payments_lead_back_to_the_other_ways(phone, customer, screenshot, vendor):
    title = TITLES[vendor]
    phone.goto(link(customer))
    assert_fits(phone)
    screenshot(phone, f"payment-page-phone-{vendor}")
    phone.get_by_role("button", name=title, exact=True).click()
    phone.get_by_role("button", name="Card that is refused").click()
    screenshot(phone, f"payment-refused-phone-{vendor}")
    if phone.get_by_role("button", name="Cancel").count():
        phone.get_by_role("button", name="Cancel").click()
    phone.get_by_text("othing has been taken").first.wait_for()
    assert phone.get_by_role("button", name=title, exact=True).is_visible()
    screenshot(phone, f"payment-back-phone-{vendor}")
    assert OpenItem.objects.open().count() == 2


def test_with_keys_alone_and_without_a_script(open_window, customer, screenshot):
    page = open_window(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page.goto(link(customer))
    page.get_by_role("link", name="Only what is due").press("Enter")
    assert page.locator(".billing-total strong").inner_text() == "€9.90"
    page.get_by_label("€24.80").press("Space")
    page.get_by_role("button", name="Update the amount").press("Enter")
    assert page.locator(".billing-total strong").inner_text() == "€34.70"
    screenshot(page, "payment-page-no-script")
    page.get_by_role("button", name="Card or direct debit").press("Enter")
    page.get_by_role("button", name="Card that works", exact=True).press("Enter")
    page.get_by_text("We have received €34.70").wait_for()


@pytest.mark.parametrize("vendor", ["stripe", "mollie", "adyen"])
def test_a_member_adds_replaces_and_removes_a_card(page, phone, customer, screenshot, vendor):
    title = TITLES[vendor]
    signed_contract(start=clock.today() + timedelta(days=1), customer=customer, today=clock.today())
    sign_in(page, customer)
    page.goto(reverse("cms_billing:payment_methods"))
    screenshot(page, f"methods-{vendor}-empty")
    page.get_by_role("button", name=title, exact=True).click()
    page.get_by_role("button", name="Card that works", exact=True).click()
    page.get_by_text("Thank you!").wait_for()
    news()
    page.goto(reverse("cms_billing:payment_methods"))
    assert_fits(page)
    screenshot(page, f"methods-{vendor}")
    first = PaymentMethod.objects.usable().get()
    page.get_by_role("button", name="Replace").click()
    page.get_by_role("button", name="Card that asks for authentication").click()
    page.get_by_role("button", name="It is me").click()
    page.get_by_text("Thank you!").wait_for()
    news()
    first.refresh_from_db()
    assert (first.state, first.revoked_by) == ("revoked", "replaced")
    sign_in(phone, customer)
    phone.goto(reverse("cms_billing:payment_methods"))
    assert_fits(phone)
    screenshot(phone, f"methods-phone-{vendor}")
    phone.get_by_role("link", name="Remove").click()
    phone.get_by_text("It is the last one").wait_for()
    assert_fits(phone)
    screenshot(phone, f"method-removal-phone-{vendor}")
    phone.get_by_role("button", name="Remove now").click()
    phone.get_by_text("is removed").first.wait_for()
    news()
    assert not PaymentMethod.objects.usable().exists()
    assert MethodRemoval.objects.filter(work_state="done").count() == 2


def test_german_pages_and_the_editors_view(open_window, customer, screenshot):
    account = customer.issuer.provider_accounts.get(provider="mollie")
    for number, expires_on in enumerate(
        [clock.today() + timedelta(days=20), clock.today() - timedelta(days=40)]
    ):
        stored = StoredMethod(
            reference=f"cst_1/mdt_{number}",
            kind="card",
            label=f"Visa •••• 424{number}",
            expires_on=expires_on,
        )
        store_method(customer_id=customer.pk, account=account, payer=None, stored=stored)
    german = open_window(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    sign_in(german, customer)
    german.context.add_cookies([{"name": "django_language", "value": "de", "url": german.url}])
    for name in ("pay_open", "payment_methods", "account_documents"):
        german.goto(reverse(f"cms_billing:{name}"))
        assert_fits(german)
        screenshot(german, f"german-{name}")
    german.get_by_role("link", name="Alle 2 offenen Rechnungen bezahlen").click()
    german.get_by_role("button", name="Card or direct debit").wait_for()
    get_user_model().objects.create_superuser("editor", "editor@example.org", "secret")
    desk = open_window(viewport={"width": 1280, "height": 2400})
    desk.goto(reverse("wagtailadmin_login"))
    desk.fill("input[name=username]", "editor")
    desk.fill("input[name=password]", "secret")
    desk.click("button[type=submit]")
    desk.goto(reverse("billing-customer:inspect", args=[customer.pk]))
    desk.get_by_text("Visa •••• 4241").wait_for()
    screenshot(desk, "methods-at-the-desk")
