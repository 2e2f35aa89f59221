"""Money back: never above the credit, never above the payment, booked once, and both books agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import Document, LedgerEntry, OpenItem
from cms_billing.faktura.services import (
    account_balance,
    cancel_document,
    credit_on_account,
    settle_next_accounts,
    settle_with_credit,
)
from cms_billing.payments import selectors
from cms_billing.payments.exceptions import CannotRefund
from cms_billing.payments.models import Payment, Refund, WebhookEvent
from cms_billing.payments.services import (
    charge_back,
    collect_due,
    enter_refund_at_provider,
    look_up_pending_refunds,
    mark_transferred,
    record_payment,
    refund_customer,
    transfer_came_back,
    withdraw_refund,
)
from cms_billing.payments.verification import refund_findings
from cms_billing.testing import provider_refunds as fake_refunds
from cms_billing.testing import providers as fake
from cms_billing.testing.factories import CustomerFactory
from cms_billing.testing.models import FakeBehaviour, FakeCharge, FakeRefund

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = date(2026, 3, 10)
IBAN = "DE02 1203 0000 0000 2020 51"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _frozen():
    with clock.frozen(NOON):
        yield


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def work(model=Refund, *, hours: int = 0) -> None:
    with clock.frozen(clock.now() + timedelta(hours=hours)):
        outbox.drain(model, now=clock.now())


def deliver(**how) -> None:
    assert set(fake.deliver_webhooks(**how)) <= {200}
    work(WebhookEvent)


@pytest.fixture
def paid(invoice):
    """An invoice of 50.00 paid by card and cancelled: 50.00 stand on the customer's account."""
    document = invoice(gross_minor=5000, method="card-1")
    collect_due(issuer=document.issuer, today=TODAY)
    work(Payment)
    cancel_document(document_id=document.pk, reason="Storno", today=TODAY, bill_again=False)
    return Payment.objects.get()


def to_card(payment: Payment, euros: str = "50.00", **changes) -> Refund:
    values = {
        "customer_id": payment.customer_id,
        "amount": euro(euros),
        "way": "provider",
        "payment_id": payment.pk,
        "today": TODAY,
        **changes,
    }
    return refund_customer(**values)


def by_transfer(payment: Payment, euros: str = "50.00", **changes) -> Refund:
    return to_card(
        payment,
        euros,
        **{"way": "transfer", "payment_id": None, "iban": IBAN, "account_holder": "Anna Muster", **changes},
    )


def behave(behaviour: str, times: int = 1) -> None:
    FakeBehaviour.objects.create(method_reference="refund", behaviour=behaviour, times=times)


def credit(payment: Payment) -> str:
    return str(credit_on_account(customer_id=payment.customer_id, currency="EUR").amount)


def booked(payment: Payment) -> list[int]:
    entries = LedgerEntry.objects.filter(customer=payment.customer, kind="refund").order_by("pk")
    return list(entries.values_list("amount_minor", flat=True))


def receipts() -> list[str]:
    return list(
        Document.objects.filter(kind="refund_receipt").order_by("pk").values_list("number", flat=True)
    )


# -- through the provider -------------------------------------------------------------------------------------------


def test_refund_to_the_card_is_sent_after_commit_and_booked_with_a_receipt(paid):
    refund = to_card(paid, document_id=Document.objects.get(kind="cancellation").pk, reason="Kurs fällt aus")
    assert (refund.state, FakeRefund.objects.count(), booked(paid)) == ("created", 0, [])
    work()
    refund.refresh_from_db()
    theirs = FakeRefund.objects.get()
    assert (refund.state, refund.reference, refund.paid_on) == ("paid", theirs.reference, TODAY)
    assert theirs.idempotency_key == refund.idempotency_key
    assert theirs.description == f"Erstattung ST-2026-000001 {paid.customer.number}"
    assert (credit(paid), booked(paid), receipts()) == ("0.00", [5000], ["AZ-2026-000001"])
    assert refund.receipt.extra["refund"] == {
        "amount_minor": 5000,
        "way": "provider",
        "way_text": "Test-Zahlungsanbieter",
        "paid_on": "2026-03-10",
        "reference": theirs.reference,
        "for": [{"number": "ST-2026-000001", "date": "2026-03-10", "amount_minor": -5000}],
    }
    assert list(refund_findings(paid.issuer)) == []


