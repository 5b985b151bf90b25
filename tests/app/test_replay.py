"""Replay (H3): the whole pipeline on a tape, deterministic, with candles that a plain loop gives too (D8)."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.memory.shelf import MemoryShelf
from core.adapters.tape import frames
from core.app.desk import Ending
from core.app.playhead import Playhead
from core.app.replay import Player, Replay, Report
from core.domain.engine import Engine
from core.domain.events import Bar, Book
from core.domain.levels import SafeSet
from core.domain.messages import Kind
from core.domain.policies import (
    ExitPolicy,
    MarketPolicy,
    RestPolicy,
    RulePolicy,
    StreamPolicy,
    UniversePolicy,
)
from core.domain.values import MINUTE, SPANS, Market, Millis, Side
from core.feed.session import Session
from core.local.playback import play
from core.settings import Settings
from core.venues.spec import venue
from tests.fakes import CountingBroker, desk_of

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "upbit"
CAPTURES = ["ws_simple_20210417.txt", "ws_simple_20210405_a.txt"]
beside = pytest.mark.skipif(not SHARED.exists(), reason="the captures are not beside this checkout")

START = 1_790_000_040_000
"""A whole minute of 2026-09."""

POLICY = MarketPolicy(
    rest=RestPolicy(url="http://x"),
    stream=StreamPolicy(url="ws://x"),
    rules=(RulePolicy(name="fall", kind="fall", params={"minutes": 1, "fall": 0.03}),),
    exits=ExitPolicy(stop_loss=0.03, take_profit=0.05, trend=False),
)


def trade(at: int, price: float, *, size: float = 1.0, symbol: str = "KRW-AAA", sid: int = 0) -> tuple[Millis, bytes]:
    """A trade that came 100 ms after it was made."""
    row = {"ty": "trade", "cd": symbol, "tms": at + 20, "ttms": at, "tp": price, "tv": size, "ab": "BID"}
    return Millis(at + 100), json.dumps({**row, "sid": sid or at * 1000, "st": "REALTIME"}).encode()


def book(at: int, bid: float, ask: float, *, symbol: str = "KRW-AAA", size: float = 1e6) -> tuple[Millis, bytes]:
    row = {"ty": "orderbook", "cd": symbol, "tms": at, "obu": [{"ap": ask, "bp": bid, "as": size, "bs": size}]}
    return Millis(at + 50), json.dumps({**row, "st": "REALTIME"}).encode()


def fallen(symbol: str = "KRW-AAA") -> list[tuple[Millis, bytes]]:
    """A minute at 1,000 and then 960, with books: what the rule waits for."""
    return [
        book(START, 999, 1000, symbol=symbol),
        trade(START + 1_000, 1000, symbol=symbol),
        trade(START + MINUTE + 1_000, 1000, symbol=symbol),
        book(START + MINUTE + 2_000, 959, 960, symbol=symbol),
        trade(START + MINUTE + 3_000, 960, symbol=symbol),
    ]


def played(tape: list[tuple[Millis, bytes]], policy: MarketPolicy = POLICY) -> Replay:
    return play(tape, Settings(markets={Market.UPBIT: policy}), Market.UPBIT)


# trades


def test_a_fall_is_bought_from_the_tapes_book_and_sold_at_its_profit():
    up = START + MINUTE + 20_000

    result = played([*fallen(), book(up, 1010, 1011), trade(up + 1_000, 1010)])

    assert (result.report.signals, result.report.buys, result.report.sells) == (2, 1, 1)
    assert [verdict.outcome for verdict in result.verdicts] == [Ending.BOUGHT, Ending.SOLD]
    bought, sold = result.orders
    assert {fill.price for fill in bought.fills} == {Decimal(960)}
    assert {fill.price for fill in sold.fills} == {Decimal(1010)}
    assert sold.reason == "take_profit"
    assert bought.at == START + MINUTE + 3_100


def test_a_loss_is_stopped():
    down = START + MINUTE + 20_000

    result = played([*fallen(), book(down, 920, 921), trade(down + 1_000, 920)])

    assert [(signal.side, signal.rule) for signal in result.signals] == [(Side.BUY, "fall"), (Side.SELL, "stop_loss")]
    assert result.report.sells == 1


def test_a_stop_that_only_time_can_see_is_taken_between_trades():
    """The book falls and no trade follows: a later frame's second is enough."""
    down = START + MINUTE + 20_000

    result = played([*fallen(), book(down, 920, 921), trade(down + 2_000, 50, symbol="KRW-BBB")])

    assert result.report.sells == 1


