"""A refused charge: its plan, the next attempts, and what ends or reopens them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.payments.models import (
    ChargePlan,
    Payment,
    PaymentMethod,
    PaymentSession,
    RefusalRule,
    RetryPolicy,
    SessionDocument,
    WebhookEvent,
)
from cms_billing.payments.providers import AccountRefused, Notice, Status, StoredMethod
from cms_billing.payments.retries import Stop
from cms_billing.payments.services import (
    charge_back,
    chargeable_items,
    collect_due,
    enter_never_charged,
    next_charge_of,
    reopen_charges,
    store_method,
    take_news,
)
from cms_billing.testing import providers as fake
from cms_billing.testing.factories import CustomerFactory, PaymentMethodFactory
from cms_billing.testing.models import FakeBehaviour, FakeCharge

MONDAY = date(2026, 3, 9)

pytestmark = pytest.mark.django_db


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def run(document, day: date) -> None:
    """A day's run: what is due is charged once."""
    with clock.frozen(noon(day)):
        while collect_due(issuer=document.issuer, today=day):
            outbox.drain(Payment, now=clock.now())


def run_days(document, until: date) -> list[date]:
    """Run every day from Monday; returns the days on which something was charged."""
    charged, day = [], MONDAY
    while day <= until:
        before = Payment.objects.count()
        run(document, day)
        if Payment.objects.count() > before:
            charged.append(day)
        day += timedelta(days=1)
    return charged


def replace_method(document, reference: str = "card-new") -> PaymentMethod:
    PaymentMethod.objects.filter(customer=document.customer).update(is_default=False)
    return PaymentMethodFactory(customer=document.customer, reference=reference)


def test_soft_refusals_are_charged_again_on_the_days_of_the_policy(invoice):
    document = invoice(method="fail-soft")
    assert run_days(document, date(2026, 5, 1)) == [
        MONDAY,
        date(2026, 3, 12),
        date(2026, 3, 17),
        date(2026, 3, 24),
    ]
    plan = next_charge_of(document.pk)
    assert (plan.on, plan.stop, plan.attempts) == (None, Stop.ALL_ATTEMPTS, 4)


def test_every_attempt_has_a_key_of_its_own_and_a_success_ends_it(invoice):
    document = invoice(method="card-1")
    FakeBehaviour.objects.create(method_reference="card-1", behaviour="fail-soft", times=1)
    assert run_days(document, date(2026, 4, 1)) == [MONDAY, date(2026, 3, 12)]
    keys = set(FakeCharge.objects.values_list("idempotency_key", flat=True))
    assert len(keys) == 2
    document.open_item.refresh_from_db()
    assert document.open_item.open_minor == 0


def test_the_plan_is_written_with_the_refusal(invoice):
    document = invoice(method="fail-soft")
    run(document, MONDAY)
    plan = ChargePlan.objects.get(document=document)
    assert (plan.attempts, plan.next_on, plan.stopped_because) == (1, date(2026, 3, 12), "")
    assert (plan.refusal_class, plan.refusal_code) == ("soft", "insufficient_funds")
    assert Payment.objects.get().refusal_code == "insufficient_funds"
    assert plan.refusal.editor_text == "not enough money (insufficient_funds)"


def test_hard_refusal_ends_it_and_the_method_for_every_document(invoice):
    document = invoice(method="refuse-lost_card")
    run(document, MONDAY)
    other = invoice(document.customer)
    assert run_days(other, date(2026, 4, 1)) == []
    assert next_charge_of(document.pk).stop is Stop.HARD
    method = PaymentMethod.objects.get()
    assert (method.state, method.state_reason) == ("revoked", "card reported lost or stolen (lost_card)")


def test_advice_of_the_network_stops_what_the_code_would_repeat(invoice):
    document = invoice(method="refuse-do_not_honor+MAC-03")
    assert run_days(document, date(2026, 4, 1)) == [MONDAY]
    assert ChargePlan.objects.get().refusal_advice == "MAC-03"