def test_never_above_the_credit(paid):
    with pytest.raises(CannotRefund, match=r"has a credit of €50\.00: pay back no more"):
        to_card(paid, "50.01")


def test_what_is_promised_cannot_be_promised_again(paid):
    to_card(paid, "30.00")
    with pytest.raises(CannotRefund, match=r"€20\.00 at most; €30\.00 are on their way already"):
        by_transfer(paid, "20.01")
    by_transfer(paid, "20.00")


def test_nothing_without_credit(invoice):
    document = invoice(gross_minor=5000, method="card-1")
    collect_due(issuer=document.issuer, today=TODAY)
    work(Payment)
    with pytest.raises(CannotRefund, match="has no credit: issue a correction"):
        to_card(Payment.objects.get())


def test_never_above_what_is_left_of_the_payment(paid):
    record_payment(
        customer_id=paid.customer_id, amount=euro("30.00"), received_on=TODAY, way="transfer", today=TODAY
    )
    with pytest.raises(CannotRefund, match=r"€50\.00 are left of"):
        to_card(paid, "60.00")
    to_card(paid, "45.00")
    with pytest.raises(CannotRefund, match=r"€5\.00 are left of"):
        to_card(paid, "6.00")


def test_partly_charged_back_payment_pays_back_the_rest_only(paid):
    record_payment(
        customer_id=paid.customer_id, amount=euro("30.00"), received_on=TODAY, way="transfer", today=TODAY
    )
    charge_back(payment_id=paid.pk, day=TODAY, so_far=euro("20.00"))
    assert selectors.left_of_payment(paid) == euro("30.00")
    with pytest.raises(CannotRefund, match=r"€30\.00 are left of"):
        to_card(paid, "31.00")


def test_payment_that_was_a_transfer_cannot_go_back_through_a_provider(paid):
    transfer = record_payment(
        customer_id=paid.customer_id, amount=euro("30.00"), received_on=TODAY, way="transfer", today=TODAY
    )
    with pytest.raises(CannotRefund, match="Pay back by transfer instead"):
        to_card(transfer, "10.00")


def test_somebody_elses_payment_is_refused(paid):
    stranger = CustomerFactory(issuer=paid.issuer)
    record_payment(customer_id=stranger.pk, amount=euro("50"), received_on=TODAY, way="cash", today=TODAY)
    with pytest.raises(CannotRefund, match="is not of"):
        to_card(paid, customer_id=stranger.pk)


@pytest.mark.parametrize(
    ("behaviour", "state", "theirs"),
    [
        ("timeout-after", "paid", 1),
        ("timeout-before", "created", 0),
        ("down", "created", 0),
        ("pending-3", "pending", 1),
        ("fail-soft", "failed", 1),
        ("refuse", "failed", 0),
    ],
)
def test_first_answer_of_the_provider(paid, behaviour, state, theirs):
    behave(behaviour)
    refund = to_card(paid)
    work()
    refund.refresh_from_db()
    assert (refund.state, FakeRefund.objects.count()) == (state, theirs)
    assert booked(paid) == ([5000] if state == "paid" else [])


@pytest.mark.parametrize("behaviour", ["timeout-before", "timeout-after", "down"])
def test_lost_answer_ends_in_one_refund_with_the_same_key(paid, behaviour):
    behave(behaviour)
    to_card(paid)
    work()
    work(hours=1)
    work(hours=30)
    assert FakeRefund.objects.get().idempotency_key == Refund.objects.get().idempotency_key
    assert (booked(paid), receipts()) == ([5000], ["AZ-2026-000001"])


