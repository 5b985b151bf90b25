"""Frames that came together are read as the same frames one by one are: same events, same clocks, same counts (D11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import WireSurprise
from core.domain.events import Beat, Trade
from core.domain.policies import StreamPolicy
from core.domain.values import Instrument, Market
from core.feed.session import Session
from core.venues.spec import StreamSpec, Topic, venue

TRADE = Trade(instrument=Instrument(Market.UPBIT, "KRW-BTC"), price=1.0, quantity=1.0, taker=None, at=0, seen=0)
WORDS = {b"t": [TRADE], b"tt": [TRADE, TRADE], b"b": [Beat(0)], b"bt": [Beat(0), TRADE]}
UPBIT = b'{"ty":"trade","cd":"KRW-BTC","tms":%d,"ttms":%d,"tp":100.5,"tv":0.5,"ab":"BID","sid":%d,"st":"REALTIME"}'
BINANCE = b'{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"100.50","q":"0.5","T":%d,"m":true,"M":true}'
AT = 1_700_000_000_000


def decode(frame, seen):
    """A made-up venue of four words."""
    if frame not in WORDS:
        raise WireSurprise("this does not read")
    return WORDS[frame]


def session():
    spec = StreamSpec(
        market=Market.UPBIT, decode=decode, request=lambda channels, ticket: [], release=lambda channels, ticket: [],
        replaces=True, heartbeat=None, ping_s=20.0, mute_s=45.0, stale_s=90.0, messages_per_s=0, messages_per_min=0,
        connects_per_s=1, channels_per_connection=0, topics=(Topic.TRADE,),
    )  # fmt: skip
    made = Session(spec, StreamPolicy(url="ws://nowhere"), "test")
    made.opened(1)
    return made


def look(made):
    return made.frames, made.surprises, made.others, made.proved, made.last_heard, made.due


@given(st.lists(st.sampled_from([b"t", b"tt"]), min_size=1, max_size=8))
def test_market_data_together_is_what_it_is_one_by_one(frames):
    one, all_at_once = session(), session()
    found = [event for frame in frames for event in one.received(frame, 7)]

    assert all_at_once.several(frames, 7) == found
    assert look(all_at_once) == look(one)


@pytest.mark.parametrize("odd", [b"b", b"bt", b"?"])
def test_with_anything_else_among_them_nothing_has_happened_yet(odd):
    made = session()
    before = look(made)

    assert made.several([b"t", odd, b"t"], 7) is None
    assert look(made) == before


@pytest.mark.parametrize(
    ("market", "frames"),
    [
        (Market.UPBIT, [UPBIT % (AT + n, AT + n, n + 1) for n in range(4)]),
        (Market.UPBIT, [UPBIT.replace(b'"ty"', b'"type"', 0) % (AT, AT, 1), b"[" + UPBIT % (AT, AT, 2) + b"]"]),
        (Market.BINANCE, [BINANCE % (AT, n + 1, AT + n) for n in range(4)]),
        (Market.BINANCE, [b'{"stream":"btcusdt@trade","data":' + BINANCE % (AT, 1, AT * 1000) + b"}"]),
    ],
)
def test_every_venue_that_reads_several_reads_them_as_it_reads_one(market, frames):
    stream = venue(market).stream

    assert stream.several(frames, 9) == [event for frame in frames for event in stream.decode(frame, 9)]


@pytest.mark.parametrize("market", [Market.UPBIT, Market.BINANCE])
def test_the_first_of_several_that_does_not_read_is_the_one_that_is_quoted(market):
    stream = venue(market).stream
    good = UPBIT % (AT, AT, 1) if market is Market.UPBIT else BINANCE % (AT, 1, AT)
    with pytest.raises(WireSurprise) as surprise:
        stream.several([good, b'{"broken":1', good], 9)

    assert surprise.value.facts["frame"] == b'{"broken":1'
