"""An editor makes a plan, a member makes one by the link of a letter; on a desktop and on a telephone."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from wagtail.users.models import UserProfile

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.dunning.models import Agreement, Case, DunningPolicy
from cms_billing.dunning.services import create_default_procedure, dun_next_customers
from cms_billing.payments.links import payment_token
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory
from tests.dunning.conftest import invoice_due, pay

pytestmark = pytest.mark.browser


@pytest.fixture
def invoice(live_server):
    issuer = IssuerFactory(name="Chorakademie", iban="DE89370400440532013000")
    create_default_procedure(issuer)
    DunningPolicy.objects.create(issuer=issuer, promise_days=14, instalments_max=4)
    customer = CustomerFactory(issuer=issuer, first_name="Anna", last_name="Berg", email="anna@example.org")
    document = invoice_due(customer, clock.today(issuer) - timedelta(days=10), amount=12000, contract="V-1")
    dun_next_customers(issuer=issuer, today=clock.today(issuer))
    return document


@pytest.fixture
def window_of(page, live_server):
    """A desktop window of who is logged in with the client."""

    def log_in(client):
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])
        return page

    return log_in


@pytest.mark.parametrize("code", ["de", "en"])
def test_a_member_chooses_instalments_on_a_telephone(open_window, live_server, invoice, screenshot, code):
    phone = open_window(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
    )
    phone.context.add_cookies([{"name": "django_language", "value": code, "url": live_server.url}])
    phone.goto(reverse("cms_billing:payment_page", args=[payment_token([invoice.pk])]))
    screenshot(phone, f"agreement-payment-page-{code}")
    phone.locator(".billing-offer a").click()
    screenshot(phone, f"agreement-choose-phone-{code}")
    phone.locator("input[name=count][value='3']").check()
    phone.locator("form:has(input[name=count]) button").click()
    screenshot(phone, f"agreement-plan-phone-{code}")
    assert not Agreement.objects.exists()
    phone.locator("button[name=confirm]").click()
    phone.locator(".billing-notice-good").wait_for()
    screenshot(phone, f"agreement-done-phone-{code}")
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert Agreement.objects.get().by_member
    phone.goto(reverse("cms_billing:payment_page", args=[payment_token([invoice.pk])]))
    phone.locator(".billing-parts a").first.click()
    assert "40.00" in phone.locator(".billing-total").inner_text().replace(",", ".")
    screenshot(phone, f"agreement-pay-part-phone-{code}")


@pytest.mark.parametrize("language", ["de", "en"])
def test_an_editor_makes_a_plan_and_sees_how_it_stands(window_of, client, invoice, screenshot, language):
    user = UserFactory(is_superuser=True, is_staff=True)
    UserProfile.objects.create(user=user, preferred_language=language)
    client.force_login(user)
    page = window_of(client)
    case = Case.objects.get(document=invoice)
    page.goto(reverse("billing-agreement:for_case", args=[case.pk]))
    page.locator("select[name=kind]").select_option("instalments")
    page.fill("#id_count", "3")
    page.locator("button[name=preview]").click()
    page.locator("#plan").wait_for()
    screenshot(page, f"agreement-make-{language}")
    page.locator("form.billing-action button[type=submit]").first.click()
    page.locator("progress").wait_for()
    pay(invoice, clock.today(invoice.issuer), amount=Money.of("40", "EUR"))
    page.reload()
    screenshot(page, f"agreement-page-{language}")
    page.goto(reverse("billing-agreement:index"))
    screenshot(page, f"agreement-list-{language}")
    page.goto(reverse("billing-dunning:inspect", args=[case.pk]))
    screenshot(page, f"agreement-case-{language}")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(reverse("billing-agreement:inspect", args=[Agreement.objects.get().pk]))
    screenshot(page, f"agreement-page-phone-{language}")
    assert Agreement.objects.get().until > date(2020, 1, 1)
