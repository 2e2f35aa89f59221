"""What the terms of a rule decide: free days, levels of arrears, a lesson's day, gifts and free reads."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.paywall.rules import (
    Holding,
    Level,
    OpensTo,
    OpensWith,
    Passes,
    Preview,
    Reason,
    Rule,
    RulePlan,
    RuleTerms,
    Standing,
    Visitor,
    decide,
)
from cms_billing.paywall.terms import refined

TODAY = date(2026, 3, 31)
TOMORROW = date(2026, 4, 1)
YESTERDAY = date(2026, 3, 30)
RULE = Rule(page_id=7, page_title="Magazine", quota_page_id=7, plans=(RulePlan(1, "Membership"),))
HELD = Holding(
    contract_id=10, contract="V-10", plan_id=1, plan="Membership", begun=True, start=date(2026, 1, 1)
)


def asked(rule=RULE, *, visitor=Visitor.USER, holding=HELD, standing=None, passes=None):
    return decide(
        rule,
        visitor=visitor,
        holdings=[holding] if holding and visitor is not Visitor.GUEST else [],
        standings={10: standing} if standing else {},
        today=TODAY,
        passes=passes,
    )


class TestFreeDays:
    @pytest.mark.parametrize(
        ("until", "start", "free", "changes_on"),
        [
            (TODAY, None, True, TOMORROW),
            (YESTERDAY, None, False, None),
            (None, TODAY, True, None),
            (None, TOMORROW, False, TOMORROW),
            (YESTERDAY, TOMORROW, False, TOMORROW),
            (TODAY, date(2026, 5, 1), True, TOMORROW),
            (TODAY, TOMORROW, True, None),
        ],
    )
    def test_everybody_reads_until_and_from_a_day(self, until, start, free, changes_on):
        rule = replace(RULE, free_until=until, free_from=start)
        decision = asked(rule, visitor=Visitor.GUEST)
        assert decision.granted is free
        assert decision.reason is (Reason.FREE_NOW if free else Reason.NO_LOGIN)
        assert decision.changes_on == changes_on
        assert decision.covered is not free

    @given(
        until=st.none() | st.dates(date(2026, 1, 1), date(2026, 3, 1)),
        start=st.none() | st.dates(date(2026, 1, 1), date(2026, 3, 1)),
        day=st.dates(date(2025, 12, 20), date(2026, 3, 10)),
    )
    def test_nothing_changes_before_the_day_that_is_named(self, until, start, day):
        terms = RuleTerms(free_until=until, free_from=start)
        change = terms.changes_after(day)
        last = change or date(2026, 4, 1)
        between = [day + timedelta(days=n) for n in range((last - day).days)]
        assert all(terms.is_free_on(each) == terms.is_free_on(day) for each in between)
        assert change is None or terms.is_free_on(change) != terms.is_free_on(day)


class TestArrears:
    @pytest.mark.parametrize(
        ("closes_at", "level", "reached", "paid", "reason"),
        [
            (None, Level.IN_ARREARS, 2, False, Reason.ARREARS_BUT_OPEN),
            (None, Level.LOCKED, 3, False, Reason.LOCKED),
            (2, Level.IN_ARREARS, 1, False, Reason.ARREARS_BUT_OPEN),
            (2, Level.IN_ARREARS, 2, False, Reason.IN_ARREARS),
            (2, Level.IN_ARREARS, 2, True, Reason.ARREARS_BUT_OPEN),
            (3, Level.LOCKED, 2, False, Reason.ARREARS_BUT_OPEN),
            (3, Level.LOCKED, 3, False, Reason.LOCKED),
            (3, Level.LOCKED, 3, True, Reason.LOCKED_BUT_PAID),
            (0, Level.LOCKED, 3, False, Reason.ARREARS_BUT_OPEN),
            (0, Level.HANDED_OVER, 3, False, Reason.ARREARS_BUT_OPEN),
        ],
    )
    def test_a_rule_closes_at_a_level_of_its_own(self, closes_at, level, reached, paid, reason):
        standing = Standing(level, arrears_level=reached, paid=paid)
        assert asked(replace(RULE, closes_at=closes_at), standing=standing).reason is reason


class TestDrip:
    @pytest.mark.parametrize(
        ("opens_on", "after_days", "first_day"),
        [
            (TODAY, None, None),
            (TOMORROW, None, TOMORROW),
            (None, 89, None),
            (None, 90, TOMORROW),
            (TODAY, 90, TOMORROW),
            (date(2026, 6, 1), 10, date(2026, 6, 1)),
        ],
    )
    def test_members_read_from_a_day(self, opens_on, after_days, first_day):
        decision = asked(replace(RULE, opens_on=opens_on, opens_after_days=after_days))
        assert decision.granted is (first_day is None)
        assert decision.opens_on == first_day
        if first_day:
            assert (decision.reason, decision.opens_with) == (Reason.NOT_YET, OpensWith.WAIT)

    def test_editors_read_before(self):
        rule = replace(RULE, opens_on=TOMORROW)
        assert asked(rule, visitor=Visitor.EDITOR).reason is Reason.EDITOR

    def test_a_locked_member_is_told_of_the_lock(self):
        rule = replace(RULE, opens_on=TOMORROW)
        assert asked(rule, standing=Standing(Level.LOCKED)).reason is Reason.LOCKED


class TestPasses:
    def test_a_gift_opens_for_guests(self):
        decision = asked(visitor=Visitor.GUEST, passes=Passes(gift=True))
        assert (decision.granted, decision.reason, decision.covered) == (True, Reason.GIFT, True)

    def test_a_free_read_opens_and_says_what_is_left(self):
        decision = asked(visitor=Visitor.GUEST, passes=Passes(free_read=True, free_left=2))
        assert (decision.granted, decision.reason, decision.free_left) == (True, Reason.FREE_READ, 2)

    @pytest.mark.parametrize(
        ("rule", "standing"),
        [
            (RULE, Standing(Level.LOCKED)),
            (replace(RULE, closes_at=1), Standing(Level.IN_ARREARS, arrears_level=1)),
            (replace(RULE, opens_on=TOMORROW), None),
        ],
    )
    def test_neither_pays_a_debt_nor_brings_a_lesson_forward(self, rule, standing):
        assert not asked(rule, standing=standing, passes=Passes(gift=True, free_read=True)).granted

    def test_every_guest_without_a_cookie_gets_the_same_teaser(self):
        plain = asked(replace(RULE, quota=3), visitor=Visitor.GUEST)
        assert (plain.free_left, plain.for_all_guests) == (3, True)
        used = asked(replace(RULE, quota=3), visitor=Visitor.GUEST, passes=Passes(free_left=1, personal=True))
        assert (used.free_left, used.for_all_guests) == (1, False)


class TestRefining:
    ABOVE = RuleTerms(
        preview=Preview.TEXT, teaser_text="Ask us", closes_at=2, quota=3, gifts=5, opens_on=TODAY
    )

    def test_what_is_left_open_comes_from_above(self):
        own = RuleTerms(opens_to=OpensTo.SECTION, preview=Preview.SECTION)
        assert refined(own, self.ABOVE) == self.ABOVE

    def test_what_is_said_counts(self):
        own = RuleTerms(opens_to=OpensTo.SECTION, quota=0, opens_after_days=7, free_until=TODAY)
        found = refined(own, self.ABOVE)
        assert (found.quota, found.gifts, found.closes_at) == (0, 5, 2)
        assert (found.opens_on, found.opens_after_days, found.free_until) == (None, 7, TODAY)
        assert (found.preview, found.teaser_text) == (Preview.PAGE, "")