def test_new_method_reopens_what_needed_the_member(invoice):
    document = invoice(method="refuse-expired_card")
    assert run_days(document, date(2026, 3, 20)) == [MONDAY]
    assert PaymentMethod.objects.get().state == "usable"
    with clock.frozen(noon(date(2026, 3, 23))):
        replace_method(document)
        assert reopen_charges(customer_id=document.customer_id, today=date(2026, 3, 23)) == 1
    run(document, date(2026, 3, 23))
    document.open_item.refresh_from_db()
    assert document.open_item.open_minor == 0


def test_storing_a_new_card_reopens_by_itself(invoice, provider_account):
    document = invoice(method="refuse-expired_card")
    run(document, MONDAY)
    stored = StoredMethod(reference="card-new", kind="card")
    with clock.frozen(noon(date(2026, 3, 11))):
        account = provider_account(document.issuer)
        store_method(customer_id=document.customer_id, account=account, payer=None, stored=stored)
    assert next_charge_of(document.pk).on == date(2026, 3, 11)


def test_new_round_counts_its_own_attempts(invoice):
    document = invoice(method="refuse-expired_card")
    run(document, MONDAY)
    with clock.frozen(noon(date(2026, 3, 10))):
        replace_method(document, "fail-soft")
        reopen_charges(customer_id=document.customer_id, today=date(2026, 3, 10))
    run(document, date(2026, 3, 10))
    assert next_charge_of(document.pk).attempts == 1


def test_reopening_leaves_others_settled_documents_and_waiting_ones(invoice):
    stopped, other = invoice(method="refuse-expired_card"), invoice(method="refuse-expired_card")
    waiting = invoice(method="fail-soft")
    for document in (stopped, other, waiting):
        run(document, MONDAY)
    assert reopen_charges(customer_id=stopped.customer_id, today=MONDAY) == 1
    assert reopen_charges(customer_id=waiting.customer_id, today=MONDAY) == 0
    assert next_charge_of(other.pk).stop is Stop.NEEDS_MEMBER


def test_refusal_of_the_old_card_does_not_stop_the_new_one(invoice):
    document = invoice(method="pending-3-fail")
    FakeBehaviour.objects.create(method_reference="pending-3-fail", behaviour="pending")
    run(document, MONDAY)
    with clock.frozen(noon(date(2026, 3, 10))):
        replace_method(document)
    fake.fail_now(FakeCharge.objects.get())
    FakeCharge.objects.update(code="expired_card")
    with clock.frozen(noon(date(2026, 3, 11))):
        fake.deliver_webhooks()
        outbox.drain(WebhookEvent, now=clock.now())
    assert next_charge_of(document.pk).on == date(2026, 3, 12)


def test_direct_debits_are_repeated_after_their_clearing_and_twice_at_most(invoice):
    document = invoice(method="fail-soft")
    PaymentMethod.objects.update(kind="sepa_debit")
    days = run_days(document, date(2026, 5, 1))
    assert len(days) == 3
    assert all((late - early).days >= 5 for early, late in pairwise(days))


def test_policy_of_the_issuer_holds_from_its_day_on(invoice):
    document = invoice(method="fail-soft")
    RetryPolicy.objects.create(
        issuer=document.issuer, valid_from=date(2026, 3, 9), waits="1", attempts=2, avoids_weekends=False
    )
    RetryPolicy.objects.create(valid_from=date(2026, 1, 1), waits="9")
    # Noon and the hours of the gap: the day after next is the first that is surely a day later.
    assert run_days(document, date(2026, 4, 1)) == [MONDAY, date(2026, 3, 11)]


def test_overruled_code_is_treated_as_the_editor_says(invoice):
    RefusalRule.objects.create(
        provider="fake", code="lost_card", refusal_class="soft", valid_from=date(2026, 1, 1)
    )
    document = invoice(method="refuse-lost_card")
    run(document, MONDAY)
    assert next_charge_of(document.pk).on == date(2026, 3, 12)
    assert PaymentMethod.objects.get().state == "usable"


