"""Money is exact: whatever is added, split or rounded, nothing appears and nothing is lost."""

from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.core.exceptions import CurrencyMismatch, InvalidAmount, UnknownCurrency
from cms_billing.core.forms import NumberField
from cms_billing.core.money import MAX_MINOR, Money, allocate_minor, exponent, total

CURRENCIES = ["EUR", "CHF", "USD", "JPY", "KWD", "CLF"]
minors = st.integers(min_value=-(10**11), max_value=10**11)
currencies = st.sampled_from(CURRENCIES)
amounts = st.builds(Money, minors, currencies)
weights = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=40).filter(any)


@given(amounts)
def test_amount_and_minor_units_are_the_same_money(money):
    assert Money.of(money.amount, money.currency) == money
    assert Money.of(str(money.amount), money.currency) == money


@given(currencies, st.lists(minors, max_size=30))
def test_sum_is_the_sum_of_the_minor_units(currency, values):
    assert total((Money(value, currency) for value in values), currency) == Money(sum(values), currency)


@given(amounts, weights)
def test_split_loses_no_cent(money, parts):
    split = money.allocate(parts)
    assert total(split, money.currency) == money
    whole = sum(parts)
    for part, weight in zip(split, parts, strict=True):
        assert abs(part.minor - Decimal(money.minor) * weight / whole) < 1


@given(minors, weights)
def test_split_of_a_debt_mirrors_that_of_a_claim(amount, parts):
    assert allocate_minor(-amount, parts) == [-part for part in allocate_minor(amount, parts)]


@given(amounts, minors)
def test_what_is_added_can_be_taken_away(money, other):
    other = Money(other, money.currency)
    assert money + other - other == money
    assert money - money == Money.zero(money.currency)
    assert money + -money == Money.zero(money.currency)
    assert abs(money).minor == abs(money.minor)


@given(amounts, amounts)
def test_different_currencies_never_meet(one, other):
    if one.currency == other.currency:
        assert (one < other) == (one.minor < other.minor)
        return
    with pytest.raises(CurrencyMismatch):
        one + other
    with pytest.raises(CurrencyMismatch):
        _ = one < other


@given(amounts, st.decimals(min_value=-1000, max_value=1000, places=4))
def test_multiplied_once_and_rounded_half_away_from_zero(money, factor):
    product = money * factor
    exact = money.minor * factor
    assert abs(product.minor - exact) <= Decimal("0.5")
    if abs(exact - int(exact)) == Decimal("0.5"):
        assert abs(product.minor) > abs(exact)


@pytest.mark.parametrize(
    ("currency", "digits", "amount", "minor"),
    [("EUR", 2, "12.50", 1250), ("JPY", 0, "1250", 1250), ("KWD", 3, "1.250", 1250)],
)
def test_every_currency_has_its_own_decimals(currency, digits, amount, minor):
    assert exponent(currency) == digits
    assert Money.of(amount, currency) == Money(minor, currency)
    assert str(Money(minor, currency)) == f"{amount} {currency}"


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.234", "EUR"),
        ("0.5", "JPY"),
        ("NaN", "EUR"),
        ("Infinity", "EUR"),
        ("zehn", "EUR"),
        ("10000000000", "EUR"),
    ],
)
def test_what_is_no_amount_is_refused(amount, currency):
    with pytest.raises(InvalidAmount):
        Money.of(amount, currency)


@pytest.mark.parametrize("value", [1.5, True, "12"])
def test_minor_units_are_whole_numbers(value):
    with pytest.raises(InvalidAmount):
        Money(value, "EUR")


def test_floats_are_refused_everywhere():
    with pytest.raises(InvalidAmount):
        Money.of(9.9, "EUR")  # type: ignore[arg-type]
    with pytest.raises(InvalidAmount):
        Money(990, "EUR") * 1.5  # type: ignore[operator]


@pytest.mark.parametrize("currency", ["EURO", "XXXX", "eur", ""])
def test_unknown_currency_is_refused(currency):
    with pytest.raises(UnknownCurrency):
        Money(1, currency)


def test_largest_amount_is_a_thousand_million():
    assert Money.of("1000000000", "EUR").minor == MAX_MINOR


@pytest.mark.parametrize(("parts"), [[], [0, 0], [1, -1]])
def test_split_needs_weights(parts):
    with pytest.raises(InvalidAmount):
        allocate_minor(100, parts)


def test_formatted_as_people_write_it():
    assert Money(123450, "EUR").format("de") == "1.234,50\xa0€"
    assert Money(123450, "EUR").format("en") == "€1,234.50"
    assert Money(1250, "JPY").format("de") == "1.250\xa0¥"


@pytest.mark.parametrize(
    ("language", "typed", "meant"),
    [
        ("de", "1.190,50", "1190.50"),
        ("de", "1.190", "1190"),
        ("de", "1.234.567", "1234567"),
        ("de", "11.90", "11.90"),
        ("de", "-1.190,00", "-1190.00"),
        ("de", "1 190,00", "1190.00"),
        ("de", "0.125", "0.125"),
        ("en", "1,190.50", "1190.50"),
        ("en", "1,190", "1190"),
        ("en", "1'190.50", "1190.50"),
        ("en", "1.190", "1.190"),
    ],
)
def test_number_is_read_as_it_is_written_in_a_language(language, typed, meant):
    with translation.override(language):
        assert NumberField().clean(typed) == Decimal(meant)
