"""A lock never comes before a letter has announced it, whatever becomes of the procedure meanwhile."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cms_billing.dunning.models import Case, Level, LockScope
from cms_billing.dunning.services import resume_case, stop_case, take_next_step

from .conftest import case_of, invoice_due, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
FIRST, SECOND, THIRD = date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19)


@pytest.fixture
def invoice(customer):
    return invoice_due(customer, DUE, contract="V-1")


def locks(number: int, scope: str) -> None:
    """An editor changes what a level locks."""
    Level.objects.filter(number=number).update(lock_scope=scope)


def scopes(invoice) -> tuple[str, str]:
    case = case_of(invoice)
    return case.lock_scope, case.announced_scope


def test_letters_announce_then_lock(issuer, invoice):
    run(issuer, FIRST)
    assert scopes(invoice) == ("", "")
    (second,) = run(issuer, SECOND)
    assert scopes(invoice) == ("", "contract")
    assert invoice.number in second.extra["lock_notice"]
    (third,) = run(issuer, THIRD)
    assert scopes(invoice) == ("contract", "contract")
    assert invoice.number in third.extra["lock_notice"]
    assert second.extra["lock_notice"] != third.extra["lock_notice"]


def test_level_that_locks_earlier_since_yesterday_locks_nothing_unannounced(issuer, invoice):
    run(issuer, FIRST)
    locks(2, LockScope.CONTRACT)
    run(issuer, SECOND)
    assert scopes(invoice) == ("", "contract")
    run(issuer, THIRD)
    assert scopes(invoice) == ("contract", "contract")


def test_scope_that_was_widened_after_its_announcement_locks_what_was_announced(issuer, invoice):
    run(issuer, FIRST)
    run(issuer, SECOND)
    locks(3, LockScope.CUSTOMER)
    (letter,) = run(issuer, THIRD)
    assert scopes(invoice) == ("contract", "contract")
    assert Case.objects.locking().count() == 1
    assert letter.extra["lock_notice"]


def test_lock_that_was_taken_out_after_its_announcement_does_not_come(issuer, invoice):
    run(issuer, FIRST)
    run(issuer, SECOND)
    locks(3, LockScope.NOTHING)
    run(issuer, THIRD)
    assert scopes(invoice)[0] == ""
    assert not Case.objects.locking().exists()


def test_steps_by_hand_announce_before_they_lock(issuer, invoice):
    run(issuer, FIRST)
    for days, expected in ((1, ("", "contract")), (2, ("contract", "contract"))):
        take_next_step(case_id=case_of(invoice).pk, today=FIRST + timedelta(days=days))
        assert scopes(invoice) == expected


def test_case_that_is_resumed_locks_again_only_what_was_announced(issuer, invoice):
    run(issuer, FIRST)
    run(issuer, SECOND)
    stop_case(case_id=case_of(invoice).pk, reason="A question")
    locks(2, LockScope.CUSTOMER)
    resume_case(case_id=case_of(invoice).pk, today=SECOND)
    assert scopes(invoice) == ("contract", "contract")
