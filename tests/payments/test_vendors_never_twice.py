"""Stripe, Mollie and Adyen, whatever dies whenever: never two charges, none lost, and the ledger says what they say."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import OpenItem
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.exceptions import CannotRefund
from cms_billing.payments.models import Payment, PaymentMethod, PaymentSession, Refund, WebhookEvent
from cms_billing.payments.services import charging, collect_due, look_up_pending, refund_customer, take_news
from cms_billing.payments.verification import refund_findings
from cms_billing.testing.factories import BookingFactory, CustomerFactory
from cms_billing.testing.models import VendorFault
from cms_billing.testing.vendors import deliver_vendor_webhooks
from cms_billing.testing.vendors.behaviours import Behaviour
from tests.processes import fork, wait_for

from .vendor_world import (
    VENDORS,
    Vendor,
    assert_books_agree,
    assert_open_items_add_up,
    behave,
    billing_settings_with,
    books,
    open_account,
    store_card,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
FAULTS = ["timeout-before", "timeout-after", "down", "not-json", "rate-limited"]
HOW = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
vendors = pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))


class Killed(BaseException):
    """The process is gone: nothing catches it, nothing is cleaned up."""


def record_and_die(**news: Any) -> None:
    take_news(**news)
    raise Killed


def bill(customer: Any, cents: int) -> None:
    today = clock.today(customer.issuer)
    BookingFactory(customer=customer, unit_price_minor=cents, period_start=today, period_end=today)
    issue_next_invoices(issuer=customer.issuer, today=today)
    collect_due(issuer=customer.issuer, today=today)


def work(now: datetime) -> None:
    for model in (Payment, Refund, WebhookEvent, PaymentSession):
        outbox.drain(model, now=now)


# -- any order of everything ----------------------------------------------------------------------------------------


class Books(RuleBasedStateMachine):
    """Invoices, charges, webhooks, faults, crashes, disputes and refunds in any order, at one vendor."""

    vendor: Vendor

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.disputed: set[str] = set()
        # Rolled back after each example, and to the stand-in not a transaction of ours.
        self.world = transaction.atomic()
        self.world._from_testcase = True
        self.world.__enter__()
        with clock.frozen(self.now):
            self.customer = CustomerFactory(issuer__payment_days=0)
            self.account = open_account(self.vendor, self.customer)
            self.method = store_card(self.account, self.customer, Behaviour.GOOD_CARD)

    def teardown(self) -> None:
        try:
            self.settle_down()
        finally:
            transaction.set_rollback(True)
            self.world.__exit__(None, None, None)

    def settle_down(self) -> None:
        """Days later every fault is over, every hint has come and every look-up was made."""
        VendorFault.objects.all().delete()
        for _day in range(4):
            self.now += timedelta(days=4)
            with clock.frozen(self.now):
                work(self.now)
                deliver_vendor_webhooks(vendor=self.vendor.code)
                work(self.now)
        with clock.frozen(self.now):
            look_up_pending(issuer=self.customer.issuer, now=self.now, older_than=timedelta(0))
        assert_books_agree(self.vendor)
        assert_open_items_add_up()
        assert list(refund_findings(self.customer.issuer)) == []

    @rule(cents=st.integers(100, 100_000), behaviour=st.sampled_from(list(Behaviour)))
    def bill_and_write_charge(self, cents: int, behaviour: Behaviour) -> None:
        with clock.frozen(self.now):
            behave(self.method, behaviour)
            bill(self.customer, cents)

    @rule(kind=st.sampled_from(FAULTS), times=st.integers(1, 2))
    def something_goes_wrong(self, kind: str, times: int) -> None:
        VendorFault.objects.create(vendor=self.vendor.code, method="POST", kind=kind, times=times)

    @rule()
    def work(self) -> None:
        with clock.frozen(self.now):
            work(self.now)

    @rule()
    def crash_while_working(self) -> None:
        really = charging.take_news
        charging.take_news = record_and_die  # type: ignore[assignment]
        try:
            with clock.frozen(self.now), suppress(Killed):
                outbox.drain(Payment, now=self.now, batch=1)
        finally:
            charging.take_news = really

    @rule(hours=st.sampled_from([1, 24, 120]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(
        order=st.sampled_from(["as_made", "reversed", "shuffled"]),
        times=st.integers(1, 2),
        again=st.booleans(),
    )
    def deliver(self, order: str, times: int, again: bool) -> None:
        with clock.frozen(self.now):
            answers = deliver_vendor_webhooks(vendor=self.vendor.code, order=order, times=times, again=again)
            assert set(answers) <= {200, 400}
            outbox.drain(WebhookEvent, now=self.now)

    @rule(won=st.booleans())
    def payer_disputes(self, won: bool) -> None:
        arrived = next((one for one in books(self.vendor) if one.arrived), None)
        if arrived is None:
            return
        with clock.frozen(self.now):
            if won and arrived.charged_back:
                self.vendor.stand_in.win_dispute(arrived.reference)
            elif arrived.reference not in self.disputed:
                # Once: a second chargeback after a dispute that was won does not show in these books.
                self.disputed.add(arrived.reference)
                self.vendor.stand_in.charge_back_now(arrived.reference)

    @rule(part=st.floats(0.01, 1))
    def pay_part_back(self, part: float) -> None:
        payment = Payment.objects.filter(state="settled", account=self.account).first()
        if payment is None:
            return
        with clock.frozen(self.now), suppress(CannotRefund):
            refund_customer(
                customer_id=self.customer.pk,
                amount=Money(max(1, int(payment.amount_minor * part)), "EUR"),
                way="provider",
                payment_id=payment.pk,
                today=clock.today(self.customer.issuer),
            )

    @rule()
    def member_enters_a_new_card(self) -> None:
        if PaymentMethod.objects.filter(state="usable").exists():
            return
        VendorFault.objects.all().delete()
        with clock.frozen(self.now):
            self.method = store_card(self.account, self.customer, Behaviour.GOOD_CARD)

    @invariant()
    def never_two_charges_for_a_document_at_once(self) -> None:
        under_way = Payment.objects.filter(state__in=["created", "pending"])
        assert under_way.count() == under_way.values("document").distinct().count()

    @invariant()
    def open_items_are_sums_of_the_ledger(self) -> None:
        assert_open_items_add_up()


@pytest.mark.slow
@pytest.mark.django_db
@vendors
def test_our_ledger_says_what_the_vendors_books_say_whatever_happens(vendor):
    machine = type("Books", (Books,), {"vendor": vendor})
    with override_settings(CMS_BILLING=billing_settings_with(vendor, django_settings.CMS_BILLING)):
        run_state_machine_as_test(machine, settings=HOW)


# -- a real kill ----------------------------------------------------------------------------------------------------

KILLS = 100


def die_for_good(*_args: Any, **_kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_in(gap: str) -> Callable[..., Any]:
    """The charge of a worker that is killed between commit and call, call and answer, or answer and commit."""
    really = charging._charge

    def charge(payment: Payment) -> Any:
        if gap == "before the call":
            die_for_good()
        with suppress(Exception):
            notice = really(payment)
            if gap == "after the answer":
                charging.take_news = lambda **news: (take_news(**news), die_for_good())
                return notice
        return die_for_good()

    return charge


def kill_a_worker(gap: str) -> int:
    """A process of its own takes the next payment and is killed in the gap; the negative signal it died of."""

    def work() -> None:
        charging._charge = dying_in(gap)
        outbox.drain(Payment, now=clock.now(), batch=1)

    return wait_for(fork(work))


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@vendors
def test_a_hundred_workers_killed_leave_one_charge_for_each_document(vendor):
    settings_of_site = billing_settings_with(vendor, django_settings.CMS_BILLING)
    with override_settings(CMS_BILLING=settings_of_site), clock.frozen(NOON):
        first = CustomerFactory(issuer__payment_days=0)
        account = open_account(vendor, first)
        for behaviour in (
            Behaviour.GOOD_CARD,
            Behaviour.GOOD_ACCOUNT,
            Behaviour.CAREFUL_CARD,
            Behaviour.DISPUTED_CARD,
        ):
            customer = CustomerFactory(issuer=first.issuer)
            store_card(account, customer, behaviour)
            for invoice in range(KILLS // 4):
                BookingFactory(
                    customer=customer,
                    invoice_group=str(invoice),
                    period_start=NOON.date(),
                    period_end=NOON.date(),
                )
        assert len(issue_next_invoices(issuer=first.issuer, today=NOON.date()).done) == KILLS
        assert len(collect_due(issuer=first.issuer, today=NOON.date())) == KILLS
        gaps = random.Random(vendor.code).choices(
            ["before the call", "after the call", "after the answer"], k=KILLS
        )
        assert {kill_a_worker(gap) for gap in gaps} == {-signal.SIGKILL}
        assert not Payment.objects.exclude(state="created").exists()
    with override_settings(CMS_BILLING=settings_of_site), clock.frozen(NOON + timedelta(hours=1)):
        outbox.drain(Payment, now=clock.now())
    later = NOON + timedelta(days=6)
    with override_settings(CMS_BILLING=settings_of_site), clock.frozen(later):
        deliver_vendor_webhooks(vendor=vendor.code)
        work(later)
        assert len(list(books(vendor))) == KILLS
        assert_books_agree(vendor)
        assert not OpenItem.objects.open().exists()
