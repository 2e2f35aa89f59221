"""Settlements: every movement, the fees, and a sum that is right to the cent."""

import uuid
from datetime import date, datetime, timedelta

import pytest

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.payments.providers import AccountRefused, PayoutLineKind, ProviderDown, RefundRequest
from cms_billing.payments.providers.mollie import MollieProvider
from cms_billing.testing.models import VendorObject
from cms_billing.testing.vendors import mollie as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour
from cms_billing.testing.vendors.mollie.books import amount, enter

from .conftest import API_KEY, NOON, account_with, listing, payment, scripted
from .test_errors import request as charge_request
from .test_pages import request as page_request

PAYDAY = date(2026, 3, 20)


def method_of(mollie, behaviour: Behaviour) -> str:
    asked = page_request(idempotency_key=uuid.uuid4())
    page = mollie.open_page(asked)
    stand_in.hosted_page(page.reference).pay(behaviour)
    notice = mollie.look_up_page(reference=page.reference, idempotency_key=asked.idempotency_key)
    return notice.method.reference


@pytest.fixture
def month(mollie):
    """Two payments by card and one by iDEAL, one of them paid back in part, one charged back."""
    method = method_of(mollie, Behaviour.GOOD_CARD)
    refunded = mollie.charge(charge_request(method_reference=method, amount=Money.of("19.90", "EUR")))
    method_of(mollie, Behaviour.EMPTY_ACCOUNT)
    mollie.refund(RefundRequest(uuid.uuid4(), refunded.reference, Money.of("5.00", "EUR"), "", 1))
    disputed = mollie.charge(charge_request(method_reference=method, amount=Money.of("7.77", "EUR")))
    stand_in.charge_back_now(disputed.reference)
    with clock.frozen(NOON + timedelta(days=9)):
        stand_in.let_time_pass()
        settlement = stand_in.make_payout(PAYDAY)
    return {"refunded": refunded.reference, "disputed": disputed.reference, "settlement": settlement}


def kinds(payout) -> dict:
    sums: dict = {}
    for line in payout.lines:
        sums[line.kind] = sums.get(line.kind, 0) + line.net.minor
    return sums


def test_settlement_is_told_with_every_movement_and_its_fees(mollie, month):
    (payout,) = mollie.payouts(since=date(2026, 3, 1))
    assert (payout.reference, payout.paid, payout.paid_on) == (month["settlement"], True, PAYDAY)
    assert sum(line.net.minor for line in payout.lines) == payout.amount.minor
    # Page 10.00, charges 19.90 and 7.77, iDEAL 10.00; 5.00 paid back, 7.77 charged back.
    moved = kinds(payout)
    assert moved[PayoutLineKind.PAYMENT] == 4767
    assert (moved[PayoutLineKind.REFUND], moved[PayoutLineKind.CHARGEBACK]) == (-500, -777)
    # (0.25 × 3 + 1.8 % of 37.67) + 0.32 + 0.25 + 5.00, plus 21 % VAT: 1.7279, 0.3872, 0.3025, 6.05.
    assert moved[PayoutLineKind.FEE] == -(173 + 39 + 30 + 605)
    assert all(line.gross + line.fee == line.net for line in payout.lines)


def test_movements_name_what_they_belong_to(mollie, month):
    (payout,) = mollie.payouts(since=date(2026, 3, 1))
    lines = {line.kind: line for line in payout.lines}
    refund = VendorObject.objects.get(kind="refund")
    assert lines[PayoutLineKind.REFUND].payment_reference == month["refunded"]
    assert lines[PayoutLineKind.REFUND].refund_reference == refund.object_id
    assert lines[PayoutLineKind.CHARGEBACK].payment_reference == month["disputed"]
    references = [line.reference for line in payout.lines]
    assert len(set(references)) == len(references)


def test_what_rounding_leaves_over_is_a_line_but_a_real_difference_stays_one(mollie, month):
    row = VendorObject.objects.get(kind="settlement")
    row.data["amount"] = amount(Money.of(row.data["amount"]["value"], "EUR") - Money(2, "EUR"))
    row.save()
    (payout,) = mollie.payouts(since=date(2026, 3, 1))
    assert sum(line.net.minor for line in payout.lines) == payout.amount.minor
    assert kinds(payout)[PayoutLineKind.OTHER] in (-1, -2, -3)
    row.data["amount"] = amount(Money.of("1.00", "EUR"))
    row.save()
    (payout,) = mollie.payouts(since=date(2026, 3, 1))
    assert PayoutLineKind.OTHER not in kinds(payout)
    assert sum(line.net.minor for line in payout.lines) != payout.amount.minor


