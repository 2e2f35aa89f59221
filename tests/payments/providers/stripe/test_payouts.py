"""Payouts, and of what they were made."""

from __future__ import annotations

import uuid
from datetime import date

from cms_billing.core.money import Money
from cms_billing.payments.providers import ChargeRequest, PayoutLineKind, RefundRequest
from cms_billing.testing.vendors import stripe as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .scripted import listed, provider_that_hears

EURO = Money(1000, "EUR")


def paid(provider, payer: str) -> str:
    method = stand_in.store_method(Behaviour.GOOD_CARD, customer=payer)
    return provider.charge(
        ChargeRequest(uuid.uuid4(), EURO, method, "RE-1", 1, payer, return_url="https://a.b/")
    ).reference


def test_payout_adds_up_and_names_what_it_was_made_of(provider, clock):
    payer = stand_in.new_customer()
    kept, refunded, disputed = (paid(provider, payer) for _ in range(3))
    refund = provider.refund(RefundRequest(uuid.uuid4(), refunded, Money(400, "EUR"), "GS-1", 1))
    stand_in.charge_back_now(disputed)
    reference = stand_in.make_payout(date(2026, 3, 4))
    (payout,) = provider.payouts(since=date(2026, 3, 1))
    assert (payout.reference, payout.paid, payout.paid_on) == (reference, True, date(2026, 3, 4))
    assert sum(line.net.minor for line in payout.lines) == payout.amount.minor
    assert all(line.net == line.gross + line.fee for line in payout.lines)
    by_payment = {(line.kind, line.payment_reference): line for line in payout.lines}
    assert set(by_payment) == {
        (PayoutLineKind.PAYMENT, kept),
        (PayoutLineKind.PAYMENT, refunded),
        (PayoutLineKind.PAYMENT, disputed),
        (PayoutLineKind.REFUND, refunded),
        (PayoutLineKind.CHARGEBACK, disputed),
    }
    assert by_payment[PayoutLineKind.PAYMENT, kept].fee == Money(-40, "EUR")
    assert by_payment[PayoutLineKind.REFUND, refunded].refund_reference == refund.reference
    assert by_payment[PayoutLineKind.CHARGEBACK, disputed].gross == Money(-1000, "EUR")


def test_payouts_come_oldest_first_and_each_movement_once(provider, clock):
    payer = stand_in.new_customer()
    made = []
    for _ in range(3):
        paid(provider, payer)
        made.append(stand_in.make_payout(date(2026, 3, 4)))
        clock.forward(days=1)
    found = list(provider.payouts(since=date(2026, 3, 1)))
    assert [payout.reference for payout in found] == made
    lines = [line.reference for payout in found for line in payout.lines]
    assert len(lines) == len(set(lines)) == 3


def test_old_payouts_are_left_alone(provider, clock):
    paid(provider, stand_in.new_customer())
    stand_in.make_payout(date(2026, 3, 4))
    clock.forward(days=60)
    assert list(provider.payouts(since=date(2026, 5, 1))) == []


def test_payout_started_by_hand_has_no_lines():
    payout = {
        "id": "po_1",
        "object": "payout",
        "amount": 5000,
        "currency": "eur",
        "automatic": False,
        "status": "in_transit",
        "arrival_date": 1772582400,
        "created": 1772582400,
    }
    provider, script = provider_that_hears((200, listed(payout)))
    (found,) = provider.payouts(since=date(2026, 3, 1))
    assert (found.amount, found.paid, found.paid_on, list(found.lines)) == (
        Money(5000, "EUR"),
        False,
        None,
        [],
    )
    assert len(script.requests) == 1
