"""Upbit's frames mean what the reference says, in every spelling (D1, D5)."""

import json
from pathlib import Path

import msgspec
import pytest

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import Bar, Beat, Book, Complaint, Level, Ticker, Trade
from core.domain.values import MINUTE, Instrument, Market, Millis, Side
from core.venues.spec import Channel, Topic, venue
from core.venues.upbit.stream import STREAM, decode, stream_spec
from core.venues.upbit.wire import SPANS, Format

WIRE = Path(__file__).parents[2] / "wire" / "upbit"
SEEN = Millis(1_800_000_000_000)


def raw(name: str) -> bytes:
    return (WIRE / f"{name}.raw").read_bytes()


def krw(coin: str) -> Instrument:
    return Instrument(Market.UPBIT, f"KRW-{coin}")


def changed(name: str, **fields: object) -> bytes:
    """A fixture with some top-level fields replaced, `...` taking one away."""
    frame = json.loads(raw(name))
    frame.update(fields)
    return json.dumps({key: value for key, value in frame.items() if value is not ...}).encode()


def test_a_trade_in_short_names():
    assert decode(raw("trade.simple"), SEEN) == [
        Trade(
            instrument=krw("LAMB"),
            price=127.0,
            quantity=46.48838371,
            taker=Side.BUY,
            at=Millis(1618678262000),
            seen=SEEN,
            sequence=1618678262000003,
        )
    ]


def test_a_trade_in_long_names_decides_by_its_own_time_and_not_by_when_it_was_sent():
    [trade] = decode(raw("trade.default"), SEEN)

    assert (trade.instrument, trade.price, trade.at) == (krw("BTC"), 46_769_000.0, 1621697844000)


def test_a_snapshot_trade_in_a_list_is_a_replay_of_one_we_may_have():
    [trade] = decode(raw("trade.snapshot.simple_list"), SEEN)

    assert trade.replayed
    assert (trade.taker, trade.sequence, trade.quantity) == (Side.SELL, 17510687993360000, 6.043e-05)


def test_a_book_is_whole_and_best_first():
    assert decode(raw("orderbook.simple"), SEEN) == [
        Book(
            instrument=krw("BTC"),
            levels=[
                Level(bid=116534000.0, bid_size=0.00079276, ask=116606000.0, ask_size=0.06288509),
                Level(bid=116521000.0, bid_size=0.01624318, ask=116609000.0, ask_size=0.0005),
            ],
            at=Millis(1790134773006),
            seen=SEEN,
        )
    ]


def test_numbers_with_exponents_are_the_same_numbers():
    [book] = decode(raw("orderbook.default"), SEEN)

    assert (book.bid, book.ask, book.levels[1].ask_size) == (116538000.0, 116539000.0, 0.0007772)


def test_padding_of_a_thin_book_is_skipped_and_its_microseconds_are_brought_to_milliseconds():
    [book] = decode(raw("orderbook.padded.json_list"), SEEN)

    assert [(level.bid, level.ask) for level in book.levels] == [(4.173, 4.184), (4.172, 0.0)]
    assert book.at == 1692000000123


def test_a_book_of_nothing_but_padding_says_that_nobody_bids_and_nobody_offers():
    unit = {"ap": 0, "bp": 0, "as": 0, "bs": 0}

    [book] = decode(changed("orderbook.simple", obu=[unit, unit]), SEEN)

    assert book.levels == [Level(bid=0.0, bid_size=0.0, ask=0.0, ask_size=0.0)]


@pytest.mark.parametrize("name", ["ticker.default", "ticker.simple"])
def test_a_ticker_in_both_spellings_and_with_both_kinds_of_date(name):
    assert decode(raw(name), SEEN) == [
        Ticker(
            instrument=krw("ETH"),
            price=2544000.0,
            change=-0.0074131877,
            volume=4206.90085201,
            value=10711749229.46539,
            value_24h=21149832920.57972,
            high=2563000.0,
            low=2535000.0,
            at=Millis(1688291188337),
            seen=SEEN,
        )
    ]


def test_a_candle_of_the_stream_is_never_called_closed():
    assert decode(raw("candle_1m.default"), SEEN) == [
        Bar(
            instrument=krw("BTC"),
            span=MINUTE,
            opens=Millis(1785397560000),
            open=91157000.0,
            high=91157000.0,
            low=91133000.0,
            close=91157000.0,
            volume=0.8004467,
            value=72957159.34596,
            seen=SEEN,
            closed=False,
        )
    ]