def test_without_a_book_nothing_is_filled_and_the_venue_says_why():
    result = played([line for line in fallen() if b"orderbook" not in line[1]])

    assert (result.report.signals, result.report.buys) == (1, 0)
    assert result.verdicts[0].outcome is Ending.REFUSED


def test_what_the_safety_filter_leaves_out_is_never_bought():
    never = msgspec.structs.replace(POLICY, universe=UniversePolicy(never=("KRW-AAA",)))

    assert played(fallen()).report.buys == 1
    assert played(fallen(), never).report.signals == 0
    assert played(fallen("BTC-AAA")).report.signals == 0


def test_the_listing_stays_young_on_a_long_tape():
    """A3: past `max_age_s` no buy is allowed; live the filter runs every hour, so here the tape's time drives it."""
    early = [trade(START - hour * 3_600_000, 1000) for hour in (9, 6, 3)]

    assert played([*early, *fallen()]).report.buys == 1


def test_alerts_go_where_alerts_go_and_the_listing_lies_on_the_shelf():
    playhead, found = Playhead(), venue(Market.UPBIT)
    at = desk_of(
        broker=CountingBroker(price=Decimal(960)),
        clock=playhead.clock,
        last_price=playhead.last_price,
        shelf=MemoryShelf(),
    )
    engine = Engine(Market.UPBIT, POLICY, found.rules.link)
    player = Player(Session(found.stream, POLICY.stream, "t"), engine, at, playhead)

    for moment, frame in fallen():
        player.take(frame, moment)

    assert [alert.kind for alert in at.alerts.sent] == [Kind.BOUGHT, Kind.SIGNAL]
    assert at.shelf.read(SafeSet, Market.UPBIT).safe == ("KRW-AAA",)


# frames


def test_what_does_not_read_is_counted_and_the_tape_goes_on():
    tape = [(Millis(START), b"{"), *fallen(), (Millis(START + 200_000), b'{"status":"UP"}')]
    tape.append((Millis(START + 200_000), b'{"error":{"name":"NO_TYPE","message":"x"}}'))

    report = played(tape).report

    assert (report.frames, report.decoded, report.surprises) == (8, 7, 1)
    assert (report.trades, report.books, report.buys) == (3, 2, 1)
    assert (report.first_at, report.last_at) == (START, START + 200_000)


def test_tickers_are_counted_and_need_no_trade():
    ticker = {"ty": "ticker", "cd": "KRW-AAA", "tms": START, "tp": 5.0, "scr": 0, "atv": 1, "atp": 1, "atp24h": 1}
    line = (Millis(START + 1), json.dumps({**ticker, "hp": 5, "lp": 5}).encode())

    report = played([line]).report

    assert (report.tickers, report.trades, report.candles) == (1, 0, 0)


def test_an_empty_tape_is_an_empty_report():
    report = played([]).report

    assert (report.frames, report.candles, report.first_at, report.last_at) == (0, 0, None, None)


def test_late_and_repeated_trades_are_told_apart():
    tape = [
        trade(START + 1_000, 1000, sid=5),
        trade(START + 3_000, 1001, sid=7),
        trade(START + 2_000, 1002, sid=6),
        trade(START + 3_000, 1001, sid=7),
    ]

    report = played(tape).report

    assert (report.trades, report.late, report.duplicates) == (4, 1, 1)


def test_a_line_older_than_the_one_before_does_not_turn_the_clock_back():
    playhead = Playhead()
    playhead.reach(Millis(5_000))
    playhead.reach(Millis(4_000))

    assert (playhead.clock(), playhead.monotonic_s()) == (5_000, 5.0)


def test_the_playhead_knows_the_newest_book_and_price_and_no_other():
    playhead = Playhead()
    for moment, frame in fallen():
        for event in venue(Market.UPBIT).stream.decode(frame, moment):
            playhead.see(event)

    [seen] = playhead.books(["KRW-AAA", "KRW-BBB"], 5)
    assert isinstance(seen, Book)
    assert (seen.ask, playhead.last_price("KRW-AAA"), playhead.last_price("KRW-BBB")) == (960.0, 960.0, None)


def test_the_report_has_exactly_the_agreed_fields():
    names = " ".join(field.name for field in msgspec.structs.fields(Report))

    assert names == (
        "frames decoded surprises trades books tickers late duplicates candles signals buys sells first_at last_at digest"
    )


