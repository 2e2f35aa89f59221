"""Moved, copied, converted: who is told that others may read a page now, and keeps the access it had."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page, PageLogEntry

from cms_billing.paywall.access_changes import facts_of, rule_of
from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rule_map import current_rules
from cms_billing.paywall.rules import OpensTo, Preview, Rule, RulePlan, RuleTerms
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage

from .conftest import client_of
from .test_admin import staff

pytestmark = pytest.mark.django_db

KEEP = "/admin/billing-paywall/keep-access/"
BUTTON = "Keep the access as it was"
OPEN_NOW = "Open to everyone: no paywall rule here or above."
CLOSED = "Closed through section “Magazine”. Opens with: Membership."
BEFORE, SO_FAR, ORIGINAL = f"Before: {CLOSED}", f"So far: {CLOSED}", f"The original: {CLOSED}"


@pytest.fixture
def editor():
    return client_of(UserFactory(is_superuser=True))


@pytest.fixture
def archive(magazine):
    """An open section beside the closed one."""
    return magazine.home.add_child(instance=ArticlePage(title="Archive", slug="archive"))


@pytest.fixture
def course(magazine):
    return PlanFactory(issuer=magazine.plan.issuer, name="Course")


def move(client, page, to) -> str:
    return client.post(f"/admin/pages/{page.pk}/move/{to.pk}/confirm/", follow=True).content.decode()


def copy(client, page, to, **terms) -> str:
    given = {"new_title": "Copy", "new_slug": "copy", "new_parent_page": to.pk, **terms}
    return client.post(f"/admin/pages/{page.pk}/copy/", given, follow=True).content.decode()


def rule_at(page) -> Rule | None:
    return current_rules().rule_for(Page.objects.get(pk=page.pk).path)


def changes_of(page) -> list[PageLogEntry]:
    return list(PageLogEntry.objects.filter(action="cms_billing.access_changed", page=page.pk))


def test_facts_of_a_rule_and_back():
    rule = Rule(
        page_id=7,
        page_title="Magazine",
        plans=(RulePlan(1, "Membership"),),
        preview=Preview.PERCENT,
        preview_amount=20,
        quota=3,
        opens_on=date(2026, 5, 1),
    )
    assert facts_of(rule_of(facts_of(rule))) == facts_of(rule)
    assert facts_of(None) == {"opens_to": "everyone"}


def test_moving_says_beforehand_what_it_opens(magazine, archive, editor):
    asked = editor.get(f"/admin/pages/{magazine.article.pk}/move/{archive.pk}/confirm/").content.decode()
    assert "If you move this page, it changes who may read:" in asked
    assert OPEN_NOW in asked
    assert SO_FAR in asked
    assert BUTTON not in asked
    assert rule_at(magazine.article) is not None
    assert changes_of(magazine.article) == []


def test_moved_out_of_its_section_a_page_keeps_its_access_by_one_click(magazine, archive, editor):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(quota=3, preview=Preview.TITLE))
    shown = move(editor, magazine.article, archive)
    assert "The move has changed who may read:" in shown
    assert OPEN_NOW in shown
    assert BEFORE in shown
    assert BUTTON in shown
    [entry] = changes_of(magazine.article)
    said = editor.post(KEEP, {"change": entry.pk}, follow=True).content.decode()
    assert "“Strings”: Closed by its own rule. Opens with: Membership." in said
    rule = AccessRule.objects.get(page=magazine.article)
    assert rule.rule_terms == RuleTerms(quota=3, preview=Preview.TITLE)
    assert facts_of(rule_at(magazine.article)) == entry.data["before"]


def test_moving_within_what_is_closed_alike_says_nothing(magazine, editor):
    other = magazine.section.add_child(instance=ArticlePage(title="Issue 2", slug="issue-2"))
    assert "who may read" not in move(editor, magazine.article, other)
    assert changes_of(magazine.article) == []


def test_own_rule_goes_along_and_says_nothing(magazine, archive, editor, course):
    set_rule(page=magazine.article, plans=[course])
    assert "who may read" not in move(editor, magazine.article, archive)


def test_other_plans_and_other_terms_are_told(magazine, archive, editor, course):
    set_rule(page=archive, plans=[magazine.plan], terms=RuleTerms(quota=5))
    shown = move(editor, magazine.article, archive)
    assert "Closed through section “Archive”. Opens with: Membership." in shown
    assert "Free pages a month: 5 (before: nothing said)." in shown
    set_rule(page=archive, plans=[course])
    shown = move(editor, magazine.article, magazine.section)
    assert "Before: Closed through section “Archive”. Opens with: Course." in shown


def test_an_open_page_that_gets_closed_may_stay_open(magazine, archive, editor):
    shown = move(editor, archive, magazine.section)
    assert "Before: " + OPEN_NOW in shown
    [entry] = changes_of(archive)
    editor.post(KEEP, {"change": entry.pk})
    assert AccessRule.objects.get(page=archive).opens_to == OpensTo.EVERYONE


def test_rules_below_that_refine_the_section_are_told_with_it(magazine, archive, editor):
    """A lesson with a day of its own loses the plans it had from above."""
    part = magazine.section.add_child(instance=ArticlePage(title="Part", slug="part"))
    lesson = part.add_child(instance=ArticlePage(title="Lesson", slug="lesson"))
    part.add_child(instance=ArticlePage(title="Plain", slug="plain"))
    set_rule(page=lesson, terms=RuleTerms(opens_to=OpensTo.SECTION, preview=Preview.SECTION, quota=2))
    asked = editor.get(f"/admin/pages/{part.pk}/move/{archive.pk}/confirm/").content.decode()
    shown = move(editor, part, archive)
    for text in (asked, shown):
        assert "(and one page below it)" in text
        assert ">Lesson</a>:" in text
    entries = changes_of(part) + changes_of(lesson)
    editor.post(KEEP, {"change": [entry.pk for entry in entries]})
    assert not AccessRule.objects.filter(page=lesson, opens_to=OpensTo.PLANS).exists()
    assert [plan.name for plan in rule_at(lesson).plans] == ["Membership"]
    assert rule_at(lesson).quota == 2


def test_copy_out_of_its_section_is_told_and_that_it_is_a_draft(magazine, archive, editor):
    shown = copy(editor, magazine.article, archive)
    made = Page.objects.get(slug="copy")
    assert "The copy is read by others than the original:" in shown
    assert ORIGINAL in shown
    assert "It is not published." in shown
    [entry] = changes_of(made)
    editor.post(KEEP, {"change": entry.pk})
    assert [plan.name for plan in rule_at(made).plans] == ["Membership"]
    draft = Page.objects.get(pk=made.pk).specific.latest_revision.content
    assert [rule["opens_to"] for rule in draft["paywall_rules"]] == ["plans"]


def test_copied_rule_that_refined_its_section_finds_none(magazine, archive, editor):
    refines = RuleTerms(opens_to=OpensTo.SECTION, preview=Preview.SECTION, quota=2)
    set_rule(page=magazine.article, terms=refines)
    shown = copy(editor, magazine.article, archive)
    assert (
        "Open to everyone by its own rule. The original: Closed by its own rule. Opens with: Membership."
        in shown
    )
    made = Page.objects.get(slug="copy")
    editor.post(KEEP, {"change": changes_of(made)[0].pk})
    assert (rule_at(made).plan_ids, rule_at(made).quota) == ({magazine.plan.pk}, 2)


def test_tree_is_copied_with_an_alias_in_it_that_was_closed_by_its_source(magazine, archive, editor):
    """Copied, an alias is an ordinary page; the gap in the tree moves the copies' places."""
    archive.add_child(instance=ArticlePage(title="Gone", slug="gone")).delete()
    archive.add_child(instance=ArticlePage(title="Free", slug="free"))
    magazine.article.create_alias(parent=Page.objects.get(pk=archive.pk), update_slug="alias")
    shown = copy(editor, archive, magazine.home, copy_subpages="on", publish_copies="on")
    copied = Page.objects.get(slug="copy")
    [inside] = copied.get_children().filter(slug="alias")
    assert ORIGINAL in shown
    assert changes_of(copied) == []
    [entry] = changes_of(inside)
    editor.post(KEEP, {"change": entry.pk})
    assert [plan.name for plan in rule_at(inside).plans] == ["Membership"]


