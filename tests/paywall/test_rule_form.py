"""The rule where editors work: form, side panel, preview of what is being written, history, versions and copies."""

from datetime import date

import pytest
from wagtail.models import Page, PageLogEntry, Site

from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rule_map import current_rules
from cms_billing.paywall.rule_texts import terms_in_words
from cms_billing.paywall.rules import OpensTo, Preview, RuleTerms
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage, StoryPage

from .conftest import client_of
from .test_admin import rule_address, staff

pytestmark = pytest.mark.django_db

ALL = {
    "opens_to": "plans",
    "preview": "percent",
    "preview_amount": "20",
    "teaser_text": "",
    "free_until": "2026-04-30",
    "free_from": "2027-01-01",
    "quota": "3",
    "gifts": "2",
    "opens_on": "2026-05-01",
    "opens_after_days": "7",
    "closes_at": "2",
}


@pytest.fixture
def editor():
    return client_of(UserFactory(is_superuser=True))


def test_everything_a_rule_says_is_set_shown_and_kept(magazine, editor):
    address = rule_address(magazine.section)
    editor.post(address, {**ALL, "plans": [magazine.plan.pk]})
    rule = AccessRule.objects.get(page=magazine.section)
    assert rule.rule_terms == RuleTerms(
        opens_to=OpensTo.PLANS,
        preview=Preview.PERCENT,
        preview_amount=20,
        closes_at=2,
        free_until=date(2026, 4, 30),
        free_from=date(2027, 1, 1),
        quota=3,
        gifts=2,
        opens_on=date(2026, 5, 1),
        opens_after_days=7,
    )
    form = editor.get(address).context["form"]
    assert {name: form[name].value() for name in ("quota", "closes_at", "preview_amount", "opens_on")} == {
        "quota": 3,
        "closes_at": 2,
        "preview_amount": 20,
        "opens_on": date(2026, 5, 1),
    }


def test_never_because_of_arrears_is_not_left_out(magazine, editor):
    given = {"opens_to": "plans", "plans": [magazine.plan.pk], "preview": "page", "closes_at": "0"}
    editor.post(rule_address(magazine.section), given)
    assert AccessRule.objects.get(page=magazine.section).closes_at == 0
    assert 'value="0" selected' in editor.get(rule_address(magazine.section)).content.decode()


def test_rule_that_follows_the_section_keeps_its_plans(magazine, editor):
    given = {"opens_to": "section", "preview": "section", "opens_on": "2026-06-01"}
    editor.post(rule_address(magazine.article), given)
    rule = current_rules().rule_for(magazine.article.path)
    assert rule.opens_to is OpensTo.PLANS
    assert [plan.name for plan in rule.plans] == ["Membership"]
    assert rule.opens_on == date(2026, 6, 1)


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"preview": "blocks"}, "preview_amount", "from 1 to 50"),
        ({"preview": "blocks", "preview_amount": "51"}, "preview_amount", "from 1 to 50"),
        ({"preview": "percent", "preview_amount": "91"}, "preview_amount", "from 1 to 90 percent"),
        ({"preview": "text", "teaser_text": "  "}, "teaser_text", "Write what others see"),
        ({"preview": "section"}, "preview", "does not follow the section"),
        (
            {"preview": "page", "free_until": "2026-04-30", "free_from": "2026-05-01"},
            "free_from",
            "free all the time",
        ),
        ({"preview": "page", "quota": "-1"}, "quota", "greater than or equal to 0"),
        ({"preview": "page", "closes_at": "4"}, "closes_at", "not one of the available"),
    ],
)
def test_what_makes_no_sense_is_explained_at_its_field(magazine, editor, data, field, message):
    given = {"opens_to": "plans", "plans": [magazine.plan.pk], **data}
    form = editor.post(rule_address(magazine.article), given).context["form"]
    assert message in str(form.errors[field])
    assert not AccessRule.objects.filter(page=magazine.article).exists()


def test_following_a_section_needs_a_closed_one(magazine, editor):
    page = magazine.home.add_child(instance=ArticlePage(title="Open"))
    form = editor.post(rule_address(page), {"opens_to": "section", "preview": "section"}).context["form"]
    assert "no closed section above" in str(form.errors["opens_to"])


