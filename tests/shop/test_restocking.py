from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cms_billing.shop.restocking import Goods, Move, take_back


def test_units_that_were_not_shipped_are_released_before_shipped_ones_come_back():
    goods = Goods(ordered=3, allocated=1, in_stock=7, reserved=4)
    assert take_back(goods, units=Decimal(2), restock=True) == [
        Move("released", 1, 0, -1, -1),
        Move("returned", 1, 1),
    ]


def test_damaged_units_leave_the_stock_only_if_they_were_still_in_it():
    goods = Goods(ordered=3, allocated=1, in_stock=7, reserved=4)
    assert take_back(goods, units=Decimal(2), restock=False) == [
        Move("written_off", 1, -1, -1, -1),
        Move("damaged", 1),
    ]


def test_no_more_units_come_back_than_were_ordered():
    goods = Goods(ordered=2, taken_back=1, in_stock=7)
    assert take_back(goods, units=Decimal(2), restock=True) == [
        Move("returned", 1, 1),
        Move("not_rebooked", 1, reason="already_back"),
    ]


def test_untracked_products_are_untouched():
    assert take_back(Goods(ordered=2, is_tracked=False), units=Decimal(2), restock=True) == [
        Move("untracked", 2)
    ]


def test_a_deleted_stock_record_is_said():
    assert take_back(Goods(ordered=2, is_tracked=None), units=Decimal(1), restock=True) == [
        Move("not_rebooked", 1, reason="record_is_gone")
    ]


def test_what_the_shop_released_itself_does_not_come_back_a_second_time():
    goods = Goods(ordered=2, allocation_cancelled=True, in_stock=7)
    assert take_back(goods, units=Decimal(2), restock=True) == [
        Move("not_rebooked", 2, reason="allocation_cancelled")
    ]


def test_less_than_a_unit_moves_nothing_and_says_so():
    assert take_back(Goods(ordered=2), units=Decimal("1.5"), restock=True) == [
        Move("returned", 1, 1),
        Move("not_rebooked", 1, reason="part_of_a_unit"),
    ]


def test_a_stock_taking_that_set_the_numbers_anew_leaves_nothing_below_zero():
    goods = Goods(ordered=2, allocated=2, in_stock=1, reserved=0)
    assert take_back(goods, units=Decimal(2), restock=False) == [Move("written_off", 2, -1, 0, -2)]


numbers = st.integers(0, 30)
goods = st.builds(
    Goods,
    ordered=st.integers(1, 20),
    taken_back=numbers,
    allocated=numbers,
    allocation_cancelled=st.booleans(),
    is_tracked=st.sampled_from([True, False, None]),
    in_stock=numbers,
    reserved=numbers,
)


@given(goods, numbers, st.booleans())
def test_every_unit_has_one_fate_and_no_number_falls_below_zero(goods, units, restock):
    moves = take_back(goods, units=Decimal(units), restock=restock)
    assert sum(move.quantity for move in moves) == units
    assert goods.in_stock + sum(move.stock_change for move in moves) >= 0
    assert goods.reserved + sum(move.reserved_change for move in moves) >= 0
    assert goods.allocated + sum(move.allocated_change for move in moves) >= 0
    assert sum(move.stock_change for move in moves) <= max(goods.ordered - goods.taken_back, 0)
    if not goods.is_tracked:
        assert not any(move.stock_change or move.reserved_change for move in moves)
