"""A letterhead is edited beside its pages; letter paper is uploaded and seen at once, or refused on the spot."""

import pytest
from django.urls import reverse

from cms_billing.faktura.models import Letterhead
from cms_billing.testing.factories import IssuerFactory, LetterheadFactory, UserFactory
from tests.faktura import letterhead_files as files

pytestmark = pytest.mark.browser


@pytest.fixture
def admin(client, live_server):
    """Logs a window in as superuser."""
    client.force_login(UserFactory(username="chefin", is_superuser=True, is_staff=True))

    def log_in(window):
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        window.context.add_cookies([cookie])
        return window

    return log_in


@pytest.fixture(autouse=True)
def _weasyprint(settings):
    renderer = "cms_billing.faktura.rendering.WeasyPrintRenderer"
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PDF_RENDERER": renderer}


def pages(window):
    return window.frame_locator("iframe.w-preview__iframe:not(.w-preview__proxy)").locator("img")


def paper(name: str) -> dict:
    content = files.written(files.drawing(b"0.9 0.95 1 rg 0 0 600 850 re f 0.1 0.3 0.5 rg 0 800 600 42 re f"))
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


def test_letterhead_is_drawn_while_it_is_edited(admin, page, phone, screenshot):
    issuer = IssuerFactory(name="Akademie", legal_name="Saitenweg Akademie GmbH", phone="040 66969 123")
    letterhead = LetterheadFactory(issuer=issuer, template="modern", accent_color="#17595a")
    edit = reverse("billing-letterhead:edit", args=[letterhead.pk])
    window = admin(page)
    window.set_viewport_size({"width": 1700, "height": 1100})
    window.goto(edit)
    if not window.locator("iframe.w-preview__iframe").first.is_visible():
        window.get_by_role("button", name="Toggle preview").click()
    pages(window).first.wait_for(timeout=30_000)
    before = pages(window).first.get_attribute("src")
    window.wait_for_timeout(2500)
    window.select_option("#id_template", "bold")
    window.wait_for_timeout(6000)
    pages(window).first.wait_for()
    assert pages(window).first.get_attribute("src") != before
    screenshot(window, "letterhead-form")

    window.set_input_files("#id_first_background", paper("papier.pdf"))
    window.locator(".letterhead-background img").first.wait_for(timeout=30_000)
    window.set_input_files(
        "#id_next_background", {"name": "x.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-"}
    )
    window.get_by_text("is damaged and cannot be read").wait_for(timeout=30_000)
    window.wait_for_timeout(6000)
    window.locator("#id_first_background").scroll_into_view_if_needed()
    screenshot(window, "letterhead-paper")
    window.get_by_role("button", name="Save").first.click()
    window.get_by_text("updated").first.wait_for()
    assert len(Letterhead.objects.get().first_background) == 64
    assert Letterhead.objects.get().template == "bold"

    small = admin(phone)
    small.goto(edit)
    screenshot(small, "letterhead-form-phone")
    small.goto(reverse("billing-letterhead:index"))
    screenshot(small, "letterheads-phone")
    window.goto(reverse("billing-letterhead:index"))
    screenshot(window, "letterheads")
