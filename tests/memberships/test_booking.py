"""Due lines become bookings: once each, on the issuer's local date, and one broken line stops nobody."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking
from cms_billing.memberships.exceptions import NoPrice, NotOnSale, WrongDate, WrongStep
from cms_billing.memberships.models import Contract, ContractLine, PlanPrice
from cms_billing.memberships.services import (
    book_next_due,
    end_contracts,
    sign_contract,
    start_contracts,
    terminate_contract,
)
from cms_billing.testing.factories import CustomerFactory, PlanFactory, signed_contract

pytestmark = pytest.mark.django_db


def periods() -> list[date]:
    return list(Booking.objects.order_by("period_start").values_list("period_start", flat=True))


def test_booking_again_books_nothing(django_assert_max_num_queries):
    contract = signed_contract(start=date(2026, 1, 31), today=date(2026, 3, 31))
    first = book_next_due(issuer=contract.issuer, today=date(2026, 3, 31))
    assert (first.bookings, first.sums_minor) == (3, {"EUR": 2970})
    assert contract.lines.get().next_due == date(2026, 4, 30)
    with django_assert_max_num_queries(4):
        assert book_next_due(issuer=contract.issuer, today=date(2026, 3, 31)).bookings == 0


def test_what_is_booked_is_not_booked_again_even_if_the_due_date_was_set_back():
    contract = signed_contract(start=date(2026, 1, 31), today=date(2026, 2, 28))
    book_next_due(issuer=contract.issuer, today=date(2026, 2, 28))
    ContractLine.objects.update(next_due=date(2026, 1, 31))
    book_next_due(issuer=contract.issuer, today=date(2026, 2, 28))
    assert periods() == [date(2026, 1, 31), date(2026, 2, 28)]


def test_the_database_refuses_a_second_booking_of_a_period():
    contract = signed_contract(start=date(2026, 1, 31))
    book_next_due(issuer=contract.issuer, today=date(2026, 1, 31))
    again = Booking.objects.get()
    again.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)


def test_terminated_contract_is_billed_to_its_last_day_and_ends_the_day_after():
    contract = signed_contract(start=date(2026, 1, 1))
    terminate_contract(
        contract_id=contract.pk, last_day=date(2026, 2, 28), today=date(2026, 1, 10), reason="moving"
    )
    book_next_due(issuer=contract.issuer, today=date(2026, 12, 31))
    assert periods() == [date(2026, 1, 1), date(2026, 2, 1)]
    assert contract.lines.get().next_due is None
    assert end_contracts(issuer_id=contract.issuer_id, today=date(2026, 2, 28)) == 0
    assert end_contracts(issuer_id=contract.issuer_id, today=date(2026, 3, 1)) == 1
    with pytest.raises(WrongStep, match="“ended” and cannot become"):
        terminate_contract(contract_id=contract.pk, last_day=date(2026, 5, 1), today=date(2026, 4, 1))


def test_contract_that_waits_is_billed_when_it_has_started():
    contract = signed_contract(start=date(2026, 2, 1), today=date(2026, 1, 10))
    assert contract.state == Contract.State.PENDING
    assert book_next_due(issuer=contract.issuer, today=date(2026, 2, 1)).bookings == 0
    assert start_contracts(issuer_id=contract.issuer_id, today=date(2026, 2, 1)) == 1
    assert book_next_due(issuer=contract.issuer, today=date(2026, 2, 1)).bookings == 1


def test_absurd_due_date_is_parked_with_its_reason_and_stops_nobody():
    good = signed_contract(start=date(2026, 3, 1))
    bad = signed_contract(plan=good.plan, start=date(2026, 3, 1), number="V-BAD")
    bad.lines.update(next_due=date(1926, 3, 1), anchor=date(1926, 3, 1))
    batch = book_next_due(issuer=good.issuer, today=date(2026, 3, 1))
    assert batch.bookings == 1
    (problem,) = batch.problems
    assert problem.subject_id == bad.lines.get().pk
    assert problem.reason.startswith(
        "Contract V-BAD would be billed for 1201 periods at once, from 1926-03-01."
    )
    assert bad.lines.get().next_due == date(1926, 3, 1)


def test_due_is_the_issuers_local_date():
    contract = signed_contract(start=date(2026, 3, 1), today=date(2026, 3, 1))
    issuer = contract.issuer
    # 23:30 in London on the last of February: in Berlin it is March, in New York it is not.
    with clock.frozen(datetime(2026, 2, 28, 23, 30, tzinfo=UTC)):
        issuer.time_zone = "America/New_York"
        assert book_next_due(issuer=issuer, today=clock.today(issuer)).bookings == 0
        issuer.time_zone = "Europe/Berlin"
        assert book_next_due(issuer=issuer, today=clock.today(issuer)).bookings == 1


def test_clock_change_in_the_night_moves_no_due_date():
    contract = signed_contract(start=date(2026, 3, 29), today=date(2026, 3, 29))
    with clock.frozen(datetime(2026, 3, 28, 23, 30, tzinfo=UTC)):
        assert clock.today(contract.issuer) == date(2026, 3, 29)
    with clock.frozen(datetime(2026, 3, 29, 21, 59, tzinfo=UTC)):
        assert clock.today(contract.issuer) == date(2026, 3, 29)


def test_plan_without_a_price_cannot_be_sold():
    plan = PlanFactory()
    PlanPrice.objects.update(valid_from=date(2026, 6, 1))
    with pytest.raises(NoPrice, match="has no price on 2026-03-01"):
        signed_contract(plan=plan, start=date(2026, 3, 1))
    assert not Contract.objects.exists()


def test_contract_keeps_the_price_it_was_signed_at():
    contract = signed_contract(start=date(2026, 1, 1))
    PlanPrice.objects.create(plan=contract.plan, valid_from=date(2026, 2, 1), amount_minor=1990)
    book_next_due(issuer=contract.issuer, today=date(2026, 3, 1))
    assert set(Booking.objects.values_list("unit_price_minor", flat=True)) == {990}


def test_plan_that_is_sold_cannot_be_deleted():
    contract = signed_contract(start=date(2026, 1, 1))
    from django.db.models import ProtectedError

    with pytest.raises(ProtectedError):
        contract.plan.delete()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": date(2126, 1, 1)}, "Check the year"),
        ({"start": date(1826, 1, 1)}, "Check the year"),
        ({"end": date(2025, 12, 31)}, "before it starts"),
        ({"next_due": date(2025, 12, 31)}, "lies before the start"),
    ],
)
def test_dates_that_cannot_be_right_are_refused(changes, words):
    with pytest.raises(WrongDate, match=words):
        signed_contract(**{"start": date(2026, 1, 1), "today": date(2026, 1, 1), **changes})
    assert not Contract.objects.exists()


def test_plan_off_sale_is_refused():
    plan = PlanFactory(is_active=False)
    with pytest.raises(NotOnSale):
        sign_contract(
            customer=CustomerFactory(issuer=plan.issuer),
            plan=plan,
            start=date(2026, 1, 1),
            today=date(2026, 1, 1),
        )


def test_instalments_are_numbered_in_the_customers_language_and_add_up():
    plan = PlanFactory(interval="instalments", instalments=6, price=Money.of("250.00", "EUR"))
    contract = signed_contract(plan=plan, start=date(2026, 1, 1))
    book_next_due(issuer=contract.issuer, today=date(2026, 12, 1))
    amounts = [booking.unit_price_minor for booking in Booking.objects.order_by("period_start")]
    assert (sum(amounts), amounts[0], amounts[-1]) == (25_000, 4166, 4170)
    assert "6" in Booking.objects.order_by("period_start").last().description


def test_many_lines_cost_a_constant_number_of_queries(django_assert_max_num_queries):
    first = signed_contract(start=date(2026, 1, 1))
    for _each in range(30):
        signed_contract(plan=first.plan, start=date(2026, 1, 1))
    with django_assert_max_num_queries(8):
        assert book_next_due(issuer=first.issuer, today=date(2026, 1, 1)).bookings == 31


def test_chunks_go_through_all_lines_in_order():
    first = signed_contract(start=date(2026, 1, 1))
    for _each in range(4):
        signed_contract(plan=first.plan, start=date(2026, 1, 1))
    after, taken = 0, []
    while (
        batch := book_next_due(issuer=first.issuer, today=date(2026, 1, 1), after_line=after, limit=2)
    ).last_line:
        taken.append(batch.bookings)
        after = batch.last_line
    assert taken == [2, 2, 1]
