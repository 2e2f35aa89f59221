"""What is Stripe's own about refunds."""

from __future__ import annotations

import uuid

import pytest

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import ChargeRequest, ProviderDown, RefundRequest, RefundStatus
from cms_billing.testing.vendors import stripe as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .scripted import error, provider_that_hears

EURO = Money(1000, "EUR")
REQUEST = RefundRequest(uuid.UUID(int=2), "pi_1", Money(400, "EUR"), "GS-1", 1)


def refund(status: str, **facts) -> dict:
    return {"id": "re_1", "object": "refund", "status": status, "metadata": {}, **facts}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", RefundStatus.PENDING),
        ("requires_action", RefundStatus.PENDING),
        ("succeeded", RefundStatus.PAID),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.FAILED),
    ],
)
def test_each_status_is_told(status, expected):
    provider, _script = provider_that_hears((200, refund(status)))
    assert provider.refund(REQUEST).status is expected


def test_unknown_status_is_named():
    provider, _script = provider_that_hears((200, refund("dreaming")))
    with pytest.raises(ProviderDown, match=r"dreaming.*re_1"):
        provider.look_up_refund(reference="re_1", payment_reference="", idempotency_key=None)


def test_failed_refund_tells_the_banks_reason():
    provider, _script = provider_that_hears((200, refund("failed", failure_reason="lost_or_stolen_card")))
    found = provider.look_up_refund(reference="re_1", payment_reference="pi_1", idempotency_key=None)
    assert found.reason == "lost_or_stolen_card"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (error("charge_already_refunded"), "paid back already"),
        (error("charge_disputed"), "was charged back"),
        (error("balance_insufficient"), "too little money"),
        (error("", "Refund amount (€5.00) is greater than unrefunded amount"), "greater than"),
    ],
)
def test_refund_that_is_refused_says_why(told, says):
    provider, _script = provider_that_hears((400, told))
    with pytest.raises(PermanentFailure, match=says):
        provider.refund(REQUEST)


def test_refund_of_a_charged_back_payment_is_refused(provider):
    payer = stand_in.new_customer()
    method = stand_in.store_method(Behaviour.GOOD_CARD, customer=payer)
    paid = provider.charge(
        ChargeRequest(uuid.uuid4(), EURO, method, "RE-1", 1, payer, return_url="https://a.b/")
    )
    stand_in.charge_back_now(paid.reference)
    with pytest.raises(PermanentFailure, match="was charged back"):
        provider.refund(RefundRequest(uuid.uuid4(), paid.reference, EURO, "GS-1", 1))


@pytest.mark.parametrize("reference", ["pi_1", "cs_1", "0b1f"])
def test_references_of_other_things_are_no_refund_and_not_asked_for(reference):
    provider, script = provider_that_hears((500, error()))
    found = provider.look_up_refund(reference=reference, payment_reference="", idempotency_key=None)
    assert found is None
    assert script.requests == []


def test_refund_known_by_nothing_is_no_answer():
    provider, _script = provider_that_hears((500, error()))
    with pytest.raises(ProviderDown):
        provider.look_up_refund(reference="", payment_reference="", idempotency_key=uuid.uuid4())
