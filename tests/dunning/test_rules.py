"""The rule: every reason for a letter, and for none."""

from dataclasses import replace
from datetime import date

import pytest
from django.utils.translation import override

from cms_billing.dunning import rules
from cms_billing.dunning.reasons import SENTENCES, WEAKNESSES, sentence
from cms_billing.dunning.rules import CaseFacts, Decision, Hindrance, LevelFacts, ProcedureFacts, Reason, Step

PROCEDURE = ProcedureFacts(
    (LevelFacts(1, 7, 10), LevelFacts(2, 14, 10), LevelFacts(3, 14, 10, lock_scope="contract")),
)
DUE = date(2026, 1, 15)
FRESH = CaseFacts(due_on=DUE, open_minor=990)


def at_level(level: int, since: date, **changes) -> CaseFacts:
    return replace(FRESH, level=level, state="open", waiting_since=since, **changes)


@pytest.mark.parametrize(
    ("facts", "today", "expected"),
    [
        (replace(FRESH, open_minor=0), date(2026, 2, 1), (Step.NONE, Reason.NOTHING_OWED, 0, None)),
        (replace(FRESH, open_minor=-10), date(2026, 2, 1), (Step.NONE, Reason.NOTHING_OWED, 0, None)),
        (FRESH, date(2026, 1, 15), (Step.NONE, Reason.NOT_DUE, 0, DUE)),
        (FRESH, date(2026, 1, 16), (Step.NONE, Reason.WAITING_FOR_LEVEL, 1, date(2026, 1, 22))),
        (FRESH, date(2026, 1, 21), (Step.NONE, Reason.WAITING_FOR_LEVEL, 1, date(2026, 1, 22))),
        (FRESH, date(2026, 1, 22), (Step.LETTER, Reason.LEVEL_DUE, 1, None)),
        (FRESH, date(2027, 1, 1), (Step.LETTER, Reason.LEVEL_DUE, 1, None)),
        (
            at_level(1, date(2026, 1, 22)),
            date(2026, 2, 4),
            (Step.NONE, Reason.WAITING_FOR_LEVEL, 2, date(2026, 2, 5)),
        ),
        (at_level(1, date(2026, 1, 22)), date(2026, 2, 5), (Step.LETTER, Reason.LEVEL_DUE, 2, None)),
        (at_level(2, date(2026, 2, 5)), date(2026, 2, 19), (Step.LETTER, Reason.LEVEL_DUE, 3, None)),
        (
            at_level(3, date(2026, 2, 19)),
            date(2026, 3, 1),
            (Step.NONE, Reason.WAITING_AFTER_LAST_LEVEL, 3, date(2026, 3, 2)),
        ),
        (
            at_level(3, date(2026, 2, 19)),
            date(2026, 3, 2),
            (Step.READY_FOR_COLLECTION, Reason.LAST_LEVEL_OVER, 3, None),
        ),
        (
            replace(at_level(3, date(2026, 2, 19)), state="ready_for_collection"),
            date(2026, 5, 1),
            (Step.NONE, Reason.IN_COLLECTION, 3, None),
        ),
        (
            replace(at_level(2, date(2026, 2, 5)), state="stopped"),
            date(2026, 5, 1),
            (Step.NONE, Reason.STOPPED, 2, None),
        ),
        (
            replace(FRESH, hindrance=Hindrance(Reason.PAYMENT_UNDER_WAY)),
            date(2026, 2, 1),
            (Step.NONE, Reason.PAYMENT_UNDER_WAY, 0, None),
        ),
        (
            replace(FRESH, hindrance=Hindrance(Reason.BLOCKED)),
            date(2026, 2, 1),
            (Step.NONE, Reason.BLOCKED, 0, None),
        ),
        (
            replace(FRESH, hindrance=Hindrance(Reason.BLOCKED, date(2026, 2, 1))),
            date(2026, 2, 1),
            (Step.NONE, Reason.BLOCKED, 0, date(2026, 2, 1)),
        ),
        (
            replace(FRESH, hindrance=Hindrance(Reason.BLOCKED, date(2026, 2, 1))),
            date(2026, 2, 2),
            (Step.LETTER, Reason.LEVEL_DUE, 1, None),
        ),
        (
            replace(FRESH, letter_today=True),
            date(2026, 2, 1),
            (Step.NONE, Reason.LETTER_TODAY, 1, date(2026, 2, 2)),
        ),
        # A deferred due date counts as the due date, whatever the level.
        (
            at_level(1, date(2026, 1, 22), due_on=date(2026, 3, 1)),
            date(2026, 2, 20),
            (Step.NONE, Reason.NOT_DUE, 1, date(2026, 3, 1)),
        ),
        (
            at_level(1, date(2026, 1, 22), due_on=date(2026, 3, 1)),
            date(2026, 3, 10),
            (Step.NONE, Reason.WAITING_FOR_LEVEL, 2, date(2026, 3, 15)),
        ),
    ],
)
def test_decision(facts, today, expected):
    assert rules.decide(facts, PROCEDURE, today) == Decision(*expected)


