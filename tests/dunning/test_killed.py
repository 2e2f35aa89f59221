"""Power cuts (SIGKILL): agreements are judged once, and a hand-over becomes one file that goes out once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from cms_billing.core import clock, outbox
from cms_billing.dunning.collection import packing
from cms_billing.dunning.models import (
    Agreement,
    AgreementDocument,
    CaseStep,
    HandOverFile,
    HandOverSending,
    Transport,
)
from cms_billing.dunning.services import create_default_procedure, make_promise, review_agreements
from cms_billing.faktura import archive
from cms_billing.testing.factories import CustomerFactory, IssuerFactory
from tests.processes import fork, wait_for

from .collection import agency_of, box_of, given_to, manifest_of, ready_cases
from .conftest import invoice_due, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
]

DUE, FIRST, PROMISED, LATE = date(2026, 1, 15), date(2026, 1, 22), date(2026, 1, 30), date(2026, 2, 20)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(statements: int, work: Callable[[], object]) -> Callable[[], object]:
    """``work`` in a process that is killed before its next statement after so many."""
    left = [statements]

    def count(execute: Any, *args: Any) -> Any:
        if left[0] == 0:
            die()
        left[0] -= 1
        return execute(*args)

    def work_and_die() -> None:
        with connection.execute_wrapper(count):
            work()

    return work_and_die


# -- agreements ------------------------------------------------------------------------------------------------------


def review_all(issuer) -> None:
    after: int | None = 0
    while after is not None:
        after = review_agreements(issuer=issuer, today=LATE, after_customer=after, limit=2).last_customer


def test_a_review_killed_at_every_statement_breaks_each_agreement_once():
    """Chunks of two customers; each process is killed a little later than the one before."""
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    invoices = [invoice_due(customer, DUE) for customer in CustomerFactory.create_batch(6, issuer=issuer)]
    run(issuer, FIRST)
    for invoice in invoices:
        make_promise(document_ids=[invoice.pk], until=PROMISED, today=FIRST)

    killed, statements = 0, 0
    while wait_for(fork(dying_after(statements, lambda: review_all(issuer)))) < 0:
        killed, statements = killed + 1, statements + 1

    assert killed >= 10, "The review was over before it could be killed."
    assert set(Agreement.objects.values_list("state", "ended_on")) == {("broken", LATE)}
    assert not AgreementDocument.objects.filter(running=True).exists()
    ended = CaseStep.objects.filter(kind="agreement_ended").values_list("case__document", flat=True)
    assert sorted(ended) == sorted(invoice.pk for invoice in invoices)
    # Dunning goes on: one letter each.
    assert len(run(issuer, LATE)) == 6


# -- hand-over -------------------------------------------------------------------------------------------------------


def make_the_file(*, hours: int) -> None:
    """A worker, so many hours later: the claim of the one before has run out."""
    outbox.drain(HandOverFile, now=clock.now() + timedelta(hours=hours))


@pytest.fixture
def made():
    issuer = IssuerFactory()
    create_default_procedure(issuer)
    agency = agency_of(issuer, transport=Transport.MAIL, mail_to="claims@agency.example")
    return given_to(agency, *ready_cases(*CustomerFactory.create_batch(2, issuer=issuer)))


def assert_one_file(made) -> None:
    """Its bytes are what its record says, and it waits to be sent once."""
    row = HandOverFile.objects.get()
    assert row.work_state == "done"
    assert manifest_of(made)["rows"] == 2
    assert {entry["name"] for entry in row.contents} == set(box_of(made).namelist())
    assert HandOverSending.objects.count() == 1
    folder, _slash, name = archive.storage_name(row.sha256).partition("/")
    assert archive.archive_storage().listdir(f"collection/{folder}")[1] == [name]


def test_packing_killed_at_every_statement_leaves_one_file_and_one_sending(made):
    statements = 0
    while wait_for(fork(dying_after(statements, partial(make_the_file, hours=statements)))) < 0:
        assert HandOverSending.objects.count() <= 1
        statements += 1

    assert statements > 5, "The file was made before anybody could be killed."
    make_the_file(hours=statements + 1)
    assert_one_file(made)


@pytest.mark.parametrize("moment", ["in the middle of the ZIP", "stored and not recorded"])
def test_packing_killed_between_its_steps_is_made_again_to_the_same_byte(made, monkeypatch, moment):
    with monkeypatch.context() as patch:
        if moment == "in the middle of the ZIP":
            patch.setattr(packing, "manifest_of", lambda *_args: die())
        else:
            patch.setattr("cms_billing.dunning.services.collection_files._record_file", lambda *_args: die())
        assert wait_for(fork(lambda: make_the_file(hours=0))) == -signal.SIGKILL
    assert HandOverFile.objects.get().sha256 == ""
    make_the_file(hours=1)
    assert_one_file(made)

    before = HandOverFile.objects.get().sha256
    make_the_file(hours=2)
    assert HandOverFile.objects.get().sha256 == before
    assert HandOverSending.objects.count() == 1
