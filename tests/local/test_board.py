"""What is told and shown of a running system (I3: a live view; plain lines when not a terminal)."""

import re
from decimal import Decimal
from io import StringIO

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from core.domain.leases import Lock
from core.domain.levels import (
    Buyable,
    Candidate,
    Member,
    SafeSet,
    Scan,
    ScanHealth,
    Snapshot,
    StreamHealth,
    Targets,
    TopN,
)
from core.domain.orders import Fill, Order, State
from core.domain.positions import Position, RoundTrip
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from core.domain.workers import Status, Worker
from core.local.board import LiveBoard, PlainBoard, board, pictures
from core.local.frame import Frame
from core.local.look import View, empty
from core.local.telling import LOST, changes

SOL = Instrument(Market.UPBIT, "KRW-SOL")
AT = Millis(1_795_166_400_000)
NOTHING = empty(Market.UPBIT)


def snapshot(symbol: str, price: float) -> Snapshot:
    return Snapshot(
        symbol=symbol, price=price, change=0.01, volume=1.0, value=1.0, value_24h=2e9, high=price, low=price, prev_high=None,
        prev_low=None, bid=price, ask=price, spread=0.0, disparity=None, at=AT, seen=AT,
    )  # fmt: skip


def stream(*symbols: str, **more) -> StreamHealth:
    fields = dict.fromkeys(("reconnects", "messages", "surprises", "late", "duplicates", "gaps", "signals"), 0)
    given = {**fields, "latency_p50_ms": 1.0, "latency_p99_ms": 2.0, "connected": bool(symbols), **more}
    return StreamHealth(market=Market.UPBIT, at=AT, host="h", started=AT, last_data=AT, subscribed=symbols, **given)


def order(state: State = State.FILLED, side: Side = Side.BUY, **more) -> Order:
    fill = Fill(id="f", price=Decimal("250000"), quantity=Decimal("4.00"), fee=Decimal(5), tax=Decimal(0), at=AT)
    return Order(
        id=f"o-{side}", instrument=SOL, side=side, quantity=Decimal("4.00"), reference=Decimal("250000"), signal="s", leg=0, worker="w-01",
        reason="disparity", at=AT, state=state, fills=(fill,) if state is State.FILLED else (), **more,
    )  # fmt: skip


def trip(pnl: str = "-1500") -> RoundTrip:
    money = dict.fromkeys(("quantity", "bought", "sold", "cost", "proceeds", "fees", "taxes", "slippage"), Decimal(1))
    return RoundTrip(
        id="t",
        instrument=SOL,
        worker="w-01",
        pnl=Decimal(pnl),
        rule="disparity",
        exit="stop_loss",
        opened=AT,
        closed=AT,
        **money,
    )


POSITION = Position(
    instrument=SOL, worker="w-01", quantity=Decimal("4"), cost=Decimal("1000000"), fees=Decimal("500"), price=Decimal("250000"),
    opened=AT, signal="s", rule="disparity", reference=Decimal("250000"),
)  # fmt: skip
SIGNAL = Signal(
    id="s", instrument=SOL, side=Side.BUY, rule="disparity", price=1.0, value=-0.09, threshold=-0.08, at=AT, seen=AT,
    expires=Millis(AT + 30_000),
)  # fmt: skip
BUSY = msgspec.structs.replace(
    NOTHING,
    at=AT,
    day="2026-11-20",
    safe=SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-SOL",), excluded=(), names={"KRW-SOL": "솔라나"}),
    scan=Scan(
        market=Market.UPBIT,
        at=AT,
        calls=2,
        snapshots=(snapshot("KRW-SOL", 260000.0),),
        removed={"min_value": 1, "max_spread": 0},
    ),
    health=ScanHealth(market=Market.UPBIT, at=AT, due=AT, interval_ms=Millis(1)),
    targets=Targets(market=Market.UPBIT, at=AT, version=1, candidates=(Candidate("KRW-SOL", 1.0),)),
    top=TopN(market=Market.UPBIT, at=AT, version=1, members=(Member("KRW-SOL", AT, 1.0),)),
    buyable=Buyable(market=Market.UPBIT, at=AT, signals=(SIGNAL,)),
    stream=stream("KRW-SOL"),
    locks=[Lock(instrument=SOL, fence=3, position=POSITION)],
    workers=[Worker(id="w-01", market=Market.UPBIT, status=Status.HOLD, capital=Decimal(1), symbol="KRW-SOL")],
    orders=[order()],
    trips=[trip()],
    halted="stopped by hand",
)