def test_settlements_come_oldest_first_since_a_day(mollie):
    made = []
    for day in (1, 8, 15):
        with clock.frozen(NOON.replace(day=day)):
            enter_settlement(day)
            made.append(VendorObject.objects.latest("pk").object_id)
    assert [payout.reference for payout in mollie.payouts(since=date(2026, 3, 8))] == made[1:]
    assert [payout.reference for payout in mollie.payouts(since=date(2026, 1, 1))] == made


def enter_settlement(day: int, **changes) -> None:
    data = {
        "status": "paidout",
        "amount": amount(Money.zero("EUR")),
        "settledAt": f"2026-03-{day:02}T09:00:00+00:00",
        "periods": {},
        **changes,
    }
    enter("settlement", data, account="main")


def test_settlement_that_is_still_open_is_none_yet_and_a_failed_one_not_paid(mollie):
    enter_settlement(1, status="open", settledAt=None)
    enter_settlement(2, status="failed")
    assert [payout.paid for payout in mollie.payouts(since=date(2026, 3, 1))] == [False]


def test_settlement_of_unknown_status_is_named(mollie):
    enter_settlement(1, status="halved")
    with pytest.raises(ProviderDown, match="“halved” of settlement"):
        list(mollie.payouts(since=date(2026, 3, 1)))


def test_live_settlement_is_none_of_a_test_account():
    settlement = {
        "id": "stl_1",
        "status": "paidout",
        "createdAt": "2026-03-10T12:00:00+00:00",
        "amount": {"currency": "EUR", "value": "10.00"},
    }
    provider, _ = scripted(listing("settlements", settlement), listing("payments", payment(mode="live")))
    assert list(provider.payouts(since=date(2026, 3, 1))) == []


def test_payment_in_another_currency_counts_as_it_was_settled():
    settlement = {
        "id": "stl_1",
        "status": "paidout",
        "createdAt": "2026-03-10T12:00:00+00:00",
        "settledAt": "2026-03-11T12:00:00+00:00",
        "amount": {"currency": "EUR", "value": "4.00"},
    }
    dollars = payment(
        amount={"currency": "USD", "value": "10.00"}, settlementAmount={"currency": "EUR", "value": "9.00"}
    )
    chargeback = {
        "id": "chb_1",
        "paymentId": "tr_2",
        "amount": {"currency": "EUR", "value": "4.00"},
        "settlementAmount": {"currency": "EUR", "value": "-5.00"},
    }
    provider, _ = scripted(
        listing("settlements", settlement),
        listing("payments", dollars),
        listing("refunds"),
        listing("chargebacks", chargeback),
    )
    (payout,) = provider.payouts(since=date(2026, 3, 1))
    assert [(line.gross.minor, line.fee.minor, line.net.minor) for line in payout.lines] == [
        (900, 0, 900),
        (-400, -100, -500),
    ]


def test_websites_key_opens_no_settlements(books):
    provider = MollieProvider(account_with(secrets={"API_KEY": API_KEY, "ACCESS_TOKEN": "access_wrong"}))
    with pytest.raises(AccountRefused):
        list(provider.payouts(since=date(2026, 3, 1)))


def test_payments_of_a_day_are_those_with_which_something_happened(mollie):
    method = method_of(mollie, Behaviour.EMPTY_CARD)
    mollie.open_page(page_request(idempotency_key=uuid.uuid4()))
    with clock.frozen(NOON + timedelta(days=1)):
        failed = mollie.charge(charge_request(method_reference=method))
        mollie.open_page(page_request(idempotency_key=uuid.uuid4()))
    with clock.frozen(NOON + timedelta(days=2)):
        mollie.charge(charge_request(method_reference=method))
    start = datetime.fromisoformat("2026-03-11T00:00:00+00:00")
    assert list(mollie.payments_between(start=start, end=start + timedelta(days=1))) == [failed.reference]


def test_long_lists_are_read_page_by_page(mollie, monkeypatch):
    monkeypatch.setattr("cms_billing.payments.providers.mollie.payouts.LIST_LIMIT", 2)
    made = []
    for _count in range(5):
        page = mollie.open_page(page_request(idempotency_key=uuid.uuid4(), stores_method=False))
        stand_in.hosted_page(page.reference).pay(Behaviour.GOOD_CARD)
        made.append(page.reference)
    assert list(mollie.payments_between(start=NOON, end=NOON + timedelta(days=1))) == made[::-1]
    stand_in.make_payout(PAYDAY)
    (payout,) = mollie.payouts(since=date(2026, 3, 1))
    assert sum(line.kind is PayoutLineKind.PAYMENT for line in payout.lines) == 5
