"""Adyen cannot be asked: what is sent again, and what only a person may decide."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.payments.credentials import provider_for
from cms_billing.payments.models import Payer, Payment, WebhookEvent
from cms_billing.payments.providers import ChargeRequest, OutcomeUnknown
from cms_billing.payments.services import collect_due
from cms_billing.testing.factories import PaymentMethodFactory
from cms_billing.testing.models import VendorFault, VendorObject, VendorWebhook
from cms_billing.testing.vendors import deliver_vendor_webhooks
from cms_billing.testing.vendors.adyen.hosted import pay
from cms_billing.testing.vendors.behaviours import Behaviour

from .conftest import PAYER

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(invoice, account, provider, page_request):
    """A charge that was written for a due document and not sent yet."""
    with clock.frozen(NOON):
        page = provider.open_page(page_request(uuid.uuid4(), minor=0))
        pay(page.reference, Behaviour.GOOD_CARD)
        [method] = provider.methods_of(payer_reference=PAYER)
        VendorWebhook.objects.all().delete()
        document = invoice(issued_on=NOON.date())
        account.issuer = document.issuer
        account.save()
        PaymentMethodFactory(
            customer=document.customer,
            provider="adyen",
            account=account,
            payer=Payer.objects.create(account=account, reference=PAYER),
            reference=method.reference,
            kind="card",
        )
        [payment] = collect_due(issuer=document.issuer, today=NOON.date())
    return payment


def work(model, *, after):
    with clock.frozen(NOON + after):
        outbox.drain(model, now=clock.now())


def charges():
    return VendorObject.objects.filter(vendor="adyen", kind="payment", data__amount__value=990).count()


def lose_the_answer(kind=VendorFault.Kind.TIMEOUT_AFTER, times=1):
    VendorFault.objects.create(vendor="adyen", path="/v72/payments", kind=kind, times=times)


def test_webhook_that_overtakes_the_answer_finds_the_payment_by_our_key(due):
    lose_the_answer()
    work(Payment, after=timedelta(0))
    due.refresh_from_db()
    assert (due.state, due.reference) == (Payment.State.CREATED, "")

    with clock.frozen(NOON + timedelta(minutes=1)):
        assert deliver_vendor_webhooks(vendor="adyen") == [200]
    work(WebhookEvent, after=timedelta(minutes=2))

    due.refresh_from_db()
    assert due.state == Payment.State.SETTLED
    assert due.reference
    work(Payment, after=timedelta(hours=2))
    assert charges() == 1


def test_lost_answer_without_a_webhook_is_sent_again_with_the_same_key(due):
    lose_the_answer()
    work(Payment, after=timedelta(0))
    work(Payment, after=timedelta(hours=2))

    due.refresh_from_db()
    assert due.state == Payment.State.SETTLED
    assert charges() == 1


def test_lost_answer_is_not_sent_again_when_adyen_may_have_forgotten_the_key(due):
    lose_the_answer()
    work(Payment, after=timedelta(0))
    work(Payment, after=timedelta(days=8))

    due.refresh_from_db()
    assert (due.state, due.work_state) == (Payment.State.CREATED, Payment.WorkState.FAILED)
    assert str(due.idempotency_key) in due.last_error
    assert charges() == 1


def test_late_webhook_still_settles_what_nobody_dared_to_repeat(due):
    lose_the_answer()
    work(Payment, after=timedelta(0))
    work(Payment, after=timedelta(days=8))
    with clock.frozen(NOON + timedelta(days=9)):
        deliver_vendor_webhooks(vendor="adyen")
    work(WebhookEvent, after=timedelta(days=9))

    due.refresh_from_db()
    assert due.state == Payment.State.SETTLED
    assert charges() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_same_key_at_the_same_moment_is_one_charge(account, provider, page_request):
    page = provider.open_page(page_request(uuid.uuid4(), minor=0))
    pay(page.reference, Behaviour.GOOD_CARD)
    [method] = provider.methods_of(payer_reference=PAYER)
    request = ChargeRequest(
        uuid.uuid4(), Money(990, "EUR"), method.reference, "", 1, PAYER, "card", "https://a.example/"
    )
    start, told = threading.Barrier(4), []

    def send():
        start.wait()
        try:
            told.append(provider_for(account).charge(request).reference)
        except OutcomeUnknown:
            told.append("")
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 4
    assert len({reference for reference in told if reference}) == 1
    assert charges() == 1
