"""E3: capital over price, within lots, the venue's least and largest order, and the worst case that was reserved."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.sizing import Grid, Sized, TooSmall, portion, sellable, size, whole_lots

GRID = Grid(lot=Decimal("0.0001"), minimum=Decimal(5_000), maximum=Decimal(1_000_000_000), fee=Decimal("0.0005"))

prices = st.decimals(min_value="0.0001", max_value="200000000", places=4, allow_nan=False, allow_infinity=False)
budgets = st.decimals(min_value="0", max_value="100000000", places=0, allow_nan=False, allow_infinity=False)
lots = st.sampled_from([Decimal("0.00000001"), Decimal("0.0001"), Decimal("0.1"), Decimal(1), Decimal(10)])


@given(price=prices, over=st.integers(0, 50), budget=budgets, lot=lots)
def test_a_sized_order_fits_the_budget_the_lots_and_the_venue_and_one_lot_more_would_not(price, over, budget, lot):
    grid = Grid(lot=lot, minimum=GRID.minimum, maximum=Decimal(50_000_000), fee=GRID.fee)
    limit = price * (1 + Decimal(over) / 1000)
    match size(price, limit, budget, grid):
        case Sized(quantity=quantity, cost=cost):
            assert 0 < cost <= budget
            assert cost == quantity * limit * (1 + grid.fee)
            assert quantity % lot == 0
            assert quantity * price >= grid.minimum
            assert quantity * limit <= grid.maximum
            more = quantity + lot
            assert more * limit * (1 + grid.fee) > budget or more * limit > grid.maximum
        case TooSmall(value=value, minimum=minimum):
            assert value < minimum


@pytest.mark.parametrize(
    ("budget", "quantity"), [(Decimal(1_000_000), "9895.0623"), (Decimal(5_100), "50.4648"), (Decimal(4_999), None)]
)
def test_a_buy_is_sized_by_its_worst_price_with_the_fee_on_top(budget, quantity):
    sized = size(Decimal(100), Decimal("101.01"), budget, GRID)
    assert (sized.quantity if isinstance(sized, Sized) else None) == (Decimal(quantity) if quantity else None)


def test_a_limit_of_nothing_buys_nothing():
    assert size(Decimal("0.001"), Decimal(0), Decimal(100), GRID) == TooSmall(value=Decimal(0), minimum=Decimal(5_000))


def test_a_budget_above_the_venues_largest_order_is_cut_to_it():
    grid = Grid(lot=Decimal(1), minimum=Decimal(1), maximum=Decimal(1_000), fee=Decimal(0))
    assert size(Decimal(3), Decimal(3), Decimal(10_000), grid) == Sized(
        quantity=Decimal(333), limit=Decimal(3), cost=Decimal(999)
    )


@pytest.mark.parametrize(
    ("quantity", "expected"), [("5", "5"), ("10", "10"), ("10.5", "10"), ("1000", "10"), ("5.9", "5"), ("0.9", "0")]
)
def test_a_holding_is_sold_whole_or_in_lots_up_to_the_largest_order(quantity, expected):
    grid = Grid(lot=Decimal(1), minimum=Decimal(1), maximum=Decimal(1_000), fee=Decimal(0))
    assert portion(Decimal(quantity), Decimal(100), grid) == Decimal(expected)


@pytest.mark.parametrize(
    ("quantity", "price", "good"), [("1", 5, True), ("1.9", 5, True), ("1.9", 3, False), ("0.9", 10**6, False)]
)
def test_what_is_less_than_a_lot_or_the_least_order_is_not_sellable(quantity, price, good):
    assert sellable(Decimal(quantity), Decimal(price), lot=Decimal(1), minimum=Decimal(5)) is good


def test_whole_lots_never_go_below_zero():
    assert whole_lots(Decimal(-1), Decimal("0.3")) == 0
    assert whole_lots(Decimal("1.0"), Decimal("0.3")) == Decimal("0.9")