BLIND = ScanHealth(market=Market.UPBIT, at=AT, due=AT, interval_ms=Millis(1), safe_mode=True, reason="no answer")


def told(before: View | None, after: View) -> list[str]:
    return list(changes(before, after))


def test_the_first_look_tells_everything_there_is():
    assert told(None, BUSY) == [
        "safe to trade: 1 symbols, 0 excluded",
        "scan: 1 symbols in 2 calls, removed 1 by min_value",
        "Top N: KRW-SOL",
        "subscribed: KRW-SOL",
        "signal: buy KRW-SOL by disparity (-0.0900 against -0.0800)",
        "bought: KRW-SOL 4 at 250,000 by w-01 (disparity)",
        "result: KRW-SOL -1,500 (stop_loss)",
        "buying is halted: stopped by hand",
    ]


def test_looking_again_tells_nothing():
    assert told(BUSY, BUSY) == []


def test_nothing_known_is_nothing_told():
    assert told(None, NOTHING) == []


def test_a_lost_stream_and_its_return_are_told_as_such():
    lost = msgspec.structs.replace(BUSY, stream=stream(connected=False))
    back = msgspec.structs.replace(BUSY, stream=stream("KRW-SOL", reconnects=1))

    assert told(BUSY, lost) == [LOST]
    assert told(lost, back) == ["the stream is back: 1 symbols subscribed again"]


def test_a_changed_subscription_names_both_sides():
    other = msgspec.structs.replace(BUSY, stream=stream("KRW-XRP"))

    assert told(BUSY, other) == ["subscribed: KRW-XRP", "unsubscribed: KRW-SOL"]


def test_safe_mode_is_told_when_it_comes_and_when_it_goes():
    blind = msgspec.structs.replace(BUSY, health=BLIND)

    assert told(BUSY, blind) == ["safe mode on: no answer"]
    assert told(blind, BUSY) == ["safe mode off"]


def test_a_signal_that_was_only_hidden_is_no_news():
    late = msgspec.structs.replace(BUSY, at=Millis(AT + 10_000))

    assert told(msgspec.structs.replace(BUSY, buyable=None), late) == []


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (State.REJECTED, "order rejected: buy KRW-SOL no money"),
        (State.UNKNOWN, "order unknown: buy KRW-SOL no money"),
    ],
)
def test_an_order_that_traded_nothing_is_told_with_its_reason(state, sentence):
    after = msgspec.structs.replace(BUSY, orders=[order(state, note="no money")])

    assert told(BUSY, after) == [sentence]


def frame(*views: View) -> Frame:
    return Frame(
        at=AT, phase="trading", feed="sim", endpoint="http://127.0.0.1:1", views=list(views or (BUSY,)), runs={"Rank": 3, "Sweep": 2}, faults={"Rank": 1},
        counts={"Scans": 7}, alerts=["매수\n체결"], signals=["buy KRW-SOL"], programs={"aws": True, "streamer": False},
        ends=Millis(AT + 30_000),
    )  # fmt: skip


def drawn(width: int, height: int, *views: View, shape: int = 0) -> str:
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    console.print(pictures(frame(*views), wide=width >= 100)[shape])
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


OTHER = msgspec.structs.replace(empty(Market.KRX), at=AT)
QUIET = msgspec.structs.replace(NOTHING, stream=stream(connected=False), health=BLIND, halted="")


