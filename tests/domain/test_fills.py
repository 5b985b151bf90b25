"""Paper fills (E9, DESIGN 3): from the visible book, and nothing better than it."""

from decimal import ROUND_CEILING, ROUND_FLOOR
from decimal import Decimal as D
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.events import Book, Level
from core.domain.fills import Holding, Terms, exact, fill, refusal
from core.domain.orders import Order, State
from core.domain.values import Instrument, Market, Millis, Side

BTC = Instrument(Market.UPBIT, "KRW-BTC")


def snap_to(tick):
    def snap(price, side):
        return (price / tick).to_integral_value(ROUND_FLOOR if side is Side.BUY else ROUND_CEILING) * tick

    return snap


def terms(**changes):
    plain = {
        "snap": snap_to(D(1)),
        "lot": D("0.00000001"),
        "minimum": D(5000),
        "maximum": D(10**9),
        "fee": D("0.0005"),
        "tax": D(0),
    }
    return Terms(**{**plain, **changes})


def book(*levels, at=10):
    return Book(instrument=BTC, levels=[Level(*map(float, level)) for level in levels], at=Millis(at), seen=Millis(at))


def order(side=Side.BUY, quantity="1", *, limit=None, id="o1"):
    return Order(
        id=id,
        instrument=BTC,
        side=side,
        quantity=D(quantity),
        reference=D(10000),
        signal="s",
        leg=0,
        worker="w",
        reason="fall",
        at=Millis(1),
        limit=None if limit is None else D(limit),
    )


DEEP = book((9999, 2, 10000, 1), (9998, 3, 10001, 2), (9997, 4, 10003, 8))


def test_a_market_buy_walks_the_asks_and_pays_fee_on_each_step():
    done, after = fill(order(quantity="2.5"), DEEP, Holding(), terms(), Millis(7))
    assert [(f.price, f.quantity) for f in done.fills] == [(D(10000), D(1)), (D(10001), D("1.5"))]
    assert [f.fee for f in done.fills] == [D(5), D("7.50075")]
    assert (done.state, done.venue_id, [f.id for f in done.fills]) == (State.FILLED, "paper-o1", ["o1-0", "o1-1"])
    assert {f.at for f in done.fills} == {7}
    assert after == Holding(units=D("2.5"), book=Millis(10), asks_taken=D("2.5"))


def test_a_market_sell_walks_the_bids_and_pays_tax_where_there_is_one():
    done, after = fill(order(Side.SELL, "3"), DEEP, Holding(units=D(5)), terms(tax=D("0.0018")), Millis(7))
    assert [(f.price, f.quantity) for f in done.fills] == [(D(9999), D(2)), (D(9998), D(1))]
    assert done.taxes == D("53.9928")
    assert after.units == D(2)


def test_a_thin_book_fills_what_it_has_and_the_rest_is_cancelled():
    done, after = fill(order(quantity="20"), DEEP, Holding(), terms(), Millis(7))
    assert (done.state, done.filled, after.units) == (State.CANCELLED, D(11), D(11))
    assert done.note == "the book had 11 of 20"


def test_an_empty_side_fills_nothing():
    done, _ = fill(order(), book((9999, 2, 0, 0), (0, 0, 0, 0)), Holding(), terms(), Millis(7))
    assert (done.state, done.fills, done.note) == (State.CANCELLED, (), "the book had 0 of 1")


def test_a_marketable_limit_takes_nothing_beyond_its_limit():
    done, _ = fill(order(quantity="9", limit="10001"), DEEP, Holding(), terms(), Millis(7))
    assert (done.filled, max(f.price for f in done.fills)) == (D(3), D(10001))
    done, _ = fill(order(Side.SELL, "9", limit="9998"), DEEP, Holding(units=D(9)), terms(), Millis(7))
    assert (done.filled, min(f.price for f in done.fills)) == (D(5), D(9998))


def test_the_day_s_price_limits_end_the_walk():
    done, _ = fill(order(quantity="9"), DEEP, Holding(), terms(highest=D(10000)), Millis(7))
    assert done.filled == D(1)
    done, _ = fill(order(Side.SELL, "9"), DEEP, Holding(units=D(9)), terms(lowest=D(9999)), Millis(7))
    assert done.filled == D(2)


def test_a_price_off_the_step_is_moved_the_worse_way():
    odd = book((9998.5, 1, 10000.5, 1))
    bought, held = fill(order(), odd, Holding(), terms(), Millis(7))
    sold, _ = fill(order(Side.SELL, id="o2"), odd, held, terms(), Millis(7))
    assert (bought.fills[0].price, sold.fills[0].price) == (D(10001), D(9998))


def test_what_was_taken_from_a_book_cannot_be_taken_again_until_the_book_changes():
    first, held = fill(order(quantity="10"), DEEP, Holding(), terms(), Millis(7))
    second, held = fill(order(quantity="10", id="o2"), DEEP, held, terms(), Millis(8))
    newer = msgspec.structs.replace(DEEP, at=Millis(11))
    third, held = fill(order(quantity="1", id="o3"), newer, held, terms(), Millis(9))
    assert (first.filled, second.filled, third.filled) == (D(10), D(1), D(1))
    assert held == Holding(units=D(12), book=Millis(11), asks_taken=D(1))