@pytest.mark.parametrize("procedure", [None, ProcedureFacts(())])
def test_without_a_procedure_nobody_is_reminded(procedure):
    assert rules.decide(FRESH, procedure, date(2026, 3, 1)).reason is Reason.NO_PROCEDURE


def test_a_letter_today_does_not_hold_up_the_hand_over():
    facts = at_level(3, date(2026, 2, 19), letter_today=True)
    assert rules.decide(facts, PROCEDURE, date(2026, 3, 2)).step is Step.READY_FOR_COLLECTION


def test_by_hand_the_calendar_does_not_count_and_everything_else_does():
    today = date(2026, 1, 23)
    facts = at_level(1, date(2026, 1, 22))
    assert rules.decide_by_hand(facts, PROCEDURE, today) == Decision(Step.LETTER, Reason.LEVEL_DUE, 2)
    last = at_level(3, date(2026, 1, 22))
    assert rules.decide_by_hand(last, PROCEDURE, today).step is Step.READY_FOR_COLLECTION
    for changes, reason in (
        ({"hindrance": Hindrance(Reason.PAYMENT_UNDER_WAY)}, Reason.PAYMENT_UNDER_WAY),
        ({"hindrance": Hindrance(Reason.BLOCKED)}, Reason.BLOCKED),
        ({"letter_today": True}, Reason.LETTER_TODAY),
        ({"state": "stopped"}, Reason.STOPPED),
        ({"open_minor": 0}, Reason.NOTHING_OWED),
    ):
        assert rules.decide_by_hand(replace(facts, **changes), PROCEDURE, today).reason is reason
    assert rules.decide_by_hand(facts, None, today).reason is Reason.NO_PROCEDURE


def test_a_level_locks_only_what_a_letter_has_announced():
    locking = LevelFacts(2, 14, 10, lock_scope="customer")
    assert rules.scope_locked("", locking) == ""
    assert rules.scope_locked("contract", locking) == "contract"
    assert rules.scope_locked("customer", locking) == "customer"
    assert rules.scope_locked("customer", LevelFacts(2, 14, 10)) == ""
    assert rules.scope_announced("contract", None) == "contract"
    assert rules.scope_announced("", locking) == "customer"


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        (PROCEDURE.levels, []),
        ((), ["none"]),
        ((LevelFacts(1, 7, 10), LevelFacts(1, 20, 10)), ["twice"]),
        ((LevelFacts(1, 7, 10), LevelFacts(3, 20, 10)), ["gap"]),
        ((LevelFacts(1, 7, 10, lock_scope="contract"),), ["first_locks"]),
        (
            (LevelFacts(1, 7, 10), LevelFacts(2, 14, 10, lock_scope="contract"), LevelFacts(3, 14, 10)),
            ["unlocks"],
        ),
        ((LevelFacts(1, 7, 14), LevelFacts(2, 14, 10)), ["impatient"]),
    ],
)
def test_weaknesses_of_a_procedure(levels, found):
    assert rules.weaknesses(levels) == found
    assert all(key in WEAKNESSES for key in found)


def test_every_reason_has_a_sentence():
    assert set(SENTENCES) == set(Reason)
    with override("en"):
        for reason in Reason:
            assert sentence(Decision(Step.NONE, reason, 2, date(2026, 2, 5)))
        assert "02/05/2026" in sentence(Decision(Step.NONE, Reason.BLOCKED, 1, date(2026, 2, 5)))
        assert "without end" in sentence(Decision(Step.NONE, Reason.BLOCKED, 1, None))