def test_alias_stays_closed_and_says_nothing(magazine, archive, editor):
    shown = copy(editor, magazine.article, archive, alias="on")
    assert Page.objects.get(slug="copy").alias_of_id == magazine.article.pk
    assert "read by others" not in shown


def test_alias_of_an_open_page_in_a_closed_section_is_told_without_a_button(magazine, archive, editor):
    shown = copy(editor, archive, magazine.section, alias="on")
    assert "Closed through section “Magazine”" in shown
    assert BUTTON not in shown


def test_converted_alias_is_told_at_once(magazine, archive, editor):
    alias = magazine.article.create_alias(parent=archive, update_slug="alias")
    assert rule_at(alias).plan_ids == {magazine.plan.pk}
    shown = editor.post(f"/admin/pages/{alias.pk}/convert_alias/", follow=True).content.decode()
    assert rule_at(alias) is None
    assert OPEN_NOW in shown
    [entry] = changes_of(alias)
    editor.post(KEEP, {"change": entry.pk})
    assert rule_at(alias).plan_ids == {magazine.plan.pk}


def test_many_pages_moved_at_once_are_told_in_one_message(magazine, archive, editor):
    articles = [
        magazine.section.add_child(instance=ArticlePage(title=f"No {n}", slug=f"no-{n}")) for n in range(7)
    ]
    ids = "&".join(f"id={page.pk}" for page in articles)
    address = f"/admin/bulk/wagtailcore/page/move/?next=/admin/pages/{archive.pk}/&{ids}"
    shown = editor.post(address, {"chooser": archive.pk}, follow=True).content.decode()
    assert shown.count("The move has changed who may read:") == 1
    assert "and 2 more" in shown
    entries = [entry for page in articles for entry in changes_of(page)]
    editor.post(KEEP, {"change": [entry.pk for entry in entries]})
    assert all(rule_at(page).plan_ids == {magazine.plan.pk} for page in articles)