def test_worn_out_card_is_not_charged_for_other_documents_either(invoice):
    RetryPolicy.objects.create(valid_from=date(2026, 1, 1), cap=2, cap_days=30, window_days=60)
    customer = CustomerFactory(issuer__payment_days=0)
    first, second = invoice(customer, method="fail-soft"), invoice(customer)
    PaymentMethod.objects.update(fingerprint="visa-1")
    run(first, MONDAY)
    assert Payment.objects.filter(state="failed").count() == 2
    # The same card in the hands of another customer: it has been refused as often as it may.
    third = invoice(CustomerFactory(issuer=customer.issuer), method="fail-soft:other")
    PaymentMethod.objects.update(fingerprint="visa-1")
    run(third, date(2026, 3, 10))
    assert Payment.objects.count() == 2
    assert next_charge_of(third.pk).on == date(2026, 4, 8)
    assert next_charge_of(second.pk).on == date(2026, 4, 8)


def test_charged_back_document_is_not_charged_again_by_itself(invoice):
    document = invoice(method="card-1")
    run(document, MONDAY)
    charge_back(payment_id=Payment.objects.get().pk, day=date(2026, 3, 20), reason="disputed")
    assert next_charge_of(document.pk).stop is Stop.CHARGED_BACK
    run(document, date(2026, 3, 23))
    assert Payment.objects.count() == 1
    assert reopen_charges(customer_id=document.customer_id, today=date(2026, 3, 23)) == 0


@pytest.mark.parametrize(
    ("code", "again"), [("AM04", date(2026, 3, 23)), ("MD06", None), ("AC04", None), ("", None)]
)
def test_charged_back_for_a_passing_reason_is_charged_again_where_the_policy_says_so(invoice, code, again):
    document = invoice(method="card-1")
    RetryPolicy.objects.create(valid_from=date(2026, 1, 1), after_chargeback=True, retries_unknown=False)
    run(document, MONDAY)
    with clock.frozen(noon(date(2026, 3, 20))):
        charge_back(payment_id=Payment.objects.get().pk, day=date(2026, 3, 20), code=code)
    assert next_charge_of(document.pk).on == again


def test_part_that_came_back_stops_its_document_only(invoice):
    customer = CustomerFactory(issuer__payment_days=0)
    document = invoice(customer, method="card-1")
    run(document, MONDAY)
    charge_back(payment_id=Payment.objects.get().pk, day=date(2026, 3, 20), so_far=Money(100, "EUR"))
    assert list(ChargePlan.objects.values_list("document", flat=True)) == [document.pk]


@pytest.mark.parametrize(
    ("money", "charged"), [("", True), ("pending", False), ("settled", False), ("failed", True)]
)
def test_what_is_being_paid_on_a_page_is_not_charged_as_well(invoice, provider_account, money, charged):
    document = invoice(method="card-1")
    session = PaymentSession.objects.create(
        issuer=document.issuer,
        account=provider_account(document.issuer),
        payer=provider_account(document.issuer).payers.create(),
        purpose="documents",
        subject="documents:1",
        amount_minor=990,
        currency="EUR",
        state="completed",
        money=money,
    )
    SessionDocument.objects.create(session=session, document=document)
    assert chargeable_items(document.issuer, today=MONDAY).exists() is charged


@pytest.mark.parametrize("is_stored", [True, False])
def test_refused_payment_on_a_page_counts_where_its_card_was_stored(invoice, provider_account, is_stored):
    document = invoice(method="fail-soft")
    account = provider_account(document.issuer)
    session = PaymentSession.objects.create(
        issuer=document.issuer,
        account=account,
        payer=account.payers.create(),
        purpose="documents",
        subject="documents:1",
        amount_minor=990,
        currency="EUR",
        state="completed",
    )
    with clock.frozen(noon(MONDAY)):
        collect_due(issuer=document.issuer, today=MONDAY)
        SessionDocument.objects.create(session=session, document=document)
        payment = Payment.objects.get()
        Payment.objects.update(session=session, document=None, **({} if is_stored else {"method": None}))
        notice = Notice("fake_1", Status.FAILED, reason="not enough money", code="insufficient_funds")
        take_news(payment_id=payment.pk, notice=notice, asked_at=clock.now(), today=MONDAY)
    assert Payment.objects.get().state == "failed"
    planned = next_charge_of(document.pk)
    assert (planned.on > MONDAY and planned.attempts == 1) if is_stored else planned is None


