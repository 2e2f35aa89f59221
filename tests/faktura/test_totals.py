"""Lines → tax groups → totals: to the cent, with prices net or gross, for every line that may be sold."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cms_billing.core.money import round_half_up
from cms_billing.faktura.totals import Amounts, PricedLine, add_up

RATES = [("standard", Decimal(19)), ("reduced", Decimal(7)), ("zero", Decimal(0)), ("odd", Decimal("8.10"))]

lines = st.lists(
    st.builds(
        lambda quantity, price, rate: PricedLine(quantity, price, *rate),
        quantity=st.decimals(min_value=Decimal("-99"), max_value=Decimal("999"), places=3),
        price=st.integers(min_value=-(10**7), max_value=10**7),
        rate=st.sampled_from(RATES),
    ),
    max_size=25,
).map(tuple)


def assert_adds_up(totals) -> None:
    assert totals.total.net + totals.total.tax == totals.total.gross
    for part in ("net", "tax", "gross"):
        whole = getattr(totals.total, part)
        assert sum(getattr(line, part) for line in totals.lines) == whole
        assert sum(getattr(group.amounts, part) for group in totals.groups) == whole
    for line in totals.lines:
        assert line.net + line.tax == line.gross


@given(lines, st.booleans())
def test_lines_add_up_to_groups_and_groups_to_the_total(some, prices_include_tax):
    totals = add_up(some, prices_include_tax=prices_include_tax)
    assert len(totals.lines) == len(some)
    assert_adds_up(totals)
    for group in totals.groups:
        members = [
            amounts
            for line, amounts in zip(some, totals.lines, strict=True)
            if (line.tax_code, line.tax_percent) == (group.tax_code, group.tax_percent)
        ]
        assert sum(member.net for member in members) == group.amounts.net
        assert sum(member.tax for member in members) == group.amounts.tax


@given(lines)
def test_promised_gross_price_stands(some):
    totals = add_up(some, prices_include_tax=True)
    for line, amounts in zip(some, totals.lines, strict=True):
        assert amounts.gross == round_half_up(line.quantity * line.unit_price_minor)


@given(lines)
def test_tax_of_a_group_is_rounded_once_from_its_net_sum(some):
    """EN 16931, BR-CO-17: tax = taxable amount × rate, rounded once."""
    totals = add_up(some, prices_include_tax=False)
    for group in totals.groups:
        assert group.amounts.tax == round_half_up(group.amounts.net * group.tax_percent / 100)


@given(lines)
def test_net_of_a_gross_group_is_off_by_no_more_than_half_a_cent(some):
    for group in add_up(some, prices_include_tax=True).groups:
        exact = Decimal(group.amounts.gross) / (1 + group.tax_percent / 100)
        assert abs(group.amounts.net - exact) <= Decimal("0.5")


@given(lines, st.booleans())
def test_cancellation_takes_back_exactly_what_was_billed(some, prices_include_tax):
    billed = add_up(some, prices_include_tax=prices_include_tax)
    reversed_lines = tuple(
        PricedLine(line.quantity, -line.unit_price_minor, line.tax_code, line.tax_percent) for line in some
    )
    taken_back = add_up(reversed_lines, prices_include_tax=prices_include_tax)
    for part in ("net", "tax", "gross"):
        assert getattr(taken_back.total, part) == -getattr(billed.total, part)
    for one, other in zip(billed.groups, taken_back.groups, strict=True):
        assert other.amounts == Amounts(-one.amounts.net, -one.amounts.tax, -one.amounts.gross)


@given(lines, st.booleans())
def test_no_line_is_distorted_by_more_than_rounding(some, prices_include_tax):
    totals = add_up(some, prices_include_tax=prices_include_tax)
    for line, amounts in zip(some, totals.lines, strict=True):
        factor = line.tax_percent / 100
        exact = Decimal(amounts.gross) * factor / (1 + factor) if prices_include_tax else amounts.net * factor
        assert abs(amounts.tax - exact) < Decimal("1.5")


def test_nothing_is_zero():
    assert add_up((), prices_include_tax=True).total == Amounts(0, 0, 0)


def test_three_times_nine_ninety():
    line = PricedLine(Decimal(1), 990, "standard", Decimal(19))
    totals = add_up((line,) * 3, prices_include_tax=True)
    assert totals.total == Amounts(2496, 474, 2970)
    assert [amounts.net for amounts in totals.lines] == [832, 832, 832]