def test_refund_that_settles_days_later_is_booked_on_that_day_by_its_webhook(paid):
    behave("pending-3")
    to_card(paid)
    work()
    assert (booked(paid), credit(paid)) == ([], "50.00")
    with clock.frozen(NOON + timedelta(days=3)):
        deliver(times=3)
    refund = Refund.objects.get()
    assert (refund.state, refund.paid_on, booked(paid)) == ("paid", date(2026, 3, 13), [5000])


def test_refund_no_webhook_told_of_is_looked_up(paid):
    behave("pending-2")
    to_card(paid)
    work()
    later = NOON + timedelta(days=3)
    with clock.frozen(later):
        result = look_up_pending_refunds(issuer=paid.issuer, now=later, older_than=timedelta(days=1))
    assert (result.looked_up, result.problems, booked(paid)) == (1, [], [5000])


def test_failed_refund_gives_the_credit_back_and_waits_for_a_person(paid):
    behave("fail-soft")
    failed = to_card(paid)
    work()
    failed.refresh_from_db()
    assert (failed.failure, credit(paid)) == ("not possible for this card", "50.00")
    again = by_transfer(paid, instead_of=failed.pk)
    failed.refresh_from_db()
    assert (failed.state, again.state) == ("withdrawn", "pending")


def test_refund_the_bank_sends_back_is_booked_back_once(paid):
    behave("return-5")
    to_card(paid)
    work()
    with clock.frozen(NOON + timedelta(days=5)):
        deliver(times=2)
    assert (Refund.objects.get().state, booked(paid), credit(paid)) == ("failed", [5000, -5000], "50.00")
    assert list(refund_findings(paid.issuer)) == []


def test_money_that_leaves_after_we_gave_up_is_booked_nevertheless(paid):
    behave("fail-soft")
    failed = to_card(paid)
    work()
    withdraw_refund(refund_id=failed.pk)
    by_transfer(paid)
    fake_refunds.pay_out_now(FakeRefund.objects.get())
    deliver()
    failed.refresh_from_db()
    assert (failed.state, booked(paid)) == ("paid", [5000])
    assert account_balance(customer_id=paid.customer_id, currency="EUR") == euro("0")


def test_webhook_that_overtakes_the_answer_finds_its_refund_by_the_key(paid):
    from cms_billing.payments.services import carry_out_refund

    refund = to_card(paid)
    refund.attempts = 1
    record_answer = carry_out_refund(refund)
    deliver()
    assert Refund.objects.get().state == "paid"
    record_answer()
    assert (booked(paid), len(receipts())) == ([5000], 1)


def test_webhook_that_names_only_the_payment_brings_news_of_its_refunds(paid):
    behave("pending-1")
    to_card(paid)
    work()
    with clock.frozen(NOON + timedelta(days=1)):
        assert fake.post_webhook(fake.webhook_body(paid.reference, "refunded")) == 200
        work(WebhookEvent)
    assert Refund.objects.get().state == "paid"


def test_refund_is_not_sent_when_the_payment_was_charged_back_meanwhile(paid):
    refund = to_card(paid)
    charge_back(payment_id=paid.pk, day=TODAY)
    work()
    refund.refresh_from_db()
    assert (refund.state, FakeRefund.objects.count()) == ("failed", 0)
    assert "had gone by then" in refund.failure


def test_credit_on_its_way_back_settles_nothing(paid, invoice):
    other = invoice(paid.customer, gross_minor=4000)
    to_card(paid, "30.00")
    settled = settle_with_credit(customer_id=paid.customer_id, currency="EUR", today=TODAY)
    assert settled == euro("20.00")
    assert OpenItem.objects.get(pk=other.pk).open_minor == 2000


