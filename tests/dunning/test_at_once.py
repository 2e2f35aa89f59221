"""Two workers at once, and a payment in the middle of a run: row locks decide, so PostgreSQL only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection, transaction

from cms_billing.dunning.models import Case, ClaimChange, HandOverClaim
from cms_billing.dunning.services import (
    create_default_procedure,
    dun_next_customers,
    hand_over,
    report_changes,
)
from cms_billing.faktura.models import Document
from cms_billing.payments.services import charge_back
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .collection import READY, agency_of, given_to, ready_cases
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
    # The letter about a payment that came back goes out the day after.
    run(issuer, date(2026, 1, 23))
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


def test_a_payment_and_a_hand_over_at_once_lose_neither():
    """Whoever is first: either nothing is handed over, or the payment is in the next report."""
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    agency = agency_of(issuer)
    cases = ready_cases(*CustomerFactory.create_batch(4, issuer=issuer))
    documents = [Document.objects.get(pk=case.document_id) for case in cases]

    def pay_all() -> None:
        for document in reversed(documents):
            pay(document, READY)

    def release() -> None:
        hand_over(case_ids=[case.pk for case in cases], agency_id=agency.pk, today=READY)

    assert at_once(pay_all, release, release) == []
    report_changes(issuer=issuer, today=READY)
    for case in Case.objects.filter(pk__in=[case.pk for case in cases]):
        claims = HandOverClaim.objects.filter(case=case)
        assert claims.count() <= 1
        assert case.document.open_item.open_minor == 0
        told = [change.kind for claim in claims for change in claim.changes.all()]
        assert told == ["payment"] * claims.count()


def test_two_reports_at_once_tell_everything_once():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    cases = ready_cases(*CustomerFactory.create_batch(4, issuer=issuer))
    given_to(agency_of(issuer), *cases)
    for case in cases:
        pay(Document.objects.get(pk=case.document_id), READY)

    def report() -> None:
        report_changes(issuer=issuer, today=READY)

    assert at_once(report, report) == []
    assert ClaimChange.objects.count() == 4
    assert ClaimChange.objects.filter(report=None).count() == 0
