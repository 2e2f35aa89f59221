from hypothesis import given
from hypothesis import strategies as st

from cms_billing.shop.rules import Price, SoldLine, price_of_units, prices_of, share_extras


def line(gross, *, quantity=1, tax="standard", issuer=1, shipped=True):
    return SoldLine(
        id=1,
        position=1,
        title="Liederbuch",
        quantity=quantity,
        gross_minor=gross,
        tax_code=tax,
        issuer_id=issuer,
        is_shipped=shipped,
    )


def test_a_price_that_divides_is_shown_by_unit():
    assert prices_of(line(4960, quantity=2)) == [Price(2, 2480)]


def test_a_price_that_does_not_divide_is_shown_in_whole_units_at_two_prices():
    assert prices_of(line(7439, quantity=3)) == [Price(2, 2480), Price(1, 2479)]
    assert prices_of(line(1000, quantity=3)) == [Price(1, 334), Price(2, 333)]


def test_free_goods_keep_their_count():
    assert prices_of(line(0, quantity=3)) == [Price(3, 0)]


def test_shipping_follows_what_is_shipped_by_its_value():
    lines = [line(3000), line(1000, tax="reduced"), line(9900, shipped=False)]
    shares = {share.tax_code: share.gross_minor for share in share_extras(400, lines)}
    assert shares == {"standard": 300, "reduced": 100}


def test_shipping_of_free_goods_is_split_evenly():
    shares = share_extras(401, [line(0), line(0, issuer=2)])
    assert [(share.issuer_id, share.gross_minor) for share in shares] == [(1, 201), (2, 200)]


lines = st.builds(
    line,
    st.integers(0, 10**7),
    quantity=st.integers(1, 50),
    tax=st.sampled_from(["standard", "reduced", "zero"]),
    issuer=st.integers(1, 3),
    shipped=st.booleans(),
)


@given(lines)
def test_units_and_prices_add_up_to_the_line(sold):
    prices = prices_of(sold)
    assert sum(price.quantity for price in prices) == sold.quantity
    assert sum(price.quantity * price.unit_price_minor for price in prices) == sold.gross_minor
    assert sum(price_of_units(sold)) == sold.gross_minor
    assert max(p.unit_price_minor for p in prices) - min(p.unit_price_minor for p in prices) in (0, 1)
    assert len(prices) <= 2


@given(st.integers(0, 10**6), st.lists(lines, min_size=1, max_size=8))
def test_shares_of_shipping_add_up(amount, sold):
    assert sum(share.gross_minor for share in share_extras(amount, sold)) == amount
