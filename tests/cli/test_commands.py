"""What the commands answer, asked of a system whose stores are in memory (I5)."""

import json
from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.tape import TapeWriter
from core.app.ports import Limits, Settlement
from core.cli import acting, entry, looking, place
from core.cli.entry import run
from core.domain.leases import Ask, Granted, Intent
from core.domain.levels import Member, SafeSet, TopN
from core.domain.messages import Kind
from core.domain.orders import Fill, Order, State
from core.domain.positions import Position
from core.domain.sessions import day_of
from core.domain.values import Instrument, Market, Millis, Side
from core.domain.workers import Status, Worker
from core.local.look import Books
from core.local.register import Standing
from core.local.template import ROOT
from core.settings import load

SOL = Instrument(Market.UPBIT, "KRW-SOL")
AT = Millis(1_795_166_400_000)
SETTINGS = load(ROOT / "settings.yaml", {})
POLICY = SETTINGS.markets[Market.UPBIT]
ENDS = Millis(AT + 21_000)


def clock() -> Millis:
    return AT


@pytest.fixture
def books() -> MemoryBooks:
    return MemoryBooks()


@pytest.fixture
def alerts(monkeypatch) -> MemoryAlerts:
    sent = MemoryAlerts()
    monkeypatch.setattr(acting, "Wiring", lambda env: SimpleNamespace(alerts=sent))
    return sent


@pytest.fixture(autouse=True)
def site(books, monkeypatch, tmp_path) -> place.Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    monkeypatch.setattr(place, "clock", clock)
    monkeypatch.setattr(looking, "depth", lambda cloud, queue: 0)
    shelf = MemoryShelf()
    shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-SOL",), excluded=(), names={}))
    shelf.write(TopN(market=Market.UPBIT, at=AT, version=1, members=(Member("KRW-SOL", AT, 1.0),)))
    standing = Standing(
        pid=1, endpoint="http://127.0.0.1:1", outputs={}, settings="s", stage="dev", feed="sim", since=AT
    )
    found = place.Site(
        standing=standing,
        cloud=standing.cloud(),
        settings=SETTINGS,
        books=Books(shelf=shelf, leases=books.leases, ledger=books.ledger, clock=clock),
    )
    monkeypatch.setattr(place, "site", lambda: found)
    return found


def intent() -> Intent:
    return Intent(
        order="o-1", side=Side.BUY, signal="s-1", leg=0, worker="w-01", quantity=Decimal(4), reference=Decimal(250_000),
        reason="disparity", at=AT, expires=ENDS, day=day_of(AT, POLICY.day),
    )  # fmt: skip


def lock(books: MemoryBooks) -> Granted:
    answer = books.leases.grant(Ask(instrument=SOL, owner="worker/1", nonce="n", intent=intent(), at=AT, ends=ENDS), AT)
    assert isinstance(answer, Granted)
    return answer


def buy(books: MemoryBooks) -> None:
    """One position of w-01, the way a worker makes it."""
    worker, day = (
        Worker(id="w-01", market=Market.UPBIT, status=Status.SCAN, capital=Decimal(1_000_000)),
        day_of(AT, POLICY.day),
    )
    books.ledger.register(worker)
    held = lock(books)
    order = Order(
        id="o-1", instrument=SOL, side=Side.BUY, quantity=Decimal(4), reference=Decimal(250_000), signal="s-1", leg=0, worker="w-01",
        reason="disparity", at=AT,
    )  # fmt: skip
    most = Decimal(10_000_000)
    limits = Limits(
        cost=worker.capital, per_symbol=most, total_exposure=most, daily_loss=most, max_positions=4, day=day
    )
    assert not books.leases.reserve(held, order, worker, limits, AT).refused
    fill = Fill(id="f", price=Decimal(250_000), quantity=Decimal(4), fee=Decimal(500), tax=Decimal(0), at=AT)
    done = Order(**{**{f: getattr(order, f) for f in order.__struct_fields__}, "state": State.FILLED, "fills": (fill,)})
    position = Position(
        instrument=SOL, worker="w-01", quantity=Decimal(4), cost=Decimal(1_000_000), fees=Decimal(500), price=Decimal(250_000),
        opened=AT, signal="s-1", rule="disparity", reference=Decimal(250_000),
    )  # fmt: skip
    settled = Settlement(order=done, position=position, trip=None, worker="w-01", freed=Decimal(0), day=day, done=True)
    assert books.leases.commit(held, settled, AT)


def answer(capsys, *words: str):
    assert run([*words, "--json"]) == entry.DONE
    return json.loads(capsys.readouterr().out)


def shown(capsys, *words: str) -> str:
    assert run(words) == entry.DONE
    return capsys.readouterr().out


def test_positions_orders_workers_and_locks_show_what_is_held(books, capsys):
    buy(books)

    assert answer(capsys, "positions")[0]["position"]["worker"] == "w-01"
    assert answer(capsys, "orders")[0]["state"] == "filled"
    assert [(one["id"], one["status"]) for one in answer(capsys, "workers")] == [("w-01", "HOLD")]
    assert answer(capsys, "locks", "list")[0]["fence"] == 1
    assert "1,000,000" in shown(capsys, "positions")
    assert "filled" in shown(capsys, "orders")
    assert "HOLD" in shown(capsys, "workers")
    assert "4 of w-01" in shown(capsys, "locks", "list")