@pytest.mark.parametrize("count", [1, 6])
def test_writing_charges_takes_the_same_queries_for_one_and_for_many(
    invoice, django_assert_num_queries, count
):
    customers = [CustomerFactory(issuer__payment_days=0)]
    customers += CustomerFactory.create_batch(count - 1, issuer=customers[0].issuer)
    documents = [invoice(customer, method=f"fail-soft:{n}") for n, customer in enumerate(customers)]
    with django_assert_num_queries(10):
        assert len(collect_due(issuer=documents[0].issuer, today=MONDAY)) == count


@pytest.fixture
def unaskable(monkeypatch):
    """A provider that cannot be asked and keeps keys for a week, like Adyen."""
    can = replace(fake.FakeProvider.capabilities, can_be_asked=False, key_life=timedelta(days=7))
    monkeypatch.setattr(fake.FakeProvider, "capabilities", can)
    monkeypatch.setattr(fake.FakeProvider, "look_up", lambda self, **about: None)


def lose_the_answer(invoice, *, days: int) -> Payment:
    """A charge whose answer was lost, tried again some days later."""
    run(invoice(method="timeout-before"), MONDAY)
    with clock.frozen(noon(MONDAY + timedelta(days=days))):
        outbox.drain(Payment, now=clock.now())
    return Payment.objects.get()


def test_key_that_still_lives_is_sent_again(invoice, unaskable):
    payment = lose_the_answer(invoice, days=6)
    assert payment.state == "settled"
    assert FakeCharge.objects.get().idempotency_key == payment.idempotency_key


def test_key_that_has_run_out_is_not_sent_again(invoice, unaskable):
    payment = lose_the_answer(invoice, days=8)
    assert (payment.state, payment.work_state) == ("created", "failed")
    assert "Nobody knows whether" in payment.last_error
    assert not FakeCharge.objects.exists()


def test_person_who_has_looked_lets_it_be_charged_again(invoice, unaskable):
    payment = lose_the_answer(invoice, days=8)
    assert not chargeable_items(payment.issuer, today=date(2026, 3, 20)).exists()
    enter_never_charged(payment_id=payment.pk)
    assert chargeable_items(payment.issuer, today=date(2026, 3, 20)).exists()


def test_only_lost_charges_are_entered_as_never_made(invoice):
    document = invoice(method="card-1")
    run(document, MONDAY)
    payment = Payment.objects.get()
    enter_never_charged(payment_id=payment.pk)
    payment.refresh_from_db()
    assert payment.state == "settled"


def test_wrong_key_is_tried_once_and_not_for_every_charge(invoice, monkeypatch, provider_account):
    customers = [CustomerFactory(issuer__payment_days=0)]
    customers += CustomerFactory.create_batch(4, issuer=customers[0].issuer)
    documents = [invoice(customer, method=f"card-{n}") for n, customer in enumerate(customers)]
    account = provider_account(customers[0].issuer)
    PaymentMethod.objects.update(account=account)
    calls = []

    def refuse(self, request):
        calls.append(request)
        raise AccountRefused("The provider does not accept the key.")

    with monkeypatch.context() as patch:
        patch.setattr(fake.FakeProvider, "charge", refuse)
        run(documents[0], MONDAY)
        assert len(calls) == 1
        account.refresh_from_db()
        assert account.problem == "The provider does not accept the key."
        with clock.frozen(noon(MONDAY) + timedelta(minutes=6)):
            outbox.drain(Payment, now=clock.now())
        assert len(calls) == 2
    with clock.frozen(noon(MONDAY) + timedelta(minutes=12)):
        outbox.drain(Payment, now=clock.now())
    account.refresh_from_db()
    assert account.problem == ""
    assert Payment.objects.filter(state="settled").count() == 5
