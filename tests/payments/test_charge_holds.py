"""What an app above holds back is not charged, or only in part: asked when charges are written and before they go."""

from datetime import UTC, date, datetime

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.payments.charge_holds import ChargeHold, holds_on, register_hold, unregister_hold
from cms_billing.payments.models import Payment
from cms_billing.payments.services import collect_due
from cms_billing.testing.factories import CustomerFactory
from cms_billing.testing.models import FakeCharge

TODAY = date(2026, 3, 10)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _frozen():
    with clock.frozen(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def held():
    """``held[document.pk] = "why"`` holds a document back."""
    answers: dict[int, str | ChargeHold] = {}

    def source(document_ids, today):
        return {pk: answers[pk] for pk in document_ids if pk in answers}

    register_hold(source)
    yield answers
    unregister_hold(source)


def work() -> None:
    outbox.drain(Payment, now=clock.now())


def test_what_is_held_back_is_not_charged_until_the_hold_is_gone(invoice, held):
    document = invoice(method="card-1")
    held[document.pk] = "Paid in instalments."
    assert collect_due(issuer=document.issuer, today=TODAY) == []
    del held[document.pk]
    assert [charge.amount_minor for charge in collect_due(issuer=document.issuer, today=TODAY)] == [990]


def test_only_the_part_that_is_due_is_charged(invoice, held):
    document = invoice(method="card-1")
    held[document.pk] = ChargeHold("Paid in instalments.", up_to_minor=330)
    collect_due(issuer=document.issuer, today=TODAY)
    work()
    document.open_item.refresh_from_db()
    assert (FakeCharge.objects.get().amount_minor, document.open_item.open_minor) == (330, 660)


def test_never_more_than_is_open_is_charged(invoice, held):
    document = invoice(method="card-1")
    held[document.pk] = ChargeHold("Paid in instalments.", up_to_minor=5000)
    assert collect_due(issuer=document.issuer, today=TODAY)[0].amount_minor == 990


def test_a_hold_that_comes_after_the_charge_was_written_stops_it_before_the_call(invoice, held):
    document = invoice(method="card-1")
    collect_due(issuer=document.issuer, today=TODAY)
    held[document.pk] = "Handed over to an agency."
    work()
    payment = Payment.objects.get()
    assert (payment.state, payment.reason) == ("withdrawn", "Handed over to an agency.")
    assert not FakeCharge.objects.exists()


def test_held_documents_do_not_keep_the_others_from_being_charged(
    settings, invoice, held, django_assert_max_num_queries
):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "CHUNK_SIZE": 2}
    first = invoice(method="card-1")
    documents = [first, *(invoice(CustomerFactory(issuer=first.issuer), method=f"c-{n}") for n in range(4))]
    for document in documents[:4]:
        held[document.pk] = "Deferred."
    assert billing_settings().chunk_size == 2
    charges = collect_due(issuer=first.issuer, today=TODAY)
    assert [charge.document_id for charge in charges] == [documents[4].pk]
    assert collect_due(issuer=first.issuer, today=TODAY) == []


def test_of_several_holds_the_strictest_counts(held):
    other = lambda document_ids, today: {7: ChargeHold("instalment", 300)}  # noqa: E731
    register_hold(other)
    try:
        held[7] = "agency"
        assert holds_on([7], TODAY) == {7: ChargeHold("agency", 0)}
    finally:
        unregister_hold(other)
