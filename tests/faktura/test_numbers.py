"""Numbers: their format, and that a series has no gap whatever happens to those who take them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from cms_billing.faktura.models import Document, NumberSeries
from cms_billing.faktura.numbers import format_number, validate_number_format
from cms_billing.faktura.services import take_numbers
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
from tests.faktura.documents import issue

customer = Customer.objects.get(pk=sys.argv[1])
chance = random.Random(int(sys.argv[2]))
for n in range(12):
    fate = chance.random()
    try:
        with transaction.atomic():
            issue(customer)
            if n == 8 and sys.argv[3] == "dies":
                os.kill(os.getpid(), 9)
            if fate < 0.3:
                raise RuntimeError
    except RuntimeError:
        pass
"""


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_four_processes_leave_no_gap_though_some_roll_back_and_some_are_killed():
    customer = CustomerFactory()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
    }
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, str(customer.pk), str(seed), fate], env=environment, cwd=ROOT
        )
        for seed, fate in enumerate(["lives", "dies", "lives", "dies"])
    ]
    assert [taker.wait(timeout=300) for taker in takers] == [0, -9, 0, -9]
    sequences = sorted(Document.objects.values_list("sequence", flat=True))
    assert len(sequences) > 20
    assert sequences == list(range(1, len(sequences) + 1))
    assert NumberSeries.objects.get().next_number == len(sequences) + 1
    assert len(set(Document.objects.values_list("number", flat=True))) == len(sequences)