# the same tape, the same answer


def fold(tape: list[tuple[Millis, bytes]], span: int) -> dict[tuple[str, int], tuple[float, ...]]:
    """Candles by a plain loop over plain JSON: symbol and opening -> open, high, low, close, volume, value."""
    rows: dict[tuple[str, int], list[tuple[int, float, float]]] = {}
    for _, frame in tape:
        row = json.loads(frame)
        if row.get("ty") == "trade":
            opens = row["ttms"] - row["ttms"] % span
            rows.setdefault((row["cd"], opens), []).append((row["ttms"], row["tp"], row["tv"]))
    found = {}
    for key, trades in rows.items():
        prices = [price for _, price, _ in trades]
        first = min(trades, key=lambda row: row[0])
        newest = max(at for at, _, _ in trades)
        last = [price for at, price, _ in trades if at == newest][-1]
        volume, value = sum(size for _, _, size in trades), sum(price * size for _, price, size in trades)
        found[key] = (first[1], max(prices), min(prices), last, volume, value)
    return found


def shown(bars: list[Bar], span: int) -> dict[tuple[str, int], tuple[float, ...]]:
    return {
        (bar.instrument.symbol, bar.opens): (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.value)
        for bar in bars
        if bar.span == span
    }


def agree(result: Replay, tape: list[tuple[Millis, bytes]]) -> None:
    for span in SPANS:
        ours, plain = shown(result.candles, span), fold(tape, span)
        assert ours.keys() == plain.keys()
        for key, row in plain.items():
            assert ours[key][:4] == row[:4]
            assert ours[key][4:] == pytest.approx(row[4:], rel=1e-12)


@beside
@pytest.mark.parametrize("name", CAPTURES)
def test_candles_of_a_capture_are_those_of_a_plain_loop(name):
    tape = list(frames(SHARED / name))

    agree(played(tape), tape)


@beside
@pytest.mark.parametrize(("name", "count"), [(CAPTURES[0], 449), (CAPTURES[1], 842)])
def test_a_capture_decodes_whole_and_gives_the_same_report_twice(name, count):
    one, two = (played(list(frames(SHARED / name))) for _ in range(2))

    assert (one.report.frames, one.report.decoded, one.report.surprises) == (count, count, 0)
    assert one == two


@beside
def test_the_capture_with_late_trades_counts_every_one_behind_a_newer():
    tape = list(frames(SHARED / CAPTURES[0]))
    newest, late = {}, 0
    for _, frame in tape:
        row = json.loads(frame)
        if row["ty"] == "trade":
            late += row["ttms"] < newest.get(row["cd"], 0)
            newest[row["cd"]] = max(newest.get(row["cd"], 0), row["ttms"])

    assert played(tape).report.late == late > 0


ticks = st.lists(
    st.tuples(
        st.integers(0, 9_000),
        st.integers(0, 900),
        st.sampled_from([900.0, 950.0, 960.0, 1000.0, 1010.0, 1060.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=120,
)


def tape_of(rows: list[tuple[int, int, float, bool]]) -> list[tuple[Millis, bytes]]:
    """A tape of trades and books whose trades come late by less than a second, within one minute of the newest."""
    at, tape = START, []
    for number, (gap, late, price, is_book) in enumerate(rows):
        at += gap
        made = max(at - late, START)
        line = book(at, price - 1, price + 1) if is_book else trade(made, price, sid=number + 1)
        tape.append((Millis(at + 1_000), line[1]))
    return tape


@settings(max_examples=60)
@given(ticks)
def test_any_tape_gives_the_same_answer_twice_and_the_plain_loops_candles(rows):
    tape = tape_of(rows)

    one, two = played(tape), played(tape)

    assert one == two
    agree(one, tape)


@settings(max_examples=60)
@given(ticks)
def test_what_is_sold_was_bought_and_never_twice(rows):
    result = played(tape_of(rows))

    held = Decimal(0)
    for order in result.orders:
        held += sum(fill.quantity for fill in order.fills) * (1 if order.side is Side.BUY else -1)
        assert held >= 0
    assert result.report.buys - result.report.sells in (0, 1)
    assert len({order.id for order in result.orders}) == len(result.orders)


def test_another_tape_has_another_digest():
    one, two = played(fallen()).report, played(fallen()[:-1]).report

    assert one.digest != two.digest
