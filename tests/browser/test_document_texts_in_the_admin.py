"""An editor writes what stands above and below the lines; the placeholders follow the kind of document."""

import pytest
from django.urls import reverse

from cms_billing.faktura.models import DocumentText
from cms_billing.testing.factories import IssuerFactory, UserFactory

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("device", ["page", "phone"])
def test_placeholders_follow_the_kind_and_the_text_is_listed(
    device, request, client, live_server, screenshot
):
    window = request.getfixturevalue(device)
    user = UserFactory(username="chefin", is_superuser=True, is_staff=True, is_active=True)
    client.force_login(user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    window.context.add_cookies([cookie])
    issuer = IssuerFactory(name="Akademie")
    DocumentText.objects.create(issuer=issuer, kind="invoice", intro="Guten Tag {name}", closing="Bis bald")

    window.goto(reverse("billing-documenttext:add") + f"?issuer={issuer.pk}")
    window.select_option("#id_kind", "cancellation")
    window.locator("[data-kind=cancellation]").get_by_text("{original_number}").wait_for()
    assert not window.locator("[data-kind=invoice]").is_visible()
    window.fill("#id_intro", "Wir stornieren {original_number}.")
    screenshot(window, f"document-text-form-{device}")
    window.locator("form[method=POST] button[type=submit]").last.click()
    window.get_by_text("Wir stornieren {original_number}.").wait_for()
    screenshot(window, f"document-text-list-{device}")