def test_only_whole_lots_are_filled():
    done, _ = fill(
        order(quantity="3"), book((1, 1, 10000, 1.7), (1, 1, 10001, 5)), Holding(), terms(lot=D(1)), Millis(7)
    )
    assert [f.quantity for f in done.fills] == [D(1), D(2)]


@pytest.mark.parametrize(
    ("asked", "changes", "said"),
    [
        (order(quantity="0.5"), {"lot": D(1)}, "the quantity 0.5 is not a whole number of lots of 1"),
        (order(quantity="0"), {}, "the quantity 0 is not a whole number of lots of 0.00000001"),
        (order(quantity="0.4"), {}, "4000.0 is under the least order of 5000"),
        (order(quantity="200000"), {}, "2000000000 is over the largest order of 1000000000"),
        (order(quantity="1", limit="10000.5"), {}, "the limit 10000.5 is not a legal price; 10000 is"),
        (order(Side.SELL, "3"), {}, "3 to sell, but only 2 held"),
        *(
            (
                order(quantity="1", limit=limit),
                {"lowest": D(9000), "highest": D(11000)},
                f"the limit {limit} is outside of the day's prices of 9000 to 11000",
            )
            for limit in ("8999", "11001")
        ),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_is_allowed(asked, changes, said):
    assert refusal(asked, DEEP, Holding(units=D(2)), terms(**changes)) == said


def test_a_legal_order_is_not_refused_and_an_empty_side_is_judged_by_the_decision_s_price():
    assert refusal(order(), DEEP, Holding(), terms()) == ""
    assert refusal(order(Side.SELL, "2"), DEEP, Holding(units=D(2)), terms()) == ""
    for limit in ("9000", "11000"):
        assert refusal(order(limit=limit), DEEP, Holding(), terms(lowest=D(9000), highest=D(11000))) == ""
    assert refusal(order(quantity="0.4"), book((1, 1, 0, 0)), Holding(), terms()).startswith("4000.0 is under")


def test_a_float_becomes_the_decimal_it_is_written_as():
    assert [str(exact(x)) for x in (0.1, 163248000.0, 1e-8, 0.0)] == ["0.1", "163248000", "1E-8", "0"]


sizes = st.floats(0, 1000, allow_nan=False).map(lambda x: round(x, 8))
ticks = st.sampled_from([D(1000), D(1), D("0.01"), D("0.0000001")])


@st.composite
def markets(draw):
    tick = draw(ticks)
    bottom = draw(st.integers(100, 10**6))
    count = draw(st.integers(1, 15))
    steps = draw(st.lists(st.integers(1, 5), min_size=2 * count, max_size=2 * count))
    bid, ask, levels = bottom, bottom + 1, []
    for n in range(count):
        levels.append((float(bid * tick), draw(sizes), float(ask * tick), draw(sizes)))
        bid, ask = max(1, bid - steps[2 * n]), ask + steps[2 * n + 1]
    return tick, book(*levels)


@settings(max_examples=1000, deadline=None)
@given(markets(), st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 3000)), min_size=1, max_size=6), st.data())
def test_fills_never_exceed_the_depth_never_cross_limits_stay_on_the_tick_and_make_up_what_is_held(market, asks, data):
    tick, shown = market
    rules = terms(snap=snap_to(tick), lot=D("0.00000001"), minimum=D(0))
    held, taken, sum_of_fills = Holding(), {}, Fraction(0)
    for n, (side, quantity) in enumerate(asks):
        asked = order(side, str(quantity), id=f"o{n}")
        if data.draw(st.booleans()):
            best = shown.ask if side is Side.BUY else shown.bid
            limit = exact(best) + data.draw(st.integers(-3, 8)) * tick * (1 if side is Side.BUY else -1)
            asked = msgspec.structs.replace(asked, limit=max(tick, limit))
        if side is Side.SELL and asked.quantity > held.units:
            continue
        done, held = fill(asked, shown, held, rules, Millis(5))
        for f in done.fills:
            assert f.price % tick == 0
            assert asked.limit is None or (f.price <= asked.limit if side is Side.BUY else f.price >= asked.limit)
            taken[side, f.price] = taken.get((side, f.price), D(0)) + f.quantity
        assert done.filled <= asked.quantity
        assert (done.state is State.FILLED) == (done.filled == asked.quantity)
        sum_of_fills += Fraction(done.filled) * (1 if side is Side.BUY else -1)
        assert Fraction(held.units) == sum_of_fills
    visible = {}
    for level in shown.levels:
        for side, price, size in ((Side.BUY, level.ask, level.ask_size), (Side.SELL, level.bid, level.bid_size)):
            visible[side, exact(price)] = visible.get((side, exact(price)), D(0)) + exact(size)
    assert all(quantity <= visible[key] for key, quantity in taken.items())
