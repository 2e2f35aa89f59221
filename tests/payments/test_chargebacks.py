"""What follows a chargeback besides the money: the bank's fee, the news, and the reminders that go on."""

from datetime import UTC, date, datetime

import pytest

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.dunning.models import Case
from cms_billing.dunning.services import create_default_procedure
from cms_billing.faktura.models import LedgerEntry, OpenItem
from cms_billing.faktura.services import Entry, post_entries
from cms_billing.payments.models import Payment
from cms_billing.payments.services import charge_back, record_payment, settle_payment
from cms_billing.payments.signals import payment_charged_back
from cms_billing.testing.factories import CustomerFactory

DAY = date(2026, 3, 10)
LATER = date(2026, 3, 20)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(datetime(2026, 3, 20, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def paid(invoice, provider_account):
    """A received payment of one document, through an account that passes 3.50 on."""

    def make(fee=350):
        document = invoice(CustomerFactory(issuer__payment_days=0))
        payment = Payment.objects.create(
            issuer=document.issuer,
            customer=document.customer,
            provider="fake",
            account=provider_account(document.issuer, chargeback_fee_minor=fee),
            way="provider",
            document=document,
            amount_minor=990,
            currency="EUR",
        )
        settle_payment(payment_id=payment.pk, day=DAY)
        return payment

    return make


def open_minor(payment) -> int:
    return OpenItem.objects.get(pk=payment.document_id).open_minor


def fees(payment) -> list[int]:
    entries = LedgerEntry.objects.filter(customer=payment.customer, kind=LedgerEntry.Kind.FEE)
    return list(entries.order_by("pk").values_list("amount_minor", flat=True))


def balance(payment) -> int:
    return sum(payment.customer.ledger_entries.values_list("amount_minor", flat=True))


def test_fee_of_the_account_is_owed_with_the_document(paid):
    payment = paid()
    charge_back(payment_id=payment.pk, day=LATER)
    assert (open_minor(payment), fees(payment)) == (990 + 350, [350])
    payment.refresh_from_db()
    assert payment.chargeback_fee == Money(350, "EUR")


def test_no_fee_where_none_is_set(paid):
    payment = paid(fee=0)
    charge_back(payment_id=payment.pk, day=LATER)
    assert (open_minor(payment), fees(payment)) == (990, [])


def test_parts_that_come_back_one_by_one_are_one_chargeback(paid):
    payment = paid()
    for so_far in (100, 500, 990, 990):
        charge_back(payment_id=payment.pk, day=LATER, so_far=Money(so_far, "EUR"))
    assert (open_minor(payment), fees(payment)) == (990 + 350, [350])


def test_won_dispute_takes_the_fee_off_and_the_next_one_charges_it_again(paid):
    payment = paid()
    charge_back(payment_id=payment.pk, day=LATER)
    settle_payment(payment_id=payment.pk, day=LATER)
    assert (open_minor(payment), fees(payment), balance(payment)) == (0, [350, -350], 0)
    charge_back(payment_id=payment.pk, day=LATER)
    assert (open_minor(payment), fees(payment)) == (990 + 350, [350, -350, 350])


def test_partly_won_dispute_keeps_the_fee(paid):
    payment = paid()
    charge_back(payment_id=payment.pk, day=LATER)
    charge_back(payment_id=payment.pk, day=LATER, so_far=Money(400, "EUR"))
    assert (open_minor(payment), fees(payment)) == (400 + 350, [350])


def test_fee_that_was_waived_is_not_taken_off_twice(paid):
    payment = paid()
    charge_back(payment_id=payment.pk, day=LATER)
    post_entries(
        issuer_id=payment.issuer_id,
        customer_id=payment.customer_id,
        entries=[Entry(LedgerEntry.Kind.FEE, Money(-350, "EUR"), payment.document_id)],
        booked_on=LATER,
    )
    settle_payment(payment_id=payment.pk, day=LATER)
    assert (open_minor(payment), fees(payment), balance(payment)) == (0, [350, -350], 0)


def test_fee_that_was_paid_is_credit_once_the_dispute_is_won(paid):
    payment = paid()
    charge_back(payment_id=payment.pk, day=LATER)
    record_payment(
        customer_id=payment.customer_id,
        amount=Money(1340, "EUR"),
        received_on=LATER,
        way="cash",
        today=LATER,
    )
    settle_payment(payment_id=payment.pk, day=LATER)
    assert (open_minor(payment), fees(payment), balance(payment)) == (0, [350, -350], -1340)


def test_news_say_which_documents_are_owed_again(paid, django_capture_on_commit_callbacks):
    told = []
    payment = paid()
    payment_charged_back.connect(lambda **news: told.append(news), weak=False, dispatch_uid="test")
    with django_capture_on_commit_callbacks(execute=True):
        charge_back(payment_id=payment.pk, day=LATER)
        charge_back(payment_id=payment.pk, day=LATER)
    payment_charged_back.disconnect(dispatch_uid="test")
    [news] = told
    assert (news["payment_id"], news["document_ids"], news["day"]) == (
        payment.pk,
        [payment.document_id],
        LATER,
    )


def test_reminders_go_on_for_what_came_back(paid, django_capture_on_commit_callbacks):
    payment = paid()
    create_default_procedure(payment.issuer)
    with django_capture_on_commit_callbacks(execute=True):
        charge_back(payment_id=payment.pk, day=LATER)
    case = Case.objects.get(document=payment.document)
    assert case.state != Case.State.CLOSED
