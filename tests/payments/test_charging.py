"""From the due document through the provider and back: every way it can go wrong, and never two charges."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import LedgerEntry, OpenItem
from cms_billing.payments.models import Payment, PaymentMethod, WebhookEvent
from cms_billing.payments.services import collect_due, look_up_pending, process_webhook, record_payment
from cms_billing.payments.signals import payment_failed
from cms_billing.testing import providers as fake
from cms_billing.testing.models import FakeBehaviour, FakeCharge, FakeWebhook

TODAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _frozen():
    with clock.frozen(NOON):
        yield


def work(model, *, hours: int = 0) -> None:
    """What a worker does, some hours later."""
    with clock.frozen(clock.now() + timedelta(hours=hours)):
        outbox.drain(model, now=clock.now())


def collect(document) -> Payment:
    """Write the charge of a document and send it once."""
    collect_due(issuer=document.issuer, today=TODAY)
    work(Payment)
    return Payment.objects.get(document=document)


def deliver(**how) -> None:
    assert set(fake.deliver_webhooks(**how)) <= {200}
    work(WebhookEvent)


def open_minor(document) -> int:
    return OpenItem.objects.get(pk=document.pk).open_minor


def charges() -> list[tuple[int, str]]:
    return list(FakeCharge.objects.values_list("amount_minor", "status"))


def test_success_settles_the_document(invoice):
    document = invoice(method="card-1")
    payment = collect(document)
    charge = FakeCharge.objects.get()
    assert (payment.state, payment.reference, payment.work_state) == ("settled", charge.reference, "done")
    assert charge.idempotency_key == payment.idempotency_key
    assert charge.description == document.number
    assert open_minor(document) == 0


def test_collecting_again_writes_no_second_charge(invoice):
    document = invoice(method="fail-soft")
    collect(document)
    assert collect_due(issuer=document.issuer, today=TODAY) == []


def test_not_yet_due_documents_wait(invoice):
    document = invoice(method="card-1", issued_on=TODAY)
    assert collect_due(issuer=document.issuer, today=date(2026, 3, 9)) == []


@pytest.mark.parametrize(
    ("method", "reason", "usable"),
    [("fail-soft", "not enough money", True), ("fail-hard", "account closed", False)],
)
def test_failure_leaves_the_document_open_and_a_dead_method_is_not_used_again(
    invoice, method, reason, usable, django_capture_on_commit_callbacks
):
    told = []
    payment_failed.connect(lambda **news: told.append(news["payment_id"]), weak=False, dispatch_uid="test")
    document = invoice(method=method)
    with django_capture_on_commit_callbacks(execute=True):
        payment = collect(document)
    payment_failed.disconnect(dispatch_uid="test")
    assert (payment.state, payment.reason) == ("failed", reason)
    assert open_minor(document) == 990
    assert PaymentMethod.objects.filter(state="usable").exists() is usable
    assert told == [payment.pk]


def test_pending_settles_when_its_time_has_come_and_the_webhook_tells(invoice):
    document = invoice(method="pending-3")
    assert collect(document).state == "pending"
    with clock.frozen(NOON + timedelta(days=3)):
        deliver()
    assert Payment.objects.get().state == "settled"
    assert Payment.objects.get().received_on == date(2026, 3, 13)
    assert open_minor(document) == 0


def test_pending_that_fails_at_the_bank(invoice):
    document = invoice(method="pending-3-fail")
    collect(document)
    with clock.frozen(NOON + timedelta(days=4)):
        deliver()
    assert (Payment.objects.get().state, open_minor(document)) == ("failed", 990)


def test_chargeback_days_later_reopens_the_document_once(invoice):
    document = invoice(method="chargeback-8")
    collect(document)
    assert open_minor(document) == 0
    with clock.frozen(NOON + timedelta(days=8)):
        deliver(times=3)
    assert Payment.objects.get().state == "charged_back"
    assert open_minor(document) == 990
    assert LedgerEntry.objects.filter(kind="chargeback").count() == 1


def test_partial_chargeback_reopens_that_part(invoice):
    document = invoice(method="card-1")
    collect(document)
    fake.charge_back_now(FakeCharge.objects.get(), amount=Money.of("4.00", "EUR"))
    deliver(times=2)
    assert (Payment.objects.get().state, open_minor(document)) == ("settled", 400)


def test_won_dispute_settles_again(invoice):
    document = invoice(method="card-1")
    collect(document)
    fake.charge_back_now(FakeCharge.objects.get())
    with clock.frozen(NOON + timedelta(hours=1)):
        deliver()
    assert open_minor(document) == 990
    fake.win_dispute(FakeCharge.objects.get())
    with clock.frozen(NOON + timedelta(hours=2)):
        deliver(times=2)
    assert (Payment.objects.get().state, open_minor(document)) == ("settled", 0)


def test_worker_who_asked_before_the_chargeback_does_not_undo_it(invoice):
    document = invoice(method="card-1")
    collect(document)
    charge = FakeCharge.objects.get()
    event = WebhookEvent(provider="fake", references=[charge.reference])
    with clock.frozen(NOON + timedelta(minutes=1)):
        record_late = process_webhook(event)
    fake.charge_back_now(charge)
    with clock.frozen(NOON + timedelta(minutes=2)):
        deliver()
    record_late()
    assert Payment.objects.get().state == "charged_back"


def test_time_out_before_the_charge_was_made_is_asked_again_with_the_same_key(invoice):
    document = invoice(method="timeout-before")
    payment = collect(document)
    assert (payment.state, payment.work_state, charges()) == ("created", "pending", [])
    work(Payment, hours=1)
    assert charges() == [(990, "settled")]
    assert FakeCharge.objects.get().idempotency_key == payment.idempotency_key
    assert open_minor(document) == 0


def test_time_out_after_the_charge_was_made_finds_it(invoice):
    document = invoice(method="timeout-after")
    assert collect(document).state == "settled"
    assert charges() == [(990, "settled")]
    assert open_minor(document) == 0


def test_provider_that_is_down_is_tried_later(invoice):
    document = invoice(method="card-1")
    FakeBehaviour.objects.create(behaviour="down", times=2)
    assert collect(document).last_error == "The test provider is down."
    work(Payment, hours=1)
    work(Payment, hours=2)
    assert (Payment.objects.get().state, charges()) == ("settled", [(990, "settled")])


def test_after_the_last_attempt_the_payment_waits_for_a_person(invoice, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "WORK_MAX_ATTEMPTS": 2}
    document = invoice(method="down")
    collect(document)
    work(Payment, hours=1)
    payment = Payment.objects.get()
    assert (payment.state, payment.work_state) == ("created", "failed")
    assert payment in list(outbox.failed_work())


def test_charge_a_person_retries_days_later_is_looked_up_before_anything_is_sent(invoice):
    document = invoice(method="card-1")
    payment = collect(document)
    # As if we had crashed before recording, and every retry had failed.
    Payment.objects.update(state="created", reference="", work_state="failed")
    outbox.try_again(payment)
    work(Payment, hours=72)
    assert FakeCharge.objects.get().requests == 1


def test_webhooks_twice_and_in_the_wrong_order_change_nothing(invoice):
    documents = [invoice(method="pending-1") for _each in range(3)]
    for document in documents:
        collect_due(issuer=document.issuer, today=TODAY)
    work(Payment)
    with clock.frozen(NOON + timedelta(days=1)):
        deliver(order="shuffled", times=3, seed=7)
        deliver(order="reversed", times=2, again=True)
    assert [open_minor(document) for document in documents] == [0, 0, 0]
    assert LedgerEntry.objects.filter(kind="payment").count() == 3


def test_false_alarm_then_success_is_a_success_whatever_arrives_last(invoice):
    document = invoice(method="fail-soft")
    collect(document)
    charge = FakeCharge.objects.get()
    fake.settle_now(charge)
    assert list(FakeWebhook.objects.values_list("status", flat=True)) == ["failed", "settled"]
    deliver(order="reversed")
    assert (Payment.objects.get().state, open_minor(document)) == ("settled", 0)


def test_late_success_after_the_customer_paid_otherwise_stands_on_account(invoice):
    document = invoice(method="fail-soft")
    collect(document)
    record_payment(
        customer_id=document.customer_id,
        amount=document.gross,
        received_on=TODAY,
        way="transfer",
        today=TODAY,
    )
    fake.settle_now(FakeCharge.objects.get())
    deliver()
    assert open_minor(document) == 0
    assert LedgerEntry.objects.get(document=None).amount_minor == -990


def test_unknown_reference_is_somebody_elses(db):
    assert fake.post_webhook(fake.webhook_body("fake_of_another_site", "settled")) == 200
    work(WebhookEvent)
    assert WebhookEvent.objects.get().work_state == "done"


def test_webhook_that_overtakes_the_answer_finds_its_payment_by_the_key(invoice):
    document = invoice(method="pending-0")
    (payment,) = collect_due(issuer=document.issuer, today=TODAY)
    from cms_billing.payments.services import carry_out_payment

    payment.attempts = 1
    record_answer = carry_out_payment(payment)
    deliver()
    assert Payment.objects.get().state == "settled"
    record_answer()
    assert Payment.objects.get().state == "settled"
    assert LedgerEntry.objects.filter(kind="payment").count() == 1


def test_charge_is_withdrawn_when_the_document_was_paid_meanwhile(invoice):
    document = invoice(method="card-1")
    collect_due(issuer=document.issuer, today=TODAY)
    record_payment(
        customer_id=document.customer_id,
        amount=Money.of("5.00", "EUR"),
        received_on=TODAY,
        way="transfer",
        today=TODAY,
    )
    work(Payment)
    assert (Payment.objects.get(document=document).state, charges()) == ("withdrawn", [])
    (rest,) = collect_due(issuer=document.issuer, today=TODAY)
    assert rest.amount == Money.of("4.90", "EUR")


def test_look_up_finds_what_no_webhook_told(invoice, django_assert_max_num_queries):
    document = invoice(method="pending-2")
    collect(document)
    later = NOON + timedelta(days=3)
    with clock.frozen(later), django_assert_max_num_queries(40):
        result = look_up_pending(issuer=document.issuer, now=later, older_than=timedelta(days=1))
    assert (result.looked_up, result.problems) == (1, [])
    assert Payment.objects.get().state == "settled"
    again = look_up_pending(
        issuer=document.issuer, now=later, older_than=timedelta(days=1), after_payment=result.last_payment
    )
    assert again.last_payment is None


def test_one_look_up_that_fails_stops_no_other(invoice):
    first = invoice(method="pending-1")
    second = invoice(first.customer, method="pending-1")
    collect_due(issuer=first.issuer, today=TODAY)
    work(Payment)
    Payment.objects.filter(document=first).update(provider="gone")
    later = NOON + timedelta(days=3)
    with clock.frozen(later):
        result = look_up_pending(issuer=first.issuer, now=later, older_than=timedelta(days=1))
    assert [problem.reason for problem in result.problems] == [
        "There is no payment provider “gone” in CMS_BILLING['PROVIDERS']."
    ]
    assert (open_minor(first), open_minor(second)) == (990, 0)


def test_writing_many_charges_costs_the_same_as_writing_one(invoice, django_assert_max_num_queries):
    first = invoice(method="card-1")
    for _each in range(8):
        invoice(first.customer)
    with django_assert_max_num_queries(10):
        assert len(collect_due(issuer=first.issuer, today=TODAY)) == 9