def test_what_is_hidden_is_not_checked(magazine, editor):
    editor.post(rule_address(magazine.article), {"opens_to": "everyone", "preview": "text", "quota": "4"})
    assert AccessRule.objects.get(page=magazine.article).rule_terms == RuleTerms(opens_to=OpensTo.EVERYONE)


def test_alias_says_which_page_has_the_rule(magazine, editor):
    alias = magazine.article.create_alias(parent=magazine.home, update_slug="alias")
    given = {"opens_to": "plans", "plans": [magazine.plan.pk], "preview": "page"}
    text = editor.post(rule_address(alias), given).content.decode()
    assert "is an alias and follows its source page" in text


# --- what guests would see


def story(home) -> StoryPage:
    body = [("line", "alpha"), ("divider", None), ("line", "omega")]
    return home.add_child(instance=StoryPage(title="Story", intro="<p>intro</p>", body=body))


def tried(client, page, **data) -> str:
    return client.get(f"{rule_address(page)}try/", data).content.decode()


def test_frame_shows_what_guests_would_get_by_what_is_being_written(magazine, editor):
    page = story(magazine.home)
    closed = {"opens_to": "plans", "plans": [magazine.plan.pk]}
    assert "omega" in tried(editor, page, opens_to="inherit", preview="page")
    above = tried(editor, page, **closed, preview="divider")
    assert "alpha" in above
    assert "omega" not in above
    assert "Membership" in above
    own = tried(editor, page, **closed, preview="text", teaser_text="Only for you")
    assert "Only for you" in own
    assert "alpha" not in own
    assert "omega" in tried(editor, page, **closed, preview="title", free_until="2026-12-31")
    assert "at least one plan" in tried(editor, page, opens_to="plans", preview="page")
    assert not AccessRule.objects.filter(page=page).exists()


def test_frame_shows_plans_that_no_rule_has_yet(magazine, editor):
    remove_rule(page=magazine.section)
    text = tried(editor, magazine.article, opens_to="plans", plans=[magazine.plan.pk], preview="page")
    assert "Membership" in text
    assert "No plan that opens it is on sale" not in text


def test_only_who_may_publish_tries_rules(magazine):
    for user in (staff("change_page", page=magazine.section), UserFactory()):
        response = client_of(user).get(f"{rule_address(magazine.article)}try/", {"opens_to": "everyone"})
        assert response.status_code == 302


# --- side panel


def test_side_panel_says_what_closes_the_page_and_what_is_below(magazine, editor):
    terms = RuleTerms(
        preview=Preview.BLOCKS, preview_amount=2, quota=3, opens_on=date(2026, 6, 1), closes_at=1
    )
    set_rule(page=magazine.section, plans=[magazine.plan], terms=terms)
    set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    text = editor.get(f"/admin/pages/{magazine.section.pk}/edit/").content.decode()
    assert 'data-side-panel="paywall"' in text
    for words in (
        "Closed by its own rule. Opens with: Membership.",
        "the first 2 blocks",
        "Rules below this page",
        "Strings",
        "from 06/01/2026 on",
        "closed from reminder 1 on",
        "Member in arrears, reminder 2",
        "Guest with a free page",
    ):
        assert words in text
    explorer = editor.get(f"/admin/pages/{magazine.section.pk}/").content.decode()
    assert 'data-side-panel="paywall"' in explorer


def test_side_panel_leads_to_the_section_whose_rule_counts(magazine, editor):
    text = editor.get(f"/admin/pages/{magazine.article.pk}/edit/").content.decode()
    assert "Closed through section “Magazine”" in text
    assert f"/admin/pages/{magazine.section.pk}/edit/" in text


def test_side_panel_warns_of_a_missing_divider(magazine, editor):
    page = story(magazine.section)
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(preview=Preview.DIVIDER))
    warning = "The text has no preview divider"
    assert warning not in editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    page.body = [("line", "alpha")]
    page.save_revision().publish()
    assert warning in editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()


def test_editor_without_publishing_rights_reads_the_panel_but_changes_nothing(magazine):
    text = client_of(staff("change_page", page=magazine.section)).get(
        f"/admin/pages/{magazine.article.pk}/edit/"
    )
    assert "Closed through section “Magazine”" in text.content.decode()
    assert "Change the rule" not in text.content.decode()


