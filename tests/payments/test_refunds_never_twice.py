"""Whatever dies whenever: no money leaves twice, none unbooked, and never more than the customer's credit."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.exceptions import NothingToSettle
from cms_billing.faktura.models import Document, LedgerEntry, OpenItem
from cms_billing.faktura.services import (
    cancel_document,
    credit_on_account,
    issue_next_invoices,
    settle_with_credit,
)
from cms_billing.payments import selectors
from cms_billing.payments.exceptions import CannotRefund
from cms_billing.payments.models import Payment, Refund, WebhookEvent
from cms_billing.payments.services import (
    collect_due,
    look_up_pending_refunds,
    mark_transferred,
    record_payment,
    refund_customer,
    refunding,
    withdraw_refund,
)
from cms_billing.payments.verification import refund_findings
from cms_billing.testing import provider_refunds as fake_refunds
from cms_billing.testing import providers as fake
from cms_billing.testing.factories import BookingFactory, CustomerFactory, PaymentMethodFactory
from cms_billing.testing.models import FakeBehaviour, FakeCharge, FakeRefund

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = date(2026, 3, 10)


class Killed(BaseException):
    """The process is gone: nothing catches it, nothing is cleaned up."""


def die(*_args, **_kwargs):
    raise Killed


def assert_books_agree() -> None:
    """Every refund of the provider is one of ours, booked exactly as far as the money has gone."""
    for theirs in FakeRefund.objects.all():
        ours = Refund.objects.get(idempotency_key=theirs.idempotency_key)
        booked = LedgerEntry.objects.filter(related_document__refund_booked=ours).aggregate(
            s=Sum("amount_minor")
        )
        gone = theirs.amount_minor if theirs.status == "paid" else 0
        assert (booked["s"] or 0) == gone, theirs.history
    sent = FakeRefund.objects.values("idempotency_key")
    paid_unsent = Refund.objects.filter(way="provider", state="paid").exclude(idempotency_key__in=sent)
    assert not paid_unsent.exists()
    for charge in FakeCharge.objects.all():
        assert fake_refunds.refunded(charge).minor <= charge.amount_minor - charge.charged_back_minor


def paid_and_cancelled(customer, cents: int) -> Payment:
    today = clock.today(customer.issuer)
    BookingFactory(customer=customer, unit_price_minor=cents, period_start=today, period_end=today)
    [row] = issue_next_invoices(issuer=customer.issuer, today=today).done
    collect_due(issuer=customer.issuer, today=today)
    outbox.drain(Payment, now=clock.now())
    cancel_document(document_id=row.pk, reason="Storno", today=today, bill_again=False)
    return Payment.objects.latest("pk")


def to_card(payment: Payment, cents: int) -> Refund:
    return refund_customer(
        customer_id=payment.customer_id,
        amount=Money(cents, "EUR"),
        way="provider",
        payment_id=payment.pk,
        today=clock.today(payment.issuer),
    )


# -- a crash at each of the three gaps ------------------------------------------------------------------------------


def call_then_die(really):
    def send(*args):
        with suppress(Exception):
            really(*args)
        die()

    return send


def record_and_die(**news):
    from cms_billing.payments.services import take_refund_news

    take_refund_news(**news)
    die()


@pytest.mark.django_db
@pytest.mark.parametrize("gap", ["before the call", "after the call", "after the answer"])
@pytest.mark.parametrize(
    "behaviour", ["succeed", "pending-0", "timeout-before", "timeout-after", "fail-soft", "return-0"]
)
def test_crash_in_every_gap_leaves_one_refund(monkeypatch, gap, behaviour):
    with clock.frozen(NOON):
        customer = CustomerFactory(issuer__payment_days=0)
        PaymentMethodFactory(customer=customer, reference="card-1")
        payment = paid_and_cancelled(customer, 5000)
        FakeBehaviour.objects.create(method_reference="refund", behaviour=behaviour)
        to_card(payment, 5000)
        with monkeypatch.context() as patch:
            if gap == "after the answer":
                patch.setattr(refunding, "take_refund_news", record_and_die)
            else:
                patch.setattr(
                    refunding, "_send", die if gap == "before the call" else call_then_die(refunding._send)
                )
            with suppress(Killed):
                outbox.drain(Refund, now=clock.now())
        assert Refund.objects.get().state == "created"
    for hours in (1, 3, 50):
        with clock.frozen(NOON + timedelta(hours=hours)):
            outbox.drain(Refund, now=clock.now())
            fake.deliver_webhooks()
            outbox.drain(WebhookEvent, now=clock.now())
    assert FakeRefund.objects.count() == 1
    assert_books_agree()
    assert list(refund_findings(customer.issuer)) == []


# -- any order of everything ----------------------------------------------------------------------------------------

BEHAVIOURS = [
    "succeed",
    "fail-soft",
    "refuse",
    "pending-1",
    "pending-3-fail",
    "return-2",
    "timeout-before",
    "timeout-after",
    "down",
]


class Refunds(RuleBasedStateMachine):
    """Payments, refunds of all ways, settling, crashes, webhooks and the provider's moods in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.world = transaction.atomic()
        self.world._from_testcase = True
        self.world.__enter__()
        self.customer = CustomerFactory(issuer__payment_days=0)
        PaymentMethodFactory(customer=self.customer, reference="card-1")

    def teardown(self) -> None:
        try:
            self.settle_down()
        finally:
            transaction.set_rollback(True)
            self.world.__exit__(None, None, None)

    def settle_down(self) -> None:
        for _day in range(3):
            self.now += timedelta(days=2)
            self.work()
            self.deliver("as_made", 1)
        with clock.frozen(self.now):
            look_up_pending_refunds(issuer=self.customer.issuer, now=self.now, older_than=timedelta(0))
        assert_books_agree()
        assert list(refund_findings(self.customer.issuer)) == []
        assert not selectors.refunded_elsewhere().exists()

    def credit(self) -> int:
        return credit_on_account(customer_id=self.customer.pk, currency="EUR").minor

    @rule(cents=st.integers(1, 100_000))
    def sell_and_cancel(self, cents: int) -> None:
        with clock.frozen(self.now):
            paid_and_cancelled(self.customer, cents)

    @precondition(lambda self: Payment.objects.filter(way="provider", state="settled").exists())
    @rule(share=st.floats(0.05, 1.3), behaviour=st.sampled_from(BEHAVIOURS), which=st.integers(0, 9))
    def refund_to_the_card(self, share: float, behaviour: str, which: int) -> None:
        payments = list(Payment.objects.filter(way="provider", state="settled"))
        payment = payments[which % len(payments)]
        cents = max(1, int(payment.amount_minor * share))
        FakeBehaviour.objects.create(method_reference="refund", behaviour=behaviour)
        with clock.frozen(self.now), suppress(CannotRefund):
            to_card(payment, cents)

    @rule(cents=st.integers(1, 50_000), way=st.sampled_from(["transfer", "cash"]))
    def refund_otherwise(self, cents: int, way: str) -> None:
        with clock.frozen(self.now), suppress(CannotRefund):
            refund_customer(
                customer_id=self.customer.pk,
                amount=Money(cents, "EUR"),
                way=way,
                iban="DE02120300000000202051",
                account_holder="Anna",
                today=clock.today(self.customer.issuer),
            )

    @rule()
    def transfer_what_waits(self) -> None:
        with clock.frozen(self.now):
            today = clock.today(self.customer.issuer)
            for refund in Refund.objects.to_transfer():
                mark_transferred(refund_id=refund.pk, paid_on=today, today=today)

    @rule()
    def withdraw_what_can_be(self) -> None:
        for refund in Refund.objects.exclude(state="paid"):
            with clock.frozen(self.now), suppress(CannotRefund):
                withdraw_refund(refund_id=refund.pk)

    @rule(cents=st.integers(1, 50_000))
    def owe_something_and_settle_it_with_credit(self, cents: int) -> None:
        with clock.frozen(self.now):
            today = clock.today(self.customer.issuer)
            BookingFactory(
                customer=self.customer, unit_price_minor=cents, period_start=today, period_end=today
            )
            issue_next_invoices(issuer=self.customer.issuer, today=today)
            with suppress(NothingToSettle):
                settle_with_credit(customer_id=self.customer.pk, currency="EUR", today=today)

    @rule()
    def work(self) -> None:
        with clock.frozen(self.now):
            outbox.drain(Refund, now=self.now)
            outbox.drain(WebhookEvent, now=self.now)

    @rule()
    def crash_while_working(self) -> None:
        really = refunding.take_refund_news
        refunding.take_refund_news = record_and_die
        try:
            with clock.frozen(self.now):
                outbox.drain(Refund, now=self.now, batch=1)
        except Killed:
            pass
        finally:
            refunding.take_refund_news = really

    @rule(hours=st.sampled_from([1, 24, 72]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(order=st.sampled_from(["as_made", "reversed", "shuffled"]), times=st.integers(1, 3))
    def deliver(self, order: str, times: int) -> None:
        with clock.frozen(self.now):
            assert set(fake.deliver_webhooks(order=order, times=times)) <= {200}
            outbox.drain(WebhookEvent, now=self.now)

    @invariant()
    def the_ledger_has_just_what_was_paid(self) -> None:
        assert list(refund_findings(self.customer.issuer)) == []
        assert (
            Document.objects.filter(kind="refund_receipt").count()
            >= Refund.objects.filter(state="paid").count()
        )

    @invariant()
    def no_more_is_promised_than_there_is(self) -> None:
        """Nothing but a late success of a refund given up, or a charge-back, can take promised credit away."""
        promised = selectors.promised_back(self.customer.pk, "EUR")
        late = FakeRefund.objects.filter(status="failed").exists()
        assert promised <= self.credit() or late

    @invariant()
    def open_items_are_sums_of_the_ledger(self) -> None:
        for item in OpenItem.objects.all():
            assert item.open_minor == item.document.ledger_entries.aggregate(s=Sum("amount_minor"))["s"]


@pytest.mark.slow
@pytest.mark.django_db
def test_our_refunds_are_the_providers_whatever_happens():
    run_state_machine_as_test(
        Refunds,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


# -- two at once, and a real kill -----------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_refunds_at_once_never_promise_more_than_the_credit():
    customer = CustomerFactory()
    amount = Money.of("50.00", "EUR")
    record_payment(customer_id=customer.pk, amount=amount, received_on=TODAY, way="cash", today=TODAY)
    start, made, refused = threading.Barrier(6), [], []

    def pay_back(way: str) -> None:
        try:
            start.wait()
            made.append(
                refund_customer(
                    customer_id=customer.pk,
                    amount=Money.of("20.00", "EUR"),
                    way=way,
                    iban="DE02120300000000202051",
                    account_holder="Anna",
                    today=TODAY,
                )
            )
        except CannotRefund as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=pay_back, args=(way,)) for way in ["cash", "transfer"] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (2, 4)
    assert Refund.objects.aggregate(s=Sum("amount_minor"))["s"] == 4000


WORKER = """
from django.utils import timezone
from cms_billing.core import outbox
from cms_billing.payments.models import Refund
print("ready", flush=True)
outbox.drain(Refund, now=timezone.now(), batch=3)
"""


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_killed_at_random_points_pay_back_once(start_command):
    customer = CustomerFactory(issuer__payment_days=0)
    PaymentMethodFactory(customer=customer, reference="card-1")
    payments = [paid_and_cancelled(customer, 1000) for _each in range(30)]
    for number, payment in enumerate(payments):
        FakeBehaviour.objects.create(
            method_reference=f"refund:{payment.reference}",
            behaviour=("succeed", "timeout-after", "pending-0")[number % 3],
        )
        to_card(payment, 1000)
    for seed in range(3):
        worker = start_command("shell", "--no-imports", "-c", WORKER)
        assert worker.stdout.readline().strip().endswith("ready")
        time.sleep(random.Random(seed).uniform(0.02, 0.3))
        worker.kill()
        worker.wait()
    later = clock.now() + timedelta(hours=1)
    with clock.frozen(later):
        outbox.drain(Refund, now=later)
        fake.deliver_webhooks()
        outbox.drain(WebhookEvent, now=later)
    assert FakeRefund.objects.count() == 30
    assert set(Refund.objects.values_list("state", flat=True)) == {"paid"}
    assert LedgerEntry.objects.filter(kind="refund").count() == 30
    assert_books_agree()
    assert credit_on_account(customer_id=customer.pk, currency="EUR").minor == 0
