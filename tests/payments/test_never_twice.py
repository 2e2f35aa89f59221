"""Whatever dies whenever: never two charges, none lost, and our ledger says what the provider's books say."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
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
from cms_billing.faktura.models import LedgerEntry, OpenItem
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.models import Allocation, Payment, PaymentMethod, WebhookEvent
from cms_billing.payments.services import charging, collect_due, look_up_pending, record_payment
from cms_billing.testing import providers as fake
from cms_billing.testing.factories import BookingFactory, CustomerFactory, PaymentMethodFactory
from cms_billing.testing.models import FakeBehaviour, FakeCharge

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = date(2026, 3, 10)


class Killed(BaseException):
    """The process is gone: nothing catches it, nothing is cleaned up."""


def assert_books_agree() -> None:
    """Every charge of the provider is one payment of ours, over just what the provider still holds."""
    for charge in FakeCharge.objects.all():
        payment = Payment.objects.get(idempotency_key=charge.idempotency_key)
        held = payment.allocations.aggregate(s=Sum("amount_minor"))["s"] or 0
        arrived = charge.status in ("settled", "charged_back")
        assert held == (charge.amount_minor - charge.charged_back_minor if arrived else 0), charge.history
    keys = FakeCharge.objects.values("idempotency_key")
    assert not Allocation.objects.filter(payment__way="provider").exclude(payment__idempotency_key__in=keys)


def assert_open_items_add_up() -> None:
    for item in OpenItem.objects.all():
        assert item.open_minor == item.document.ledger_entries.aggregate(s=Sum("amount_minor"))["s"]


# -- a crash at each of the three gaps ------------------------------------------------------------------------------


def die(*_args, **_kwargs):
    raise Killed


def finish_late(*, hours: int = 1) -> None:
    """Another worker, after the dead one's claim has run out."""
    with clock.frozen(NOON + timedelta(hours=hours)):
        outbox.drain(Payment, now=clock.now())


METHODS = ["card-1", "pending-0", "timeout-before", "timeout-after", "fail-soft", "chargeback-0"]


@pytest.mark.django_db
@pytest.mark.parametrize("gap", ["before the call", "after the call", "after the answer"])
@pytest.mark.parametrize("method", METHODS)
def test_crash_in_every_gap_with_every_behaviour_leaves_one_charge(invoice, monkeypatch, gap, method):
    document = invoice(method=method)
    collect_due(issuer=document.issuer, today=TODAY)
    with monkeypatch.context() as patch, clock.frozen(NOON):
        dying = {
            "before the call": die,
            "after the call": call_then_die(charging._charge),
            "after the answer": answer_then_die(charging._charge, patch),
        }
        patch.setattr(charging, "_charge", dying[gap])
        with pytest.raises(Killed):
            outbox.drain(Payment, now=clock.now())
    assert Payment.objects.get().state == "created"
    finish_late()
    finish_late(hours=3)
    with clock.frozen(NOON + timedelta(hours=3)):
        fake.deliver_webhooks()
        outbox.drain(WebhookEvent, now=clock.now())
    assert FakeCharge.objects.count() == 1
    assert_books_agree()
    assert_open_items_add_up()


def call_then_die(really):
    """What the provider has done is done, whether or not its answer arrives."""

    def charge(payment):
        with suppress(Exception):
            really(payment)
        die()

    return charge


def answer_then_die(really, patch):
    """The answer is there; the process dies while recording it, before the commit."""

    def charge(payment):
        try:
            notice = really(payment)
        except Exception:
            die()
        patch.setattr(charging, "take_news", record_and_die)
        return notice

    return charge


def record_and_die(**news):
    from cms_billing.payments.services import take_news

    take_news(**news)
    die()


# -- any order of everything ----------------------------------------------------------------------------------------

BEHAVIOURS = [
    "succeed",
    "fail-soft",
    "fail-hard",
    "pending-1",
    "pending-3-fail",
    "pending",
    "chargeback-2",
    "timeout-before",
    "timeout-after",
    "down",
]


