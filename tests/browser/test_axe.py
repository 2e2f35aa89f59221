"""What axe-core says of the paywall's pages: nothing serious, on desktop and telephone."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.models import Contract
from cms_billing.memberships.services import book_next_due
from cms_billing.testing.factories import UserFactory

from .test_reading import academy, learner, my_window, window

__all__ = ["academy", "learner", "my_window", "window"]

pytestmark = pytest.mark.browser

SERIOUS = ("serious", "critical")


def serious(window: Any, *within: str) -> list[tuple[str, str, str]]:
    """``(rule, element, what is wrong)`` of each serious finding on the page that is open, or in parts of it."""
    context = {"include": [[selector] for selector in within]} if within else None
    found = Axe().run(window, context=context).response["violations"]
    return [
        (one["id"], " ".join(map(str, node["target"])), node.get("failureSummary", "")[:300])
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def test_what_is_wrong_is_found(window):
    window.set_content('<html><body><img src="/x.png"><input type="text"></body></html>')
    assert {"image-alt", "label"} <= {one[0] for one in serious(window)}


def look_at(window: Any, *urls: str) -> None:
    found = {}
    for url in urls:
        window.goto(url)
        window.wait_for_load_state("networkidle")
        if problems := serious(window):
            found[url] = problems
    assert not found


def test_pages_of_guests(window, academy):
    look_at(
        window,
        academy.article.url,
        academy.section.url,
        academy.course.url,
        academy.lessons[0].url,
        reverse("cms_billing:gift_over"),
        reverse("cms_billing:ask_certificate"),
    )
    window.goto(academy.article.url)
    window.locator(".paywall-free button").click()
    window.locator(".paywall-pass").wait_for()
    assert not serious(window)


def test_pages_of_members(my_window, academy):
    look_at(
        my_window,
        academy.article.url,
        academy.course.url,
        academy.lessons[0].url,
        reverse("cms_billing:account_gifts"),
        reverse("cms_billing:account_courses"),
        reverse("cms_billing:account_arrears"),
    )
    my_window.goto(academy.article.url)
    my_window.locator(".paywall-give button").click()
    my_window.locator(".billing-gift").wait_for()
    assert not serious(my_window)


def test_page_of_locked_members(my_window, academy):
    locked(Contract.objects.get())
    look_at(my_window, academy.article.url, reverse("cms_billing:account_arrears"))


def locked(contract: Contract) -> None:
    today = clock.today()
    book_next_due(issuer=contract.issuer, today=today)
    issue_next_invoices(issuer=contract.issuer, today=today)
    Case.objects.create(
        issuer=contract.issuer,
        customer=contract.customer,
        document=Document.objects.filter(lines__contract_reference=contract.number).earliest("pk"),
        level=3,
        lock_scope="contract",
        announced_scope="contract",
        opened_on=today,
        waiting_since=today,
    )


@pytest.fixture
def admin_window(window, client, live_server):
    client.force_login(UserFactory(is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies["sessionid"].value
    window.context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
    return window


def test_pages_of_editors(admin_window, academy):
    """Only what stands in the pages' main part: menu and header are Wagtail's."""
    found = {}
    for url in (
        reverse("billing-paywall:page_rule", args=[academy.section.pk]),
        reverse("billing-paywall-rules:index"),
        reverse("billing-paywall:explain"),
        reverse("billing-leakcheckrun:index"),
        reverse("billing-leakcheckrun:start"),
    ):
        admin_window.goto(url)
        admin_window.wait_for_load_state("networkidle")
        ours = [
            one for one in serious(admin_window) if not one[1].startswith(("#wagtail-sidebar", ".sidebar"))
        ]
        if ours:
            found[url] = ours
    assert not found


def test_what_stands_in_pages_of_wagtail(admin_window, academy):
    """The tags of the explorer, the message about a move, the panel, and the dialog with the rule."""
    admin_window.goto(reverse("wagtailadmin_explore", args=[academy.section.pk]))
    assert not serious(admin_window, ".billing-listing-tag")
    home = academy.section.get_parent()
    admin_window.goto(reverse("wagtailadmin_pages:move_confirm", args=[academy.article.pk, home.pk]))
    admin_window.wait_for_timeout(1000)  # it fades in
    assert not serious(admin_window, ".messages")
    admin_window.goto(reverse("wagtailadmin_pages:edit", args=[academy.article.pk]))
    admin_window.locator("[data-side-panel-toggle=paywall]").click()
    admin_window.locator("[data-rule-dialog]").click()
    admin_window.locator(".modal-body #rule-form").wait_for()
    admin_window.wait_for_timeout(500)
    assert not serious(admin_window, ".billing-rule-dialog")
    admin_window.keyboard.press("Escape")
    admin_window.locator(".modal-body").wait_for(state="detached")
    assert not serious(admin_window, ".billing-paywall-panel")