def test_explorer_menu_of_a_page_says_open_or_closed(magazine, editor):
    text = editor.get(f"/admin/pages/{magazine.section.pk}/").content.decode()
    assert "Paywall: closed" in text


def test_terms_in_words():
    from cms_billing.paywall.rules import Rule, RulePlan

    rule = Rule(
        page_id=1,
        page_title="Magazine",
        plans=(RulePlan(1, "Membership"),),
        preview=Preview.PERCENT,
        preview_amount=25,
        free_until=date(2026, 4, 30),
        gifts=2,
        opens_after_days=1,
        closes_at=0,
    )
    assert terms_in_words(rule) == [
        ("Opens with", "Membership"),
        ("Others see", "the first 25 % of the text"),
        ("Free for everybody", "until 04/30/2026"),
        ("Gift links a month", "2"),
        ("For members", "one day after the contract's start"),
        ("In arrears", "never closed because of arrears"),
    ]


# --- history, versions, copies, moves


@pytest.mark.parametrize("action", ["action-publish", "action-save"])
def test_taking_up_an_old_version_in_the_editor_brings_its_rule_back(magazine, editor, action):
    page = magazine.article
    set_rule(page=page, plans=[magazine.plan], terms=RuleTerms(quota=5))
    old = ArticlePage.objects.get(pk=page.pk).save_revision()
    old.publish()
    remove_rule(page=page)
    set_rule(page=page, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    assert editor.get(f"/admin/pages/{page.pk}/revisions/{old.pk}/revert/").status_code == 200
    given = {"title": "Strings", "slug": "strings", "teaser": "t", "body": "b", "revision": old.pk}
    editor.post(f"/admin/pages/{page.pk}/edit/", {**given, action: "1", **comments()})
    if action == "action-save":
        assert AccessRule.objects.get(page=page).opens_to == OpensTo.EVERYONE
        Page.objects.get(pk=page.pk).latest_revision.publish()
    assert ArticlePage.objects.get(pk=page.pk).body == "b"
    rule = AccessRule.objects.get(page=page)
    assert (rule.quota, list(rule.plans.all())) == (5, [magazine.plan])


def comments() -> dict:
    return {f"comments-{key}": "0" for key in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}


def test_publishing_an_old_version_brings_its_rule_back(magazine):
    page = magazine.article
    set_rule(page=page, plans=[magazine.plan], terms=RuleTerms(quota=5))
    old = ArticlePage.objects.get(pk=page.pk).save_revision()
    newer = ArticlePage.objects.get(pk=page.pk).save_revision()
    newer.publish()
    remove_rule(page=page)
    set_rule(page=page, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    old.refresh_from_db()
    old.publish()
    assert AccessRule.objects.get(page=page).quota == 5


def test_copies_keep_the_rule_and_moves_follow_the_section(magazine):
    set_rule(page=magazine.article, plans=[magazine.plan], terms=RuleTerms(gifts=3))
    copied = ArticlePage.objects.get(pk=magazine.article.pk).copy(
        to=magazine.home, update_attrs={"slug": "copy"}
    )
    assert current_rules().rule_for(copied.path).gifts == 3
    assert current_rules().rule_for(copied.path).page_id == copied.pk
    other = magazine.home.add_child(instance=ArticlePage(title="Other", slug="other"))
    assert current_rules().rule_for(other.path) is None
    other.move(magazine.section, pos="last-child")
    moved = Page.objects.get(pk=other.pk)
    assert current_rules().rule_for(moved.path).page_id == magazine.section.pk


def test_history_of_the_page_says_who_set_what(magazine, editor):
    publisher = staff("change_page", "publish_page", page=magazine.section)
    client_of(publisher).post(
        rule_address(magazine.article), {**ALL, "plans": [magazine.plan.pk]}, follow=True
    )
    entry = PageLogEntry.objects.get(page=magazine.article.pk, action="cms_billing.set_paywall")
    assert entry.user == publisher
    text = editor.get(f"/admin/pages/{magazine.article.pk}/history/").content.decode()
    assert "Paywall rule set" in text


def test_the_root_has_no_rule(editor):
    root = Site.objects.get(is_default_site=True).root_page.get_root()
    assert editor.get(rule_address(root)).status_code == 302
