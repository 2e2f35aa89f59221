"""The run: blocks, payments under way, repeated, resumed, killed, and how much it asks of the database."""

import contextlib
from datetime import date

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cms_billing.dunning.models import Case, CaseStep, Level, Procedure
from cms_billing.dunning.services import create_default_procedure, dun_next_customers, preview
from cms_billing.faktura.models import Document, NumberSeries
from cms_billing.payments.models import Payment
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FIRST = date(2026, 1, 22)


def skips(issuer, today) -> list[str]:
    return [step.skipped_because for step in preview(issuer=issuer, today=today)]


def test_nothing_goes_out_while_a_payment_is_under_way(issuer, customer):
    invoice = invoice_due(customer, DUE)
    other = invoice_due(customer, DUE, amount=500)
    payment = Payment.objects.create(
        issuer=issuer,
        customer=customer,
        way="provider",
        provider="fake",
        document=invoice,
        amount_minor=990,
        currency="EUR",
        state="pending",
    )
    assert "under way" in skips(issuer, FIRST)[-1] + skips(issuer, FIRST)[0]
    (letter,) = run(issuer, FIRST)
    assert [claim["number"] for claim in letter.extra["claims"]] == [other.number]
    payment.state = "failed"
    payment.save()
    (letter,) = run(issuer, date(2026, 1, 23))
    assert [(claim["number"], claim["level"]) for claim in letter.extra["claims"]] == [
        (invoice.number, 1),
        (other.number, 1),
    ]
    assert CaseStep.objects.filter(letter=letter).count() == 1


def test_without_a_procedure_the_issuer_is_named_as_the_problem(db):
    issuer = IssuerFactory(name="Ohne Verfahren")
    assert dun_next_customers(issuer=issuer, today=FIRST).problems == []
    invoice_due(CustomerFactory(issuer=issuer), DUE)
    batch = dun_next_customers(issuer=issuer, today=FIRST)
    assert (batch.done, batch.last_customer) == ([], None)
    assert "Ohne Verfahren" in batch.problems[0].reason


def test_businesses_have_their_own_procedure_where_there_is_one(issuer, customer):
    Procedure.objects.filter(issuer=issuer, customer_kind="business").update(is_active=False)
    own = Procedure.objects.create(issuer=issuer, name="Firmen", customer_kind="business")
    Level.objects.create(procedure=own, number=1, days_after=3, days_to_pay=5)
    business = CustomerFactory(issuer=issuer, kind="business", company="Verlag KG")
    invoice_due(customer, DUE)
    invoice_due(business, DUE)
    (letter,) = run(issuer, date(2026, 1, 18))
    assert letter.customer_id == business.pk
    assert letter.extra["pay_until"] == "2026-01-23"


def test_the_neighbour_issuer_is_left_alone(issuer, customer):
    other = IssuerFactory()
    create_default_procedure(other)
    invoice_due(customer, DUE)
    assert run(other, FIRST) == []
    assert len(run(issuer, FIRST)) == 1


def test_a_chunk_at_a_time_ends_and_leaves_nobody_out(issuer):
    customers = CustomerFactory.create_batch(5, issuer=issuer)
    for customer in customers:
        invoice_due(customer, DUE)
    batches, after = [], 0
    while after is not None:
        batch = dun_next_customers(issuer=issuer, today=FIRST, after_customer=after, limit=2)
        batches.append(len(batch.done))
        after = batch.last_customer
    assert batches == [2, 2, 1, 0]


def test_killed_in_between_leaves_nothing_and_the_next_run_does_it_all(issuer):
    for customer in CustomerFactory.create_batch(3, issuer=issuer):
        invoice_due(customer, DUE)
    dun_next_customers(issuer=issuer, today=FIRST, limit=1)

    with contextlib.suppress(KeyboardInterrupt), transaction.atomic():
        assert len(dun_next_customers(issuer=issuer, today=FIRST, limit=1).done) == 1
        raise KeyboardInterrupt
    assert Case.objects.count() == 1
    assert len(run(issuer, FIRST)) == 2
    numbers = Document.objects.filter(kind="dunning_letter").order_by("sequence")
    assert list(numbers.values_list("sequence", flat=True)) == [1, 2, 3]
    assert NumberSeries.objects.get(kind="dunning_letter").next_number == 4


@pytest.mark.parametrize("day", [FIRST, date(2026, 2, 5), date(2026, 2, 19), date(2026, 3, 2)])
def test_the_number_of_statements_does_not_grow_with_the_chunk(issuer, day):
    def statements(today: date) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            dun_next_customers(issuer=issuer, today=today)
        return len(captured)

    invoice_due(CustomerFactory(issuer=issuer), DUE)
    earlier = [d for d in (FIRST, date(2026, 2, 5), date(2026, 2, 19)) if d < day]
    for today in earlier:
        run(issuer, today)
    one = statements(day)
    neighbour = IssuerFactory()
    create_default_procedure(neighbour)
    for customer in CustomerFactory.create_batch(12, issuer=neighbour):
        invoice_due(customer, DUE)
        invoice_due(customer, DUE, amount=500)
    for today in earlier:
        run(neighbour, today)
    with CaptureQueriesContext(connection) as captured:
        batch = dun_next_customers(issuer=neighbour, today=day)
    assert batch.last_customer is not None
    assert len(captured) <= one + 2
    assert len(captured) < 60


def test_preview_writes_nothing_and_says_what_the_run_does(issuer, customer):
    old = invoice_due(customer, DUE)
    invoice_due(CustomerFactory(issuer=issuer), date(2026, 1, 20))
    with CaptureQueriesContext(connection) as captured:
        planned = preview(issuer=issuer, today=FIRST)
    assert not [q for q in captured if q["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    letter, waiting = planned
    assert (letter.level, letter.documents, letter.amount.minor) == (1, (old.number,), 990)
    assert letter.label == f"K-1 Anna Berg: level 1 for {old.number}"
    assert waiting.skipped_because == "Level 1 is not due before 01/27/2026."
    (issued,) = run(issuer, FIRST)
    assert issued.extra["total_minor"] == letter.amount.minor
    assert [step.skipped_because for step in preview(issuer=issuer, today=FIRST)] == [
        "Level 2 is not due before 02/05/2026.",
        "Level 1 is not due before 01/27/2026.",
    ]


def test_a_deferred_claim_waits_from_its_new_due_date(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, FIRST)
    invoice.open_item.due_on = date(2026, 2, 20)
    invoice.open_item.save()
    assert run(issuer, date(2026, 2, 20)) == []
    assert run(issuer, date(2026, 3, 5)) == []
    (letter,) = run(issuer, date(2026, 3, 6))
    assert (letter.extra["level"], case_of(invoice).level) == (2, 2)
