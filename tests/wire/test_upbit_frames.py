"""Every known frame of Upbit reads; every broken one is events or a WireSurprise and nothing else (D1)."""

import json
import random
from pathlib import Path

import pytest

from core.adapters.tape import frames
from core.domain.errors import WireSurprise
from core.domain.events import Bar, Beat, Book, Complaint, Inbound, Ticker, Trade
from core.domain.values import Millis
from core.venues.flow import Response
from core.venues.upbit.answers import BookRow, CandleRow, MarketRow, TickerRow, read, refusal
from core.venues.upbit.stream import decode

HERE = Path(__file__).parent / "upbit"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "upbit"
FIXTURES = sorted(HERE.glob("*.raw"), key=lambda path: path.name)
SEEN = Millis(1_800_000_000_000)
beside = pytest.mark.skipif(not SHARED.exists(), reason="the captures are not beside this checkout")


def survives(frame: bytes) -> bool:
    """Whether a frame gives events; False for a WireSurprise; anything else is a failure of the test."""
    try:
        events = decode(frame, SEEN)
    except WireSurprise:
        return False
    assert events
    assert all(isinstance(event, Inbound) for event in events)
    return True


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_every_fixture_reads_from_bytes_bytearray_and_memoryview(path):
    frame = path.read_bytes()

    assert decode(frame, SEEN) == decode(bytearray(frame), SEEN) == decode(memoryview(frame), SEEN)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_every_beginning_of_a_fixture_is_a_surprise(path):
    frame = path.read_bytes()

    for length in range(len(frame)):
        with pytest.raises(WireSurprise):
            decode(frame[:length], SEEN)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_every_end_of_a_fixture_is_events_or_a_surprise(path):
    frame = path.read_bytes()

    for start in range(1, len(frame)):
        survives(frame[start:])


def mutated(frame: bytes, dice: random.Random) -> bytes:
    """`frame` with one to four bytes changed, dropped, doubled or replaced by a token that means something."""
    body = bytearray(frame)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(body)) if body else 0
        match dice.randrange(5):
            case 0:
                body[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del body[at : at + dice.randint(1, 8)]
            case 2:
                body[at:at] = body[at : at + dice.randint(1, 8)]
            case 3:
                body[at:at] = dice.choice(TOKENS)
            case _:
                body[at : at + dice.randint(1, 12)] = dice.choice(TOKENS)
    return bytes(body)


TOKENS = [
    b"NaN",
    b"-1",
    b"0",
    b"1e999",
    b"null",
    b'"inf"',
    b"[]",
    b"{}",
    b"\xff\xfe",
    b"9" * 40,
    b'"',
    b"\x00",
    b"true",
]


@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_mutations_a_seed_give_events_or_a_surprise(seed):
    dice = random.Random(seed)
    pool = [path.read_bytes() for path in FIXTURES]

    for _ in range(100):
        survives(mutated(dice.choice(pool), dice))


@beside
@pytest.mark.parametrize(
    ("name", "trades", "books"), [("ws_simple_20210417.txt", 304, 145), ("ws_simple_20210405_a.txt", 309, 533)]
)
def test_every_frame_of_a_capture_reads(name, trades, books):
    events = [event for at, frame in frames(SHARED / name) for event in decode(frame, at)]

    assert sum(isinstance(event, Trade) for event in events) == trades
    assert sum(isinstance(event, Book) for event in events) == books
    assert len(events) == trades + books


@beside
@pytest.mark.parametrize("name", ["ws_simple_20210417.txt", "ws_simple_20210405_a.txt"])
def test_a_captured_event_is_what_plain_json_says(name):
    """An independent reading: json.loads of the same bytes, field by field."""
    for at, frame in frames(SHARED / name):
        [event], plain = decode(frame, at), json.loads(frame)
        assert (event.instrument.symbol, event.seen) == (plain["cd"], at)
        match event:
            case Trade():
                assert (event.price, event.quantity, event.sequence) == (plain["tp"], plain["tv"], plain["sid"])
                assert (event.at, event.taker) == (plain["ttms"], {"BID": "buy", "ASK": "sell"}[plain["ab"]])
                assert event.replayed is False
            case Book():
                shown = [(level.bid, level.bid_size, level.ask, level.ask_size) for level in event.levels]
                assert shown == [(unit["bp"], unit["bs"], unit["ap"], unit["as"]) for unit in plain["obu"]]
                assert event.at == plain["tms"]


@beside
@pytest.mark.parametrize("seed", range(10))
def test_mutated_frames_of_a_capture_give_events_or_a_surprise(seed):
    dice = random.Random(seed)
    pool = [frame for _, frame in frames(SHARED / "ws_simple_20210417.txt")]

    for _ in range(200):
        survives(mutated(dice.choice(pool), dice))


@beside
def test_every_truncation_of_captured_frames_is_a_surprise():
    shortest = {
        kind: min((f for _, f in frames(SHARED / "ws_simple_20210417.txt") if kind in f), key=len)
        for kind in (b"trade", b"orderbook")
    }

    for frame in shortest.values():
        assert not any(survives(frame[:length]) for length in range(len(frame)))


def quoted(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (SHARED / name).read_text("utf-8").splitlines()]


@beside
def test_every_quoted_frame_reads_as_its_kind():
    kinds = {"orderbook": Book, "status": Beat, "error": Complaint, "trade": Trade, "ticker": Ticker}
    rows = quoted("ws_quoted_frames_2021_2026.jsonl")

    for row in rows:
        [event] = decode(str(row["raw"]).encode(), SEEN)
        assert isinstance(event, kinds.get(str(row["kind"]), Bar))
    assert len(rows) == 13


@beside
def test_every_quoted_rest_answer_reads_as_its_kind():
    kinds = {"GET /v1/ticker": list[TickerRow], "GET /v1/candles": list[CandleRow]}
    for row in quoted("rest_quoted_samples.jsonl"):
        reply = Response(int(str(row["status"])), str(row["raw"]).encode(), dict(row["headers"]))  # type: ignore[call-overload]
        kind = next((kind for start, kind in kinds.items() if str(row["kind"]).startswith(start)), None)
        assert read(reply, kind) if kind else refusal(reply)


@beside
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("rest_market_all_20210417.json", list[MarketRow], 294),
        ("rest_orderbook_KRW-BTC_20250704.json", list[BookRow], 1),
        ("rest_candles_seconds_KRW-BTC_20250630.json", list[CandleRow], 1),
        ("rest_candles_KRW-BTC_1m_20200220T170000_20200220T202000.json", list[CandleRow], 200),
        ("rest_candles_KRW-BTC_3m_20200220T000000_20200220T100000.json", list[CandleRow], 200),
    ],
)
def test_every_recorded_rest_answer_reads(name, kind, count):
    assert len(read(Response(200, (SHARED / name).read_bytes()), kind)) == count
