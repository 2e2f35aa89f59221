"""The page of a leak check at the desk and on a telephone: under way, empty, red and yellow, in both modes."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import reverse
from wagtail.models import Site
from wagtail.users.models import UserProfile

from cms_billing.paywall.models import LeakCheckRun
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from sandbox.site.models import MagazineIndexPage
from tests.paywall.files import new_collection, new_image

pytestmark = pytest.mark.browser
LONG = "https://www.example.org/magazin/" + "ein-sehr-langer-name-ohne-pause-" * 6


@pytest.fixture
def checks(live_server):
    cache.clear()
    home = Site.objects.get(is_default_site=True).root_page
    page = home.add_child(instance=MagazineIndexPage(title="Magazin", slug="magazin"))
    set_rule(page=page, plans=[PlanFactory()])
    image = new_image(new_collection())
    found = {
        "door": "other page",
        "method": "GET",
        "page_id": page.pk,
        "page": page.title,
        "visitor": "guest",
    }
    text = {**found, "kind": "text", "url": LONG, "field": "body.3.paragraph", "place": "meta og:description"}
    broken = {**found, "kind": "broken", "url": "http://localhost/", "field": "", "place": "img src · Chord"}
    findings = [
        {
            **text,
            "rule_page_id": page.pk,
            "snippet": "wound strings lose their brightness after twenty hours",
        },
        {
            **text,
            "rule_page_id": page.pk,
            "kind": "cached",
            "snippet": "",
            "place": "Cache-Control: max-age=60",
        },
        {**broken, "rule_page_id": None, "snippet": "", "file": f"image {image.pk}"},
    ]
    done = {"work_state": "done", "asked": 812, "total": 812, "closed_pages": 9}
    return {
        "empty": None,
        "clean": LeakCheckRun.objects.create(**done),
        "found": LeakCheckRun.objects.create(**done, leaks=2, warnings=1, findings=findings),
        "running": LeakCheckRun.objects.create(work_state="running", asked=120, total=812, closed_pages=9),
    }


@pytest.fixture
def windows(client, page, phone, live_server):
    """Both windows of an administrator, by name."""
    user = UserFactory(is_superuser=True, is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    for window in (page, phone):
        window.context.add_cookies([cookie])
    return {"desktop": page, "phone": phone}


def fits(window) -> bool:
    return window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("language", ["en", "de"])
def test_findings_are_read_without_scrolling_sideways(checks, windows, screenshot, language):
    theme = "dark" if language == "de" else "light"
    UserProfile.objects.update_or_create(
        user=get_user_model().objects.get(is_superuser=True),
        defaults={"preferred_language": language, "theme": theme},
    )
    for kind, window in windows.items():
        for name in ("found", "clean", "running"):
            window.goto(reverse("billing-leakcheckrun:inspect", args=[checks[name].pk]))
            screenshot(window, f"leak-check-{name}-{language}-{kind}")
            assert fits(window), (name, kind)
            assert window.locator("progress").count() == (name == "running")
        window.goto(reverse("billing-leakcheckrun:inspect", args=[checks["found"].pk]))
        assert window.locator(".billing-finding").count() == 3
        link = window.locator(".billing-finding a").first
        link.focus()
        assert link.evaluate("node => getComputedStyle(node).outlineStyle") != "none"
        window.goto(reverse("billing-leakcheckrun:index"))
        screenshot(window, f"leak-checks-{language}-{kind}")
        assert fits(window), kind


def test_no_check_yet(windows, screenshot):
    for kind, window in windows.items():
        window.goto(reverse("billing-leakcheckrun:index"))
        screenshot(window, f"leak-checks-empty-{kind}")
        assert "Nothing has been checked yet" in window.content()
        assert fits(window), kind