@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize("width", [100, 60, 30])
@pytest.mark.parametrize("view", [BUSY, NOTHING, QUIET], ids=["busy", "nothing yet", "lost"])
def test_each_shape_of_the_picture_stays_within_the_width(shape, width, view):
    text = drawn(width, 50, view, shape=shape)

    assert max(map(cell_len, text.splitlines())) <= width
    assert "upbit" in text


@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize("width", [120, 80])
def test_two_markets_are_shown_in_every_shape_and_beside_each_other_where_there_is_room(shape, width):
    """Issue 3: KRX and Upbit side by side."""
    text = drawn(width, 60, BUSY, OTHER, shape=shape)

    assert "upbit" in text
    assert "krx" in text
    if width == 120 and shape < 2:
        assert any("upbit" in line and "krx" in line for line in text.splitlines())


def test_the_smallest_picture_of_two_markets_is_a_few_lines_that_say_what_matters():
    lines = drawn(90, 24, BUSY, OTHER, shape=2).splitlines()

    assert len(lines) <= 8
    assert lines[0].split() == ["18:20:00", "KST", "trading", "day", "ends", "in", "30", "s", "down:", "streamer"]
    assert lines[1].split(", ")[0].split() == ["upbit", "HALTED:", "stopped", "by", "hand"]
    assert lines[1].rstrip().endswith("1 scanned 0 s ago, 1 streamed, 1 sold for -1,500")
    assert lines[2].split() == ["holds", "KRW-SOL"]
    assert lines[4].split() == ["holds", "nothing"]
    assert "SAFE MODE, no scan, stream lost" in drawn(80, 24, QUIET, shape=2)


def test_the_picture_shows_clock_stack_scan_position_lock_result_and_runs():
    text = drawn(130, 50)

    for shown in (
        "18:20:00 KST",
        "in 30 s",
        "● aws",
        "○ streamer",
        "1 symbols, 1 removed",
        "+39,500",
        "w-01 (position)",
    ):
        assert shown in text, shown
    for shown in ("stop loss", "-1,500", "Rank 3 (1 failed)", "scans 7", "매수 체결", "buy KRW-SOL", "stopped by hand"):
        assert shown in text, shown


def test_signals_and_reconnects_are_counted_before_the_streamer_has_written_its_figures():
    """It writes them once a minute: a whole demo showed no signal beside ten purchases."""
    streaming = msgspec.structs.replace(BUSY, stream=stream("KRW-SOL", signals=4, reconnects=2))

    shown = " ".join(drawn(120, 50, streaming, streaming).split())

    assert "signals 8" in shown
    assert "reconnects 4" in shown
    assert frame(streaming).count("Scans") == 7
    assert msgspec.structs.replace(frame(streaming), counts={"Signals": 9}).count("Signals") == 9


def test_without_a_terminal_there_are_plain_lines_only():
    written: list[str] = []
    plain = board(Console(file=StringIO()), write=written.append)

    plain.show(frame())
    plain.tell(AT, "bought")
    plain.close()

    assert isinstance(plain, PlainBoard)
    assert written == ["18:20:00  bought"]


@pytest.mark.parametrize(("width", "height"), [(130, 60), (100, 36), (80, 24), (60, 12), (200, 24)])
def test_in_a_terminal_the_picture_and_the_last_sentences_fit_whatever_its_size(width, height):
    """I3: a terminal of 80 by 24 showed the top of one market and none of what happened."""
    sink = StringIO()
    live = board(Console(file=sink, force_terminal=True, width=width, height=height), write=lambda line: None)

    live.show(frame(BUSY, OTHER))
    for number in range(40):
        live.tell(AT, f"event {number}")
    live.close()

    assert isinstance(live, LiveBoard)
    last = sink.getvalue()[sink.getvalue().rindex("trading") :]
    assert {"krx", "event 39", "event 37"} <= set(re.findall("krx|event [0-9]+", last))
    assert len(last.splitlines()) <= height
    assert "..." not in last.splitlines()[-1]
