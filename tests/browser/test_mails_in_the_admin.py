"""An editor writes a mail text and sees it while writing; a refused mail goes to the right address."""

import pytest
from django.core import mail
from django.urls import reverse

from cms_billing.faktura.models import Delivery, MailText
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory
from tests.faktura.documents import archived, deliver

pytestmark = pytest.mark.browser


@pytest.fixture
def admin(client, live_server):
    """Logs a window in as superuser."""
    user = UserFactory(
        username="chefin", is_superuser=True, is_staff=True, is_active=True, email="chefin@example.org"
    )
    client.force_login(user)

    def log_in(window):
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        window.context.add_cookies([cookie])
        return window

    return log_in


def previewed(window):
    """The mail in the preview panel's frame."""
    return window.frame_locator("iframe.w-preview__iframe:not(.w-preview__proxy)").frame_locator("iframe")


def test_mail_text_is_shown_while_it_is_written(admin, page, screenshot):
    issuer = IssuerFactory(name="Akademie", reply_to="fragen@example.org")
    archived(CustomerFactory(issuer=issuer, last_name="Muster", email="anna@example.org"))
    text = MailText.objects.create(
        issuer=issuer, purpose="invoice", language="de", subject="Rechnung {number}"
    )
    window = admin(page)
    window.set_viewport_size({"width": 1600, "height": 1000})
    window.goto(reverse("billing-mailtext:edit", args=[text.pk]))
    if not window.locator("iframe.w-preview__iframe").is_visible():
        window.get_by_role("button", name="Toggle preview").click()
    previewed(window).get_by_text("Guten Tag Anna Muster").wait_for()
    window.wait_for_timeout(2500)  # Wagtail looks for changes from two seconds after loading on
    window.fill("#id_body", "Moin {name}, hier kommt {number}.")
    previewed(window).get_by_text("Moin Anna Muster, hier kommt RE-2026-000001.").wait_for()
    screenshot(window, "mail-text-form")
    window.get_by_role("button", name="Send a test mail to me").click()
    window.get_by_text("A test mail goes to chefin@example.org.").wait_for()
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["chefin@example.org"], "[Test] Rechnung RE-2026-000001")
    assert "Moin Anna Muster" in sent.body


def test_message_as_sent_is_read_from_the_document(admin, page, phone, screenshot):
    document = archived(CustomerFactory(email="anna@example.org"))
    deliver(document)
    row = Delivery.objects.get()
    for window in (admin(page), admin(phone)):
        window.goto(reverse("billing-document:inspect", args=[document.pk]))
        window.get_by_role("link", name="as sent").click()
        frame = window.frame_locator("iframe.billing-message")
        frame.get_by_text("Guten Tag").wait_for()
        assert window.url.endswith(reverse("billing-delivery:inspect", args=[row.pk]))
    screenshot(page, "delivery")
    screenshot(phone, "delivery-phone")
