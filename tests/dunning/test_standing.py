"""What the paywall and the arrears page may ask."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_billing.dunning.selectors import (
    Standing,
    level_of_contract,
    owed,
    owed_by_user,
    standing_of_contract,
)
from cms_billing.dunning.services import stop_case
from cms_billing.memberships.models import Contract
from cms_billing.testing.factories import CustomerFactory, PlanFactory, UserFactory, signed_contract

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))


@pytest.fixture
def contract(issuer, customer) -> Contract:
    return signed_contract(start=date(2026, 1, 1), plan=PlanFactory(issuer=issuer), customer=customer)


def standing(contract: Contract) -> tuple[str | None, int | None]:
    with CaptureQueriesContext(connection) as captured:
        row = Contract.objects.annotate(
            standing=standing_of_contract(), dunning_level=level_of_contract()
        ).get(pk=contract.pk)
    assert len(captured) == 1
    return row.standing, row.dunning_level


def test_a_contract_is_in_arrears_from_the_first_letter_and_locked_from_the_third(
    issuer, customer, contract, after_commit
):
    invoice = invoice_due(customer, DUE, contract=contract.number)
    assert standing(contract) == (None, None)
    run(issuer, DAYS[0])
    assert standing(contract) == (Standing.IN_ARREARS, 1)
    run(issuer, DAYS[1])
    assert standing(contract) == (Standing.IN_ARREARS, 2)
    run(issuer, DAYS[2])
    assert standing(contract) == (Standing.LOCKED, 3)
    run(issuer, date(2026, 3, 2))  # ready for collection
    assert standing(contract) == (Standing.LOCKED, 3)
    with after_commit():
        pay(invoice, date(2026, 3, 3))
    assert standing(contract) == (None, None)


def test_only_the_unpaid_contract_is_locked(issuer, customer, contract):
    other = signed_contract(start=date(2026, 1, 1), plan=PlanFactory(issuer=issuer), customer=customer)
    invoice_due(customer, DUE, contract=contract.number)
    for day in DAYS:
        run(issuer, day)
    assert standing(contract) == (Standing.LOCKED, 3)
    assert standing(other) == (None, None)


def test_another_issuers_contract_of_the_same_number_is_not_touched(issuer, customer, contract):
    neighbour = signed_contract(start=date(2026, 1, 1))
    Contract.objects.filter(pk=neighbour.pk).update(number=contract.number)
    invoice_due(customer, DUE, contract=contract.number)
    for day in DAYS:
        run(issuer, day)
    assert standing(neighbour) == (None, None)


def test_a_payment_opens_without_any_receiver(issuer, customer, contract):
    invoice = invoice_due(customer, DUE, contract=contract.number)
    for day in DAYS:
        run(issuer, day)
    pay(invoice, date(2026, 3, 3))  # nothing that happens after commit has happened
    assert case_of(invoice).locked
    assert standing(contract) == (None, None)


def test_a_stopped_case_is_in_arrears_and_opens_the_content(issuer, customer, contract):
    invoice = invoice_due(customer, DUE, contract=contract.number)
    for day in DAYS:
        run(issuer, day)
    stop_case(case_id=case_of(invoice).pk, reason="Disputed")
    assert standing(contract) == (Standing.IN_ARREARS, 3)


def test_owed_lists_claims_with_what_paying_them_opens(issuer, customer, contract):
    newer = invoice_due(customer, date(2026, 1, 16), amount=500)
    invoice = invoice_due(customer, DUE, contract=contract.number)
    invoice_due(CustomerFactory(issuer=issuer), DUE)
    run(issuer, DAYS[0])
    run(issuer, date(2026, 1, 23))
    with CaptureQueriesContext(connection) as captured:
        first, second = owed([customer.pk])
    assert len(captured) == 2
    assert (first.number, first.contracts, first.open_amount.minor, first.level, first.locked) == (
        invoice.number,
        (contract.number,),
        990,
        1,
        False,
    )
    assert (second.number, second.contracts, second.last_letter_on) == (newer.number, (), date(2026, 1, 23))


def test_a_member_sees_only_what_they_owe_themselves(issuer, customer):
    customer.user = UserFactory()
    customer.save()
    stranger = UserFactory()
    invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    assert len(owed_by_user(customer.user)) == 1
    assert owed_by_user(stranger) == []
