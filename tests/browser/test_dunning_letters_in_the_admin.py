"""Where editors make letters: the procedure with its preview, base rates, letters on paper and print files."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.dunning.models import BaseRate, Level, Procedure
from cms_billing.dunning.services import create_default_procedure
from cms_billing.faktura.models import PaperLetter, PrintFile, Rendering
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory
from tests.dunning.conftest import invoice_due, run

from .test_desk import tall, wide_enough

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DUE, FIRST = date(2026, 1, 15), date(2026, 1, 22)
NAMES = ["Schmidt", "Yılmaz", "Brandt-Lindqvist"]
PAGES = {
    "procedures": "billing-dunning-procedure:index",
    "base-rates": "billing-base-rate:index",
    "base-rate-form": "billing-base-rate:add",
    "paper-letters": "billing-paperletter:index",
    "print-files": "billing-printfile:index",
}


@pytest.fixture(autouse=True)
def _weasyprint(settings):
    renderer = "cms_billing.faktura.rendering.WeasyPrintRenderer"
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PDF_RENDERER": renderer}


@pytest.fixture
def procedure(live_server) -> Procedure:
    """First letters on paper: they wait for print."""
    issuer = IssuerFactory(name="Akademie am See", legal_name="Akademie am See gGmbH")
    procedure = create_default_procedure(issuer)
    Level.objects.filter(procedure=procedure, number=1).update(channel="print")
    for name in NAMES:
        invoice_due(CustomerFactory(issuer=issuer, last_name=name), DUE, amount=4900)
    run(issuer, FIRST)
    outbox.drain(Rendering, now=clock.now())
    return procedure


@pytest.fixture
def admin(client, live_server):
    """Logs a window in as superuser."""
    client.force_login(UserFactory(username="chefin", is_superuser=True, is_staff=True))

    def log_in(window):
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        window.context.add_cookies([cookie])
        complaints = []
        window.on("pageerror", lambda error: complaints.append(str(error)))
        return window, complaints

    return log_in


@pytest.mark.parametrize("look", ["page", "phone"])
def test_the_pages_of_letters(look, request, admin, procedure, screenshot):
    window, complaints = admin(request.getfixturevalue(look))
    for name, address in PAGES.items():
        window.goto(reverse(address))
        assert wide_enough(window), name
        screenshot(window, f"letters-{name}-{look}")
    assert complaints == []


def test_waiting_letters_become_a_print_file_that_is_downloaded_and_posted(
    admin, page, procedure, screenshot
):
    window, complaints = admin(page)
    window.goto(reverse("billing-paperletter:index"))
    window.get_by_role("link", name="Print 3 letters of Akademie am See").click()
    screenshot(window, "letters-make-print-file")
    window.get_by_role("button", name="Make it").click()
    window.get_by_text("3 letters are being put into print files").wait_for()
    outbox.drain(PrintFile, now=clock.now())
    made = PrintFile.objects.get()
    window.goto(reverse("billing-printfile:inspect", args=[made.pk]))
    tall(window)
    screenshot(window, "letters-print-file")
    with window.expect_download() as download:
        window.get_by_role("link", name="Download the PDF").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    assert PaperLetter.objects.filter(print_file=made).count() == 3
    assert complaints == []


def test_the_procedure_is_edited_beside_the_letter_it_makes(admin, page, procedure, screenshot):
    window, complaints = admin(page)
    window.set_viewport_size({"width": 1700, "height": 1100})
    window.goto(reverse("billing-dunning-procedure:edit", args=[procedure.pk]))
    frame = window.locator("iframe.w-preview__iframe").first
    if not frame.is_visible():
        window.get_by_role("button", name="Toggle preview").click()
    frame.wait_for(timeout=30_000)
    window.wait_for_timeout(6000)
    screenshot(window, "letters-procedure-mail")
    window.locator("select[name=preview_mode], #id_preview_mode").first.select_option("2-pdf")
    window.wait_for_timeout(8000)
    screenshot(window, "letters-procedure-pdf")
    assert complaints == []


def test_the_procedure_fits_a_phone(admin, phone, procedure, screenshot):
    window, complaints = admin(phone)
    window.goto(reverse("billing-dunning-procedure:edit", args=[procedure.pk]))
    assert wide_enough(window)
    tall(window)
    screenshot(window, "letters-procedure-phone")
    assert complaints == []


def test_a_base_rate_is_entered(admin, page, procedure, screenshot):
    window, complaints = admin(page)
    BaseRate.objects.filter(valid_from__gte=date(2030, 1, 1)).delete()
    window.goto(reverse("billing-base-rate:add"))
    window.fill("#id_valid_from", "2030-02-01")
    window.fill("#id_percent", "1.27")
    window.get_by_role("button", name="Create").first.click()
    window.get_by_text("The base rate changes on 1 January and on 1 July.").wait_for()
    screenshot(window, "letters-base-rate-refused")
    window.fill("#id_valid_from", "2030-01-01")
    window.get_by_role("button", name="Create").first.click()
    window.wait_for_url(f"**{reverse('billing-base-rate:index')}")
    assert BaseRate.objects.filter(valid_from=date(2030, 1, 1)).exists()
    assert complaints == []
