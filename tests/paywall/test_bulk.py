"""Rules of many pages at once, page by page with the rights that one has on each."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import PageLogEntry

from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rule_map import current_rules
from cms_billing.paywall.rules import OpensTo, Preview, RuleTerms
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage

from .conftest import client_of
from .test_admin import staff

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/bulk/wagtailcore/page/paywall/"
LIST = "/admin/bulk/cms_billing_paywall/accessrule/change_rules/"


def selected(pages, address=ADDRESS) -> str:
    return f"{address}?next=/admin/&{'&'.join(f'id={page.pk}' for page in pages)}"


@pytest.fixture
def articles(magazine) -> list[ArticlePage]:
    return [magazine.section.add_child(instance=ArticlePage(title=f"Article {n}")) for n in range(3)]


@pytest.fixture
def editor():
    return client_of(UserFactory(is_superuser=True))


@pytest.fixture
def course(magazine):
    return PlanFactory(issuer=magazine.plan.issuer, name="Course")


def test_plans_are_set_for_many_pages_and_the_rest_stays(magazine, articles, editor, course):
    set_rule(page=articles[0], plans=[magazine.plan], terms=RuleTerms(quota=3, preview=Preview.TITLE))
    shown = editor.get(selected(articles)).content.decode()
    assert "Closed through section “Magazine”" in shown
    response = editor.post(selected(articles), {"change": "plans", "plans": [course.pk]}, follow=True)
    assert "The rules of 3 pages are changed." in response.content.decode()
    for article in articles:
        assert [plan.name for plan in AccessRule.objects.get(page=article).plans.all()] == ["Course"]
    assert AccessRule.objects.get(page=articles[0]).rule_terms == RuleTerms(quota=3, preview=Preview.TITLE)
    assert (
        PageLogEntry.objects.filter(
            action="cms_billing.set_paywall", page__in=[a.pk for a in articles]
        ).count()
        == 4
    )


def test_teaser_of_pages_without_a_rule_refines_their_section(magazine, articles, editor):
    given = {"change": "teaser", "preview": "blocks", "preview_amount": "2"}
    editor.post(selected([*articles, magazine.section]), given)
    own = AccessRule.objects.get(page=magazine.section)
    assert (own.opens_to, own.preview, own.preview_amount) == ("plans", "blocks", 2)
    assert AccessRule.objects.get(page=articles[0]).opens_to == OpensTo.SECTION
    rule = current_rules().rule_for(articles[0].path)
    assert [plan.name for plan in rule.plans] == ["Membership"]


def test_pages_that_are_open_have_no_teaser_and_the_others_get_theirs(magazine, articles, editor):
    page = magazine.home.add_child(instance=ArticlePage(title="Open one"))
    response = editor.post(
        selected([page, articles[0]]), {"change": "teaser", "preview": "title"}, follow=True
    )
    text = response.content.decode()
    assert "“Open one” is open to everyone: choose its plans first." in text
    assert "The rule of one page is changed." in text
    assert not AccessRule.objects.filter(page=page).exists()


def test_rules_are_removed(magazine, articles, editor):
    for article in articles:
        set_rule(page=article, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    editor.post(selected(articles), {"change": "remove"})
    assert list(AccessRule.objects.values_list("page", flat=True)) == [magazine.section.pk]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"change": "plans"}, "at least one plan"),
        ({"change": "teaser"}, "Choose what others see"),
        ({"change": "teaser", "preview": "percent", "preview_amount": "100"}, "from 1 to 90 percent"),
        ({"change": "nonsense"}, "not one of the available"),
    ],
)
def test_wrong_input_is_explained(articles, editor, data, message):
    response = editor.post(selected(articles), data)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert AccessRule.objects.count() == 1


def test_plans_of_another_site_are_refused(magazine, articles, editor):
    from wagtail.models import Site

    root = magazine.home.get_parent().add_child(instance=ArticlePage(title="Elsewhere"))
    other = Site.objects.create(hostname="other.example.org", root_page=root)
    foreign = PlanFactory(name="Foreign")
    foreign.issuer.sites.add(other)
    text = editor.post(
        selected(articles[:1]), {"change": "plans", "plans": [foreign.pk]}, follow=True
    ).content.decode()
    assert "these plans are not sold: Foreign" in text
    assert AccessRule.objects.count() == 1


def test_pages_one_may_not_publish_stay_as_they_are(magazine, articles):
    outside = magazine.home.add_child(instance=ArticlePage(title="Outside"))
    publisher = client_of(staff("change_page", "publish_page", page=magazine.section))
    pages = [articles[0], outside]
    assert "You may not publish this page" in publisher.get(selected(pages)).content.decode()
    publisher.post(selected(pages), {"change": "plans", "plans": [magazine.plan.pk]})
    assert AccessRule.objects.filter(page=articles[0]).exists()
    assert not AccessRule.objects.filter(page=outside).exists()
    stranger = client_of(staff("change_page", page=magazine.section))
    stranger.post(selected([articles[1]]), {"change": "plans", "plans": [magazine.plan.pk]})
    assert not AccessRule.objects.filter(page=articles[1]).exists()


def test_asking_costs_no_query_for_each_page(magazine, articles, editor):
    def queries(pages) -> int:
        connection.run_on_commit.clear()
        editor.get(selected(pages))
        with CaptureQueriesContext(connection) as asked:
            editor.get(selected(pages))
        return len(asked)

    more = [magazine.section.add_child(instance=ArticlePage(title=f"More {n}")) for n in range(20)]
    assert queries(more) <= queries(articles) + 1


def test_explorer_offers_the_action(magazine, editor):
    assert (
        "/admin/bulk/wagtailcore/page/paywall/"
        in editor.get(f"/admin/pages/{magazine.section.pk}/").content.decode()
    )


def test_list_of_rules_changes_many(magazine, articles, editor, course):
    for article in articles:
        set_rule(page=article, plans=[magazine.plan])
    rules = list(AccessRule.objects.filter(page__in=articles))
    shown = editor.get(selected(rules, LIST)).content.decode()
    assert "Closed by its own rule. Opens with: Membership." in shown
    given = {"change": "plans", "plans": [course.pk], "ids": ",".join(str(rule.pk) for rule in rules)}
    editor.post(LIST, given)
    assert {
        plan.name for rule in AccessRule.objects.filter(page__in=articles) for plan in rule.plans.all()
    } == {"Course"}


def test_list_of_rules_reaches_no_rule_of_others(magazine, articles, course):
    for article in articles:
        set_rule(page=article, plans=[magazine.plan])
    other = magazine.home.add_child(instance=ArticlePage(title="Other"))
    publisher = staff("change_page", "publish_page", page=other)
    from django.contrib.auth.models import Permission

    publisher.groups.first().permissions.add(Permission.objects.get(codename="view_accessrule"))
    rules = AccessRule.objects.filter(page__in=articles)
    given = {"change": "remove", "ids": ",".join(str(rule.pk) for rule in rules)}
    client_of(publisher).post(LIST, given)
    assert rules.count() == 3
