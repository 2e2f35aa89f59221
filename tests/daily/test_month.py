"""A thousand contracts: one clean run, the same run again, killed, at the same moment twice, over two clusters."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.daily.models import DailyRun, ParkedRow
from cms_billing.daily.services import run_daily
from tests.daily.month import DAY, assert_like_one_clean_run, books_of, issuer_with_contracts
from tests.processes import daily_run, fork, kill, wait_for

THOUSAND = 1000
KILLS = 20


@pytest.mark.slow
@pytest.mark.django_db
def test_thousand_contracts_become_thousand_invoices_and_the_same_run_again_does_nothing():
    # A thousand PDFs take a minute, and show what a hundred show: the whole month runs where production does.
    count = THOUSAND if connection.vendor == "postgresql" else THOUSAND // 10
    issuer, expected = issuer_with_contracts(count)
    run = run_daily(issuer=issuer, today=DAY)
    books = books_of(issuer)
    assert_like_one_clean_run(books, expected)
    counts = {step.name: step.done for step in run.steps.all()}
    assert counts["book"] == counts["issue"] == counts["render"] == counts["deliver"] == count
    assert not ParkedRow.objects.exists()
    call_command("billing_verify")

    run_daily(issuer=issuer, today=DAY)
    assert books_of(issuer) == books


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_run_killed_twenty_times_ends_like_one_clean_run():
    issuer, expected = issuer_with_contracts(THOUSAND)
    chance = random.Random(20260228)
    killed = 0
    for _attempt in range(KILLS):
        child = fork(daily_run(issuer.pk, DAY))
        time.sleep(chance.uniform(0.05, 0.7))
        killed += kill(child) < 0
    assert killed == KILLS, "The run was over before it could be killed: give it more to do."
    resume_when_claims_have_run_out(issuer)
    assert_like_one_clean_run(books_of(issuer), expected)
    call_command("billing_verify")


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_the_same_moment_end_like_one_clean_run():
    issuer, expected = issuer_with_contracts(THOUSAND)
    children = [fork(daily_run(issuer.pk, DAY)) for _machine in range(2)]
    assert [wait_for(child) for child in children] == [0, 0]
    assert_like_one_clean_run(books_of(issuer), expected)
    assert {step.done for step in DailyRun.objects.get().steps.filter(name__in=["book", "issue"])} == {
        THOUSAND
    }
    call_command("billing_verify")


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_clusters_on_redis_share_one_run(redis_url, monkeypatch):
    issuer, expected = issuer_with_contracts(THOUSAND)
    monkeypatch.setenv("CMS_BILLING_TEST_REDIS", redis_url)
    clusters = [
        subprocess.Popen(
            [sys.executable, "-m", "django", "qcluster", "--settings=tests.settings"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _machine in range(2)
    ]
    try:
        ask = "from cms_billing.daily.services import start_run; from cms_billing.faktura.models import Issuer; "
        ask += f"import datetime; start_run(issuer=Issuer.objects.get(), today=datetime.date.fromisoformat('{DAY}'))"
        django("shell", "--command", ask)
        wait_until_done(issuer, seconds=240)
    finally:
        for cluster in clusters:
            cluster.terminate()
        for cluster in clusters:
            cluster.wait(30)
    assert_like_one_clean_run(books_of(issuer), expected)


def resume_when_claims_have_run_out(issuer) -> None:
    """What a dead worker had claimed is free again after the lease, and not before: it might still be at it."""
    later = clock.now() + timedelta(seconds=billing_settings().work_lease_seconds + 1)
    with clock.frozen(later):
        run_daily(issuer=issuer, today=DAY)


def wait_until_done(issuer, *, seconds: int) -> None:
    """Every invoice sent: a cluster may be at the last mails when the other has closed the run."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if books_of(issuer).delivered == THOUSAND and DailyRun.objects.filter(state="done").exists():
            return
        time.sleep(0.5)
    pytest.fail(f"The clusters did not finish in {seconds} s: {books_of(issuer)}")


def django(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "django", *arguments], check=True, env=os.environ | SETTINGS)


SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