def test_who_may_not_publish_there_is_told_but_keeps_nothing(magazine, archive):
    writer = client_of(staff("add_page", "change_page", page=magazine.home))
    shown = copy(writer, magazine.article, archive)
    assert ORIGINAL in shown
    assert BUTTON not in shown
    [entry] = changes_of(Page.objects.get(slug="copy"))
    writer.post(KEEP, {"change": entry.pk})
    assert not AccessRule.objects.filter(page=entry.page_id).exists()
    assert writer.get(KEEP).status_code == 405


def test_history_says_what_was_before(magazine, archive, editor):
    move(editor, magazine.article, archive)
    shown = editor.get(f"/admin/pages/{magazine.article.pk}/history/").content.decode()
    assert "Moving the page changed who may read it. " + BEFORE in shown


def test_panel_reminds_of_it_until_somebody_decides(magazine, archive, editor):
    address = f"/admin/pages/{magazine.article.pk}/edit/"
    move(editor, magazine.article, archive)
    assert BUTTON in editor.get(address).content.decode()
    explained = editor.get(f"/admin/billing-paywall/explain/?page={magazine.article.pk}").content.decode()
    assert "when the page was moved, copied or converted. " + BEFORE in explained
    set_rule(page=archive, plans=[magazine.plan])
    assert BUTTON not in editor.get(address).content.decode()
    remove_rule(page=archive)
    assert BUTTON in editor.get(address).content.decode()
    set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    assert BUTTON not in editor.get(address).content.decode()


def test_asking_costs_the_same_for_few_and_many_rules(magazine, archive, editor, course):
    address = f"/admin/pages/{magazine.article.pk}/move/{archive.pk}/confirm/"
    counts = []
    for number in range(3):
        below = magazine.section.add_child(
            instance=ArticlePage(title=f"More {number}", slug=f"more-{number}")
        )
        set_rule(page=below, plans=[course])
        editor.get(address)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            editor.get(address)
        counts.append(len(queries))
    assert len(set(counts)) == 1
