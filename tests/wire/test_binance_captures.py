"""Real captures of Binance: books join without a gap and never cross; candles are the fold of their trades (D5, D8)."""

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.domain.events import Book, Delta
from core.domain.policies import UniversePolicy
from core.domain.values import MINUTE, Market, Millis
from core.local.playback import play
from core.local.template import ROOT
from core.settings import load
from core.venues.binance.answers import CandleRow, DepthRow, read
from core.venues.binance.depth import DepthBook
from core.venues.binance.fields import instrument
from core.venues.binance.rest import REST
from core.venues.binance.stream import decode
from core.venues.flow import Request, Response, run

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "binance"
SEEN = Millis(1_800_000_000_000)
pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="the captures are not beside this checkout")

FRAME = re.compile(r"([0-9.]+): (.*)")
SNAPSHOT = re.compile(r"http\S*symbol=(\w+)\S* -> ([0-9.]+): (.*)")
DEPTHS = [
    (("ws_combined_20211012.txt", "rest_depth1000_20211012.txt"), 4, 177),
    (("ws_combined_20210417.txt", "rest_depth1000_20210417.txt.gz"), 10, 614),
    (("ws_combined_20210405_a.txt.gz",), 10, 2521),
    (("tr_ws_combined_20230410.txt", "tr_rest_depth1000_20230410.txt.gz"), 3, 84),
]


def text(name: str) -> str:
    path = SHARED / name
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()


def arrived(names: tuple[str, ...]) -> list[tuple[float, str, str]]:
    """Frames and snapshots of a capture as (when, symbol of a snapshot or "", text), in the order in which they came."""
    lines = [line for name in names for line in text(name).split("\n")]
    frames = [(float(found[1]), "", found[2]) for line in lines if (found := FRAME.match(line))]
    snapshots = [(float(found[2]), found[1], found[3]) for line in lines if (found := SNAPSHOT.match(line))]
    return sorted([*frames, *snapshots], key=lambda event: event[0])


@pytest.mark.parametrize(("names", "pairs", "changes"), DEPTHS)
def test_a_captured_book_joins_its_snapshot_has_no_gap_and_never_crosses(names, pairs, changes):
    """A crossed book would be a gap: DepthBook begins anew then."""
    books: dict[str, DepthBook] = {}
    applied = Counter[str]()
    for at, symbol, body in arrived(names):
        if symbol:
            book = books.setdefault(symbol, DepthBook(instrument(symbol)))
            assert book.joined(msgspec.json.decode(body, type=DepthRow, strict=False))
            continue
        [event] = decode(body.encode(), Millis(int(at * 1000)))
        if isinstance(event, Delta):
            book = books.setdefault(event.instrument.symbol, DepthBook(event.instrument))
            book.changed(event)
            applied[event.instrument.symbol] += 1

    assert (len(books), applied.total()) == (pairs, changes)
    assert all(book.whole and book.gaps == 0 for book in books.values())


@pytest.mark.parametrize(("names", "pairs", "changes"), DEPTHS)
def test_the_best_levels_of_a_joined_book_are_those_of_the_book_ticker_of_the_same_update(names, pairs, changes):
    books: dict[str, DepthBook] = {}
    mine: dict[tuple[str, int], tuple[float, ...]] = {}
    told: dict[tuple[str, int], tuple[float, ...]] = {}
    for at, symbol, body in arrived(names):
        if symbol:
            books.setdefault(symbol, DepthBook(instrument(symbol))).joined(
                msgspec.json.decode(body, type=DepthRow, strict=False)
            )
            continue
        [event] = decode(body.encode(), Millis(int(at * 1000)))
        name = event.instrument.symbol
        if isinstance(event, Delta):
            books.setdefault(name, DepthBook(event.instrument)).changed(event)
            book = books[name].book(1)
            if book is not None and books[name].last == event.last:  # else it is older than the snapshot
                mine[name, event.last] = msgspec.structs.astuple(book.levels[0])
        elif isinstance(event, Book):
            told[name, json.loads(body)["data"]["u"]] = msgspec.structs.astuple(event.levels[0])

    shared = mine.keys() & told.keys()
    assert len(shared) > 10
    assert {key: mine[key] for key in shared} == {key: told[key] for key in shared}


