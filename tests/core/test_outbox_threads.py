"""Outside work side by side: threads with connections of their own share the rows, each done once."""

import threading
import time

import pytest
from django.db import connection

from cms_billing.core import clock, outbox
from cms_billing.core.outbox import Outcome
from cms_billing.payments.models import Payment
from cms_billing.testing.factories import CustomerFactory

COUNT, LATENCY = 24, 0.2


@pytest.fixture
def payments(monkeypatch):
    """Payments whose work takes a while and notes the thread and connection it was done by."""
    done: list[tuple[int, int, int]] = []

    def slow(payment):
        time.sleep(LATENCY)
        pid = connection.connection.info.backend_pid if connection.vendor == "postgresql" else 0
        done.append((payment.pk, threading.get_ident(), pid))

    monkeypatch.setitem(outbox._performers, Payment, slow)
    customer = CustomerFactory()
    for _each in range(COUNT):
        Payment.objects.create(
            issuer=customer.issuer, customer=customer, way="provider", amount_minor=990, currency="EUR"
        )
    return done


def no_connection_is_left(pids: list[int]) -> bool:
    """The server may need a moment to see that a connection was closed."""
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid = ANY(%s)",
                [pids],
            )
            if cursor.fetchone() == (0,):
                return True
        time.sleep(0.05)
    return False


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_threads_share_the_rows_and_each_is_done_once(payments):
    outcomes: list[Outcome] = []
    started = time.monotonic()
    drained = outbox.drain(Payment, now=clock.now(), threads=6, each=outcomes.append)
    took = time.monotonic() - started
    assert drained.done == COUNT
    assert outcomes == [Outcome.DONE] * COUNT
    assert sorted(pk for pk, _thread, _pid in payments) == sorted(
        Payment.objects.values_list("pk", flat=True)
    )
    assert len({pid for _pk, _thread, pid in payments}) > 3
    assert took < COUNT * LATENCY / 2
    assert no_connection_is_left([pid for _pk, _thread, pid in payments])


@pytest.mark.django_db
def test_inside_a_transaction_there_is_one_thread(payments, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert outbox.drain(Payment, now=clock.now(), threads=6).done == COUNT
    assert {thread for _pk, thread, _pid in payments} == {threading.get_ident()}
