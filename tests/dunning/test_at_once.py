"""Two workers at once, and a payment in the middle of a run: row locks decide, so PostgreSQL only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection, transaction

from cms_billing.dunning.models import Case
from cms_billing.dunning.services import create_default_procedure, dun_next_customers
from cms_billing.faktura.models import Document
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, pay, run

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

DUE = date(2026, 1, 15)
FIRST = date(2026, 1, 22)


def at_once(*jobs: Callable[[], object]) -> list[BaseException]:
    """Run the jobs in threads that start together; what they raised."""
    barrier = threading.Barrier(len(jobs))
    errors: list[BaseException] = []

    def work(job: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=20)
            job()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return errors


def in_chunks(issuer, *, wait: bool) -> None:
    after: int | None = 0
    while after is not None:
        batch = dun_next_customers(issuer=issuer, today=FIRST, after_customer=after, wait=wait, limit=3)
        after = batch.last_customer


def test_two_runs_at_once_write_every_letter_once():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    for customer in CustomerFactory.create_batch(12, issuer=issuer):
        invoice_due(customer, DUE)

    def whole_run() -> None:
        in_chunks(issuer, wait=False)
        in_chunks(issuer, wait=True)

    assert at_once(whole_run, whole_run) == []
    letters = Document.objects.filter(kind="dunning_letter").order_by("sequence")
    assert [letter.sequence for letter in letters] == list(range(1, 13))
    assert len({letter.customer_id for letter in letters}) == 12
    assert Case.objects.filter(level=1).count() == 12


def test_a_payment_during_the_run_leaves_no_open_case():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    invoices = [invoice_due(customer, DUE) for customer in CustomerFactory.create_batch(6, issuer=issuer)]

    def pay_all() -> None:
        for invoice in reversed(invoices):
            pay(invoice, FIRST)

    assert at_once(lambda: in_chunks(issuer, wait=True), pay_all) == []
    assert not Case.objects.live().exists()
    assert run(issuer, date(2026, 6, 1)) == []


def test_chargebacks_during_the_run_keep_one_case_each():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    invoices = [invoice_due(customer, DUE) for customer in CustomerFactory.create_batch(6, issuer=issuer)]
    payments = [pay(invoice, FIRST) for invoice in invoices]

    def return_all() -> None:
        for payment in payments:
            charge_back(payment_id=payment.pk, day=FIRST)

    assert at_once(lambda: in_chunks(issuer, wait=True), return_all) == []
    run(issuer, FIRST)
    assert sorted(case_of(invoice).level for invoice in invoices) == [1] * 6
    assert Case.objects.count() == 6


def test_a_chunk_that_fails_half_way_gives_everything_back():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    invoice_due(CustomerFactory(issuer=issuer), DUE)

    def failing() -> None:
        with transaction.atomic():
            dun_next_customers(issuer=issuer, today=FIRST)
            raise KeyboardInterrupt

    (error,) = at_once(failing)
    assert isinstance(error, KeyboardInterrupt)
    assert not Case.objects.exists()
    assert len(run(issuer, FIRST)) == 1
