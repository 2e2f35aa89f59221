"""Listings, search, and the explanation for support."""

import random

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test.utils import CaptureQueriesContext, override_settings
from wagtail.models import Page

from cms_billing.paywall import rule_map
from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.selectors import decisions_for, explain, visible_to
from cms_billing.paywall.services import RuleWithoutPlan, set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.paywall.texts import covered_by, sentence
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage

from .conftest import TODAY, in_dunning, member

pytestmark = pytest.mark.django_db
GUEST = AnonymousUser()


def titles(pages) -> set[str]:
    return {page.title for page in pages}


def test_listing_leaves_out_what_the_visitor_cannot_read(magazine):
    magazine.home.add_child(instance=ArticlePage(title="Imprint"))
    pages = ArticlePage.objects.live()
    assert titles(visible_to(pages, GUEST, today=TODAY)) == {"Imprint"}
    reader, contract = member(magazine.plan)
    assert titles(visible_to(pages, reader, today=TODAY)) == {"Imprint", "Magazine", "Strings"}
    in_dunning(contract, level=2, locked=True)
    assert titles(visible_to(pages, reader, today=TODAY)) == {"Imprint"}
    admin = UserFactory(is_superuser=True)
    assert titles(visible_to(pages, admin, today=TODAY)) == {"Imprint", "Magazine", "Strings"}


def test_search_finds_nothing_in_closed_pages(magazine):
    set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    magazine.section.add_child(instance=ArticlePage(title="Strings of steel"))
    found = visible_to(Page.objects.live(), GUEST, today=TODAY).search("Strings")
    assert titles(found) == {"Strings"}
    assert titles(visible_to(ArticlePage.objects.live(), GUEST, today=TODAY).autocomplete("Str")) <= {
        "Strings"
    }


def test_listing_asks_one_query_more_for_members_and_none_for_guests(magazine, django_assert_num_queries):
    reader, _contract = member(magazine.plan)
    for number in range(30):
        magazine.section.add_child(instance=ArticlePage(title=f"Issue {number}"))
    rule_map.current_rules()
    rules_remembered()
    with django_assert_num_queries(1):
        list(visible_to(Page.objects.live(), GUEST, today=TODAY))
    with django_assert_num_queries(2):
        assert len(visible_to(Page.objects.live(), reader, today=TODAY)) >= 32
    pages = list(Page.objects.live())
    with django_assert_num_queries(0):
        assert not decisions_for(pages, GUEST, today=TODAY)[magazine.article.pk].granted
    with django_assert_num_queries(1):
        assert decisions_for(pages, reader, today=TODAY)[magazine.article.pk].granted


def rules_remembered() -> None:
    """As in a request after the one that changed them: a test's transaction never ends."""
    from django.db import connection

    connection.run_on_commit = []
    rule_map.current_rules()


def test_listing_agrees_with_single_decisions_in_random_trees(magazine):
    """Nested rules that open and close inside each other."""
    chance = random.Random(4)
    own = magazine.plan
    foreign = PlanFactory(issuer=own.issuer, name="Foreign")
    reader, _contract = member(own)
    pages = [magazine.home]
    for number in range(60):
        parent = Page.objects.get(pk=chance.choice(pages).pk)
        pages.append(parent.add_child(instance=ArticlePage(title=f"P{number}")))
    for page in chance.sample(pages[1:], 25):
        kind = chance.choice(["everyone", "own", "foreign"])
        if kind == "everyone":
            set_rule(page=page, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
        else:
            set_rule(page=page, plans=[own if kind == "own" else foreign])
    every = list(Page.objects.exclude(depth=1))
    for user in (GUEST, reader):
        single = {page.pk for page in every if explain(page, user, today=TODAY).granted}
        assert {page.pk for page in visible_to(Page.objects.exclude(depth=1), user, today=TODAY)} == single
        listed = decisions_for(every, user, today=TODAY)
        assert {pk for pk, decision in listed.items() if decision.granted} == single


def test_a_thousand_rules_fit_in_one_listing(magazine):
    sections = [
        Page.objects.get(pk=magazine.home.pk).add_child(instance=ArticlePage(title=f"S{number}"))
        for number in range(3)
    ]
    known = rule_map.current_rules()
    rule = next(iter(known.rules.values()))
    many = {sections[0].path + f"{number:04}": rule for number in range(1200)}
    rule_map._current = rule_map.replace(known, rules={**known.rules, **many})
    from django.db import connection

    connection.run_on_commit = []
    assert "S1" in titles(visible_to(Page.objects.all(), GUEST, today=TODAY))


def test_explanation_names_contract_document_amount_and_what_opens(magazine):
    reader, contract = member(magazine.plan)
    case = in_dunning(contract, level=2, locked=True)
    decision = explain(magazine.article, reader, today=TODAY)
    text = sentence(decision)
    assert contract.number in text
    assert case.document.number in text
    assert "€9.90" in text
    assert "reminder 2" in text
    assert "Opens as soon as they are paid" in text
    with override_settings(LANGUAGE_CODE="en"):
        assert "Membership" in sentence(explain(magazine.article, GUEST, today=TODAY))


def test_explanation_of_inheritance(magazine):
    rule = rule_map.current_rules().rule_for(magazine.article.path)
    assert "Closed through section “Magazine”" in str(covered_by(rule, page_id=magazine.article.pk))
    assert "Closed by its own rule" in str(covered_by(rule, page_id=magazine.section.pk))
    assert "no paywall rule" in str(covered_by(None, page_id=1))


def test_rule_that_nothing_opens_is_refused(magazine):
    with pytest.raises(RuleWithoutPlan, match="at least one plan"):
        set_rule(page=magazine.article, plans=[])
    assert not AccessRule.objects.filter(page=magazine.article).exists()


def test_decision_asks_one_query_for_members_and_none_for_guests(magazine, django_assert_num_queries):
    from cms_billing.paywall.selectors import decide_page

    reader, contract = member(magazine.plan)
    rules_remembered()
    with django_assert_num_queries(1):
        assert decide_page(magazine.article, reader, today=TODAY).granted
    with django_assert_num_queries(0):
        assert not decide_page(magazine.article, GUEST, today=TODAY).granted
    in_dunning(contract, level=1, locked=False)
    with django_assert_num_queries(2):
        assert decide_page(magazine.article, reader, today=TODAY).granted


def test_rules_rolled_back_are_not_remembered(magazine, django_db_blocker):
    from django.db import connection, transaction

    rules_remembered()
    try:
        with transaction.atomic():
            AccessRule.objects.all().delete()
            assert rule_map.current_rules().rule_for(magazine.article.path) is None
            raise ValueError("changed my mind")
    except ValueError:
        pass
    connection.run_on_commit = []
    with CaptureQueriesContext(connection):
        assert rule_map.current_rules().rule_for(magazine.article.path) is not None
