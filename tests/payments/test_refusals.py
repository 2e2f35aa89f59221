"""What refusals mean, and when a refused charge is tried again: the pure rules."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.payments.refusal_codes import BY_PROVIDER, SEPA, Meaning, RefusalClass
from cms_billing.payments.refusal_texts import FOR_MEMBERS
from cms_billing.payments.refusals import FOR_EDITORS, Overruling, refusal_of
from cms_billing.payments.retries import (
    CARDS,
    DEBITS,
    Policy,
    RetryTerms,
    Stop,
    allowed_day,
    next_attempt,
    terms_for,
)

MONDAY = date(2026, 3, 9)
HARD, MEMBER, SOFT, UNKNOWN = (
    RefusalClass.HARD,
    RefusalClass.NEEDS_MEMBER,
    RefusalClass.SOFT,
    RefusalClass.UNKNOWN,
)


def at(day: date, hour: int = 4) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "code", "advice", "kind", "meaning"),
    [
        ("stripe", "insufficient_funds", "", SOFT, Meaning.NO_MONEY),
        ("stripe", "insufficient_funds", "try_again_later", SOFT, Meaning.NO_MONEY),
        ("stripe", "generic_decline", "do_not_try_again", HARD, Meaning.DECLINED),
        ("stripe", "generic_decline", "confirm_card_data", MEMBER, Meaning.DECLINED),
        ("stripe", "generic_decline", "try_again_later 03", HARD, Meaning.DECLINED),
        ("stripe", "stolen_card", "try_again_later", HARD, Meaning.LOST),
        ("stripe", "authentication_required", "", MEMBER, Meaning.AUTHENTICATION),
        ("mollie", "inactive_card", "", HARD, Meaning.BLOCKED),
        ("mollie", "card_expired", "", MEMBER, Meaning.EXPIRED),
        ("mollie", "unknown_reason", "", SOFT, Meaning.DECLINED),
        ("mollie", "AM04", "", SOFT, Meaning.NO_MONEY),
        ("mollie", "no_suitable_mandate", "", HARD, Meaning.NO_MANDATE),
        ("mollie", "customer_gone", "", HARD, Meaning.NO_MANDATE),
        ("adyen", "5", "", HARD, Meaning.BLOCKED),
        ("adyen", "2", "MAC-21", HARD, Meaning.DECLINED),
        ("adyen", "38", "", MEMBER, Meaning.AUTHENTICATION),
        ("adyen", "AC04:ClosedAccountNumber", "", HARD, Meaning.ACCOUNT_CLOSED),
        ("adyen", "MD06", "", MEMBER, Meaning.OBJECTED),
        ("adyen", "9999", "", UNKNOWN, Meaning.UNKNOWN),
        ("stripe", "9999", "MAC 02", SOFT, Meaning.UNKNOWN),
        ("a-site's-own", "expired_card", "", MEMBER, Meaning.EXPIRED),
    ],
)
def test_code_and_advice_say_what_may_be_done(provider, code, advice, kind, meaning):
    refusal = refusal_of(provider, code, advice)
    assert (refusal.kind, refusal.meaning) == (kind, meaning)


def test_card_networks_say_how_long_to_wait():
    assert refusal_of("adyen", "2", "MAC-24").wait_days == 1
    assert refusal_of("adyen", "2", "MAC-30").wait_days == 10
    assert refusal_of("adyen", "2").wait_days == 0


def test_a_dead_method_is_hard_whatever_the_code():
    refusal = refusal_of("stripe", "brand_new_code", final=True)
    assert (refusal.kind, refusal.ends_the_method) == (HARD, True)
    assert refusal_of("stripe", "expired_card", final=True).kind is MEMBER
    assert refusal_of("stripe", "insufficient_funds").ends_the_method is False


def test_editors_overrule_a_code_from_a_day_on_but_not_the_network():
    rules = [
        Overruling("stripe", "card_not_supported", SOFT, date(2026, 1, 1)),
        Overruling("stripe", "card_not_supported", MEMBER, date(2026, 6, 1)),
    ]

    def kind(day, advice="", code="card_not_supported"):
        return refusal_of("stripe", code, advice, final=True, overrulings=rules, today=day).kind

    assert kind(date(2025, 12, 31)) is HARD
    assert kind(date(2026, 1, 1)) is SOFT
    assert kind(date(2026, 6, 1)) is MEMBER
    assert kind(date(2026, 1, 1), advice="do_not_try_again") is HARD
    assert kind(date(2026, 1, 1), code="lost_card") is HARD


def test_members_never_read_a_code_and_editors_do():
    for provider, codes in {**BY_PROVIDER, "sepa": SEPA}.items():
        for code in codes:
            refusal = refusal_of(provider, code, "MAC-02")
            assert code not in refusal.member_text.split()
            assert "MAC" not in refusal.member_text
            assert refusal.member_text.endswith(".")
            assert refusal.editor_text.endswith(f"({code} MAC-02)")
    assert set(FOR_MEMBERS) == set(FOR_EDITORS) == set(Meaning)


def test_members_do_not_learn_from_us_that_a_card_was_reported_stolen():
    refusal = refusal_of("stripe", "stolen_card")
    assert refusal.member_text == "Your bank has blocked this card."
    assert refusal.editor_text == "card reported lost or stolen (stolen_card)"


def test_soft_refusals_are_tried_again_after_the_waits_and_then_no_more():
    attempts, days, today = [at(MONDAY)], [], MONDAY
    while (decision := next_attempt(CARDS, SOFT, attempts, today=today)).on:
        days.append(decision.on)
        today = decision.on
        attempts.append(at(today))
    assert days == [date(2026, 3, 12), date(2026, 3, 17), date(2026, 3, 24)]
    assert decision.stop is Stop.ALL_ATTEMPTS


def test_weekends_are_left_out():
    wednesday = date(2026, 3, 11)
    assert next_attempt(CARDS, SOFT, [at(wednesday)], today=wednesday).on == date(2026, 3, 16)


@pytest.mark.parametrize(("kind", "stop"), [(HARD, Stop.HARD), (MEMBER, Stop.NEEDS_MEMBER)])
def test_hard_and_member_refusals_are_not_tried_again(kind, stop):
    decision = next_attempt(CARDS, kind, [at(MONDAY)], today=MONDAY)
    assert (decision.on, decision.stop) == (None, stop)


def test_direct_debits_wait_for_their_clearing_and_unknown_reasons_are_for_a_person():
    told = MONDAY + timedelta(days=2)
    assert next_attempt(DEBITS, SOFT, [at(MONDAY)], today=told).on == date(2026, 3, 16)
    assert next_attempt(DEBITS, UNKNOWN, [at(MONDAY)], today=told).stop is Stop.UNKNOWN
    two = [at(MONDAY), at(date(2026, 3, 16)), at(date(2026, 3, 23))]
    assert next_attempt(DEBITS, SOFT, two, today=date(2026, 3, 25)).stop is Stop.ALL_ATTEMPTS


def test_late_hours_count_for_the_gap():
    terms = RetryTerms(waits=(1,), avoids_weekends=False)
    assert next_attempt(terms, SOFT, [at(MONDAY, 15)], today=MONDAY).on == date(2026, 3, 11)


def test_a_worn_out_card_waits_until_its_cap_leaves_room():
    terms = RetryTerms(cap=3, cap_days=30, avoids_weekends=False)
    refused = [date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 9)]
    assert allowed_day(terms, date(2026, 3, 12), refused) == date(2026, 3, 31)
    assert next_attempt(terms, SOFT, [at(MONDAY)], today=MONDAY, on_instrument=refused).stop is Stop.WINDOW


def test_the_most_particular_policy_of_today_holds():
    def policy(waits, issuer=None, provider="", kind="", since=date(2026, 1, 1)):
        return Policy(issuer, provider, kind, since, RetryTerms(waits=waits))

    policies = [
        policy((1,)),
        policy((2,), provider="stripe"),
        policy((3,), kind="card"),
        policy((4,), issuer=7),
        policy((5,), issuer=7, since=date(2026, 3, 1)),
        policy((6,), issuer=7, since=date(2027, 1, 1)),
        policy((7,), issuer=8, provider="stripe", kind="card"),
    ]

    def waits(issuer, provider, kind):
        terms = terms_for(policies, issuer_id=issuer, provider=provider, kind=kind, today=MONDAY)
        return terms.waits

    assert waits(1, "mollie", "paypal") == (1,)
    assert waits(1, "stripe", "paypal") == (2,)
    assert waits(1, "stripe", "card") == (3,)
    assert waits(7, "stripe", "card") == (5,)
    assert terms_for([], issuer_id=1, provider="", kind="sepa_debit", today=MONDAY) == DEBITS
    assert terms_for([], issuer_id=1, provider="", kind="card", today=MONDAY) == CARDS


terms = st.builds(
    RetryTerms,
    waits=st.lists(st.integers(1, 20), min_size=1, max_size=4).map(tuple),
    attempts=st.integers(1, 8),
    window=st.integers(1, 90),
    gap=st.integers(24, 200).map(lambda hours: timedelta(hours=hours)),
    cap=st.integers(1, 6),
    cap_days=st.integers(1, 40),
    clearing=st.integers(0, 14),
    avoids_weekends=st.booleans(),
    retries_unknown=st.booleans(),
)
answers = st.lists(
    st.tuples(
        st.sampled_from(RefusalClass),
        st.integers(0, 9),  # days until the refusal is told
        st.integers(0, 23),  # hour of the attempt
        st.sampled_from([0, 0, 1, 2, 10]),  # the wait that the network asks for
    ),
    min_size=1,
    max_size=12,
)


@given(
    terms=terms,
    answers=answers,
    elsewhere=st.lists(st.dates(date(2026, 2, 1), date(2026, 4, 30)), max_size=8),
)
def test_whatever_is_answered_the_policy_is_kept(terms, answers, elsewhere):
    day, attempts, refused = MONDAY, [], list(elsewhere)
    for kind, told_after, hour, wait in answers:
        attempts.append(at(day, hour))
        today = day + timedelta(days=told_after)
        refused.append(day)
        decision = next_attempt(terms, kind, attempts, today=today, wait_days=wait, on_instrument=refused)
        assert (decision.on is None) == (decision.stop is not None)
        if decision.on is None:
            break
        assert kind in (SOFT, UNKNOWN)
        assert kind is SOFT or terms.retries_unknown
        assert len(attempts) < terms.attempts
        assert decision.on > today
        assert decision.on >= today + timedelta(days=wait)
        assert at(decision.on, 0) - attempts[-1] >= terms.gap
        assert decision.on >= day + timedelta(days=terms.clearing)
        assert decision.on <= MONDAY + timedelta(days=terms.window)
        assert not terms.avoids_weekends or decision.on.weekday() < 5
        span = [one for one in refused if decision.on - timedelta(days=terms.cap_days) < one <= decision.on]
        assert len(span) < terms.cap
        day = decision.on
    assert len(attempts) <= terms.attempts
