"""Blocks, disputes, policy, statements and versions in a real browser: desktop, phone, German."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cms_billing.core import clock
from cms_billing.dunning.models import DunningPolicy, Hold, Level, Procedure
from cms_billing.dunning.plans import active_procedures
from cms_billing.dunning.services import note_versions, set_hold
from cms_billing.testing.factories import UserFactory

from .conftest import DESKTOP, PHONE
from .test_desk import log_in, wide_enough
from .test_dunning_desk import in_dunning, speak  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("desktop", DESKTOP, ""), ("phone", PHONE, "de")]


@pytest.mark.parametrize("look", LOOKS, ids=[name for name, _options, _language in LOOKS])
def test_blocks_at_the_desk(look, open_window, in_dunning, screenshot):  # noqa: F811
    name, options, language = look
    case, issuer = in_dunning, in_dunning.issuer
    speak(language)
    DunningPolicy.objects.create(issuer=issuer, four_eyes=True)
    set_hold(
        customer_id=case.customer_id,
        reason="In hospital until the end of the month",
        until=clock.today(issuer) + timedelta(days=30),
        today=clock.today(issuer),
        user=UserFactory(username="anna"),
    )
    procedure = Procedure.objects.get(issuer=issuer, customer_kind="consumer")
    Level.objects.filter(procedure=procedure, number=2).update(days_after=21)
    note_versions(list(active_procedures(issuer).values()))
    page = open_window(**options)
    log_in(page)
    page.goto(f"/admin/billing-dunning-hold/case/{case.pk}/")
    screenshot(page, f"dunning-hold-form-{name}")
    page.locator("input[name=kind][value=dispute]").check()
    page.fill("input[name=reason]", "Says the course never took place")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(f"**/billing-dunning/inspect/{case.pk}/")
    assert Hold.objects.get(kind="dispute").document_id == case.document_id
    screenshot(page, f"dunning-hold-case-{name}")
    waiting = Hold.objects.get(state="waiting")
    for path, title in (
        ("billing-dunning-hold/", "list"),
        (f"billing-dunning-hold/inspect/{waiting.pk}/", "page"),
        (f"billing-dunning-hold/approve/{waiting.pk}/", "approve"),
        (f"billing/dunning-policy/{issuer.pk}/", "policy"),
        (f"billing/statements/{issuer.pk}/", "statements"),
        (f"billing-dunning-procedure/versions/{procedure.pk}/", "versions"),
    ):
        page.goto(f"/admin/{path}")
        assert wide_enough(page), path
        screenshot(page, f"dunning-hold-{title}-{name}")
