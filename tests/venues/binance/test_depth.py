"""A deep book is told only while it is whole, and begins anew where something was lost (D5, D7)."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.events import Delta
from core.domain.values import Instrument, Market, Millis
from core.venues.binance.answers import DepthRow
from core.venues.binance.depth import KEPT, DepthBook

PAIR = Instrument(Market.BINANCE, "BTCUSDT")


def change(first, last, bids=(), asks=(), at=1):
    return Delta(instrument=PAIR, first=first, last=last, bids=bids, asks=asks, at=Millis(at), seen=Millis(at + 1))


def snapshot(last, bids=((9.0, 1.0), (8.0, 2.0)), asks=((10.0, 1.0), (11.0, 2.0))):
    return DepthRow(lastUpdateId=last, bids=list(bids), asks=list(asks))


def whole(last=10):
    book = DepthBook(PAIR)
    assert book.joined(snapshot(last))
    return book


def shown(book, depth=5):
    found = book.book(depth)
    return None if found is None else [(level.bid, level.ask) for level in found.levels]


def test_nothing_is_told_before_a_snapshot():
    book = DepthBook(PAIR)

    assert not book.changed(change(1, 2))
    assert not book.whole
    assert book.book(5) is None


def test_a_snapshot_older_than_the_first_change_is_of_no_use():
    book = DepthBook(PAIR)
    book.changed(change(20, 22))

    assert not book.joined(snapshot(18))
    assert book.book(1) is None
    assert book.joined(snapshot(19))
    assert book.whole


def test_changes_that_the_snapshot_holds_are_dropped_and_the_rest_is_applied():
    book = DepthBook(PAIR)
    book.changed(change(5, 8, bids=((9.5, 7.0),)))
    book.changed(change(9, 12, bids=((9.0, 0.0),)))
    book.changed(change(13, 13, asks=((9.8, 1.0),), at=77))

    assert book.joined(snapshot(10))

    assert shown(book) == [(8.0, 9.8), (0.0, 10.0), (0.0, 11.0)]
    assert (book.at, book.seen) == (77, 78)


def test_a_change_that_does_not_follow_the_last_one_begins_all_over():
    book = whole()
    assert book.changed(change(11, 12))

    assert not book.changed(change(14, 15, bids=((9.2, 1.0),)))

    assert (book.whole, book.gaps, shown(book)) == (False, 1, None)
    assert not book.joined(snapshot(12))
    assert book.joined(snapshot(13))
    assert shown(book, 1) == [(9.2, 10.0)]


def test_a_change_that_came_twice_changes_nothing():
    book = whole()
    book.changed(change(11, 12, bids=((9.1, 1.0),)))
    book.changed(change(13, 13, bids=((9.1, 0.0),)))

    assert book.changed(change(11, 12, bids=((9.1, 1.0),)))

    assert shown(book, 1) == [(9.0, 10.0)]


def test_a_book_that_would_be_crossed_has_lost_something():
    book = whole()

    assert not book.changed(change(11, 11, bids=((10.0, 1.0),)))

    assert (book.whole, book.gaps) == (False, 1)


def test_a_gap_among_the_changes_that_waited_asks_for_another_snapshot_and_keeps_what_came_after_it():
    book = DepthBook(PAIR)
    for one in (change(11, 11), change(20, 21), change(22, 22, bids=((9.3, 1.0),))):
        book.changed(one)

    assert not book.joined(snapshot(10))
    assert not book.whole
    assert book.joined(snapshot(21))
    assert shown(book, 1) == [(9.3, 10.0)]


def test_a_second_snapshot_does_not_turn_a_whole_book_back():
    book = whole()
    book.changed(change(11, 11, bids=((9.4, 1.0),)))

    assert book.joined(snapshot(3))

    assert shown(book, 1) == [(9.4, 10.0)]


def test_a_side_may_be_empty():
    book = DepthBook(PAIR)
    book.joined(snapshot(1, asks=()))

    assert book.changed(change(2, 2, bids=((99.0, 1.0),)))
    assert shown(book, 1) == [(99.0, 0.0)]


def test_what_waits_for_a_snapshot_is_bounded():
    book = DepthBook(PAIR)
    for number in range(KEPT + 10):
        book.changed(change(number, number))

    assert not book.joined(snapshot(8))
    assert book.joined(snapshot(9))


steps = st.dictionaries(st.integers(1, 99), st.integers(0, 3), max_size=4)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), steps, steps), max_size=30), st.data())
def test_whatever_is_lost_a_book_that_is_told_is_the_exchanges_own(turns, data):
    """An exchange's book, changes of which some are lost, and snapshots when they are asked for."""
    bids, asks, number, book = {1.0: 1.0}, {200.0: 1.0}, 0, DepthBook(PAIR)
    for count, low, high in turns:
        changed_bids = tuple((float(price), float(size)) for price, size in low.items())
        changed_asks = tuple((100.0 + price, float(size)) for price, size in high.items())
        for side, changes in ((bids, changed_bids), (asks, changed_asks)):
            side.update(changes)
            for gone in [price for price, size in side.items() if not size]:
                del side[gone]
        first, number = number + 1, number + count
        if data.draw(st.booleans() if data.draw(st.integers(0, 4)) == 0 else st.just(True)):
            book.changed(change(first, number, changed_bids, changed_asks))
            if not book.whole and data.draw(st.booleans()):
                row = {"lastUpdateId": number, "bids": sorted(bids.items()), "asks": sorted(asks.items())}
                book.joined(msgspec.convert(row, DepthRow))
            if (told := book.book(500)) is not None:
                assert {level.bid: level.bid_size for level in told.levels if level.bid} == bids
                assert {level.ask: level.ask_size for level in told.levels if level.ask} == asks
