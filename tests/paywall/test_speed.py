"""What a closed page costs more than the same page without a rule."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cms_billing.paywall import rule_map
from cms_billing.paywall.models import AccessRule
from cms_billing.paywall.rule_rows import plans_of_rules, rules_of_pages
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.paywall.terms import OpensTo, Preview, RuleTerms
from cms_billing.testing.factories import PlanFactory
from tests.testsite.models import ArticlePage

from .conftest import TODAY, client_of, member

pytestmark = pytest.mark.django_db(transaction=True)


def queries(client: Client) -> int:
    client.get("/magazine/strings/")  # fills the caches of Django and Wagtail, and the rules
    with CaptureQueriesContext(connection) as captured:
        client.get("/magazine/strings/")
    return len(captured)


def test_member_costs_one_query_and_guest_none(magazine):
    reader, _contract = member(magazine.plan)
    member_client, guest_client = client_of(reader), Client()
    closed = queries(member_client), queries(guest_client)
    remove_rule(page=magazine.section)
    assert closed[0] <= queries(member_client) + 1
    assert closed[1] <= queries(guest_client)


def test_page_without_a_rule_costs_nothing(magazine):
    reader, _contract = member(magazine.plan)
    remove_rule(page=magazine.section)
    before = queries(client_of(reader))
    set_rule(page=magazine.section, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    assert queries(client_of(reader)) == before


def test_a_request_asks_the_cache_once_for_the_rules(magazine, monkeypatch):
    asked = []
    ask = rule_map._shared_version
    monkeypatch.setattr(rule_map, "_shared_version", lambda: asked.append(1) or ask())
    Client().get("/magazine/strings/")
    assert len(asked) == 1
    remove_rule(page=magazine.section)
    assert b"paywall-offers" not in Client().get("/magazine/strings/").content


def test_what_a_request_changes_itself_counts_at_once_in_it(magazine):
    path = magazine.article.path
    with rule_map.one_version():
        assert rule_map.current_rules().rule_for(path) is not None
        remove_rule(page=magazine.section)
        assert rule_map.current_rules().rule_for(path) is None


def test_rules_of_a_request_are_those_of_its_beginning(magazine):
    """A teaser and the list beside it may not follow two versions."""
    with rule_map.one_version():
        first = rule_map.current_rules()
        # Another process says that something changed.
        cache.set(rule_map.VERSION_KEY, "newer", None)
        assert rule_map.current_rules() is first
    assert rule_map.current_rules() is not first


def test_reading_a_thousand_rules_takes_the_same_queries(magazine):
    rule_map._load("")  # fills Django's cache of content types
    with CaptureQueriesContext(connection) as few:
        rule_map._load("")
    for number in range(20):
        page = magazine.section.add_child(instance=ArticlePage(title=f"Own rule {number}"))
        set_rule(page=page, plans=[magazine.plan])
    with CaptureQueriesContext(connection) as many:
        known = rule_map._load("")
    assert len(many) == len(few)
    assert len(known.rules) == 21


def test_a_rule_read_as_a_row_is_that_of_its_model(magazine):
    set_rule(
        page=magazine.article,
        plans=[magazine.plan, PlanFactory(name="A course")],
        terms=RuleTerms(
            quota=2, gifts=1, closes_at=2, free_until=TODAY, preview=Preview.PERCENT, preview_amount=20
        ),
    )
    plans = rule_map.plan_facts([plan.pk for rule in AccessRule.objects.all() for plan in rule.plans.all()])
    read = {row.path: row.rule for row in rules_of_pages(plans_of_rules(), plans)}
    assert read == {rule.page.path: rule.facts() for rule in AccessRule.objects.all()}
    assert len(read) == 2
