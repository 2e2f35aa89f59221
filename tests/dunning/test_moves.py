"""Steps by hand beside a case's course: start, move, note, chargeback; as services and as pages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse
from wagtail.models import ModelLogEntry

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.dunning import exceptions
from cms_billing.dunning.models import Case, LockScope
from cms_billing.dunning.services import (
    add_note,
    enter_chargeback,
    move_case,
    start_case,
    stop_case,
    take_next_step,
)
from cms_billing.faktura.models import Document
from cms_billing.payments.exceptions import ImplausiblePayment
from cms_billing.payments.models import Payment
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .conftest import case_of, invoice_due, pay, run
from .test_admin import accountant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FIRST, SECOND, THIRD = date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 2, 19, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def invoice(customer) -> Document:
    return invoice_due(customer, DUE, amount=10000, contract="V-1")


@pytest.fixture
def case(issuer, invoice) -> Case:
    """On level 1 since the 22nd of January."""
    run(issuer, FIRST)
    return case_of(invoice)


# Starting


def test_a_case_starts_at_the_chosen_level(issuer, invoice):
    case = start_case(
        document_id=invoice.pk, first_level=2, reason="agreed by phone", today=date(2026, 1, 16)
    )
    assert (case.level, case.first_level, case.locked) == (1, 2, False)
    letters = run(issuer, date(2026, 1, 29))
    assert [letter.extra["level"] for letter in letters] == [2]
    assert list(case.steps.values_list("kind", "reason"))[-2:] == [
        ("moved", "agreed by phone"),
        ("letter", ""),
    ]


def test_a_case_that_starts_at_the_level_that_locks_does_not_lock_unannounced(issuer, invoice):
    case = start_case(document_id=invoice.pk, first_level=3, reason="x", today=FIRST)
    take_next_step(case_id=case.pk, today=FIRST)
    case.refresh_from_db()
    assert (case.level, case.lock_scope) == (3, LockScope.NOTHING)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"today": DUE}, exceptions.CannotDun),
        ({"reason": "  "}, exceptions.ReasonMissing),
        ({"first_level": 4}, exceptions.WrongLevel),
        ({"first_level": 0}, exceptions.WrongLevel),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(invoice, change, error):
    wanted = {"document_id": invoice.pk, "first_level": 1, "reason": "x", "today": FIRST, **change}
    with pytest.raises(error):
        start_case(**wanted)
    assert not Case.objects.exists()


def test_what_is_in_dunning_or_paid_is_not_started(case, customer):
    with pytest.raises(exceptions.InDunningAlready):
        start_case(document_id=case.document_id, first_level=1, reason="x", today=SECOND)
    paid = invoice_due(customer, DUE)
    pay(paid, FIRST)
    with pytest.raises(exceptions.CannotDun):
        start_case(document_id=paid.pk, first_level=1, reason="x", today=SECOND)


def test_nobody_is_started_without_a_procedure(invoice, procedure):
    procedure.is_active = False
    procedure.save()
    with pytest.raises(exceptions.CannotDun, match="No dunning procedure"):
        start_case(document_id=invoice.pk, first_level=1, reason="x", today=FIRST)


# Moving


def test_a_case_moved_up_locks_only_what_was_announced(issuer, case):
    moved = move_case(case_id=case.pk, level=3, reason="well known", today=date(2026, 1, 23))
    assert (moved.level, moved.lock_scope) == (3, LockScope.NOTHING)
    assert moved.steps.latest("pk").reason == "1 → 3: well known"


def test_a_case_moved_up_locks_at_once_what_was_announced(issuer, case):
    run(issuer, SECOND)
    moved = move_case(case_id=case.pk, level=3, reason="x", today=date(2026, 2, 6))
    assert moved.lock_scope == LockScope.CONTRACT
    moved.refresh_from_db()
    assert Case.objects.locking().get() == moved


def test_a_case_moved_down_opens_and_has_to_be_announced_again(issuer, case):
    for day in (SECOND, THIRD):
        run(issuer, day)
    case.refresh_from_db()
    assert case.locked
    moved = move_case(case_id=case.pk, level=0, reason="wrong address", today=THIRD)
    assert (moved.level, moved.lock_scope, moved.announced_scope) == (0, "", "")
    later = [date(2026, 3, 2), date(2026, 3, 18), date(2026, 4, 3)]
    levels = [letter.extra["level"] for day in later for letter in run(issuer, day)]
    assert levels == [1, 2, 3]
    moved.refresh_from_db()
    assert moved.locked


def test_a_case_that_waits_for_collection_goes_on_with_letters(issuer, case):
    for day in (SECOND, THIRD, date(2026, 3, 10)):
        run(issuer, day)
    case.refresh_from_db()
    assert case.state == Case.State.READY_FOR_COLLECTION
    moved = move_case(case_id=case.pk, level=2, reason="x", today=date(2026, 3, 11))
    assert (moved.state, moved.level, moved.lock_scope) == (Case.State.OPEN, 2, "")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"level": 1}, exceptions.WrongLevel),
        ({"level": 9}, exceptions.WrongLevel),
        ({"reason": ""}, exceptions.ReasonMissing),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(case, change, error):
    with pytest.raises(error):
        move_case(**{"case_id": case.pk, "level": 2, "reason": "x", "today": SECOND, **change})
    case.refresh_from_db()
    assert case.level == 1


def test_a_stopped_case_is_not_moved(case):
    stop_case(case_id=case.pk, reason="x")
    with pytest.raises(exceptions.WrongStep):
        move_case(case_id=case.pk, level=2, reason="x", today=SECOND)


# Notes and chargebacks


def test_a_note_stays_in_timeline_and_log(case):
    step = add_note(case_id=case.pk, text="Called; wants to pay on Friday")
    assert (step.kind, step.reason, step.level) == ("note", "Called; wants to pay on Friday", 1)
    assert ModelLogEntry.objects.filter(action="cms_billing.note_dunning", object_id=str(case.pk)).exists()
    with pytest.raises(exceptions.ReasonMissing):
        add_note(case_id=case.pk, text=" ")


def test_a_chargeback_by_hand_opens_the_case_and_claims_the_banks_fee(case, after_commit):
    with after_commit():
        payment = pay(case.document, date(2026, 1, 26))
    case.refresh_from_db()
    assert case.state == Case.State.CLOSED
    with after_commit():
        enter_chargeback(
            case_id=case.pk,
            payment_id=payment.pk,
            day=SECOND,
            reason="no cover",
            fee=Money.of("3.00", "EUR"),
        )
    case.refresh_from_db()
    assert (case.state, case.level) == (Case.State.OPEN, 1)
    case.document.open_item.refresh_from_db()
    assert case.document.open_item.open_minor == 10300
    assert case.steps.filter(kind="came_back", reason="€100.00: no cover").exists()
    payment.refresh_from_db()
    assert (payment.state, payment.chargeback_fee_minor) == (Payment.State.CHARGED_BACK, 300)


def test_parts_come_back_one_after_the_other(case, after_commit):
    with after_commit():
        payment = pay(case.document, date(2026, 1, 26))
        for amount, left in (("30.00", 3000), ("20.00", 5000)):
            enter_chargeback(
                case_id=case.pk,
                payment_id=payment.pk,
                day=SECOND,
                reason="x",
                amount=Money.of(amount, "EUR"),
            )
            case.document.open_item.refresh_from_db()
            assert case.document.open_item.open_minor == left
    with pytest.raises(ImplausiblePayment):
        enter_chargeback(
            case_id=case.pk, payment_id=payment.pk, day=SECOND, reason="x", amount=Money.of("60.00", "EUR")
        )


def test_a_payment_for_something_else_does_not_come_back_here(issuer, case):
    other = invoice_due(CustomerFactory(issuer=issuer), DUE)
    payment = pay(other, FIRST)
    with pytest.raises(exceptions.NotPaidByIt):
        enter_chargeback(case_id=case.pk, payment_id=payment.pk, day=SECOND, reason="x")


# Pages


def test_the_pages_do_what_they_say(client, issuer, case):
    user = accountant(client, issuer, "view_case", "decide_case")
    move = reverse("billing-dunning:move", args=[case.pk])
    assert "locks nothing" in client.get(move).content.decode()
    assert client.post(move, {"level": 2, "reason": "agreed"}).status_code == 302
    note = reverse("billing-dunning:note", args=[case.pk])
    assert client.post(note, {"text": "wants a copy"}).status_code == 302
    case.refresh_from_db()
    assert case.level == 2
    assert {step.user for step in case.steps.filter(kind__in=["moved", "note"])} == {user}
    page = client.get(reverse("billing-dunning:inspect", args=[case.pk])).content.decode()
    for text in ("1 → 2: agreed", "wants a copy", "Timeline", "Principal"):
        assert text in page


def test_a_case_is_started_from_the_page_of_the_document(client, issuer, invoice):
    accountant(client, issuer, "view_case", "decide_case", "view_document")
    url = reverse("billing-dunning:start", args=[invoice.pk])
    page = reverse("billing-document:inspect", args=[invoice.pk])
    assert url in client.get(page).content.decode()
    assert "required" in client.post(url, {"level": 1, "reason": ""}).content.decode()
    made = client.post(url, {"level": 1, "reason": "asked to"})
    assert made["Location"] == reverse("billing-dunning:inspect", args=[case_of(invoice).pk])
    assert url not in client.get(page).content.decode()
    assert "is in dunning already" in client.post(url, {"level": 1, "reason": "x"}).content.decode()


def test_a_chargeback_is_entered_on_the_page(client, issuer, case, after_commit):
    accountant(client, issuer, "view_case", "charge_back_payment")
    url = reverse("billing-dunning:charge_back", args=[case.pk])
    assert client.get(url).status_code == 302
    with after_commit():
        payment = pay(case.document, date(2026, 1, 26))
    data = {"payment": payment.pk, "day": "2026-02-05", "reason": "no cover", "fee": "3.00"}
    early = client.post(url, {**data, "day": "2026-01-20"}).content.decode()
    assert "cannot have come back before" in early
    assert "still to come" in client.post(url, {**data, "day": "2026-12-01"}).content.decode()
    with after_commit():
        assert client.post(url, data).status_code == 302
    case.document.open_item.refresh_from_db()
    assert case.document.open_item.open_minor == 10300


PAGES = ("move", "note", "charge_back")
DATA = {"level": 2, "reason": "x", "text": "x", "day": "2026-02-05"}


def test_the_neighbour_finds_none_of_the_pages(client, issuer, case, customer):
    other = invoice_due(customer, DUE)
    accountant(client, IssuerFactory(), "view_case", "decide_case", "charge_back_payment", "view_document")
    for name in PAGES:
        url = reverse(f"billing-dunning:{name}", args=[case.pk])
        assert client.get(url).status_code == client.post(url, DATA).status_code == 404, name
    url = reverse("billing-dunning:start", args=[other.pk])
    assert client.get(url).status_code == client.post(url, DATA).status_code == 404
    assert Case.objects.count() == 1


def test_looking_is_not_deciding(client, issuer, case, customer):
    other = invoice_due(customer, DUE)
    pay(case.document, date(2026, 1, 26), amount=Money.of("10.00", "EUR"))
    accountant(client, issuer, "view_case", "view_document")
    urls = [reverse(f"billing-dunning:{name}", args=[case.pk]) for name in PAGES]
    for url in (*urls, reverse("billing-dunning:start", args=[other.pk])):
        assert client.post(url, DATA)["Location"] == reverse("wagtailadmin_home")
    page = client.get(reverse("billing-dunning:inspect", args=[case.pk])).content.decode()
    assert not any(url in page for url in urls)


def test_the_page_of_a_case_says_what_is_locked_and_what_opens_it(client, issuer, customer, case):
    accountant(client, issuer, "view_case", "view_document", "view_payment")
    for day in (SECOND, THIRD):
        run(issuer, day)
    invoice_due(customer, DUE, amount=500)
    pay(case.document, THIRD, amount=Money.of("10.00", "EUR"))
    page = client.get(reverse("billing-dunning:inspect", args=[case.pk])).content.decode()
    for text in (
        f"{case.document.number} on level 3",
        "payment of €90.00, or stopping the case",
        "Other open claims of the customer",
        "€5.00",
        "Payments and attempts",
        "€90.00 open of €100.00",
        "MA-2026-000003",
    ):
        assert text in page, text
