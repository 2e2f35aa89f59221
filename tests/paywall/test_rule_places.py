"""Where rules hold: in versions, copies, aliases, translations, and where one refines another."""

from datetime import date

import pytest
from django.test import Client
from wagtail.actions.copy_for_translation import CopyPageForTranslationAction
from wagtail.models import Locale, Page

from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rule_map import current_rules
from cms_billing.paywall.selectors import visible_to
from cms_billing.paywall.services import RuleOnAlias, remove_rule, set_rule
from cms_billing.paywall.terms import OpensTo, Preview, RuleTerms
from cms_billing.testing.factories import PlanFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY, client_of, member

pytestmark = pytest.mark.django_db
OPEN = RuleTerms(opens_to=OpensTo.EVERYONE)


def rule_of(page):
    return current_rules().rule_for(Page.objects.get(pk=page.pk).path)


def edited(page) -> ArticlePage:
    """The page with a version, as after a visit to its form."""
    page = ArticlePage.objects.get(pk=page.pk)
    page.save_revision().publish()
    return ArticlePage.objects.get(pk=page.pk)


class TestVersions:
    def test_each_change_is_a_version_that_can_be_brought_back(self, magazine):
        page = edited(magazine.section)
        before = page.latest_revision
        other = PlanFactory(issuer=magazine.plan.issuer, name="Patron")
        set_rule(page=page, plans=[other])
        page.refresh_from_db()
        assert page.latest_revision != before
        assert not page.has_unpublished_changes
        assert [plan.name for plan in rule_of(page).plans] == ["Patron"]

        before.as_object().save_revision(previous_revision=before).publish()
        assert [plan.name for plan in rule_of(page).plans] == ["Membership"]

    def test_publishing_an_older_draft_does_not_open_what_was_closed_since(self, magazine):
        page = edited(magazine.article)
        page.title = "Draft title"
        draft = page.save_revision()
        set_rule(page=page, plans=[magazine.plan], terms=RuleTerms(preview=Preview.TITLE))
        draft.refresh_from_db()
        draft.publish()
        page.refresh_from_db()
        assert page.title == "Draft title"
        assert rule_of(page).preview is Preview.TITLE
        assert page.paywall_rules.count() == 1

    def test_nor_does_it_close_what_was_opened_since(self, magazine):
        page = edited(magazine.section)
        page.title = "Draft title"
        draft = page.save_revision()
        remove_rule(page=page)
        draft.refresh_from_db()
        draft.publish()
        assert rule_of(page) is None

    def test_a_page_without_versions_gets_none(self, magazine):
        set_rule(page=magazine.article, plans=[magazine.plan])
        assert magazine.article.revisions.count() == 0


class TestCopies:
    def test_copies_take_the_rule_along(self, magazine):
        set_rule(page=magazine.article, plans=[magazine.plan], terms=RuleTerms(quota=2))
        copy = magazine.article.copy(to=magazine.home, update_attrs={"slug": "copied"})
        rule = rule_of(copy)
        assert (rule.page_id, rule.quota, [plan.id for plan in rule.plans]) == (
            copy.pk,
            2,
            [magazine.plan.pk],
        )
        assert AccessRule.objects.filter(page=magazine.article).exists()

    def test_an_alias_is_closed_where_its_source_is(self, magazine):
        alias = magazine.article.create_alias(parent=magazine.home, update_slug="elsewhere")
        assert SECRET not in Client().get("/elsewhere/").content.decode()
        reader, _contract = member(magazine.plan)
        assert SECRET in client_of(reader).get("/elsewhere/").content.decode()
        pages = Page.objects.filter(pk=alias.pk)
        assert not visible_to(pages, Client().get("/").wsgi_request.user, today=TODAY).exists()
        assert visible_to(pages, reader, today=TODAY).exists()

    def test_an_alias_in_a_closed_section_is_closed(self, magazine):
        free = magazine.home.add_child(instance=ArticlePage(title="Free", slug="free", body=SECRET))
        free.create_alias(parent=magazine.section, update_slug="free-here")
        assert SECRET in Client().get("/free/").content.decode()
        assert SECRET not in Client().get("/magazine/free-here/").content.decode()

    def test_an_alias_has_no_rule_of_its_own(self, magazine):
        set_rule(page=magazine.article, terms=OPEN)
        alias = magazine.article.create_alias(parent=magazine.home, update_slug="elsewhere")
        set_rule(page=magazine.article, plans=[magazine.plan])
        assert SECRET not in Client().get("/elsewhere/").content.decode()
        with pytest.raises(RuleOnAlias, match="Strings"):
            set_rule(page=alias, terms=OPEN)


class TestTranslations:
    @pytest.fixture
    def german(self, magazine) -> Locale:
        return Locale.objects.create(language_code="de")

    def translated(self, page, locale):
        return CopyPageForTranslationAction(page.specific, locale, copy_parents=True).execute(
            skip_permission_checks=True
        )

    def test_a_translated_tree_follows_the_rules_of_its_source(self, magazine, german):
        article = self.translated(magazine.article, german)
        section = Page.objects.get(pk=article.pk).get_parent()
        assert not AccessRule.objects.filter(page__in=[article, section]).exists()
        assert rule_of(section).page_id == magazine.section.pk
        assert rule_of(article).page_id == magazine.section.pk

        remove_rule(page=magazine.section)
        assert rule_of(article) is None

    def test_a_rule_of_its_own_counts(self, magazine, german):
        section = self.translated(magazine.section, german)
        set_rule(page=section, terms=OPEN)
        assert rule_of(section).opens_to is OpensTo.EVERYONE
        assert rule_of(magazine.section).opens_to is OpensTo.PLANS

    def test_publishing_the_translation_brings_no_copied_rule(self, magazine, german):
        edited(magazine.section)
        section = self.translated(magazine.section, german)
        Page.objects.get(pk=section.pk).get_latest_revision().publish()
        assert not AccessRule.objects.filter(page=section).exists()


class TestRefining:
    def test_a_lesson_keeps_the_plans_of_its_course(self, magazine):
        terms = RuleTerms(opens_to=OpensTo.SECTION, opens_on=date(2026, 4, 1))
        set_rule(page=magazine.article, terms=terms)
        reader, _contract = member(magazine.plan)
        assert [plan.id for plan in rule_of(magazine.article).plans] == [magazine.plan.pk]
        assert SECRET not in client_of(reader).get("/magazine/strings/").content.decode()

        other = PlanFactory(issuer=magazine.plan.issuer)
        set_rule(page=magazine.section, plans=[other])
        assert [plan.id for plan in rule_of(magazine.article).plans] == [other.pk]

    def test_free_reads_count_where_the_quota_is_granted(self, magazine):
        set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(quota=3))
        set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.SECTION))
        assert rule_of(magazine.article).quota_page_id == magazine.section.pk
        set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.SECTION, quota=1))
        assert rule_of(magazine.article).quota_page_id == magazine.article.pk

    def test_with_nothing_above_it_is_open(self, magazine):
        remove_rule(page=magazine.section)
        set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.SECTION, quota=1))
        assert rule_of(magazine.article).opens_to is OpensTo.EVERYONE
        assert SECRET in Client().get("/magazine/strings/").content.decode()
