"""What is Stripe's own about charges: keys beyond their life, mandates, currencies, codes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import ChargeRequest, Status
from cms_billing.testing.vendors import stripe as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .scripted import error, intent, listed, provider_that_hears

EURO = Money(1000, "EUR")


def request_for(behaviour=Behaviour.GOOD_CARD, *, amount=EURO, **facts) -> ChargeRequest:
    payer = stand_in.new_customer()
    known = {
        "idempotency_key": uuid.uuid4(),
        "amount": amount,
        "method_reference": stand_in.store_method(behaviour, customer=payer),
        "description": "RE-1",
        "issuer_id": 1,
        "payer_reference": payer,
        "return_url": "https://shop.example/thanks/",
    }
    return ChargeRequest(**{**known, **facts})


def test_key_travels_as_header_and_as_metadata():
    provider, script = provider_that_hears((200, intent()))
    key = uuid.uuid4()
    provider.charge(ChargeRequest(key, EURO, "pm_1", "RE-1", 1, "cus_1", return_url="https://shop.example/"))
    sent = script.requests[0]
    assert sent.headers["Idempotency-Key"] == str(key)
    assert sent.headers["Stripe-Version"] == "2026-10-28.endive"
    assert f"metadata[cms_billing_key]={key}" in sent.body
    assert "payment_method_types" not in sent.body


def test_charge_without_a_known_payer_finds_whose_the_method_is(provider):
    assert provider.charge(request_for(payer_reference="m-0815")).status is Status.SETTLED


def test_search_by_key_is_a_minute_behind(provider, clock):
    request = request_for()
    made = provider.charge(request)
    assert provider.look_up(reference="", idempotency_key=request.idempotency_key) is None
    clock.forward(hours=1)
    found = provider.look_up(reference="", idempotency_key=request.idempotency_key)
    assert found.reference == made.reference


def test_key_is_found_at_once_among_the_payers_payments(provider):
    request = request_for()
    made = provider.charge(request)
    for _ in range(3):
        provider.charge(request_for(payer_reference=request.payer_reference))
    found = provider.look_up(
        reference="", idempotency_key=request.idempotency_key, method_reference=request.method_reference
    )
    assert found.reference == made.reference


@pytest.mark.parametrize("reference", ["cs_test_1", "re_1", "cus_1", "pm_1", "0b1f", "ch_1"])
def test_references_of_other_things_are_no_payment_and_not_asked_for(reference):
    provider, script = provider_that_hears((500, error()))
    assert provider.look_up(reference=reference, idempotency_key=None) is None
    assert script.requests == []


def test_dead_mandate_is_final(provider):
    request = request_for(Behaviour.GOOD_ACCOUNT)
    stand_in.revoke_method(request.method_reference)
    notice = provider.charge(request)
    assert (notice.status, notice.code, notice.final) == (
        Status.FAILED,
        "payment_intent_mandate_invalid",
        True,
    )


def test_direct_debit_returned_after_success_is_charged_back(provider):
    notice = provider.charge(request_for(Behaviour.GOOD_ACCOUNT))
    stand_in.settle_now(notice.reference)
    stand_in.charge_back_now(notice.reference)
    found = provider.look_up(reference=notice.reference, idempotency_key=None)
    assert (found.status, found.charged_back, found.code) == (
        Status.CHARGED_BACK,
        EURO,
        "debit_not_authorized",
    )


@pytest.mark.parametrize(
    ("told", "code", "advice", "final"),
    [
        ({"decline_code": "insufficient_funds"}, "insufficient_funds", "", False),
        ({"decline_code": "generic_decline", "advice_code": "do_not_try_again"}, "generic_decline",
         "do_not_try_again", True),
        ({"decline_code": "generic_decline", "network_advice_code": "03"}, "generic_decline", "MAC-03", True),
        ({"decline_code": "generic_decline", "network_advice_code": "24"}, "generic_decline", "MAC-24", False),
        ({"decline_code": "lost_card"}, "lost_card", "", True),
        ({"code": "authentication_required"}, "authentication_required", "", False),
        ({"code": "expired_card"}, "expired_card", "", False),
    ],
)  # fmt: skip
def test_refusal_tells_the_banks_code_and_advice(told, code, advice, final):
    failed = intent("requires_payment_method", id="pi_7", latest_charge="ch_7")
    answer = error("card_declined", "Your card was declined.", kind="card_error", payment_intent=failed)
    answer["error"].update(told)
    provider, _script = provider_that_hears((402, answer))
    key = uuid.uuid4()
    notice = provider.charge(ChargeRequest(key, EURO, "pm_1", "RE-1", 1, "cus_1", return_url="https://a.b/"))
    assert (notice.reference, notice.status, notice.idempotency_key) == ("pi_7", Status.FAILED, key)
    assert (notice.code, notice.advice, notice.final) == (code, advice, final)
    assert notice.reason == "Your card was declined."


@pytest.mark.parametrize(
    ("disputes", "charged_back"),
    [
        ([("needs_response", 1000, [])], Money(1000, "EUR")),
        ([("lost", 300, [-300])], Money(300, "EUR")),
        ([("lost", 300, [-300]), ("lost", 200, [-200])], Money(500, "EUR")),
        ([("won", 1000, [-1000, 1000])], None),
        ([("warning_needs_response", 1000, [])], None),
        ([("warning_closed", 1000, [])], None),
        ([("prevented", 1000, [])], None),
        ([("under_review", 1000, [-1000]), ("won", 200, [-200, 200])], Money(1000, "EUR")),
    ],
)
def test_disputes_are_summed_by_the_money_that_is_gone(disputes, charged_back):
    disputed = {"id": "ch_1", "object": "charge", "amount_refunded": 0, "disputed": True}
    told = [
        {
            "id": f"du_{number}",
            "object": "dispute",
            "amount": amount,
            "currency": "eur",
            "status": status,
            "reason": "fraudulent",
            "balance_transactions": [
                {"id": f"txn_{part}", "object": "balance_transaction", "amount": part, "currency": "eur"}
                for part in booked
            ],
        }
        for number, (status, amount, booked) in enumerate(disputes)
    ]
    provider, _script = provider_that_hears((200, intent(latest_charge=disputed)), (200, listed(*told)))
    notice = provider.look_up(reference="pi_1", idempotency_key=None)
    assert notice.charged_back == charged_back
    assert notice.status is (Status.CHARGED_BACK if charged_back else Status.SETTLED)


@pytest.mark.parametrize(
    ("status", "facts", "expected"),
    [
        ("processing", {}, Status.PENDING),
        ("canceled", {"cancellation_reason": "abandoned"}, Status.FAILED),
        ("requires_action", {}, Status.FAILED),
        ("requires_action", {"metadata": {"cms_billing_for": "page"}}, Status.PENDING),
        ("requires_payment_method", {"last_payment_error": {"code": "expired_card"}}, Status.FAILED),
    ],
)
def test_each_status_is_told(status, facts, expected):
    provider, _script = provider_that_hears((200, intent(status, **facts)))
    assert provider.look_up(reference="pi_1", idempotency_key=None).status is expected


@pytest.mark.parametrize(
    ("amount", "sent"),
    [
        (Money(1234, "EUR"), 1234),
        (Money(500, "JPY"), 500),
        (Money(9000, "ISK"), 900000),
        (Money(12340, "KWD"), 12340),
    ],
)
def test_amounts_are_in_stripes_units_both_ways(amount, sent):
    charge = {"id": "ch_1", "object": "charge", "amount_refunded": sent, "disputed": False}
    told = intent(amount=sent, currency=amount.currency.lower(), latest_charge=charge)
    provider, script = provider_that_hears((200, told))
    notice = provider.charge(
        ChargeRequest(uuid.uuid4(), amount, "pm_1", "RE-1", 1, "cus_1", return_url="https://a.b/")
    )
    assert f"amount={sent}&" in script.requests[0].body
    assert notice.refunded == amount


def test_third_decimal_is_refused_before_asking():
    provider, script = provider_that_hears((200, intent()))
    with pytest.raises(PermanentFailure, match="two decimals in KWD"):
        provider.charge(ChargeRequest(uuid.uuid4(), Money(12345, "KWD"), "pm_1", "RE-1", 1, "cus_1"))
    assert script.requests == []


@pytest.mark.parametrize(("amount", "told"), [(Money(49, "EUR"), "below the least"), (EURO, None)])
def test_least_amount(provider, amount, told):
    if told is None:
        assert provider.charge(request_for(amount=amount)).status is Status.SETTLED
        return
    with pytest.raises(PermanentFailure, match=told):
        provider.charge(request_for(amount=amount))


def test_currency_that_the_account_does_not_take_is_said(provider):
    with pytest.raises(PermanentFailure, match="does not take this currency"):
        provider.charge(request_for(amount=Money(1000, "BRL")))


def test_refund_made_at_the_dashboard_is_told(provider):
    notice = provider.charge(request_for())
    stand_in.refund_at_dashboard(notice.reference, Money(250, "EUR"))
    assert provider.look_up(reference=notice.reference, idempotency_key=None).refunded == Money(250, "EUR")


def test_payments_of_a_day(provider, clock):
    made = [provider.charge(request_for()).reference for _ in range(2)]
    clock.forward(days=1)
    provider.charge(request_for())
    start, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    assert sorted(provider.payments_between(start=start, end=end)) == sorted(made)
