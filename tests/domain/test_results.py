"""G1: what a round trip earned, to the last decimal, against a plain calculation in fractions."""

from decimal import Decimal as D
from decimal import localcontext
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import PositionError
from core.domain.orders import Fill, Order, State
from core.domain.results import opened, reduced, round_trip
from core.domain.signals import Exit
from core.domain.values import Instrument, Market, Millis, Side

BTC = Instrument(Market.UPBIT, "KRW-BTC")

prices = st.decimals(min_value="0.00000001", max_value="200000000", places=8)
units = st.decimals(min_value="0.00000001", max_value="90000000000", places=8)
rates = st.sampled_from([D("0"), D("0.0005"), D("0.0025"), D("0.00139"), D("0.0018")])


def fill(n, price, quantity, fee="0", tax="0"):
    return Fill(id=str(n), price=D(price), quantity=D(quantity), fee=D(fee), tax=D(tax), at=Millis(1000 + n))


def order(side, fills, *, id="o", reference="100", instrument=BTC):
    return Order(
        id=id,
        instrument=instrument,
        side=side,
        quantity=sum((f.quantity for f in fills), D(0)) or D(1),
        reference=D(reference),
        signal="s",
        leg=0,
        worker="w1",
        reason="fall",
        at=Millis(1),
        state=State.FILLED,
        fills=tuple(fills),
    )


@st.composite
def histories(draw):
    """A buy of some fills and a cutting of what it bought into sells, each of some fills; exact decimals throughout."""
    buys = draw(st.lists(st.tuples(prices, units), min_size=1, max_size=4))
    fee, tax = draw(rates), draw(rates)
    step = D("0.00000001")
    left = int(sum(q for _, q in buys) / step)
    cuts = sorted(draw(st.sets(st.integers(1, max(1, left - 1)), max_size=5)) - {left})
    edges = [0, *cuts, left]
    sells = [[(draw(prices), (b - a) * step)] for a, b in pairwise(edges) if b > a]
    return buys, sells, fee, tax


def filled(rows, fee, tax):
    with localcontext(prec=120):
        return [fill(n, p, q, str(p * q * fee), str(p * q * tax)) for n, (p, q) in enumerate(rows)]


@settings(max_examples=1500, deadline=None)
@given(histories(), prices, prices)
def test_the_parts_of_any_history_add_up_exactly_to_a_plain_calculation(history, buy_reference, sell_reference):
    buys, sells, fee, tax = history
    bought = order(Side.BUY, filled(buys, fee, D(0)), reference=buy_reference)
    position = opened(bought, "w1")
    trips = []
    for n, rows in enumerate(sells):
        sale = order(Side.SELL, filled(rows, fee, tax), id=f"s{n}", reference=sell_reference)
        trips.append(round_trip(position, sale, Exit.STOP_LOSS, Millis(5)))
        position = reduced(position, sale)
    assert position is None

    F = Fraction
    paid = sum(F(p) * F(q) * (1 + F(fee)) for p, q in buys)
    got = sum(F(p) * F(q) * (1 - F(fee) - F(tax)) for rows in sells for p, q in rows)
    assert sum(F(t.pnl) for t in trips) == got - paid
    assert sum(F(t.cost) for t in trips) == sum(F(p) * F(q) for p, q in buys)
    assert sum(F(t.quantity) for t in trips) == sum(F(q) for _, q in buys)
    assert sum(F(t.taxes) for t in trips) == sum(F(p) * F(q) * F(tax) for rows in sells for p, q in rows)
    lost = sum((F(p) - F(buy_reference)) * F(q) for p, q in buys)
    lost += sum((F(sell_reference) - F(p)) * F(q) for rows in sells for p, q in rows)
    assert sum(F(t.slippage) for t in trips) == lost
    for trip in trips:
        assert F(trip.pnl) == F(trip.proceeds) - F(trip.cost) - F(trip.fees) - F(trip.taxes)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_each_share_of_a_partial_exit_is_proportional_to_eight_decimals(history):
    buys, sells, fee, _ = history
    position = opened(order(Side.BUY, filled(buys, fee, D(0))), "w1")
    sale = order(Side.SELL, filled(sells[0], fee, D(0)))
    trip = round_trip(position, sale, Exit.TREND, Millis(5))
    exact = Fraction(position.cost) * Fraction(trip.quantity) / Fraction(position.quantity)
    assert 0 <= exact - Fraction(trip.cost) < Fraction(1, 10**8)


def test_a_share_does_not_depend_on_the_zeros_that_money_is_written_with():
    """The same cost with more zeros behind it must not be cut finer."""
    shares = set()
    for value in ("1", "1.000000000000000"):
        position = msgspec.structs.replace(opened(order(Side.BUY, [fill(0, "1", "3")]), "w"), cost=D(value))
        shares.add(round_trip(position, order(Side.SELL, [fill(0, "1", "1")]), Exit.TREND, Millis(5)).cost)
    assert shares == {D("0.33333333")}


def test_a_bought_position_carries_average_price_cost_fees_and_who_decided():
    position = opened(order(Side.BUY, [fill(0, "100", "2", "0.1"), fill(1, "103", "1", "0.05")]), "w7")
    assert (position.quantity, position.cost, position.fees, position.price) == (D(3), D(303), D("0.15"), D(101))
    assert (position.worker, position.rule, position.signal, position.opened) == ("w7", "fall", "s", 1000)


def test_a_sale_of_the_whole_leaves_nothing_and_earns_the_difference_less_fees_and_tax():
    position = opened(order(Side.BUY, [fill(0, "100", "2", "0.1")]), "w")
    sale = order(Side.SELL, [fill(0, "110", "2", "0.11", "0.4")], id="sell", reference="111")
    trip = round_trip(position, sale, Exit.TAKE_PROFIT, Millis(77))
    assert reduced(position, sale) is None
    assert (trip.pnl, trip.fees, trip.taxes, trip.slippage) == (D("19.39"), D("0.21"), D("0.4"), D("2"))
    assert (trip.id, trip.exit, trip.closed, trip.bought, trip.sold) == ("sell", "take_profit", 77, D(100), D(110))


def test_a_sell_that_filled_nothing_changes_nothing_and_has_no_result():
    position = opened(order(Side.BUY, [fill(0, "100", "2", "0.1")]), "w")
    empty = msgspec.structs.replace(order(Side.SELL, []), state=State.CANCELLED)
    assert reduced(position, empty) == position
    with pytest.raises(PositionError, match="nothing was sold"):
        round_trip(position, empty, Exit.TIME, Millis(1))


def test_an_order_that_bought_nothing_or_sells_opens_no_position():
    for wrong in (order(Side.BUY, []), order(Side.SELL, [fill(0, "1", "1")])):
        with pytest.raises(PositionError, match="no position comes of this order"):
            opened(wrong, "w")


def test_selling_more_than_is_held_or_something_else_is_refused():
    position = opened(order(Side.BUY, [fill(0, "100", "2")]), "w")
    with pytest.raises(PositionError, match="more was sold than is held"):
        reduced(position, order(Side.SELL, [fill(0, "100", "3")]))
    other = Instrument(Market.UPBIT, "KRW-ETH")
    for wrong in (order(Side.SELL, [fill(0, "1", "1")], instrument=other), order(Side.BUY, [fill(0, "1", "1")])):
        with pytest.raises(PositionError, match="does not sell this position"):
            reduced(position, wrong)
