"""Editors set rules, see what others get, and change many pages, in a real browser."""

from __future__ import annotations

import pytest
from wagtail.models import Page, Site

from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rules import Preview, RuleTerms
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import StoryPage

from .conftest import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TEXT = "<p>Eine Saite ist ein gespannter Draht, mehr nicht. Und doch klingt jede anders.</p>"
SECRET = "Das Geheimnis liegt im Kern der Saite."
WINDOWS = [("desktop", DESKTOP), ("dark", {**DESKTOP, "color_scheme": "dark"}), ("phone", PHONE)]


@pytest.fixture
def story(live_server):
    home = Site.objects.get(is_default_site=True).root_page
    plans = [PlanFactory(name=name) for name in ("Membership", "Course")]
    section = home.add_child(instance=StoryPage(title="Magazine", slug="magazine", intro="<p>All issues</p>"))
    quote = {"text": "Only members read this line.", "visible_to": "members", "visible_plans": []}
    body = [
        ("text", TEXT),
        ("line", "Der Anfang ist frei."),
        ("divider", None),
        ("line", SECRET),
        ("quote", quote),
    ]
    page = section.add_child(
        instance=StoryPage(title="Saiten", slug="saiten", intro="<p>Intro</p>", body=body)
    )
    terms = RuleTerms(preview=Preview.DIVIDER, quota=3, gifts=2, closes_at=2)
    set_rule(page=section, plans=plans, terms=terms)
    UserFactory(username="administrator", is_superuser=True, is_staff=True)
    return page


def log_in(page) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", "administrator")
    page.fill("[name=password]", "secret")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize(("name", "window"), WINDOWS)
def test_rule_is_written_with_its_preview_beside_it(story, open_window, screenshot, name, window):
    page = open_window(**window)
    log_in(page)
    page.goto(f"/admin/billing-paywall/pages/{story.pk}/")
    frame = page.frame_locator("#rule-preview")
    frame.get_by_text("Der Anfang ist frei.").wait_for()
    assert frame.get_by_text(SECRET).count() == 0
    assert page.locator("[name=quota]").is_hidden()
    page.get_by_label("members with a plan").check()
    page.locator("[name=quota]").wait_for()
    page.get_by_role("checkbox", name="Membership").check()
    page.get_by_label("the text below").check()
    page.locator("[name=teaser_text]").fill("Was Saiten klingen lässt")
    frame.get_by_text("Was Saiten klingen lässt").wait_for()
    page.get_by_label("the first part of the text").check()
    page.locator("[name=preview_amount]").fill("20")
    frame.get_by_text("Eine Saite ist ein …").wait_for()
    screenshot(page, f"paywall-rule-{name}")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/admin/pages/{story.pk}/edit/")
    rule = AccessRule.objects.get(page=story)
    assert (rule.preview, rule.preview_amount) == ("percent", 20)


@pytest.mark.parametrize(("name", "window"), WINDOWS)
def test_side_panel_and_view_as(story, open_window, screenshot, name, window):
    page = open_window(**window)
    log_in(page)
    page.goto(f"/admin/pages/{story.pk}/edit/")
    page.get_by_role("button", name="Toggle paywall").click()
    panel = page.locator("[data-side-panel=paywall]")
    panel.get_by_text("Closed through section “Magazine”").wait_for()
    page.wait_for_timeout(500)
    screenshot(page, f"paywall-panel-{name}")
    with page.context.expect_page() as opened:
        panel.get_by_role("link", name="Locked member").click()
    looking = opened.value
    looking.get_by_text("is locked because of unpaid invoices").wait_for()
    frame = looking.frame_locator(".billing-frame")
    frame.get_by_text("R-2026-00042").first.wait_for()
    screenshot(looking, f"paywall-view-as-locked-{name}")
    looking.get_by_role("link", name="Member: Membership").click()
    looking.frame_locator(".billing-frame").get_by_text(SECRET).wait_for()
    screenshot(looking, f"paywall-view-as-member-{name}")


def test_preview_panel_switches_visitors(story, open_window, screenshot):
    page = open_window(**DESKTOP)
    log_in(page)
    page.goto(f"/admin/pages/{story.pk}/edit/")
    page.get_by_role("button", name="Toggle preview").click()
    page.frame_locator("#w-preview-iframe").get_by_text(SECRET).wait_for()
    page.get_by_label("Preview mode").select_option(label="Guest")
    page.frame_locator("#w-preview-iframe").get_by_text("Der Anfang ist frei.").wait_for()
    page.wait_for_timeout(1500)
    assert page.frame_locator("#w-preview-iframe").get_by_text(SECRET).count() == 0
    screenshot(page, "paywall-preview-modes")


