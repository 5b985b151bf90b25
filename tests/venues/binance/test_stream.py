"""Binance's frames mean what the reference says, wrapped and bare; what is asked for is worded as it wants it (D1, D5)."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import Misconfigured, WireSurprise
from core.domain.events import Bar, Beat, Book, Complaint, Delta, Farewell, Level, Ticker, Trade
from core.domain.values import HOUR, MINUTE, Instrument, Market, Millis, Side
from core.venues.binance.fields import INTERVALS, instrument, levels, millis
from core.venues.binance.stream import NAMES, PARAMS, STREAM, decode, release, request, stream_name
from core.venues.spec import Channel, Topic

WIRE = Path(__file__).parents[2] / "wire" / "binance"
SEEN = Millis(1_800_000_000_000)


def raw(name: str) -> bytes:
    return (WIRE / f"{name}.raw").read_bytes()


def pair(symbol: str) -> Instrument:
    return Instrument(Market.BINANCE, symbol)


def changed(name: str, **fields: object) -> bytes:
    """A fixture with some fields of its payload replaced, `...` taking one away."""
    frame = json.loads(raw(name))
    frame["data"] = {key: value for key, value in (frame["data"] | fields).items() if value is not ...}
    return json.dumps(frame, separators=(",", ":")).encode()


def test_a_trade_whose_buyer_was_the_maker_was_sold_by_its_taker():
    assert decode(raw("trade"), SEEN) == [
        Trade(
            instrument=pair("BTCUSDT"),
            price=103150.01,
            quantity=0.00012,
            taker=Side.SELL,
            at=Millis(1790134773005),
            seen=SEEN,
            sequence=5021445010,
        )
    ]


def test_a_trade_of_2019_still_carries_order_ids_that_nobody_needs():
    [trade] = decode(raw("trade.2019"), SEEN)

    assert (trade.instrument, trade.taker, trade.quantity) == (pair("BNBBTC"), Side.BUY, 33.82)


def test_times_in_microseconds_are_brought_to_milliseconds():
    [trade] = decode(raw("trade.micros"), SEEN)

    assert trade.at == 1790134773005


def test_an_aggregate_is_a_trade_under_its_own_number():
    [trade] = decode(raw("agg_trade"), SEEN)

    assert (trade.instrument, trade.sequence, trade.price) == (pair("LRCBTC"), 12907614, 7.42e-06)


@pytest.mark.parametrize("name", ["trade", "agg_trade", "book_ticker", "depth", "kline", "mini_ticker"])
def test_a_raw_payload_names_itself(name):
    [event] = decode(raw(f"{name}.bare"), SEEN)

    assert type(event) is type(decode(raw(name), SEEN)[0])


def test_the_best_offers_have_no_time_but_when_they_came():
    assert decode(raw("book_ticker"), SEEN) == [
        Book(instrument=pair("BTCUSDT"), levels=[Level(8010.0, 0.142459, 8012.15, 0.031201)], at=SEEN, seen=SEEN)
    ]


def test_a_part_of_a_book_is_named_by_its_wrapper_and_its_sides_may_differ_in_length():
    [book] = decode(raw("depth5"), SEEN)

    assert book.instrument == pair("BNBUSDT")
    assert book.levels == [Level(0.0024, 10.0, 0.0026, 100.0), Level(0.0023, 4.0, 0.0, 0.0)]


def test_a_book_that_nobody_is_in_has_one_empty_step():
    [book] = decode(raw("depth20.empty"), SEEN)

    assert book.levels == [Level(0.0, 0.0, 0.0, 0.0)]


def test_changes_of_a_book_say_from_where_to_where_they_reach():
    assert decode(raw("depth"), SEEN) == [
        Delta(
            instrument=pair("NKNUSDT"),
            first=499869753,
            last=499869754,
            bids=((0.3517, 4265.0),),
            asks=((0.3529, 10968.0), (0.353, 0.0)),
            at=Millis(1633998512568),
            seen=SEEN,
        )
    ]


def test_a_candle_is_closed_only_where_binance_says_so():
    [running], [closed] = decode(raw("kline"), SEEN), decode(raw("kline.bare"), SEEN)

    assert isinstance(running, Bar)
    assert isinstance(closed, Bar)
    assert (running.span, running.opens, running.closed) == (MINUTE, 1633998480000, False)
    assert (closed.span, closed.closed, closed.value) == (HOUR, True, 1.0)


def test_a_mini_ticker_is_of_24_hours_throughout():
    [ticker] = decode(raw("mini_ticker"), SEEN)

    assert isinstance(ticker, Ticker)
    assert (ticker.price, ticker.volume, ticker.value, ticker.value_24h) == (0.0025, 10000.0, 18.0, 18.0)
    assert ticker.change == pytest.approx(1.5)
    assert (ticker.bid, ticker.ask) == (None, None)


def test_a_whole_ticker_has_the_best_offers():
    [ticker] = decode(raw("ticker"), SEEN)

    assert (ticker.bid, ticker.ask) == (0.00014365, 0.00014498)
    assert ticker.change == pytest.approx(0.02068, abs=1e-5)


def test_a_pair_that_has_not_traded_has_moved_by_nothing():
    [ticker] = decode(raw("mini_ticker.bare"), SEEN)

    assert (ticker.price, ticker.change) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["shutdown", "shutdown.bare"])
def test_a_server_that_goes_down_says_farewell(name):
    assert decode(raw(name), SEEN) == [Farewell(SEEN)]


@pytest.mark.parametrize("name", ["reply", "reply.listing", "reply.property"])
def test_an_answer_to_what_we_asked_is_a_sign_of_life_that_names_our_message(name):
    assert decode(raw(name), SEEN) == [Beat(SEEN, about=str(json.loads(raw(name))["id"]))]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("error.property", "0", "Unknown property (message 5)"),
        ("error.type", "1", "Invalid value type: expected Boolean"),
        ("error.request", "2", "Invalid request: unknown variant `SUB` (message s3x1a)"),
        ("error.json", "3", "Invalid JSON: expected value at line 1 column 1"),
        ("error.wrapped", "2", "Invalid request: request ID must be an unsigned integer"),
    ],
)
def test_an_error_is_a_complaint_that_names_the_message_where_binance_could_read_one(name, code, words):
    about = words.partition("(message ")[2].rstrip(")")
    assert decode(raw(name), SEEN) == [Complaint(code, words, SEEN, about)]


def test_a_wrapper_may_name_its_stream_last():
    frame = json.loads(raw("trade"))
    turned = json.dumps({"data": frame["data"], "stream": frame["stream"]}).encode()

    assert decode(turned, SEEN) == decode(raw("trade"), SEEN)


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"[]", b"7", b"{}", b'{"u":1}', b'{"e":"trade"}', b'{"e":"unheardOf","s":"BTCUSDT"}',
        b'{"lastUpdateId":160,"bids":[],"asks":[]}', b'{"stream":"btcusdt@vanished","data":{}}',
        b'{"stream":"!ticker@arr","data":[]}', b'{"stream":7,"data":{}}', b'{"stream":"bt c@trade","data":{}}',
        changed("trade", p="0"), changed("trade", p="NaN"), changed("trade", p="-1"), changed("trade", q=...),
        changed("trade", T=12), changed("trade", m="perhaps"), changed("depth", U=9, u=8),
        changed("kline", k=json.loads(raw("kline"))["data"]["k"] | {"h": "0.00000001"}),
        changed("kline", k=json.loads(raw("kline"))["data"]["k"] | {"i": "1M"}),
    ],
)  # fmt: skip
def test_what_binance_does_not_send_is_a_surprise(frame):
    with pytest.raises(WireSurprise):
        decode(frame, SEEN)


def test_a_symbol_in_another_script_is_a_symbol():
    [trade] = decode(raw("trade").replace(b"btcusdt@", "币安人生usdt@".encode()), SEEN)

    assert trade.instrument == pair("币安人生USDT")


@pytest.mark.parametrize("symbol", ["", "btcusdt", "BTC USDT", "BTC/USDT", "A" * 41])
def test_what_cannot_be_a_symbol_is_a_surprise(symbol):
    with pytest.raises(WireSurprise, match="symbol"):
        instrument(symbol)


# what is asked for


def test_subscriptions_are_named_in_lower_case_and_told_apart_by_their_ids():
    channels = frozenset(Channel(topic, "BTCUSDT") for topic in STREAM.topics)

    [asked], [given_up] = request(channels, "any"), release(channels, "any")

    said, unsaid = json.loads(asked), json.loads(given_up)
    assert said["method"] == "SUBSCRIBE"
    assert said["params"] == ["btcusdt@bookTicker", "btcusdt@miniTicker", "btcusdt@trade"]
    assert unsaid["method"] == "UNSUBSCRIBE"
    assert said["id"] != unsaid["id"]
    assert all(len(one["id"]) <= 36 and one["id"].isalnum() for one in (said, unsaid))


@settings(deadline=None)
@given(st.sets(st.from_regex(r"[A-Z]{2,6}USDT", fullmatch=True), max_size=500))
def test_however_many_are_wanted_each_is_named_once_in_messages_of_a_bounded_size(symbols):
    channels = frozenset(Channel(Topic.TRADE, symbol) for symbol in symbols)

    said = [json.loads(message) for message in request(channels, "")]

    names = [name for one in said for name in one["params"]]
    assert sorted(names) == sorted(f"{symbol.lower()}@trade" for symbol in symbols)
    assert all(0 < len(one["params"]) <= PARAMS for one in said)
    assert len({one["id"] for one in said}) == len(said)


@pytest.mark.parametrize(("topic", "detail"), [(topic, detail) for topic, all_ in NAMES.items() for detail in all_])
def test_every_feed_that_may_be_asked_for_can_be_read(topic, detail):
    name = stream_name(Channel(topic, "BTCUSDT", detail))

    with pytest.raises(WireSurprise, match="required field"):
        decode(b'{"stream":"%b","data":{}}' % name.encode(), SEEN)


@pytest.mark.parametrize(
    ("topic", "detail"), [(Topic.BOOK, "depth@100ms"), (Topic.CANDLE, "kline_7m"), (Topic.STATE, "")]
)
def test_a_feed_that_binance_does_not_have_says_which_it_has_and_which_key_asks(topic, detail):
    with pytest.raises(Misconfigured) as fault:
        stream_name(Channel(topic, "BTCUSDT", detail))

    assert fault.value.facts["key"] == f"markets.binance.stream.details.{topic.value}"
    assert fault.value.facts["allowed"]


def test_a_connection_leaves_one_message_a_second_for_the_pong_and_lives_a_day():
    assert STREAM.messages_per_s == 5 - 1
    assert STREAM.channels_per_connection == 1024
    assert STREAM.life_s == 86_400


@settings(deadline=None)
@given(st.integers(10**12, 10**14 - 1))
def test_milliseconds_and_microseconds_of_a_moment_are_the_same_moment(at):
    assert millis(at) == millis(at * 1000 + 999) == at


def test_candle_lengths_are_what_their_names_say():
    assert INTERVALS["1m"] == MINUTE
    assert INTERVALS["1w"] == 7 * 24 * HOUR
    assert "1M" not in INTERVALS


def test_sides_of_a_book_are_put_side_by_side():
    assert levels([(9.0, 1.0), (8.0, 2.0)], [(10.0, 3.0)]) == [Level(9.0, 1.0, 10.0, 3.0), Level(8.0, 2.0, 0.0, 0.0)]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_transport_may_hand_over_any_kind_of_bytes(kind):
    assert decode(kind(raw("trade")), SEEN) == decode(raw("trade"), SEEN)
