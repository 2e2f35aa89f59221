"""Fee, flat compensation and interest: what letters claim, what is posted, and what the ledger adds up to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cms_billing.core.money import Money
from cms_billing.dunning.breakdowns import breakdown
from cms_billing.dunning.models import Case, Charge, DefaultFrom, Level, Procedure
from cms_billing.dunning.services import preview
from cms_billing.dunning.viewsets.case_money import worked_out
from cms_billing.faktura.models import LedgerEntry
from cms_billing.faktura.rendering.letters import letter_of
from cms_billing.faktura.verification import ledger_findings
from cms_billing.payments.models import Payment
from cms_billing.payments.services import charge_back, record_payment
from cms_billing.testing.factories import CustomerFactory

from .conftest import case_of, invoice_due, pay, run

pytestmark = pytest.mark.django_db

DUE = date(2025, 5, 15)  # a Thursday
FIRST, SECOND, THIRD = date(2025, 5, 22), date(2025, 6, 5), date(2025, 7, 10)


@pytest.fixture
def business(issuer, procedure):
    return CustomerFactory(issuer=issuer, number="K-2", kind="business", company="Berg GmbH", language="de")


def charges(document) -> list[tuple[str, int]]:
    return list(
        Charge.objects.filter(case__document=document).order_by("pk").values_list("kind", "amount_minor")
    )


def sums(letter) -> dict[str, int]:
    names = ("principal", "fees", "flat", "interest", "total")
    return {name: letter.extra[f"{name}_minor"] for name in names}


def open_item(document):
    document.open_item.refresh_from_db()
    return document.open_item


def test_a_business_pays_flat_and_interest_from_the_second_letter_on(issuer, business):
    """1,000.00 EUR, in default since 23 May, the day after the first letter; nine points above the base rate."""
    invoice = invoice_due(business, DUE, amount=100000)

    (first,) = run(issuer, FIRST)
    assert sums(first) == {"principal": 100000, "fees": 0, "flat": 0, "interest": 0, "total": 100000}
    assert case_of(invoice).in_default_since == date(2025, 5, 23)

    # 14 days: 1,000.00 × 11.27 % × 14/365 = 4.3227
    (second,) = run(issuer, SECOND)
    assert sums(second) == {"principal": 100000, "fees": 0, "flat": 4000, "interest": 432, "total": 104432}

    # 39 days at 11.27 % = 12.0419, 10 days at 10.27 % = 2.8137: 14.86 in all, of which 4.32 were claimed already
    (third,) = run(issuer, THIRD)
    assert sums(third) == {"principal": 100000, "fees": 0, "flat": 4000, "interest": 1486, "total": 105486}

    assert charges(invoice) == [("flat", 4000), ("interest", 432), ("interest", 1054)]
    item = open_item(invoice)
    assert (item.open_minor, item.charges_minor) == (105486, 5486)
    assert list(ledger_findings(issuer)) == []


def test_the_letter_says_how_the_interest_was_worked_out(issuer, business):
    invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    run(issuer, SECOND)
    (third,) = run(issuer, THIRD)

    (claim,) = third.extra["claims"]
    assert claim["interest"] == [
        {"from": "2025-05-23", "to": "2025-06-30", "days": 39, "base_minor": 100000, "percent": "11.27", "minor": 1204},
        {"from": "2025-07-01", "to": "2025-07-10", "days": 10, "base_minor": 100000, "percent": "10.27", "minor": 282},
    ]  # fmt: skip
    assert Charge.objects.get(letter=third).details == claim["interest"]


def rows_of_interest(letter) -> dict[str, Any]:
    claim = letter_of(letter.extra, letter.currency).claims[0]
    return {
        "worked out": sum(row.amount.minor for row in claim.interest_rows),
        "claimed before": [(one.number, one.day, one.amount.minor) for one in claim.interest_claimed],
        "settled": claim.interest_settled.minor if claim.interest_settled else 0,
        "asked for": claim.interest.minor,
    }


def test_the_letter_says_what_of_the_interest_an_earlier_one_has_claimed(issuer, business):
    invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    (second,) = run(issuer, SECOND)
    (third,) = run(issuer, THIRD)

    assert "interest_claimed" not in second.extra["claims"][0]
    assert rows_of_interest(third) == {
        "worked out": 1486,
        "claimed before": [(second.number, SECOND, 432)],
        "settled": 0,
        "asked for": 1486,
    }


def test_the_rows_add_up_where_interest_was_paid_or_waived_since(issuer, business):
    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    (second,) = run(issuer, SECOND)
    pay(invoice, date(2025, 6, 15), amount=Money(24432, "EUR"))
    (third,) = run(issuer, THIRD)

    assert rows_of_interest(third) == {
        "worked out": 1337,
        "claimed before": [(second.number, SECOND, 432)],
        "settled": 432,
        "asked for": 905,
    }
    assert worked_out(Charge.objects.get(letter=third, kind="interest")).endswith("claimed before: -€4.32")


def test_a_claim_that_is_only_listed_says_which_letter_claimed_its_interest(issuer, business):
    invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    (second,) = run(issuer, SECOND)
    invoice_due(business, date(2025, 6, 5), amount=5000)
    (other,) = run(issuer, date(2025, 6, 12))

    assert rows_of_interest(other) == {
        "worked out": 0,
        "claimed before": [(second.number, SECOND, 432)],
        "settled": 0,
        "asked for": 432,
    }


def test_a_part_payment_pays_costs_and_interest_first_and_lowers_the_interest_after_it(issuer, business):
    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    run(issuer, SECOND)
    pay(invoice, date(2025, 6, 15), amount=Money(24432, "EUR"))

    left = breakdown([invoice.pk])[invoice.pk]
    assert (left.principal_open, left.flat_open, left.interest_open) == (80000, 0, 0)
    assert (left.principal, left.flat, left.interest, left.payments) == (100000, 4000, 432, 24432)

    # 24 days of 1,000.00 through the day of the payment = 7.4104; 800.00: 15 days at 11.27 % = 3.7052, 10 days at
    # 10.27 % = 2.2510; 13.37 in all, less 4.32
    (third,) = run(issuer, THIRD)
    assert sums(third) == {"principal": 80000, "fees": 0, "flat": 0, "interest": 905, "total": 80905}


def test_the_payer_may_determine_that_the_claim_is_paid_first(issuer, business):
    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    run(issuer, SECOND)
    record_payment(
        customer_id=business.pk,
        amount=Money(50000, "EUR"),
        received_on=date(2025, 6, 15),
        way="transfer",
        today=date(2025, 6, 15),
        documents=[invoice],
        appropriation=Payment.Appropriation.PRINCIPAL,
    )

    left = breakdown([invoice.pk])[invoice.pk]
    assert (left.principal_open, left.flat_open, left.interest_open) == (50000, 4000, 432)


def test_while_a_payment_was_there_no_interest_is_owed(issuer, business):
    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    payment = pay(invoice, date(2025, 5, 25))
    charge_back(payment_id=payment.pk, day=date(2025, 5, 31))
    # The receivers are not at work here: the run finds the case and opens it again, waiting from then on.
    run(issuer, date(2025, 5, 31))
    (second,) = run(issuer, date(2025, 6, 14))

    # 3 days to the payment, 14 from the day after it came back: 17 days = 5.2490
    assert second.extra["interest_minor"] == 525


def test_consumers_never_pay_the_flat_and_at_most_five_points(issuer, procedure, customer):
    """Whatever the procedure says (§ 288 (1), (5) BGB)."""
    Procedure.objects.filter(pk=procedure.pk).update(interest_points=Decimal(9), flat_minor=4000)
    Level.objects.filter(procedure=procedure).update(claims_interest=True, claims_flat=True)
    invoice = invoice_due(customer, DUE, amount=100000)
    run(issuer, FIRST)
    (second,) = run(issuer, SECOND)

    # 14 days at 2.27 % + 5 = 7.27 %: 2.7885
    assert charges(invoice) == [("interest", 279)]
    assert second.extra["flat_minor"] == 0


def test_flat_and_interest_are_claimed_once_even_when_they_were_waived(issuer, business):
    from cms_billing.dunning.services import waive_charges

    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    run(issuer, SECOND)
    waive_charges(case_id=case_of(invoice).pk, today=SECOND, reason="Kulanz")
    (third,) = run(issuer, THIRD)

    assert sums(third) == {"principal": 100000, "fees": 0, "flat": 0, "interest": 1054, "total": 101054}


def test_a_payment_entered_later_takes_back_interest(issuer, business):
    """Received before the second letter, entered after it: what that letter claimed for later days was not owed."""
    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    run(issuer, SECOND)
    # Through 25 May 3 days of 1,000.00 = 0.9263; then 46 days of 10.00: 36 at 11.27 % = 0.1112, 10 at 10.27 % = 0.0281
    pay(invoice, date(2025, 5, 25), amount=Money(99000, "EUR"))
    (third,) = run(issuer, THIRD)

    assert third.extra["interest_minor"] == 107
    assert charges(invoice)[-1] == ("interest", 107 - 432)
    assert open_item(invoice).open_minor == 1000 + 4000 + 107
    assert list(ledger_findings(issuer)) == []


def test_default_from_the_due_date_counts_from_the_day_after_it(issuer, business):
    Procedure.objects.filter(customer_kind="business").update(default_from=DefaultFrom.DUE_DATE)
    invoice = invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    (second,) = run(issuer, SECOND)

    assert case_of(invoice).in_default_since == date(2025, 5, 16)
    assert second.extra["interest_minor"] == 648  # 21 days: 6.4841


def test_a_fee_is_a_charge_of_the_oldest_claim(issuer, procedure, customer):
    Level.objects.filter(procedure=procedure, number=1).update(fee_minor=250)
    older, newer = invoice_due(customer, date(2025, 5, 14)), invoice_due(customer, DUE)
    (letter,) = run(issuer, FIRST)

    assert (charges(older), charges(newer)) == ([("fee", 250)], [])
    assert (letter.extra["fee_minor"], letter.extra["fees_minor"], letter.extra["total_minor"]) == (
        250,
        250,
        2230,
    )
    step = Case.objects.get(document=older).steps.get(kind="charged")
    assert "2.50" in step.reason


def test_charges_of_earlier_letters_stand_beside_the_claim(issuer, procedure, customer):
    Level.objects.filter(procedure=procedure).update(fee_minor=250)
    invoice_due(customer, DUE)
    run(issuer, FIRST)
    (second,) = run(issuer, SECOND)

    assert sums(second) == {"principal": 990, "fees": 500, "flat": 0, "interest": 0, "total": 1490}
    assert second.extra["fee_minor"] == 250


def test_the_preview_shows_what_the_letter_will_ask_for(issuer, business):
    invoice_due(business, DUE, amount=100000)
    run(issuer, FIRST)
    (step,) = preview(issuer=issuer, today=SECOND)

    assert step.amount == Money(104432, "EUR")
    assert LedgerEntry.objects.filter(kind__in=LedgerEntry.CHARGES).count() == 0


def test_a_chunk_of_letters_with_charges_takes_as_many_statements_as_one(
    issuer, procedure, django_assert_max_num_queries
):
    def second_letters(count: int, start: int) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        for number in range(start, start + count):
            customer = CustomerFactory(issuer=issuer, number=f"B-{number}", kind="business")
            invoice_due(customer, DUE, amount=100000 + number)
        run(issuer, FIRST)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(run(issuer, SECOND)) == count
        return len(queries)

    one = second_letters(1, 1)
    assert second_letters(12, 2) <= one + 2
