"""The list of customers is filtered by what stands against letters to them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.dunning.services import set_hold
from cms_billing.testing.factories import CustomerFactory

from .test_admin import accountant

pytestmark = pytest.mark.django_db

INDEX = "billing-customer:index"
TODAY = date(2026, 2, 6)


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 2, 6, 10, tzinfo=UTC)):
        yield


def found(client, query: str) -> set[str]:
    context = client.get(f"{reverse(INDEX)}?{query}").context
    return {customer.number for customer in context["object_list"]}


def test_customers_with_a_block_or_a_dispute_are_found(client, issuer, customer):
    CustomerFactory(issuer=issuer, number="K-2")
    over = CustomerFactory(issuer=issuer, number="K-3")
    accountant(client, issuer, "view_customer", "view_hold")
    set_hold(customer_id=customer.pk, reason="ill", today=TODAY)
    set_hold(customer_id=over.pk, reason="away", until=date(2026, 1, 31), today=date(2026, 1, 20))

    assert found(client, "held=yes") == {"K-1"}
    assert found(client, "held=no") == {"K-2", "K-3"}
    assert found(client, "") == {"K-1", "K-2", "K-3"}


def test_who_may_not_see_blocks_gets_no_such_filter(client, issuer, customer):
    accountant(client, issuer, "view_customer")
    set_hold(customer_id=customer.pk, reason="ill", today=TODAY)

    assert "Block or dispute" not in client.get(reverse(INDEX)).content.decode()
    assert found(client, "held=no") == {"K-1"}
