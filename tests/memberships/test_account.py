"""A member's contracts: to look at, and to end."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.memberships.rules import last_day_if_terminated
from cms_billing.memberships.schedule import Interval, LineTerms
from cms_billing.memberships.services import book_next_due, terminate_contract
from cms_billing.testing.factories import CustomerFactory, PlanFactory, UserFactory, signed_contract

TODAY = date(2026, 3, 14)


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(datetime(2026, 3, 14, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def member(client, db):
    user = UserFactory()
    client.force_login(user)
    return user


def contract_of(user, *, start=date(2026, 1, 31), **plan):
    customer = CustomerFactory(user=user)
    plan = PlanFactory(issuer=customer.issuer, **plan)
    return signed_contract(start=start, plan=plan, customer=customer, today=TODAY)


def address(name, contract):
    return reverse(f"cms_billing:{name}", args=[contract.pk])


def test_a_member_sees_their_contracts_and_nobody_elses(client, member):
    mine, theirs = contract_of(member), contract_of(UserFactory())
    text = client.get(reverse("cms_billing:account_contracts")).content.decode()
    assert mine.number in text
    assert theirs.number not in text


@pytest.mark.parametrize("name", ["account_contract", "terminate_contract"])
def test_the_neighbours_contract_is_a_404(client, member, name):
    theirs = contract_of(UserFactory())
    assert client.get(address(name, theirs)).status_code == 404
    assert client.post(address("terminate_contract", theirs), {"last_day": "2026-03-30"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.state == "active"


@pytest.mark.parametrize("name", ["account_contracts", "account_documents", "payment_methods"])
def test_guests_are_asked_to_sign_in_and_come_back(client, db, name):
    url = reverse(f"cms_billing:{name}")
    response = client.get(url)
    assert response.status_code == 302
    assert response.url.endswith(f"?next={url}")


def test_terminating_keeps_the_period_that_runs(client, member):
    contract = contract_of(member)
    book_next_due(issuer=contract.issuer, today=TODAY)
    page = client.get(address("terminate_contract", contract))
    assert "March 30, 2026" in page.content.decode()
    client.post(address("terminate_contract", contract), {"last_day": "2026-03-30"})
    contract.refresh_from_db()
    assert (contract.state, contract.end) == ("terminated", date(2026, 3, 30))
    assert contract.changes.last().user == member


def test_a_quote_that_is_stale_is_shown_again(client, member):
    contract = contract_of(member)
    response = client.post(address("terminate_contract", contract), {"last_day": "2026-02-27"})
    assert response.status_code == 200
    contract.refresh_from_db()
    assert contract.state == "active"


def test_terminating_twice_says_so_and_changes_nothing(client, member):
    contract = contract_of(member)
    for _ in range(2):
        response = client.post(
            address("terminate_contract", contract), {"last_day": "2026-03-30"}, follow=True
        )
    assert "cannot be terminated here" in response.content.decode()
    contract.refresh_from_db()
    assert contract.end == date(2026, 3, 30)


@pytest.mark.parametrize("interval", ["once", "instalments"])
def test_what_was_bought_is_not_terminated(client, member, interval):
    contract = contract_of(member, interval=interval, instalments=6)
    assert "terminate/" not in client.get(address("account_contract", contract)).content.decode()
    response = client.get(address("terminate_contract", contract))
    assert response.url == address("account_contract", contract)


def test_a_terminated_contract_shows_its_last_day(client, member):
    contract = contract_of(member)
    terminate_contract(contract_id=contract.pk, last_day=date(2026, 3, 30), today=TODAY)
    assert "March 30, 2026" in client.get(address("account_contract", contract)).content.decode()


def test_the_list_costs_as_many_queries_for_three_contracts_as_for_one(client, member):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("cms_billing:account_contracts"))
        return len(captured)

    contract_of(member)
    queries()
    for_one = queries()
    for _ in range(2):
        contract_of(member)
    assert queries() == for_one


def terms(interval, *, anchor, first_due):
    return LineTerms(anchor=anchor, interval=interval, price_minor=990, first_due=first_due)


@pytest.mark.parametrize(
    ("interval", "anchor", "first_due", "last_day"),
    [
        # Billed to the end of the month that runs, and a due period that is not booked yet: the same day.
        (Interval.MONTHLY, date(2026, 1, 31), date(2026, 3, 31), date(2026, 3, 30)),
        (Interval.MONTHLY, date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 30)),
        # Billed ahead elsewhere, until the end of the year.
        (Interval.MONTHLY, date(2025, 1, 1), date(2027, 1, 1), date(2026, 12, 31)),
        (Interval.YEARLY, date(2024, 2, 29), date(2027, 2, 28), date(2027, 2, 27)),
        # The first day of a new period: that period still runs.
        (Interval.MONTHLY, date(2026, 2, 14), date(2026, 3, 14), date(2026, 4, 13)),
        (Interval.ONCE, date(2026, 1, 1), date(2026, 1, 1), None),
    ],
)
def test_last_day_is_the_end_of_what_is_billed_or_running(interval, anchor, first_due, last_day):
    lines = [terms(interval, anchor=anchor, first_due=first_due)]
    assert last_day_if_terminated(lines, today=TODAY) == last_day