def test_a_candle_in_short_names_knows_its_length_from_its_type():
    [bar] = decode(raw("candle_5m.simple"), SEEN)

    assert (bar.span, bar.opens % (5 * MINUTE), bar.close) == (5 * MINUTE, 0, 91132000.0)


@pytest.mark.parametrize("unit", SPANS)
@pytest.mark.parametrize("name", ["candle_1m.default", "candle_5m.simple"])
def test_every_candle_length_is_read_in_both_spellings(name, unit):
    kind, time = ("type", "candle_date_time_utc") if "default" in name else ("ty", "cdttmu")
    frame = changed(name, **{kind: f"candle.{unit}", time: "2026-07-30T04:00:00"})

    [bar] = decode(frame, SEEN)

    assert bar.span == SPANS[unit]


def test_a_status_frame_and_answers_to_a_list_of_subscriptions_prove_the_line():
    for name in ("status", "subscriptions.default", "subscriptions.simple"):
        assert decode(raw(name), SEEN) == [Beat(seen=SEEN)]
    assert decode(b'[{"status":"UP"}]', SEEN) == [Beat(seen=SEEN)]


def test_a_complaint_carries_the_venues_own_name_and_words():
    assert decode(raw("error.invalid_param"), SEEN) == [
        Complaint(name="INVALID_PARAM", message="nope 은 지원하지 않는 타입입니다.", seen=SEEN)
    ]
    assert decode(b'{"error":{"name":429}}', SEEN) == [Complaint(name="429", message="", seen=SEEN)]


def test_a_list_of_several_is_read_in_its_order():
    frame = b"[" + raw("trade.simple") + b"," + raw("orderbook.simple") + b"]"

    assert [type(event) for event in decode(frame, SEEN)] == [Trade, Book]


@pytest.mark.parametrize("name", ["trade.simple", "trade.default", "orderbook.simple", "ticker.default"])
def test_the_order_of_keys_and_blanks_mean_nothing(name):
    frame = json.loads(raw(name))
    backwards = json.dumps(dict(reversed(frame.items())), indent=1).encode()

    assert decode(backwards, SEEN) == decode(raw(name), SEEN)


def test_quoted_numbers_and_new_fields_are_read():
    frame = changed(
        "trade.simple", tp="127.0", tv="4.648838371E1", ttms="1618678262000", sid="1618678262000003", new=[1]
    )

    assert decode(frame, SEEN) == decode(raw("trade.simple"), SEEN)


def test_two_frames_of_one_market_share_one_instrument():
    [one], [two] = decode(raw("orderbook.simple"), SEEN), decode(raw("trade.default"), SEEN)

    assert one.instrument is two.instrument


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("trade.simple", {"tp": 0}),
        ("trade.simple", {"tp": -1.0}),
        ("trade.simple", {"tp": "nan"}),
        ("trade.simple", {"tp": "inf"}),
        ("trade.simple", {"tp": 1e300}),
        ("trade.simple", {"tp": None}),
        ("trade.simple", {"tp": ...}),
        ("trade.simple", {"tv": 0.0}),
        ("trade.simple", {"tv": "-0.1"}),
        ("trade.simple", {"tv": True}),
        ("trade.simple", {"ab": "MID"}),
        ("trade.simple", {"st": "ODD"}),
        ("trade.simple", {"sid": -1}),
        ("trade.simple", {"sid": 2**63}),
        ("trade.simple", {"ttms": 0}),
        ("trade.simple", {"ttms": 10**12 - 1}),
        ("trade.simple", {"ttms": 10**14}),
        ("trade.simple", {"ttms": 10**19}),
        ("trade.simple", {"ty": "myOrder"}),
        ("trade.simple", {"ty": ...}),
        ("trade.simple", {"cd": "krw-btc"}),
        ("trade.simple", {"cd": "KRWBTC"}),
        ("trade.simple", {"cd": ""}),
        ("trade.simple", {"cd": "KRW-" + "A" * 400}),
        ("orderbook.simple", {"obu": []}),
        ("orderbook.simple", {"obu": None}),
        ("orderbook.simple", {"obu": [{"ap": 1, "bp": -1, "as": 1, "bs": 1}]}),
        ("orderbook.simple", {"obu": [{"ap": 1}]}),
        ("ticker.default", {"trade_price": 0}),
        ("ticker.default", {"signed_change_rate": "-1.5"}),
        ("ticker.default", {"high_price": -1}),
        ("candle_1m.default", {"candle_date_time_utc": "2026-07-30T07:46:01"}),
        ("candle_1m.default", {"candle_date_time_utc": "yesterday"}),
        ("candle_1m.default", {"high_price": 1.0}),
        ("candle_1m.default", {"low_price": 91158000.0}),
        ("candle_1m.default", {"type": "candle.7m"}),
    ],
)
def test_what_cannot_be_is_a_surprise(name, fields):
    with pytest.raises(WireSurprise):
        decode(changed(name, **fields), SEEN)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"x"',
        b"{}",
        b"[]",
        b"[[]]",
        b"PONG",
        b'{"status":""}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe{}",
        b'{"status":"\xff"}',
        b'{"ty":"trade"',
        raw("trade.simple") + b"x",
    ],
)
def test_what_is_no_frame_is_a_surprise(frame):
    with pytest.raises(WireSurprise):
        decode(frame, SEEN)


