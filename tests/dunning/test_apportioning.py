"""§§ 366, 367 BGB: what a payment settles, and that the parts always add up."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.dunning.apportioning import (
    BY_LAW,
    FEES,
    FLAT,
    INTEREST,
    PRINCIPAL,
    Account,
    Posting,
    apportion,
    spread_waiver,
)

DAY = date(2026, 3, 1)


def claimed(part: str, minor: int) -> Posting:
    return Posting(DAY, minor, part)


def paid(minor: int, payment: int = 1, *, principal_first: bool = False) -> Posting:
    return Posting(DAY + timedelta(days=1), -minor, payment=payment, principal_first=principal_first)


def came_back(minor: int, payment: int = 1) -> Posting:
    return Posting(DAY + timedelta(days=2), minor, payment=payment)


def left(account: Account) -> dict[str, int]:
    return {part: minor for part, minor in account.open.items() if minor}


CLAIM = [claimed(PRINCIPAL, 10000), claimed(FEES, 250), claimed(INTEREST, 400)]


@pytest.mark.parametrize(
    ("postings", "expected"),
    [
        # Costs, then interest, then the principal (§ 367 (1)).
        ([paid(200)], {FEES: 50, INTEREST: 400, PRINCIPAL: 10000}),
        ([paid(500)], {INTEREST: 150, PRINCIPAL: 10000}),
        ([paid(5000)], {PRINCIPAL: 5650}),
        ([paid(10650)], {}),
        # As the debtor said (§ 367 (2)).
        ([paid(5000, principal_first=True)], {FEES: 250, INTEREST: 400, PRINCIPAL: 5000}),
        ([paid(10300, principal_first=True)], {INTEREST: 350}),
        # More than is owed is the customer's.
        ([paid(11000)], {PRINCIPAL: -350}),
        # What comes back opens what it had settled, whatever came in between.
        ([paid(500), came_back(500)], {FEES: 250, INTEREST: 400, PRINCIPAL: 10000}),
        ([paid(500), paid(5000, 2, principal_first=True), came_back(500)], {FEES: 250, INTEREST: 400, PRINCIPAL: 5000}),
        ([paid(500), paid(5000, 2, principal_first=True), came_back(5000, 2)], {INTEREST: 150, PRINCIPAL: 10000}),
        ([paid(500), came_back(300)], {FEES: 50, INTEREST: 400, PRINCIPAL: 10000}),
        # A fee that is waived after it was paid pays for the rest: 150 of interest, 100 of principal.
        ([paid(500), claimed(FEES, -250)], {PRINCIPAL: 9900}),
        # A credit note is about the principal.
        ([claimed(PRINCIPAL, -4000)], {FEES: 250, INTEREST: 400, PRINCIPAL: 6000}),
        ([paid(10650), claimed(PRINCIPAL, -1000)], {PRINCIPAL: -1000}),
        ([paid(10000, principal_first=True), claimed(PRINCIPAL, -500)], {INTEREST: 150}),
    ],
)  # fmt: skip
def test_what_is_left(postings: list[Posting], expected: dict[str, int]) -> None:
    by_day = [
        Posting(DAY + timedelta(days=i + 1), p.minor, p.part, p.principal_first, p.payment)
        for i, p in enumerate(postings)
    ]
    assert left(apportion([*CLAIM, *by_day])) == expected


def test_the_flat_compensation_is_a_cost() -> None:
    account = apportion([claimed(PRINCIPAL, 10000), claimed(FLAT, 4000), paid(4500)])

    assert left(account) == {PRINCIPAL: 9500}


def test_a_payment_entered_later_counts_from_its_own_day() -> None:
    """The fee came after the money: it is open, and the money has settled the principal."""
    fee = Posting(DAY + timedelta(days=5), 250, FEES)

    account = apportion([claimed(PRINCIPAL, 10000), fee, paid(4000)])

    assert left(account) == {FEES: 250, PRINCIPAL: 6000}
    assert account.principal == [
        (DAY, 10000),
        (DAY + timedelta(days=1), 6000),
        (DAY + timedelta(days=5), 6000),
    ]


POSTINGS = st.lists(
    st.builds(
        Posting,
        day=st.dates(DAY, DAY + timedelta(days=20)),
        minor=st.integers(-20000, 20000),
        part=st.sampled_from(["", "", "", *BY_LAW]),
        principal_first=st.booleans(),
        payment=st.none() | st.integers(1, 3),
    ),
    max_size=20,
)


@given(POSTINGS)
def test_parts_always_add_up_to_the_open_amount(postings: list[Posting]) -> None:
    account = Account()
    for posting in postings:
        before = account.open_minor
        account.post(posting)

        assert account.open_minor == before + posting.minor
        assert all(account.open[part] >= 0 for part in BY_LAW if part != PRINCIPAL)
        assert account.open[PRINCIPAL] >= 0 or not any(account.open[part] for part in BY_LAW[:-1])


@given(st.integers(1, 5000), st.integers(0, 900), st.integers(0, 900), st.integers(1, 9000))
def test_a_payment_by_law_leaves_principal_only_to_last(
    principal: int, fee: int, interest: int, money: int
) -> None:
    account = apportion(
        [claimed(PRINCIPAL, principal), claimed(FEES, fee), claimed(INTEREST, interest), paid(money)]
    )

    if account.open[PRINCIPAL] < principal:
        assert account.open[FEES] == account.open[INTEREST] == 0
    if account.open[INTEREST] < interest:
        assert account.open[FEES] == 0


@given(st.integers(0, 1000), st.lists(st.tuples(st.sampled_from(BY_LAW), st.integers(-50, 500)), max_size=6))
def test_a_waiver_is_spread_within_what_is_claimed(minor: int, limits: list[tuple[str, int]]) -> None:
    parts = spread_waiver(minor, limits)

    assert sum(part for _name, part in parts) == min(minor, sum(max(limit, 0) for _name, limit in limits))
    assert all(part > 0 for _name, part in parts)
