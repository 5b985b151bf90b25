"""E2, E10, I5: `hoga flatten`, halts by market, `hoga workers stop`, `hoga drill liquidation`: what they say, and their codes."""

import json
from types import SimpleNamespace

import msgspec
import pytest

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.app import flatten as flattening
from core.cli import drilling, place
from core.cli.entry import run
from core.domain.errors import Refused, Transient
from core.domain.levels import SafeSet, Scan
from core.domain.values import Market
from core.domain.workers import Status
from core.local.look import Books
from core.local.register import Standing
from core.local.template import ROOT
from core.settings import load
from tests.app.floor import snapshot
from tests.app.world import Table
from tests.fakes import AT, SYMBOLS
from tests.watching import Quotes


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def site(table, monkeypatch, tmp_path):
    """A system over the table's books; its function runs the real use case, where it answers at all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, "clock", lambda: table.hands.at)
    shelf = MemoryShelf()
    shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=SYMBOLS, excluded=()))
    standing = Standing(
        pid=1, endpoint="http://127.0.0.1:1", outputs={}, settings="s", stage="dev", feed="sim", since=AT
    )
    books = Books(shelf=shelf, leases=table.books.leases, ledger=table.books.ledger, clock=lambda: table.hands.at)
    found = place.Site(
        standing=standing, cloud=standing.cloud(), settings=load(ROOT / "settings.yaml", {}), books=books
    )
    cloud = SimpleNamespace(invoke=lambda function, event: liquidated(table))
    shown = SimpleNamespace(
        **{field: getattr(found, field) for field in found.__struct_fields__ if field != "cloud"},
        cloud=cloud, markets=found.markets, instrument=found.instrument, views=found.views,
    )  # fmt: skip
    monkeypatch.setattr(place, "site", lambda: shown)
    return shown


def liquidated(table):
    """What the function answers, by its own rules (functions/liquidate.py)."""
    scopes = {each.scope: {"unproven": each.done.unproven} for each in flattening.run(table.desk())}
    return {"upbit": {"flatten": scopes}}


def test_flatten_sells_halts_and_says_flat_with_code_0(site, table, capsys):
    table.buy("KRW-AAA"), table.buy("KRW-BBB")
    assert run(["flatten", "--yes"]) == 0
    assert "buying stays halted (all)" in capsys.readouterr().out
    assert table.books.ledger.halts() == {"all": "flattened by hand"}
    assert not any(lock.position for lock in table.books.leases.locks())


def test_flatten_of_a_symbol_leaves_the_others(site, table):
    table.buy("KRW-AAA"), table.buy("KRW-BBB")
    assert run(["flatten", "aaa", "--yes", "--reason", "news"]) == 0
    assert table.books.ledger.halts() == {"upbit:KRW-AAA": "news"}
    assert [lock.instrument.symbol for lock in table.books.leases.locks() if lock.position] == ["KRW-BBB"]


def test_flatten_asks_first_and_no_changes_nothing(site, table, monkeypatch, capsys):
    table.buy("KRW-AAA")
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: "n")
    assert run(["flatten"]) == 130
    assert (table.books.ledger.halts(), table.lock.position is None) == ({}, False)


def test_flatten_that_left_something_names_it_stands_and_ends_with_1(site, table, capsys):
    table.buy("KRW-AAA")
    table.broker.fills = dict.fromkeys(range(99), 0)
    assert run(["flatten", "upbit", "--yes", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (list(said["left"]), said["standing"]) == (["upbit:KRW-AAA"], True)


def test_flatten_whose_venue_is_silent_ends_with_3_and_says_so(site, table, capsys):
    table.buy("KRW-AAA")

    def silent(market):
        raise Transient("no answer")

    table.broker.holdings = silent
    assert run(["flatten", "--yes"]) == 3
    said = capsys.readouterr().out
    assert "the venue did not say what it holds" in said
    assert "the order stands" in said


def test_flatten_whose_function_cannot_be_reached_stands_for_the_next_minute(site, table, capsys):
    table.buy("KRW-AAA")

    def broken(function, event):
        raise Refused("function Liquidate failed")

    site.cloud.invoke = broken
    assert run(["flatten", "--yes"]) == 1
    assert table.books.ledger.flattening() == {"all": "flattened by hand"}
    assert "not at once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "scope"), [("upbit", "upbit"), ("all", "all"), ("UPBIT", "upbit"), ("bbb", "upbit:KRW-BBB")]
)
def test_a_halt_is_of_everything_a_market_or_a_symbol(site, table, typed, scope):
    assert run(["halt", typed]) == 0
    assert list(table.books.ledger.halts()) == [scope]
    assert run(["resume", typed]) == 0
    assert table.books.ledger.halts() == {}


# ---- workers ---------------------------------------------------------------------------------------------------------


def test_a_worker_is_stopped_and_started_by_hand(site, table, capsys):
    table.buy("KRW-AAA")
    owner = table.lock.position.worker
    assert run(["workers", "stop", owner]) == 0
    assert "owns its position now" in capsys.readouterr().out
    assert table.worker(owner).status is Status.EXIT
    assert run(["workers"]) == 0
    assert "stopped by hand" in capsys.readouterr().out
    assert run(["workers", "start", f"upbit:{owner}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["started"] is True
    assert run(["workers", "start", owner]) == 0
    assert "at work already" in capsys.readouterr().out


def test_a_worker_that_cannot_be_stopped_is_a_sentence_and_code_1(site, table, capsys):
    assert run(["workers", "stop", "w-77"]) == 1
    assert "no such worker" in capsys.readouterr().err


def test_with_several_markets_a_worker_needs_its_markets_name(site, table, capsys):
    site.markets = [Market.UPBIT, Market.KRX]
    assert run(["workers", "stop", "w-01"]) == 2
    assert "upbit, krx" in capsys.readouterr().err


# ---- the rehearsal ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ground(monkeypatch, tmp_path):
    """Quotes and levels of a market, and a machine on which no system runs; time passes when something waits."""
    monkeypatch.chdir(tmp_path)
    table, levels = Table(), MemoryShelf()
    settings = load(ROOT / "settings.yaml", {})
    monkeypatch.setattr(place, "settings", lambda: settings)
    monkeypatch.setattr(place, "clock", lambda: table.hands.at)
    monkeypatch.setattr(drilling, "time", SimpleNamespace(monotonic=table.hands.monotonic, sleep=table.hands.pause))
    levels.write(SafeSet(market=Market.UPBIT, at=AT, safe=SYMBOLS, excluded=(), names={"KRW-AAA": "Triple A"}))
    rows = tuple(snapshot(symbol, 1e9 - number) for number, symbol in enumerate(SYMBOLS))
    levels.write(Scan(market=Market.UPBIT, at=AT, calls=1, snapshots=rows))
    quotes = Deep(*SYMBOLS)
    made = drilling.Ground(quotes, levels, settings.markets[Market.UPBIT])
    monkeypatch.setattr(drilling, "_ground", lambda market: made)
    return made


class Deep(Quotes):
    """Books that hold enough."""

    def _book(self, symbol):
        book = super()._book(symbol)
        (level,) = book.levels
        more = msgspec.structs.replace(level, bid_size=1e6, ask_size=1e6)
        return msgspec.structs.replace(book, levels=[more])


def test_a_rehearsal_prints_a_table_and_a_verdict(ground, capsys):
    assert run(["drill", "liquidation", "--positions", "2", "--window", "20"]) == 0
    said = capsys.readouterr().out
    assert "passed: flat" in said
    assert ("KRW-AAA" in said, "KRW-BBB" in said, "KRW-CCC" in said) == (True, True, False)


def test_a_rough_rehearsal_survives_lost_answers_and_thin_books(ground, capsys):
    assert run(["drill", "liquidation", "--positions", "1", "--rough", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], "on purpose" in said["lines"][0]["trouble"]) == (True, True)


def test_a_rehearsal_that_fails_ends_with_1(ground, capsys, monkeypatch):
    monkeypatch.setattr(ground.quotes, "tickers", lambda symbols, quote: [])
    assert run(["drill", "liquidation"]) == 1
    assert "FAILED: nothing was rehearsed" in capsys.readouterr().out


def test_a_market_that_is_not_switched_on_is_named(ground, capsys):
    assert run(["drill", "liquidation", "--market", "moon"]) == 2
    assert "market=moon" in capsys.readouterr().err


def test_a_rehearsal_never_sees_the_owners_books(ground, monkeypatch):
    """E6: its locks, its ledger and its venue are made here, whatever system runs."""
    desk = drilling._desk(Market.UPBIT, ground, 1, rough=False)
    assert isinstance(desk.leases, type(MemoryBooks().leases))
    assert desk.leases.locks() == []
    assert desk.broker.holdings(Market.UPBIT) == {}
