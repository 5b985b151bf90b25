"""B4, B5, D15: one symbol in one scan, and what is filtered out."""

import msgspec
import pytest

from core.domain.events import Book, Level, Ticker
from core.domain.levels import Reference
from core.domain.policies import ScanPolicy
from core.domain.snapshots import build, disparity, prefilter, spread
from core.domain.values import Instrument, Market, Millis

COIN = Instrument(Market.UPBIT, "KRW-A")
TICKER = Ticker(
    instrument=COIN,
    price=90.0,
    change=-0.1,
    volume=5.0,
    value=450.0,
    value_24h=1000.0,
    high=101.0,
    low=89.0,
    at=Millis(10),
    seen=Millis(12),
)
REFERENCE = Reference(high=110.0, low=80.0, close=100.0, ma_sum=910.0, ma_days=9)
LOOSE = ScanPolicy(min_volume=0.0, min_value=0.0, max_spread=0.01)


def book(bid, ask):
    return Book(instrument=COIN, levels=[Level(bid, 1.0, ask, 1.0)], at=Millis(9), seen=Millis(12))


def test_a_snapshot_unites_ticker_book_and_reference():
    row = build(TICKER, book(89.9, 90.1), REFERENCE)

    assert (row.symbol, row.price, row.change, row.volume, row.value) == ("KRW-A", 90.0, -0.1, 5.0, 450.0)
    assert (row.value_24h, row.high, row.low, row.at, row.seen) == (1000.0, 101.0, 89.0, 10, 12)
    assert (row.prev_high, row.prev_low, row.bid, row.ask) == (110.0, 80.0, 89.9, 90.1)
    assert row.spread == pytest.approx(0.2 / 90.0)
    assert row.disparity == pytest.approx(90.0 / 100.0 - 1.0)


def test_what_is_not_known_is_none():
    row = build(TICKER, None, None)

    assert (row.prev_high, row.prev_low, row.spread, row.disparity) == (None, None, None, None)
    assert (row.bid, row.ask) == (0.0, 0.0)


def test_a_crossed_book_counts_as_no_book():  # D15
    row = build(TICKER, book(90.1, 90.0), None)

    assert (row.bid, row.ask, row.spread) == (0.0, 0.0, None)


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 90.0), (90.0, 0.0)])
def test_a_book_with_one_side_has_the_widest_spread(bid, ask):
    assert build(TICKER, book(bid, ask), None).spread == spread(bid, ask) == 1.0


@pytest.mark.parametrize(("total", "days"), [(0.0, 0), (-90.0, 1)])
def test_a_reference_without_closes_gives_no_disparity(total, days):
    assert disparity(90.0, Reference(1.0, 1.0, 1.0, total, days)) is None


def altered(**changes):
    return msgspec.structs.replace(build(TICKER, book(89.9, 90.1), None), **changes)


def test_each_filter_counts_what_it_removed_and_the_first_one_wins():  # B5
    rows = [
        altered(symbol="fine"),
        altered(price=0.0, volume=0.0),
        altered(price=float("nan")),
        altered(volume=0.5, value_24h=0.0),
        altered(value=1.0, value_24h=2.0),
        altered(spread=0.02),
    ]

    kept, removed = prefilter(rows, ScanPolicy(min_volume=1.0, min_value=100.0, max_spread=0.01))

    assert [row.symbol for row in kept] == ["fine"]
    assert removed == {"price": 2, "min_volume": 1, "min_value": 1, "max_spread": 1}


def test_the_traded_value_of_24_hours_counts_when_the_day_has_just_begun():
    kept, removed = prefilter([altered(value=0.0, value_24h=100.0)], ScanPolicy(min_value=100.0, max_spread=1.0))

    assert len(kept) == 1
    assert removed == {}


def test_a_spread_that_is_not_known_is_not_held_against_a_symbol():
    assert len(prefilter([altered(spread=None)], LOOSE)[0]) == 1


def test_best_offers_may_stand_in_the_ticker_itself():
    """B4: no book is asked for where the multi-quote carries them."""
    told = msgspec.structs.replace(TICKER, bid=99.0, ask=101.0)
    crossed = msgspec.structs.replace(TICKER, bid=101.0, ask=101.0)
    empty = msgspec.structs.replace(TICKER, bid=0.0, ask=0.0)

    row = build(told, None, None)
    assert (row.bid, row.ask, round(row.spread, 4)) == (99.0, 101.0, 0.02)
    assert (build(crossed, None, None).spread, build(crossed, None, None).bid) == (None, 0.0)
    assert build(empty, None, None).spread == 1.0
    assert build(told, book(89.9, 90.1), None).bid == 89.9
