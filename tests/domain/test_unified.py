"""D15: what a venue tells is checked, corrected or dropped, and each is counted under its own name."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.events import Book, Level, Ticker, Trade
from core.domain.unified import CLOSE_MS, SAME_TIME_MS, Fault, Source, Unifier
from core.domain.values import Instrument, Market, Millis

AT = Millis(1_795_166_400_000)
BTC = Instrument(Market.UPBIT, "KRW-BTC")


def ticker(price=100.0, at=0, **changes):
    made = Ticker(
        instrument=BTC, price=price, change=0.0, volume=10.0, value=1000.0, value_24h=5000.0, high=1e9, low=0.001,
        at=Millis(AT + at), seen=Millis(AT + at),
    )  # fmt: skip
    return replace(made, **changes)


def book(bid=99.0, ask=101.0, at=0):
    return Book(instrument=BTC, levels=[Level(bid, 1.0, ask, 1.0)], at=Millis(AT + at), seen=AT)


def trade(price=100.0, quantity=1.0, at=0, **changes):
    made = Trade(
        instrument=BTC, price=price, quantity=quantity, taker=None, at=Millis(AT + at), seen=Millis(AT + at), sequence=1
    )
    return replace(made, **changes)


def thirty_percent(symbol, close, at):
    return close * 0.7, close * 1.3


def unifier(*, streams=False, limits=lambda symbol, close, at: None):
    return Unifier(0.01, limits, streams_tickers=streams)


def test_a_crossed_book_is_dropped_and_an_empty_side_is_none():
    one = unifier()
    assert one.book(book(bid=101.0, ask=101.0)) is None
    assert one.book(book(bid=0.0, ask=101.0)) is not None
    assert one.book(book(bid=99.0, ask=0.0)) is not None
    assert one.faults == {Fault.CROSSED: 1}


def test_offers_that_cross_are_taken_off_a_ticker_and_the_rest_of_it_is_kept():
    one = unifier()
    found = one.ticker(ticker(bid=102.0, ask=101.0), Source.REST)
    assert (found.bid, found.ask, found.price) == (None, None, 100.0)
    assert one.faults == {Fault.OFFERS: 1}
    assert one.ticker(ticker(bid=99.0, ask=101.0), Source.REST).bid == 99.0


def test_a_price_outside_the_day_s_limits_is_dropped():
    one = unifier(limits=thirty_percent)
    assert one.ticker(ticker(100.0), Source.REST)
    assert one.ticker(ticker(131.0, at=1), Source.REST) is None
    assert one.ticker(ticker(130.0, at=2, change=0.3), Source.REST)
    assert one.faults == {Fault.OUTSIDE: 1}


def test_the_limits_follow_the_close_of_the_next_day():
    one = unifier(limits=thirty_percent)
    one.ticker(ticker(100.0), Source.REST)
    assert one.ticker(ticker(160.0, at=CLOSE_MS, change=0.25), Source.REST) is not None


@pytest.mark.parametrize("price", [math.nan, math.inf, -1.0])
def test_a_price_that_is_none_is_dropped(price):
    one = unifier()
    assert one.ticker(ticker(price), Source.STREAM) is None
    assert one.faults == {Fault.BAD: 1}


def test_a_halted_stock_without_a_price_is_passed_on():
    assert unifier(limits=thirty_percent).ticker(ticker(0.0), Source.REST).price == 0.0


def test_a_price_beyond_its_own_high_and_low_widens_them():
    one = unifier()
    up = one.ticker(ticker(110.0, high=105.0, low=90.0), Source.REST)
    down = one.ticker(ticker(80.0, at=1, high=105.0, low=90.0), Source.REST)
    assert ((up.low, up.high), (down.low, down.high)) == ((90.0, 110.0), (80.0, 105.0))
    assert one.faults == {Fault.RANGE: 2}
    assert one.ticker(ticker(80.0, at=2, high=0.0, low=0.0), Source.REST).high == 0.0


def test_time_going_backwards_is_dropped_within_one_source():
    one = unifier()
    one.ticker(ticker(at=10), Source.STREAM)
    one.book(book(at=10))
    assert one.ticker(ticker(at=9), Source.STREAM) is None
    assert one.book(book(at=9)) is None
    assert one.ticker(ticker(at=10), Source.STREAM) is not None
    assert one.faults == {Fault.BACKWARDS: 2}


def test_rest_that_is_older_than_the_stream_is_no_fault_and_no_news():
    one = unifier(streams=True)
    one.ticker(ticker(at=10_000), Source.STREAM)
    assert one.ticker(ticker(at=0), Source.REST) is None
    assert one.symbol("KRW-BTC").source is Source.STREAM
    assert not one.faults


def test_rest_and_stream_that_are_apart_at_the_same_time_are_counted_and_the_newer_is_believed():
    one = unifier(streams=True)
    one.ticker(ticker(100.0), Source.STREAM)
    assert one.ticker(ticker(102.0, at=SAME_TIME_MS), Source.REST).price == 102.0
    assert one.faults == {Fault.APART: 1}
    one.ticker(ticker(110.0, at=2 * SAME_TIME_MS + 1), Source.STREAM)
    assert one.faults == {Fault.APART: 1}, "so far apart in time they may differ"


def test_one_percent_apart_is_not_yet_apart():
    one = unifier(streams=True)
    one.ticker(ticker(100.0), Source.STREAM)
    one.ticker(ticker(101.0), Source.REST)
    one.ticker(ticker(0.0, at=1), Source.STREAM)
    one.ticker(ticker(500.0, at=2), Source.REST)
    assert not one.faults


def test_trades_move_the_ticker_of_a_venue_that_streams_none():
    one = unifier()
    one.ticker(ticker(100.0, change=0.25, high=101.0, low=99.0), Source.REST)
    moved = one.trade(trade(120.0, 2.0, at=5))
    assert (moved.price, moved.volume, moved.value, moved.value_24h) == (120.0, 12.0, 1240.0, 5240.0)
    assert (moved.high, moved.low, moved.at, moved.change) == (120.0, 99.0, AT + 5, pytest.approx(0.5))
    assert one.symbol("KRW-BTC").source is Source.STREAM
    assert one.trade(trade(90.0, 1.0, at=6, total=77.0)).volume == 77.0
    assert one.symbol("KRW-BTC").ticker.low == 90.0


def test_a_trade_tells_nothing_where_nothing_is_known_where_it_is_old_news_or_where_tickers_are_streamed():
    one = unifier()
    assert one.trade(trade()) is None
    one.ticker(ticker(), Source.REST)
    assert one.trade(trade(replayed=True)) is None
    assert one.trade(trade(at=10)) is not None
    assert one.trade(trade(at=9)) is None
    assert one.faults == {Fault.BACKWARDS: 1}
    other = unifier(streams=True)
    other.ticker(ticker(), Source.REST)
    assert other.trade(trade()) is None


def test_a_trade_outside_the_limits_moves_nothing():
    one = unifier(limits=thirty_percent)
    one.ticker(ticker(100.0), Source.REST)
    assert one.trade(trade(200.0)) is None
    assert one.symbol("KRW-BTC").ticker.price == 100.0


def test_without_a_close_the_change_stays_as_it_was():
    one = unifier()
    one.ticker(ticker(100.0, change=-1.0, low=0.0), Source.REST)
    moved = one.trade(trade(50.0))
    assert (moved.change, moved.low) == (-1.0, 50.0)


def test_a_book_renews_the_offers_of_a_ticker_that_has_them():
    one = unifier()
    one.ticker(ticker(bid=98.0, ask=102.0), Source.REST)
    one.book(book(99.0, 101.0))
    assert one.symbol("KRW-BTC").ticker.bid == 99.0
    one.ticker(ticker(at=1), Source.REST)
    one.book(book(97.0, 103.0, at=2))
    assert one.symbol("KRW-BTC").ticker.bid is None


def test_what_is_forgotten_begins_anew():
    one = unifier()
    one.ticker(ticker(at=10), Source.REST)
    one.forget("KRW-BTC")
    one.forget("KRW-BTC")
    assert one.ticker(ticker(at=1), Source.REST) is not None


events = st.one_of(
    st.builds(lambda p, at: ("rest", ticker(p, at)), st.floats(50, 150), st.integers(0, 10_000)),
    st.builds(lambda p, at: ("stream", ticker(p, at)), st.floats(50, 150), st.integers(0, 10_000)),
    st.builds(
        lambda b, a, at: ("book", book(b, a, at)), st.floats(90, 110), st.floats(90, 110), st.integers(0, 10_000)
    ),
    st.builds(lambda p, at: ("trade", trade(p, 1.0, at)), st.floats(50, 150), st.integers(0, 10_000)),
)


@given(st.lists(events, max_size=30))
def test_whatever_comes_what_is_passed_on_is_sound_and_time_never_runs_backwards(stream):
    one, newest = unifier(limits=thirty_percent), 0
    for kind, event in stream:
        match kind:
            case "book":
                found = one.book(event)
                assert found is None or found.bid < found.ask
                continue
            case "trade":
                found = one.trade(event)
            case _:
                found = one.ticker(event, Source(kind if kind == "rest" else "websocket"))
        if found is not None:
            close = one.symbol("KRW-BTC").close
            assert close * 0.7 <= found.price <= close * 1.3
            assert found.low <= found.price <= found.high
            assert found.at >= newest
            newest = found.at