class Books(RuleBasedStateMachine):
    """Invoices, charges, webhooks, crashes and the provider's moods in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        # Rolled back after each example, and to the fake provider not a transaction of ours.
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
        """Days later every hint has come and every look-up was made."""
        for _day in range(3):
            self.now += timedelta(days=2)
            self.work()
            self.deliver("as_made", 1)
        with clock.frozen(self.now):
            look_up_pending(issuer=self.customer.issuer, now=self.now, older_than=timedelta(0))
        assert_books_agree()
        assert_open_items_add_up()

    @rule(cents=st.integers(1, 100_000), behaviour=st.sampled_from(BEHAVIOURS))
    def bill_and_write_charge(self, cents: int, behaviour: str) -> None:
        with clock.frozen(self.now):
            today = clock.today(self.customer.issuer)
            FakeBehaviour.objects.create(behaviour=behaviour)
            BookingFactory(
                customer=self.customer, unit_price_minor=cents, period_start=today, period_end=today
            )
            issue_next_invoices(issuer=self.customer.issuer, today=today)
            collect_due(issuer=self.customer.issuer, today=today)

    @rule()
    def work(self) -> None:
        with clock.frozen(self.now):
            outbox.drain(Payment, now=self.now)
            outbox.drain(WebhookEvent, now=self.now)

    @rule()
    def crash_while_working(self) -> None:
        really = charging.take_news
        charging.take_news = record_and_die
        try:
            with clock.frozen(self.now):
                outbox.drain(Payment, now=self.now, batch=1)
        except Killed:
            pass
        finally:
            charging.take_news = really

    @rule(hours=st.sampled_from([1, 24, 72]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(order=st.sampled_from(["as_made", "reversed", "shuffled"]), times=st.integers(1, 3))
    def deliver(self, order: str, times: int) -> None:
        with clock.frozen(self.now):
            assert set(fake.deliver_webhooks(order=order, times=times)) <= {200}
            outbox.drain(WebhookEvent, now=self.now)

    @precondition(lambda self: FakeCharge.objects.filter(status="settled").exists())
    @rule(part=st.floats(0.01, 1))
    def payer_disputes(self, part: float) -> None:
        charge = FakeCharge.objects.filter(status="settled").first()
        with clock.frozen(self.now):
            fake.charge_back_now(charge, amount=Money(max(1, int(charge.amount_minor * part)), "EUR"))

    @precondition(lambda self: FakeCharge.objects.filter(status__in=["charged_back", "failed"]).exists())
    @rule()
    def money_comes_after_all(self) -> None:
        with clock.frozen(self.now):
            fake.win_dispute(FakeCharge.objects.filter(status__in=["charged_back", "failed"]).first())

    @rule(cents=st.integers(1, 50_000))
    def customer_transfers(self, cents: int) -> None:
        with clock.frozen(self.now):
            today = clock.today(self.customer.issuer)
            record_payment(
                customer_id=self.customer.pk,
                amount=Money(cents, "EUR"),
                received_on=today,
                way="transfer",
                today=today,
            )

    @rule()
    def customer_enters_a_new_card(self) -> None:
        if not PaymentMethod.objects.filter(state="usable").exists():
            PaymentMethodFactory(customer=self.customer, reference="card-2")

    @invariant()
    def never_two_charges_for_a_document_at_once(self) -> None:
        under_way = Payment.objects.filter(state__in=["created", "pending"])
        assert under_way.count() == under_way.values("document").distinct().count()
        assert FakeCharge.objects.count() <= Payment.objects.filter(way="provider").count()

    @invariant()
    def open_items_are_sums_of_the_ledger(self) -> None:
        assert_open_items_add_up()


@pytest.mark.slow
@pytest.mark.django_db
def test_our_ledger_says_what_the_providers_books_say_whatever_happens():
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


# -- a real kill ----------------------------------------------------------------------------------------------------

WORKER = """
from django.utils import timezone
from cms_billing.core import outbox
from cms_billing.payments.models import Payment
print("ready", flush=True)
outbox.drain(Payment, now=timezone.now(), batch=3)
"""


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_killed_at_random_points_leave_one_charge_for_each_document(start_command):
    customers = [CustomerFactory(issuer__payment_days=0)]
    customers += [CustomerFactory(issuer=customers[0].issuer) for _each in range(59)]
    for number, customer in enumerate(customers):
        PaymentMethodFactory(customer=customer, reference=("card", "timeout-after", "pending-0")[number % 3])
        BookingFactory(customer=customer, period_start=TODAY, period_end=TODAY)
    issuer = customers[0].issuer
    assert len(issue_next_invoices(issuer=issuer, today=TODAY).done) == 60
    assert len(collect_due(issuer=issuer, today=TODAY)) == 60
    for seed in range(3):
        worker = start_command("shell", "--no-imports", "-c", WORKER)
        assert worker.stdout.readline().strip().endswith("ready")
        time.sleep(random.Random(seed).uniform(0.02, 0.3))
        worker.kill()
        worker.wait()
    later = clock.now() + timedelta(hours=1)
    with clock.frozen(later):
        outbox.drain(Payment, now=later)
        fake.deliver_webhooks()
        outbox.drain(WebhookEvent, now=later)
    assert FakeCharge.objects.count() == 60
    assert_books_agree()
    assert not OpenItem.objects.open().exists()
    assert LedgerEntry.objects.filter(kind="payment").count() == 60
