"""Closed candles, packed: they come back as they were put in, and only so many are kept (D8)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import shelved
from core.domain.candle import Candle
from core.domain.quality import BY_THE_VENUE, LOST, Quality
from core.domain.restart import slots
from core.domain.shelved import NARROW, TIGHT, WIDE, Closed, Packed

MINUTE = 60_000
PRICES = st.one_of(
    st.integers(1, 200_000_000).map(float),
    st.integers(1, 10**9).map(lambda units: units / 10**8),
    st.floats(1e-9, 1e12, allow_nan=False),
)


def candle(opens, low, high, *, length=MINUTE, settled=False):
    made = Candle(opens, opens + length, opens, low)
    made.high, made.low, made.close = high, low, high
    made.volume, made.value, made.last_at, made.settled = low / 3, high / 7, opens + length - 1, settled
    made.quality, made.reason = (Quality.BACKFILLED.value, BY_THE_VENUE) if settled else (Quality.WHOLE.value, "")
    return made


def told(one):
    return [getattr(one, name) for name in slots(Candle)]


@st.composite
def rows(draw):
    step = draw(st.sampled_from([MINUTE, MINUTE, MINUTE + 1, 80_000_000]))
    pairs = draw(st.lists(st.tuples(PRICES, PRICES, st.booleans()), max_size=12))
    return [
        candle(number * step, min(one, other), max(one, other), length=step, settled=settled)
        for number, (one, other, settled) in enumerate(pairs)
    ]


@given(rows(), st.integers(0, 12), st.integers(1, 6))
def test_what_is_kept_comes_back_as_it_was_put_in(candles, together, keep):
    """Whatever the prices and spans: first some at once, then one after the other, as a list would keep them."""
    kept = Closed(keep)
    kept.replace(candles[:together])
    for each in candles[together:]:
        kept.append(each)
    wanted = candles[-keep:]

    assert [told(each) for each in kept] == [told(each) for each in wanted]
    assert [told(each) for each in reversed(kept)] == [told(each) for each in wanted[::-1]]
    assert [told(each) for each in kept[-2:]] == [told(each) for each in wanted[-2:]]
    assert (len(kept), bool(kept)) == (len(wanted), bool(wanted))
    for moment in range(0, 14 * MINUTE, MINUTE // 2):
        ended = [each.close for each in wanted if each.ends <= moment]
        assert kept.close_at(moment) == (ended[-1] if ended else None)
        between = sum(each.value for each in reversed(wanted) if moment - 3 * MINUTE <= each.opens < moment)
        assert kept.value_between(moment - 3 * MINUTE, moment) == between
    for which in (-len(wanted) - 1, len(wanted)):
        with pytest.raises(IndexError):
            kept[which]
    if wanted:
        assert (told(kept[0]), told(kept[-1])) == (told(wanted[0]), told(wanted[-1]))


@given(rows(), st.integers(0, 12), st.integers(0, 12))
def test_those_within_a_stretch_are_spoiled_once_and_stay_so(candles, first, last):
    kept = Closed(20)
    kept.replace(candles)
    start, end = first * MINUTE, last * MINUTE + 1
    hit = [each.opens for each in candles if each.ends > start and each.opens < end and not each.settled]

    assert [each.opens for each in kept.spoil(start, end, Quality.GAPPED, LOST)] == hit
    assert [each.opens for each in kept if each.quality == Quality.GAPPED] == hit
    assert {each.reason for each in kept if each.opens in hit} <= {LOST}
    assert kept.spoil(start, end, Quality.PARTIAL, "another") == []


def test_the_newest_is_the_candle_itself_so_a_late_trade_may_amend_it():
    kept, newest = Closed(3), candle(MINUTE, 10.0, 11.0)
    kept.append(candle(0, 9.0, 10.0))
    kept.append(newest)
    newest.add(MINUTE, 20.0, 1.0, 20.0)

    assert kept[-1] is newest
    kept.append(candle(2 * MINUTE, 1.0, 2.0))
    assert kept[1].high == 20.0


def test_a_candle_takes_thirty_four_bytes_and_the_room_does_not_grow():
    """A must-hold of issue 5: 1,000 symbols with 200 candles of each span stay small."""
    kept = Closed(200)
    for number in range(1_000):
        kept.append(candle(number * MINUTE, 71_900.5, 71_990.25))
        assert len(kept.rows) <= 199 * TIGHT.size
    assert TIGHT.size == 34
    assert kept.rows.__sizeof__() <= 200 * TIGHT.size * 9 // 8 + 100


def test_one_price_that_no_fraction_holds_makes_every_row_a_wide_one():
    kept = Closed(5)
    for number, price in enumerate((1.5, 1 / 3, 2.5, 3.5)):
        kept.append(candle(number * MINUTE, price, price))
    assert len(kept.rows) == 3 * WIDE.size
    assert [each.low for each in kept] == [1.5, 1 / 3, 2.5, 3.5]
    kept.replace([candle(0, 1.5, 2.5), candle(MINUTE, 1.5, 2.5)])
    assert len(kept.rows) == TIGHT.size


def test_a_candle_that_reached_far_makes_the_rows_a_little_wider():
    kept = Closed(5)
    for number, reach in enumerate((1.0, 70_000.0, 1.0, 2.0)):
        kept.append(candle(number * MINUTE, 10.5, 10.5 + reach))
    assert len(kept.rows) == 3 * NARROW.size
    assert [each.high for each in kept] == [11.5, 70_010.5, 11.5, 12.5]


def test_a_bar_whose_open_is_under_its_low_is_kept_as_it_was_told():
    odd = candle(0, 10.0, 11.0, settled=True)
    odd.open = 9.0
    kept = Closed(5)
    kept.replace([odd, candle(MINUTE, 1.0, 2.0)])
    assert told(kept[0]) == told(odd)


@given(rows(), st.integers(0, 14))
def test_what_is_written_down_of_the_newest_comes_back(candles, keep):
    kept, again = Closed(12), Closed(12)
    kept.replace(candles)
    written = msgspec.msgpack.encode(kept.packed(keep))
    again.take(msgspec.msgpack.decode(written, type=Packed), kept.last)
    assert [told(each) for each in again] == [told(each) for each in candles[-max(1, keep) :]]
    again.append(candle(10**9, 0.25, 0.5))
    assert [told(each) for each in again][:-1] == [told(each) for each in candles[-max(1, keep) :]][-11:]


@pytest.mark.parametrize("price", [1.5, 1 / 3])
def test_a_process_that_numbers_the_reasons_otherwise_reads_them_right(price, monkeypatch):
    kept, again = Closed(5), Closed(5)
    kept.replace([candle(number * MINUTE, price, price, settled=number == 1) for number in range(4)])
    kept.spoil(0, 1, Quality.GAPPED, LOST)
    written, reasons = kept.packed(5), [each.reason for each in kept]
    monkeypatch.setattr(shelved, "REASONS", ["", "another", LOST])
    monkeypatch.setattr(shelved, "NUMBERS", {"": 0, "another": 1, LOST: 2})
    again.take(written, kept.last)
    assert [each.reason for each in again] == reasons == [LOST, BY_THE_VENUE, "", ""]


@pytest.mark.parametrize(
    "change", [{"kind": 3}, {"kind": -1}, {"scale": 3.0}, {"rows": b"short"}, {"reasons": {}}], ids=str
)
def test_rows_that_no_version_wrote_are_refused(change):
    kept = Closed(5)
    kept.replace([candle(0, 1.5, 2.5), candle(MINUTE, 1.5, 2.5)])
    with pytest.raises(ValueError, match=r"no known kind|without a name"):
        Closed(5).take(msgspec.structs.replace(kept.packed(5), **change), None)


def test_one_that_keeps_one_keeps_the_newest():
    kept = Closed(1)
    for number in range(3):
        kept.append(candle(number * MINUTE, 1.0, 2.0))
    assert [each.opens for each in kept] == [2 * MINUTE]