def trades() -> Iterator[tuple[Millis, bytes]]:
    """A day of XRPETH as the stream would have sent it: the recorded objects with the fields that REST leaves out."""
    for line in text("agg_trades_XRPETH_20191011.jsonl.gz").splitlines():
        row = json.loads(line)
        payload = {**row, "e": "aggTrade", "E": row["T"], "s": "XRPETH"}
        yield (
            Millis(row["T"]),
            json.dumps({"stream": "xrpeth@aggTrade", "data": payload}, separators=(",", ":")).encode(),
        )


def test_candles_folded_from_a_days_trades_are_the_recorded_ones_in_every_row():
    """The product's own way from frame to candle: decoder, session, engine."""
    found = play(trades(), load(ROOT / "settings.yaml", {}), Market.BINANCE)

    assert (found.report.surprises, found.report.trades, found.report.duplicates) == (0, 5929, 0)
    for span, name in ((MINUTE, "1m"), (5 * MINUTE, "5m")):
        mine = {
            bar.opens: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in found.candles if bar.span == span
        }
        rows = list(csv.DictReader(text(f"candles_XRPETH_{name}_20191011.csv").splitlines()))
        names = ("open", "high", "low", "close", "volume")
        recorded = {int(row["open_time_ms"]): tuple(float(row[name]) for name in names) for row in rows}
        assert mine.keys() == recorded.keys()
        assert {at: row[:4] for at, row in mine.items()} == {at: row[:4] for at, row in recorded.items()}
        assert all(mine[at][4] == pytest.approx(row[4], rel=1e-9) for at, row in recorded.items())


@pytest.mark.parametrize("name", ["ws_combined_20210417.txt", "ws_combined_20210405_a.txt.gz"])
def test_aggregate_numbers_rise_by_one_within_a_symbol(name):
    numbers = defaultdict(list)
    for _, symbol, body in arrived((name,)):
        if not symbol and '@aggTrade"' in body:
            [event] = decode(body.encode(), SEEN)
            numbers[event.instrument.symbol].append(event.sequence)

    assert numbers
    assert all(found == list(range(found[0], found[0] + len(found))) for found in numbers.values())


def answering(body: str):
    def send(request: Request) -> Response:
        return Response(200, body.encode())

    return send


@pytest.mark.parametrize(
    ("name", "quote", "listed", "clean"),
    [
        ("rest_exchange_info_20211012.json.gz", "USDT", 342, 269),
        ("tr_rest_exchange_info_20230410.json.gz", "USDT", 439, 333),
        ("rest_BTCUSDT_exchange_info_202110.json", "USDT", 2, 2),
    ],
)
def test_listings_of_three_years_read_and_every_pair_says_what_an_order_must_look_like(name, quote, listed, clean):
    found = run(REST.listing(UniversePolicy(quote=quote), SEEN), answering(text(name)))

    assert len(found) == listed
    assert sum(not one.flags for one in found) == clean
    assert all(one.specification is not None and one.specification.minimum > 0 for one in found)


def test_recorded_answers_read():
    candles = read(Response(200, text("rest_BTCUSDT_klines_202110.json").encode()), list[CandleRow])
    bars = run(
        REST.bars("BTCUSDT", MINUTE, len(candles), None, SEEN), answering(text("rest_BTCUSDT_klines_202110.json"))
    )
    assert [bar.opens for bar in bars] == [candle.opens for candle in candles]
    assert bars[0].value == 1313200.0134041

    best = f"[{text('rest_BTCUSDT_book_ticker_202110.json')}]"
    [book] = run(REST.books(["BTCUSDT"], 1, SEEN), answering(best))
    assert (book.bid, book.ask) == (60741.67, 60741.68)

    [deep] = run(REST.books(["BTCUSDT"], 10, SEEN), answering(text("rest_BTCUSDT_depth_202110.json")))
    assert len(deep.levels) == 10
    assert deep.bid < deep.ask


def test_kline_rows_of_a_vendors_file_are_candles():
    rows = [line.split(",") for line in text("klines_ADABTC_1m_20211127.csv").split()]
    body = json.dumps([[int(row[0]), *row[1:6], int(row[6]), row[7], int(row[8]), *row[9:]] for row in rows])

    bars = run(REST.bars("ADABTC", MINUTE, 10, None, SEEN), answering(body))

    assert len(bars) == 10
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