def test_where_there_is_nothing_a_sentence_says_so(capsys):
    for words, sentence in (
        (("positions",), "nothing is held"),
        (("orders",), "no orders on"),
        (("workers",), "no worker has started yet"),
        (("locks", "list"), "no symbol has ever been locked"),
        (("summary",), "nothing was sold on"),
    ):
        assert sentence in shown(capsys, *words)


def test_status_says_whether_it_is_alive(capsys):
    told = shown(capsys, "status")

    assert "feed sim" in told
    assert "none yet" in told
    assert "has not reported" in told
    assert answer(capsys, "status")["top"] == ["KRW-SOL"]


def test_halting_stops_buys_until_they_are_resumed(books, capsys):
    """E10."""
    assert "Exits go on" in shown(capsys, "halt", "--reason", "news")
    assert books.ledger.halted(Market.UPBIT) == "news"
    assert "halted: news" in shown(capsys, "status")

    shown(capsys, "resume")

    assert books.ledger.halted(Market.UPBIT) == ""


@pytest.fixture
def both(site, monkeypatch) -> place.Site:
    """The same system with Korean stocks beside the coins."""
    settings = load(ROOT / "settings.yaml", {"HOGA__MARKETS__KRX__ENABLED": "true"})
    found = msgspec.structs.replace(site, settings=settings)
    site.books.shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-SOL",), excluded=()))
    site.books.shelf.write(SafeSet(market=Market.KRX, at=AT, safe=("005930", "000660"), excluded=()))
    monkeypatch.setattr(place, "site", lambda: found)
    return found


def test_every_market_is_shown(both, books, capsys):
    """Issue 3: KRX and Upbit side by side."""
    buy(books)

    assert list(answer(capsys, "status")["markets"]) == ["upbit", "krx"]
    assert list(answer(capsys, "summary")["markets"]) == ["upbit", "krx"]
    told = shown(capsys, "status")
    assert "upbit at" in told
    assert "krx at" in told
    assert "upbit" in shown(capsys, "positions")
    assert "krx: nothing was sold" in shown(capsys, "summary")


def test_a_symbol_is_of_the_market_that_lists_it_or_of_the_one_that_is_named(both, capsys):
    assert answer(capsys, "halt", "005930")["halted"] == "krx:005930"
    assert answer(capsys, "halt", "KRW-SOL")["halted"] == "upbit:KRW-SOL"
    assert answer(capsys, "halt", "krx:000660")["halted"] == "krx:000660"


def test_a_symbol_that_no_market_lists_is_answered_with_the_nearest(both, capsys):
    assert run(["halt", "00066"]) == entry.USAGE
    assert "krx:000660" in capsys.readouterr().err


def test_one_symbol_can_be_halted_alone(books, capsys):
    assert answer(capsys, "halt", "KRW-SOL")["halted"] == "upbit:KRW-SOL"
    assert books.ledger.halted(Market.UPBIT) == ""


def test_a_running_lease_can_be_ended_by_hand_and_its_owner_is_fenced_off(books, capsys):
    """E1."""
    held = lock(books)

    assert "worker/1" in shown(capsys, "locks", "release", "KRW-SOL")
    assert not books.leases.release(held, AT)


def test_a_symbol_that_nobody_locked_cannot_be_released(capsys):
    assert run(["locks", "release", "KRW-SOL"]) == entry.REFUSED
    assert "not locked" in capsys.readouterr().err


def test_a_test_alert_goes_to_every_channel(alerts, capsys):
    """F1."""
    assert answer(capsys, "alert", "test")["channels"] == list(SETTINGS.notify.channels)
    assert [one.kind for one in alerts.sent] == [Kind.TEST]
    assert "on its way" in shown(capsys, "alert", "test")


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / "tape.txt"
    rows = [{"ty": "trade", "cd": "KRW-AAA", "tms": AT + n, "ttms": AT + n, "tp": 100.0 + n % 3, "tv": 1.0, "ab": "BID", "sid": n + 1} for n in range(50)]  # fmt: skip
    with TapeWriter(path) as written:
        for row in rows:
            written.received(Millis(row["ttms"] + 10), json.dumps(row).encode())
    return path


def test_a_tape_gives_the_same_report_twice_and_its_candles_as_csv(tape, tmp_path, capsys):
    """H3."""
    first = answer(capsys, "replay", str(tape))
    second = answer(capsys, "replay", str(tape), "--candles", str(tmp_path / "candles.csv"))

    assert first == second
    assert (first["frames"], first["decoded"], first["trades"]) == (50, 50, 50)
    lines = (tmp_path / "candles.csv").read_text().splitlines()
    assert len(lines) == first["candles"] + 1
    assert "KRW-AAA,60000," in lines[1]
    assert "digest" in shown(capsys, "replay", str(tape))


def test_a_tape_that_is_none_is_refused_by_line(tmp_path, capsys):
    (tmp_path / "odd.txt").write_text("once upon a time\n")

    assert run(["replay", "odd.txt"]) == entry.REFUSED
    assert "line=1" in capsys.readouterr().err
    assert run(["replay", "nowhere.txt"]) == entry.USAGE