def test_daily_settling_leaves_alone_what_is_on_its_way_back(paid, invoice):
    invoice(paid.customer, gross_minor=4000)
    to_card(paid, "50.00")
    assert settle_next_accounts(issuer=paid.issuer, today=TODAY).done == []


# -- refunds made at the provider's own dashboard -------------------------------------------------------------------


def test_daily_settling_leaves_credit_that_is_on_its_way_back(paid, invoice):
    by_transfer(paid)
    other = invoice(customer=paid.customer, gross_minor=2000)
    assert settle_next_accounts(issuer=paid.issuer, today=TODAY).done == []
    other.open_item.refresh_from_db()
    assert other.open_item.open_minor == 2000


def test_our_own_refund_is_no_news(paid):
    to_card(paid, "20.00")
    work()
    deliver(times=2)
    assert not selectors.refunded_elsewhere().exists()
    assert not WebhookEvent.objects.exclude(work_state="done").exists()


@pytest.mark.parametrize("euros", ["20.00", "50.00"])
def test_refund_at_the_dashboard_waits_on_the_list_until_it_is_entered(paid, euros):
    fake_refunds.refund_at_the_dashboard(FakeCharge.objects.get(), euro(euros))
    deliver()
    (payment,) = selectors.refunded_elsewhere()
    assert payment.refunded_elsewhere == euro(euros)
    assert not WebhookEvent.objects.exclude(work_state="done").exists()
    with pytest.raises(CannotRefund, match="left of"):
        to_card(paid, "50.00" if euros == "20.00" else "1.00")
    with pytest.raises(CannotRefund, match="enter no more than that"):
        enter_refund_at_provider(payment_id=paid.pk, amount=euro("50.01"), paid_on=TODAY, today=TODAY)
    enter_refund_at_provider(payment_id=paid.pk, amount=euro(euros), paid_on=TODAY, today=TODAY)
    deliver(again=True)
    assert not selectors.refunded_elsewhere().exists()
    assert booked(paid) == [euro(euros).minor]


# -- by transfer and in cash ----------------------------------------------------------------------------------------


def test_transfer_waits_until_a_person_has_made_it(paid):
    refund = by_transfer(paid)
    assert (refund.state, refund.iban, booked(paid)) == ("pending", "DE02120300000000202051", [])
    assert list(Refund.objects.to_transfer()) == [refund]
    with clock.frozen(NOON + timedelta(days=2)):
        for _twice in range(2):
            mark_transferred(refund_id=refund.pk, paid_on=date(2026, 3, 11), today=date(2026, 3, 12))
    refund.refresh_from_db()
    assert (refund.state, refund.paid_on, booked(paid)) == ("paid", date(2026, 3, 11), [5000])
    assert refund.receipt.extra["refund"]["way_text"] == "Überweisung auf DE02 •••• 2051"
    assert len(receipts()) == 1


@pytest.mark.parametrize("day", [date(2026, 3, 9), date(2026, 3, 11)])
def test_transfer_cannot_have_been_made_on_an_impossible_day(paid, day):
    refund = by_transfer(paid)
    with pytest.raises(CannotRefund, match="Check the date"):
        mark_transferred(refund_id=refund.pk, paid_on=day, today=TODAY)


@pytest.mark.parametrize(
    ("account", "complaint"),
    [
        ({"iban": "DE02120300000000202052"}, "no valid IBAN"),
        ({"iban": ""}, "no valid IBAN"),
        ({"account_holder": " "}, "whose account"),
    ],
)
def test_transfer_needs_an_account(paid, account, complaint):
    with pytest.raises(CannotRefund, match=complaint):
        by_transfer(paid, **account)


def test_transfer_has_a_code_for_the_banking_app(paid):
    refund = by_transfer(paid, document_id=Document.objects.get(kind="cancellation").pk)
    payload = selectors.epc_of_transfer(refund).split("\n")
    assert payload[5:8] == ["Anna Muster", "DE02120300000000202051", "EUR50.00"]
    assert payload[-1] == f"Refund ST-2026-000001 {paid.customer.number}"