@pytest.mark.parametrize(("name", "window"), WINDOWS)
def test_many_pages_and_explanation(story, open_window, screenshot, name, window):
    page = open_window(**window)
    log_in(page)
    section = story.get_parent()
    page.goto(f"/admin/bulk/wagtailcore/page/paywall/?next=/admin/pages/{section.pk}/&id={story.pk}")
    page.get_by_label("choose what others see").check()
    page.get_by_label("only the title").check()
    screenshot(page, f"paywall-bulk-{name}")
    page.get_by_role("button", name="Change the rules").click()
    page.get_by_text("The rule of one page is changed.").wait_for()
    page.goto(f"/admin/billing-paywall/explain/?page={story.pk}")
    page.get_by_text("This one decides.").wait_for()
    screenshot(page, f"paywall-explain-{name}")


def test_blocks_in_the_editor_and_on_the_page(story, open_window, screenshot):
    page = open_window(**DESKTOP)
    log_in(page)
    page.goto(f"/admin/pages/{story.pk}/edit/")
    page.get_by_text("Guests read what stands above").first.wait_for()
    screenshot(page, "paywall-blocks-editor")
    page.goto("/magazine/saiten/")
    page.get_by_text("Visible to: Members").wait_for()
    screenshot(page, "paywall-blocks-page")
    guest = open_window(**PHONE)
    guest.goto("/magazine/saiten/")
    assert guest.get_by_text(SECRET).count() == 0
    screenshot(guest, "paywall-teaser-phone")


def open_panel(page, address):
    page.goto(address)
    page.get_by_role("button", name="Toggle paywall").click()
    return page.locator("[data-side-panel=paywall]")


@pytest.mark.parametrize(("name", "window"), WINDOWS)
def test_rule_is_changed_without_leaving_the_page(story, open_window, screenshot, name, window):
    """What is being written stays, and can be saved: the version with the rule is the one that is edited."""
    story.save_revision().publish()
    page = open_window(**window)
    log_in(page)
    panel = open_panel(page, f"/admin/pages/{story.pk}/edit/")
    panel.get_by_role("link", name="Change the rule").click()
    dialog = page.locator(".modal-body")
    dialog.get_by_label("as the section above, with terms of its own").check()
    assert dialog.get_by_label("as the section above says").is_checked()
    dialog.get_by_label("members with a plan").check()
    assert dialog.get_by_label("as the section above says").is_hidden()
    dialog.get_by_label("only the title").check()
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_text("Choose at least one plan").first.wait_for()
    dialog.get_by_role("checkbox", name="Course").check()
    screenshot(page, f"paywall-dialog-{name}")
    dialog.get_by_role("button", name="Save").click()
    panel.get_by_text("Closed by its own rule. Opens with: Course.").wait_for()
    page.wait_for_timeout(400)
    screenshot(page, f"paywall-dialog-saved-{name}")
    assert AccessRule.objects.get(page=story).preview == "title"
    version = page.locator("#page-edit-form [name=loaded_revision_id]").input_value()
    story.refresh_from_db()
    assert int(version) == story.latest_revision_id
    if name == "desktop":
        write_on_and_change_the_rule_again(page, panel, story)


def write_on_and_change_the_rule_again(page, panel, story) -> None:
    """Wagtail saves by itself: neither the rule nor the text is lost, whichever comes first."""
    write_title(page, "Saiten, neu")
    panel.get_by_role("link", name="Change the rule").click()
    page.locator(".modal-body").get_by_label("everyone").check()
    page.locator(".modal-body").get_by_role("button", name="Save").click()
    panel.get_by_text("Open to everyone by its own rule.").wait_for()
    write_title(page, "Saiten, ganz neu")
    draft = Page.objects.get(pk=story.pk).latest_revision
    assert draft.content["title"] == "Saiten, ganz neu"
    assert [rule["opens_to"] for rule in draft.content["paywall_rules"]] == ["everyone"]


def write_title(page, title: str) -> None:
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/edit/" in answer.url
    ) as saved:
        page.locator("#page-edit-form [name=title]").fill(title)
    assert saved.value.json()["success"]


def test_moved_page_keeps_its_access_by_one_click(story, open_window, screenshot):
    archive = Site.objects.get(is_default_site=True).root_page.add_child(
        instance=StoryPage(title="Archive", slug="archive")
    )
    page = open_window(**DESKTOP)
    log_in(page)
    page.goto(f"/admin/pages/{story.pk}/move/{archive.pk}/confirm/")
    page.get_by_text("So far: Closed through section “Magazine”").wait_for()
    page.wait_for_timeout(400)
    screenshot(page, "paywall-move-asked")
    page.get_by_role("button", name="Yes, move this page").click()
    page.get_by_text("The move has changed who may read").wait_for()
    page.wait_for_timeout(400)
    screenshot(page, "paywall-moved")
    page.get_by_role("button", name="Keep the access as it was").click()
    page.get_by_text("“Saiten”: Closed by its own rule.").wait_for()
    screenshot(page, "paywall-moved-kept")
