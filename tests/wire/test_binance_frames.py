"""Every known frame of Binance reads; every broken one is events or a WireSurprise and nothing else (D1, D5)."""

import json
import random
from pathlib import Path

import pytest

from core.adapters.tape import frames
from core.domain.errors import WireSurprise
from core.domain.events import Bar, Book, Delta, Inbound, Ticker, Trade
from core.domain.values import MINUTE, Millis
from core.venues.binance.stream import decode

HERE = Path(__file__).parent / "binance"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "binance"
FIXTURES = sorted(HERE.glob("*.raw"), key=lambda path: path.name)
SEEN = Millis(1_800_000_000_000)
beside = pytest.mark.skipif(not SHARED.exists(), reason="the captures are not beside this checkout")
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

CAPTURES = [
    ("ws_combined_20211012.txt", {Delta: 177, Book: 84, Trade: 2, Bar: 2}),
    ("ws_combined_20210417.txt", {Delta: 614, Book: 570, Trade: 24, Bar: 20}),
    ("ws_combined_20210405_a.txt.gz", {Delta: 2521, Book: 3071, Trade: 663}),
    ("us_ws_combined_20210417.txt", {Delta: 807, Book: 458, Trade: 18}),
    ("tr_ws_combined_20230410.txt", {Delta: 84, Book: 47, Bar: 8}),
]


def survives(frame: bytes) -> bool:
    """Whether a frame gives events; False for a WireSurprise; anything else is a failure of the test."""
    try:
        events = decode(frame, SEEN)
    except WireSurprise:
        return False
    assert events
    assert all(isinstance(event, Inbound) for event in events)
    return True


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


@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_mutations_a_seed_give_events_or_a_surprise(seed):
    dice = random.Random(seed)
    pool = [path.read_bytes() for path in FIXTURES]

    for _ in range(100):
        survives(mutated(dice.choice(pool), dice))


@beside
@pytest.mark.parametrize(("name", "counts"), CAPTURES)
def test_every_frame_of_a_capture_reads(name, counts):
    events = [event for at, frame in frames(SHARED / name) for event in decode(frame, at)]

    assert {kind: sum(isinstance(event, kind) for event in events) for kind in counts} == counts
    assert len(events) == sum(counts.values())


@beside
@pytest.mark.parametrize("name", [name for name, _ in CAPTURES])
def test_a_captured_event_is_what_plain_json_says(name):
    """An independent reading: json.loads of the same bytes, field by field."""
    for at, frame in frames(SHARED / name):
        [event], whole = decode(frame, at), json.loads(frame)
        plain, kind = whole["data"], whole["stream"].partition("@")[2]
        assert (event.instrument.symbol, event.seen) == (plain["s"], at)
        match event:
            case Trade():
                assert (event.price, event.quantity) == (float(plain["p"]), float(plain["q"]))
                assert (event.sequence, event.at) == (plain["a"], plain["T"])
                assert event.taker == ("sell" if plain["m"] else "buy")
            case Book():
                assert kind == "bookTicker"
                [level] = event.levels
                assert (level.bid, level.bid_size) == (float(plain["b"]), float(plain["B"]))
                assert (level.ask, level.ask_size) == (float(plain["a"]), float(plain["A"]))
            case Delta():
                assert (event.first, event.last, event.at) == (plain["U"], plain["u"], plain["E"])
                for side, letter in ((event.bids, "b"), (event.asks, "a")):
                    assert list(side) == [(float(price), float(size)) for price, size in plain[letter]]
            case Bar():
                told = plain["k"]
                assert (event.opens, event.span, event.closed) == (told["t"], MINUTE, told["x"])
                names = ("open", "o"), ("high", "h"), ("low", "l"), ("close", "c"), ("volume", "v"), ("value", "q")
                assert all(getattr(event, long) == float(told[short]) for long, short in names)


@beside
@pytest.mark.parametrize("seed", range(10))
def test_mutated_frames_of_a_capture_give_events_or_a_surprise(seed):
    dice = random.Random(seed)
    pool = [frame for _, frame in frames(SHARED / "ws_combined_20211012.txt")]

    for _ in range(200):
        survives(mutated(dice.choice(pool), dice))


@beside
def test_every_message_recorded_from_2019_to_2021_reads_as_its_kind():
    kinds = {"trade": Trade, "bookTicker": Book, "ticker": Ticker, "depth": Delta}
    rows = (SHARED / "ws_recorded_2019_2021.jsonl").read_bytes().splitlines()

    for row in rows:
        [event] = decode(row, SEEN)
        assert isinstance(event, kinds[json.loads(row)["stream"].partition("@")[2]])
    assert len(rows) == 5