def test_withdrawn_transfer_frees_the_credit_and_cannot_be_made(paid):
    refund = by_transfer(paid)
    withdraw_refund(refund_id=refund.pk)
    with pytest.raises(CannotRefund, match="withdrawn"):
        mark_transferred(refund_id=refund.pk, paid_on=TODAY, today=TODAY)
    by_transfer(paid)


def test_transfer_that_came_back_is_credit_again(paid):
    refund = by_transfer(paid)
    mark_transferred(refund_id=refund.pk, paid_on=TODAY, today=TODAY)
    transfer_came_back(refund_id=refund.pk, day=TODAY, reason="Konto erloschen", today=TODAY)
    refund.refresh_from_db()
    assert (refund.state, refund.failure, booked(paid)) == ("failed", "Konto erloschen", [5000, -5000])


def test_cash_is_booked_at_once(paid):
    refund = to_card(paid, "12.50", way="cash", payment_id=None)
    assert (refund.state, booked(paid), credit(paid)) == ("paid", [1250], "37.50")


@pytest.mark.parametrize("state", ["paid", "running"])
def test_what_may_have_left_cannot_be_withdrawn(paid, state):
    refund = to_card(paid)
    if state == "paid":
        work()
    else:
        Refund.objects.update(work_state="running", attempts=1)
    with pytest.raises(CannotRefund, match="nothing was changed"):
        withdraw_refund(refund_id=refund.pk)


# -- a charge-back of money that is used ----------------------------------------------------------------------------


def test_charged_back_overpayment_reopens_what_it_had_settled_as_credit(invoice):
    first = invoice(gross_minor=1000)
    payment = record_payment(
        customer_id=first.customer_id, amount=euro("40.00"), received_on=TODAY, way="transfer", today=TODAY
    )
    second = invoice(first.customer, gross_minor=2500)
    settle_with_credit(customer_id=first.customer_id, currency="EUR", today=TODAY)
    assert not OpenItem.objects.open().exists()
    charge_back(payment_id=payment.pk, day=TODAY, reason="MD06")
    assert {item.pk: item.open_minor for item in OpenItem.objects.open()} == {
        first.pk: 1000,
        second.pk: 2500,
    }
    assert set(OpenItem.objects.overdue(today=TODAY).values_list("pk", flat=True)) == {first.pk, second.pk}
    assert account_balance(customer_id=first.customer_id, currency="EUR") == euro("35.00")
    assert credit_on_account(customer_id=first.customer_id, currency="EUR") == euro("0")


def test_charge_back_after_a_correction_reopens_only_what_is_still_claimed(invoice):
    from cms_billing.faktura.services import CreditLine, credit_document

    document = invoice(gross_minor=10_000)
    payment = record_payment(
        customer_id=document.customer_id, amount=euro("100"), received_on=TODAY, way="transfer", today=TODAY
    )
    [line] = document.lines.all()
    credit_document(
        document_id=document.pk,
        lines=[CreditLine(line_id=line.pk, gross_minor=4000)],
        reason="Nachlass",
        today=TODAY,
    )
    for _again in range(2):
        charge_back(payment_id=payment.pk, day=TODAY)
        assert OpenItem.objects.get(pk=document.pk).open_minor == 6000
        assert account_balance(customer_id=document.customer_id, currency="EUR") == euro("60.00")
        charge_back(payment_id=payment.pk, day=TODAY, so_far=euro("0"))
        assert OpenItem.objects.get(pk=document.pk).open_minor == 0
        assert credit_on_account(customer_id=document.customer_id, currency="EUR") == euro("40.00")


def test_refund_that_was_charged_back_too_leaves_the_customer_owing(paid):
    to_card(paid)
    work()
    charge_back(payment_id=paid.pk, day=TODAY)
    assert account_balance(customer_id=paid.customer_id, currency="EUR") == euro("50.00")
