"""Whatever way a claim ends, the page opens in the next request: nothing has to be told, no receiver to run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document
from cms_billing.faktura.selectors import left_to_credit
from cms_billing.faktura.services import (
    CreditLine,
    WriteOffReason,
    cancel_document,
    credit_document,
    write_off,
)
from cms_billing.payments.models import Payment, PaymentMethod, WebhookEvent
from cms_billing.payments.services import collect_due, record_payment
from cms_billing.testing import providers as fake
from cms_billing.testing.factories import PaymentMethodFactory

from .conftest import SECRET, TODAY, client_of, in_dunning, member

ARTICLE = "/magazine/strings/"


@dataclass
class Locked:
    client: Client
    case: Case

    @property
    def invoice(self) -> Document:
        return self.case.document

    @property
    def open_amount(self) -> Money:
        return Document.objects.get(pk=self.invoice.pk).open_item.open_amount

    def status(self) -> int:
        return self.client.get(ARTICLE).status_code

    def reads(self) -> bool:
        return SECRET in self.client.get(ARTICLE).content.decode()


@pytest.fixture
def locked(magazine) -> Locked:
    reader, contract = member(magazine.plan)
    found = Locked(client_of(reader), in_dunning(contract, level=3, locked=True))
    assert found.status() == 402
    return found


def transfer(locked: Locked, amount: Money) -> None:
    record_payment(
        customer_id=locked.invoice.customer_id,
        amount=amount,
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[locked.invoice],
    )


def by_hand(locked: Locked) -> None:
    transfer(locked, locked.open_amount)


def with_too_much(locked: Locked) -> None:
    transfer(locked, locked.open_amount + Money.of("5.00", "EUR"))


def in_parts(locked: Locked) -> None:
    rest = locked.open_amount - Money.of("2.00", "EUR")
    for part in (Money.of("1.00", "EUR"), Money.of("1.00", "EUR")):
        transfer(locked, part)
        assert locked.status() == 402
    transfer(locked, rest)


def by_credit_note(locked: Locked) -> None:
    lines = [CreditLine(line_id=one.line_id, quantity=one.quantity) for one in left_to_credit(locked.invoice)]
    credit_document(document_id=locked.invoice.pk, lines=lines, reason="Goodwill", today=TODAY)


def by_cancellation(locked: Locked) -> None:
    cancel_document(document_id=locked.invoice.pk, reason="Wrong", today=TODAY, bill_again=False)


def by_write_off(locked: Locked) -> None:
    write_off(
        document_id=locked.invoice.pk,
        amount=locked.open_amount,
        reason=WriteOffReason.values[0],
        today=TODAY,
        limited=False,
    )


WAYS = [by_hand, with_too_much, in_parts, by_credit_note, by_cancellation, by_write_off]


@pytest.mark.django_db
@pytest.mark.parametrize("end", WAYS, ids=lambda way: way.__name__)
def test_page_opens_in_the_next_request(locked, end: Callable[[Locked], None]):
    end(locked)
    assert Case.objects.get(pk=locked.case.pk).lock_scope == "contract", "no receiver has run"
    assert locked.reads()


@pytest.mark.django_db
def test_providers_webhook_opens_the_page(locked, settings):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {"fake": "cms_billing.testing.providers.FakeProvider"},
    }
    PaymentMethod.objects.filter(customer=locked.invoice.customer).delete()
    PaymentMethodFactory(customer=locked.invoice.customer, reference="pending-1", is_default=True)
    collect_due(issuer=locked.invoice.issuer, today=TODAY)
    outbox.drain(Payment, now=clock.now())
    assert locked.status() == 402, "a debit under way is no payment yet"
    with clock.frozen(datetime(2026, 4, 1, 9, tzinfo=UTC)):
        assert fake.deliver_webhooks()
        outbox.drain(WebhookEvent, now=clock.now())
        assert locked.open_amount.minor == 0
    # The same day in the paywall's eyes: what opened is the payment, not the calendar.
    assert locked.reads()


@pytest.mark.django_db
def test_payment_that_is_undone_locks_again(locked):
    from cms_billing.dunning.services import create_default_procedure, reopen_case
    from cms_billing.payments.services import charge_back

    create_default_procedure(locked.invoice.issuer)
    Case.objects.filter(pk=locked.case.pk).update(level=3)
    by_hand(locked)
    assert locked.reads()
    charge_back(payment_id=Payment.objects.get().pk, day=TODAY)
    reopen_case(document_id=locked.invoice.pk, day=TODAY)
    assert locked.status() == 402


# -- at once ------------------------------------------------------------------------------------------------------

READERS = 20


@dataclass(frozen=True)
class Reading:
    began: float
    ended: float
    status: int
    full: bool


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_twenty_readers_while_a_lock_and_a_payment_are_committed(magazine):
    """Never a full text in a request that began after the lock's commit, never a lock after the payment's."""
    reader, contract = member(magazine.plan)
    case = in_dunning(contract, level=2, locked=False)
    clients = [client_of(reader) for _ in range(READERS)]
    readings: list[Reading] = []
    over = threading.Event()

    def read(client: Client) -> None:
        try:
            while not over.is_set():
                began = time.monotonic()
                response = client.get(ARTICLE)
                text = response.content.decode()
                readings.append(Reading(began, time.monotonic(), response.status_code, SECRET in text))
        finally:
            connection.close()

    def has_read(times: int) -> None:
        enough = len(readings) + times
        while len(readings) < enough and not failed():
            time.sleep(0.01)

    def failed() -> bool:
        return not any(thread.is_alive() for thread in threads)

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    # The clock's frozen time is the thread's own: the readers live today, so nothing here depends on the day.
    for thread in threads:
        thread.start()
    has_read(READERS)
    Case.objects.filter(pk=case.pk).update(level=3, lock_scope="contract", announced_scope="contract")
    locked_at = time.monotonic()
    has_read(2 * READERS)
    paying_at = time.monotonic()
    transfer(Locked(clients[0], case), Document.objects.get(pk=case.document_id).open_item.open_amount)
    paid_at = time.monotonic()
    has_read(2 * READERS)
    over.set()
    for thread in threads:
        thread.join(timeout=60)
    between = [r for r in readings if r.began > locked_at and r.ended < paying_at]
    after = [r for r in readings if r.began > paid_at]
    assert between
    assert after
    assert {(r.status, r.full) for r in between} == {(402, False)}
    assert {(r.status, r.full) for r in after} == {(200, True)}
