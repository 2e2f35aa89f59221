"""What a closed page costs more than the same page without a rule."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms

from .conftest import client_of, member

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
