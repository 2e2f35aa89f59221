"""Numbers: their format, and that a series has no gap whatever happens to those who take them."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from cms_billing.core import clock
from cms_billing.faktura.models import Document, NumberSeries
from cms_billing.faktura.numbers import format_number, validate_number_format
from cms_billing.faktura.services import change_series, take_numbers
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .documents import issue

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("RE-{year}-{number:06}", "RE-2026-000042"),
        ("{number}", "42"),
        ("{year}/{number:03}-A", "2026/042-A"),
    ],
)
def test_numbers_are_formatted(pattern, number):
    validate_number_format(pattern)
    assert format_number(pattern, year=2026, number=42) == number


@pytest.mark.parametrize(
    "pattern",
    [
        "RE",
        "{year}",
        "{number}{number}",
        "{number} {customer}",
        "{number",
        "{number!r}",
        "{number:x}",
        "{number:>10}",
        "{0}",
        "{number.real}",
        "{number:06}" + "x" * 60,
    ],
)
def test_formats_that_give_no_clear_number_are_refused(pattern):
    with pytest.raises(ValidationError):
        validate_number_format(pattern)


@pytest.mark.django_db
def test_a_new_year_starts_at_one_in_the_format_of_the_year_before():
    issuer = IssuerFactory()
    NumberSeries.objects.create(
        issuer=issuer, kind="invoice", year=2025, format="R{year}.{number}", next_number=9
    )
    with transaction.atomic():
        series, numbers = take_numbers(issuer=issuer, kind="invoice", year=2026, count=2)
    assert list(numbers) == [1, 2]
    assert series.format == "R{year}.{number}"


@pytest.mark.django_db
def test_rolled_back_numbers_are_given_again():
    customer = CustomerFactory()
    assert issue(customer).sequence == 1
    with transaction.atomic():
        assert issue(customer).sequence == 2
        transaction.set_rollback(True)
    assert issue(customer).sequence == 2


TAKER = """
import os, random, sys
import django
django.setup()
from django.db import transaction
from cms_billing.faktura.models import Customer
from tests.faktura.documents import TODAY, draft_line
from cms_billing.faktura.drafts import Draft
from cms_billing.faktura.services import issue_drafts

customer = Customer.objects.select_related("issuer").get(pk=sys.argv[1])
chance = random.Random(int(sys.argv[2]))
dies_at = chance.randint(50, 450) if sys.argv[3] == "dies" else None
draft = Draft("invoice", customer.pk, "EUR", (draft_line(),), due_on=TODAY)
done = 0
while done < 500:
    count = min(chance.randint(1, 25), 500 - done)
    try:
        with transaction.atomic():
            issue_drafts(
                issuer=customer.issuer, kind="invoice", drafts=[draft] * count,
                customers={customer.pk: customer}, today=TODAY,
            )
            if dies_at is not None and done + count > dies_at:
                os.kill(os.getpid(), 9)
            if chance.random() < 0.1:
                raise RuntimeError
    except RuntimeError:
        continue
    done += count
"""
EIGHT = 8


def run_takers(customers, fates) -> list[int]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, str(customer.pk), str(seed), fate], env=environment, cwd=ROOT
        )
        for seed, (customer, fate) in enumerate(zip(customers, fates, strict=True))
    ]
    return [taker.wait(timeout=600) for taker in takers]


def sequences() -> list[int]:
    return sorted(Document.objects.values_list("sequence", flat=True))


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_eight_processes_issue_500_documents_each_without_a_gap():
    """Batches of any size, some rolled back; 4,000 numbers, none twice, nobody in a deadlock."""
    issuer = IssuerFactory()
    customers = [CustomerFactory(issuer=issuer) for _n in range(EIGHT)]
    assert run_takers(customers, ["lives"] * EIGHT) == [0] * EIGHT
    assert sequences() == list(range(1, 4001))
    assert len(set(Document.objects.values_list("number", flat=True))) == 4000


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_half_of_eight_processes_killed_on_the_way_leave_no_gap():
    issuer = IssuerFactory()
    customers = [CustomerFactory(issuer=issuer) for _n in range(EIGHT)]
    assert run_takers(customers, ["lives", "dies"] * 4) == [0, -9] * 4
    found = sequences()
    assert 2000 < len(found) < 4000
    assert found == list(range(1, len(found) + 1))
    assert NumberSeries.objects.get().next_number == len(found) + 1


@pytest.mark.django_db
def test_the_year_turns_at_the_issuers_local_midnight():
    """Twenty past eleven in the evening in London is twenty past twelve in Berlin: a new year there, not yet here."""
    moment = datetime(2026, 12, 31, 23, 20, tzinfo=UTC)
    numbers = []
    for zone in ("Europe/Berlin", "Europe/London"):
        issuer = IssuerFactory(time_zone=zone)
        series, _numbers = take_numbers(
            issuer=issuer, kind="invoice", year=clock.local_day(moment, issuer).year, count=1
        )
        numbers.append(series.year)
    assert numbers == [2027, 2026]


@pytest.mark.django_db
def test_another_format_never_touches_what_exists():
    customer = CustomerFactory()
    first = issue(customer)
    change_series(series_id=first.series_id, number_format="{year}/{number:04}")
    assert issue(customer).number == "2026/0002"
    assert Document.objects.get(pk=first.pk).number == "RE-2026-000001"


@pytest.mark.django_db
def test_a_series_starts_where_the_old_system_stopped():
    customer = CustomerFactory()
    NumberSeries.objects.create(
        issuer=customer.issuer, kind="invoice", year=2026, format="RE-{year}-{number:06}", next_number=815
    )
    assert issue(customer).number == "RE-2026-000815"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("pro_forma", "PF-2026-000001"),
        ("credit_note", "RK-2026-000001"),
        ("cancellation", "ST-2026-000001"),
        ("refund_receipt", "AZ-2026-000001"),
        ("account_statement", "KA-2026-000001"),
        ("dunning_letter", "MA-2026-000001"),
    ],
)
def test_every_kind_has_a_series_of_its_own(kind, number):
    issuer = IssuerFactory()
    series, [taken] = take_numbers(issuer=issuer, kind=kind, year=2026, count=1)
    assert format_number(series.format, year=2026, number=taken) == number
