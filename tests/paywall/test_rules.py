"""The decision as a pure function, and beside a reference that a person can check by eye."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.paywall.rules import (
    Decision,
    Holding,
    Level,
    OpensTo,
    OpensWith,
    Reason,
    Rule,
    RulePlan,
    Standing,
    Visitor,
    decide,
)

TODAY = date(2026, 3, 31)
RULE = Rule(page_id=7, page_title="Magazine", plans=(RulePlan(1, "Membership"), RulePlan(2, "Patron")))


def holding(**facts) -> Holding:
    return Holding(
        **{
            "contract_id": 10,
            "contract": "V-10",
            "plan_id": 1,
            "plan": "Membership",
            "begun": True,
            "start": date(2026, 1, 1),
            **facts,
        }
    )


def decided(*holdings: Holding, visitor=Visitor.USER, rule=RULE, **levels: Level) -> Decision:
    standings = {int(key[1:]): Standing(level) for key, level in levels.items()}
    return decide(rule, visitor=visitor, holdings=holdings, standings=standings, today=TODAY)


@pytest.mark.parametrize(
    ("decision", "granted", "reason", "opens_with"),
    [
        (decided(rule=None, visitor=Visitor.GUEST), True, Reason.NOT_COVERED, OpensWith.NOTHING),
        (decided(visitor=Visitor.GUEST), False, Reason.NO_LOGIN, OpensWith.LOGIN),
        (decided(holding(), visitor=Visitor.GUEST), False, Reason.NO_LOGIN, OpensWith.LOGIN),
        (decided(), False, Reason.NO_PLAN, OpensWith.PLAN),
        (decided(visitor=Visitor.EDITOR), True, Reason.EDITOR, OpensWith.NOTHING),
        (decided(holding()), True, Reason.MEMBER, OpensWith.NOTHING),
        (decided(holding(plan_id=3)), False, Reason.NO_PLAN, OpensWith.PLAN),
        (decided(holding(), c10=Level.IN_ARREARS), True, Reason.ARREARS_BUT_OPEN, OpensWith.PAYMENT),
        (decided(holding(), c10=Level.LOCKED), False, Reason.LOCKED, OpensWith.PAYMENT),
        (decided(holding(), c10=Level.HANDED_OVER), False, Reason.LOCKED, OpensWith.PAYMENT),
        (decided(holding(begun=False)), False, Reason.NOT_STARTED, OpensWith.START),
        (decided(holding(start=date(2026, 4, 1))), False, Reason.NOT_STARTED, OpensWith.START),
        (decided(holding(end=TODAY)), True, Reason.MEMBER, OpensWith.NOTHING),
        (decided(holding(end=date(2026, 3, 30))), False, Reason.ENDED, OpensWith.PLAN),
        (decided(holding(closed=True)), False, Reason.ENDED, OpensWith.PLAN),
        (decided(holding(closed=True, for_good=True)), True, Reason.PAID_FOR_GOOD, OpensWith.NOTHING),
        (
            decided(
                holding(),
                rule=Rule(page_id=1, page_title="Sample", opens_to=OpensTo.EVERYONE),
                visitor=Visitor.GUEST,
            ),
            True,
            Reason.FREE,
            OpensWith.NOTHING,
        ),
    ],
)
def test_decision(decision, granted, reason, opens_with):
    assert (decision.granted, decision.reason, decision.opens_with) == (granted, reason, opens_with)


def test_best_contract_counts():
    locked, paid = holding(), holding(contract_id=11, plan_id=2)
    assert decided(locked, paid, c10=Level.LOCKED).holding == paid
    assert decided(locked, holding(contract_id=9, closed=True), c10=Level.LOCKED).reason is Reason.LOCKED


def test_covered_says_what_no_cache_may_keep():
    assert not decided(rule=None).covered
    assert not decided(rule=Rule(page_id=1, page_title="Sample", opens_to=OpensTo.EVERYONE)).covered
    assert decided(holding()).covered
    assert decided(visitor=Visitor.GUEST).covered


# -- beside a reference -------------------------------------------------------------------------------------------

days = st.integers(-3, 3).map(lambda n: TODAY + timedelta(days=n))
holdings = st.lists(
    st.builds(
        holding,
        contract_id=st.integers(1, 3),
        plan_id=st.integers(1, 3),
        begun=st.booleans(),
        start=days,
        end=st.none() | days,
        closed=st.booleans(),
        for_good=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda h: h.contract_id,
)
standings = st.dictionaries(st.integers(1, 3), st.sampled_from(Level).map(Standing))
rules = st.none() | st.builds(
    Rule,
    page_id=st.just(1),
    page_title=st.just("x"),
    opens_to=st.sampled_from(OpensTo),
    plans=st.lists(st.integers(1, 3), unique=True).map(lambda ids: tuple(RulePlan(i, str(i)) for i in ids)),
)


def reference(rule, visitor, held, standings) -> bool:
    """Open, when nobody closed it, or to editors, or through a contract that runs unlocked or was paid for good."""
    if rule is None or rule.opens_to == OpensTo.EVERYONE:
        return True
    if visitor == Visitor.GUEST:
        return False
    if visitor in (Visitor.EDITOR, Visitor.CRAWLER):
        return True
    for h in held:
        if h.plan_id not in {plan.id for plan in rule.plans}:
            continue
        over = h.closed or (h.end or TODAY) < TODAY
        if over and h.for_good:
            return True
        runs = not over and h.begun and h.start <= TODAY
        if runs and standings.get(h.contract_id, Standing()).level in (Level.GOOD, Level.IN_ARREARS):
            return True
    return False


@given(rule=rules, visitor=st.sampled_from(Visitor), held=holdings, standings=standings)
def test_decision_agrees_with_the_reference(rule, visitor, held, standings):
    decision = decide(rule, visitor=visitor, holdings=held, standings=standings, today=TODAY)
    assert decision.granted == reference(rule, visitor, held, standings)
    assert decision.granted or decision.opens_with is not OpensWith.NOTHING