def test_a_surprise_shows_the_frames_beginning_and_what_was_wrong():
    with pytest.raises(WireSurprise) as surprise:
        decode(changed("trade.simple", tp=0), SEEN)

    assert "Upbit frame does not read" in str(surprise.value)
    assert "tp" in str(surprise.value.facts["fault"])
    assert len(surprise.value.facts["frame"]) == 120


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        (1618678262, 1618678262000),
        (1618678262712, 1618678262712),
        (1618678262712345, 1618678262712),
        (1618678262712345678, 1618678262712),
    ],
)
def test_a_time_is_told_by_its_digits(stamp, at):
    [trade] = decode(changed("trade.simple", ttms=stamp), SEEN)

    assert trade.at == at


# What is asked for


def asked(*channels: Channel, spec=STREAM) -> list[dict[str, object]]:
    [message] = spec.request(frozenset(channels), "ticket-1")
    return msgspec.json.decode(message)


def test_one_message_asks_for_everything_in_a_settled_order():
    message = asked(
        Channel(Topic.TRADE, "KRW-ETH"),
        Channel(Topic.TRADE, "KRW-BTC"),
        Channel(Topic.TICKER, "KRW-BTC"),
        Channel(Topic.BOOK, "KRW-BTC", "5"),
        Channel(Topic.BOOK, "KRW-ETH"),
        Channel(Topic.CANDLE, "KRW-BTC", "5m"),
        Channel(Topic.CANDLE, "KRW-BTC"),
    )

    assert message == [
        {"ticket": "ticket-1"},
        {"type": "candle.1m", "codes": ["KRW-BTC"]},
        {"type": "candle.5m", "codes": ["KRW-BTC"]},
        {"type": "orderbook", "codes": ["KRW-BTC.5", "KRW-ETH.15"]},
        {"type": "ticker", "codes": ["KRW-BTC"]},
        {"type": "trade", "codes": ["KRW-BTC", "KRW-ETH"]},
        {"format": "SIMPLE"},
    ]


@pytest.mark.parametrize("style", list(Format))
def test_the_format_is_the_callers(style):
    assert asked(Channel(Topic.TRADE, "KRW-BTC"), spec=stream_spec(style=style))[-1] == {"format": style.value}


def test_without_a_depth_the_venue_chooses():
    spec = stream_spec(depth=None)

    assert asked(Channel(Topic.BOOK, "KRW-BTC"), spec=spec)[1] == {"type": "orderbook", "codes": ["KRW-BTC"]}


def test_wanting_nothing_asks_for_one_snapshot_and_then_silence():
    """There is no unsubscribe, and empty codes are an error (reference/upbit.md 4.2, 4.3)."""
    message = asked()

    assert message[1] == {"type": "ticker", "codes": ["KRW-BTC"], "is_only_snapshot": True}
    assert len(message) == 3


def test_a_candle_that_the_stream_does_not_have_is_for_a_person_to_mend():
    with pytest.raises(Misconfigured, match="7m"):
        asked(Channel(Topic.CANDLE, "KRW-BTC", "7m"))


def test_nothing_is_ever_released_because_a_request_replaces_all():
    assert STREAM.replaces
    assert STREAM.release(frozenset({Channel(Topic.TRADE, "KRW-BTC")}), "t") == []


def test_the_figures_are_those_of_the_reference():
    assert (STREAM.messages_per_s, STREAM.messages_per_min, STREAM.connects_per_s) == (5, 100, 5)
    assert STREAM.ping_s * 2 < 60 <= STREAM.mute_s + STREAM.ping_s
    assert (STREAM.heartbeat, STREAM.channels_per_connection) == (b"PING", 0)


def test_the_venue_is_found_by_its_market():
    found = venue(Market.UPBIT)

    assert (found.market, found.stream) == (Market.UPBIT, STREAM)
