"""Symbols as people type them, halts that show, and sentences that fit the one who reads them (I5)."""

from types import SimpleNamespace

import msgspec
import pytest

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.tape import TapeWriter
from core.cli import entry, looking, place
from core.cli.entry import run
from core.domain.errors import Misconfigured, RateLimited
from core.domain.levels import Exclusion, SafeSet
from core.domain.values import Market, Millis
from core.local.look import Books
from core.local.register import Standing
from core.local.system import MENDED_BY_A_PERSON, System
from core.local.template import ROOT
from core.settings import load

AT = Millis(1_795_166_400_000)


@pytest.fixture
def books():
    return MemoryBooks()


@pytest.fixture(autouse=True)
def site(books, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    monkeypatch.setattr(place, "clock", lambda: AT)
    monkeypatch.setattr(looking, "depth", lambda cloud, queue: 0)
    shelf = MemoryShelf()
    out = (Exclusion("KRW-LUNA", ("WARNING",)),)
    shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-BTC", "KRW-SOL"), excluded=out, names={}))
    standing = Standing(
        pid=1, endpoint="http://127.0.0.1:1", outputs={}, settings="s", stage="dev", feed="sim", since=AT
    )
    found = place.Site(
        standing=standing,
        cloud=standing.cloud(),
        settings=load(ROOT / "settings.yaml", {}),
        books=Books(shelf=shelf, leases=books.leases, ledger=books.ledger, clock=lambda: AT),
    )
    monkeypatch.setattr(place, "site", lambda: found)
    return found


@pytest.fixture
def two(site, monkeypatch):
    settings = load(ROOT / "settings.yaml", {"HOGA__MARKETS__KRX__ENABLED": "true"})
    found = msgspec.structs.replace(site, settings=settings)
    site.books.shelf.write(SafeSet(market=Market.KRX, at=AT, safe=("005930", "0126Z0"), excluded=()))
    monkeypatch.setattr(place, "site", lambda: found)
    return found


@pytest.mark.parametrize(
    "typed", ["KRW-BTC", "krw-btc", "BTC", "btc", " btc ", "upbit:BTC", "UPBIT:krw-btc", "upbit:KRW-BTC"]
)
def test_however_a_symbol_is_typed_its_own_halt_stands(typed, books):
    assert run(["halt", typed]) == entry.DONE
    assert list(books.ledger.halts()) == ["upbit:KRW-BTC"]


@pytest.mark.parametrize(
    ("typed", "scope"), [("005930", "krx:005930"), ("0126z0", "krx:0126Z0"), ("sol", "upbit:KRW-SOL")]
)
def test_of_two_markets_the_one_that_lists_it_is_meant(two, books, typed, scope):
    assert run(["halt", typed]) == entry.DONE
    assert list(books.ledger.halts()) == [scope]


def test_an_excluded_symbol_is_known_too(books):
    assert run(["halt", "luna"]) == entry.DONE
    assert list(books.ledger.halts()) == ["upbit:KRW-LUNA"]


@pytest.mark.parametrize(("words", "near"), [("halt KRW-BTX", "upbit:KRW-BTC"), ("halt SOLL", "upbit:KRW-SOL")])
def test_a_symbol_that_nobody_lists_halts_nothing_and_the_nearest_are_named(words, near, books, capsys):
    assert run(words.split()) == entry.USAGE
    assert near in capsys.readouterr().err
    assert books.ledger.halts() == {}


@pytest.mark.parametrize("words", ["resume KRW-NOPE", "locks release NOPE", "halt krx:005930", "halt 12345"])
def test_what_no_market_here_knows_is_wrong_usage(words, capsys):
    assert run(words.split()) == entry.USAGE
    said = capsys.readouterr().err
    assert "no market here knows this symbol" in said
    assert "other side" not in said


def test_a_symbol_that_two_markets_list_must_be_told_apart(two, capsys):
    two.books.shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=("005930",), excluded=()))

    assert run(["halt", "005930"]) == entry.USAGE
    assert "upbit:005930, krx:005930" in capsys.readouterr().err


def test_before_the_first_list_a_symbol_is_taken_as_it_is_typed(site, books, monkeypatch):
    bare = msgspec.structs.replace(site, books=msgspec.structs.replace(site.books, shelf=MemoryShelf()))
    monkeypatch.setattr(place, "site", lambda: bare)

    assert run(["halt", "krw-new"]) == entry.DONE
    assert list(books.ledger.halts()) == ["upbit:KRW-NEW"]


def test_a_symbol_that_has_left_the_list_can_still_be_resumed(books):
    books.ledger.halt("upbit:KRW-GONE", "delisted", AT)

    assert run(["resume", "gone"]) == entry.DONE
    assert books.ledger.halts() == {}


def test_status_lists_every_halt_and_resuming_one_names_the_others(books, capsys):
    books.ledger.halt("upbit:KRW-BTC", "odd prints", AT)
    books.ledger.halt("all", "lunch", AT)

    assert run(["status"]) == entry.DONE
    shown = capsys.readouterr().out
    assert "upbit:KRW-BTC" in shown
    assert "odd prints" in shown
    assert run(["status", "--json"]) == entry.DONE
    assert '"halts":{"upbit:KRW-BTC":"odd prints","all":"lunch"}' in capsys.readouterr().out
    assert run(["resume", "btc"]) == entry.DONE
    assert "still halted: all" in capsys.readouterr().out


def test_a_symbol_that_is_listed_and_not_locked_says_where_locks_are_shown(capsys):
    assert run(["locks", "release", "BTC"]) == entry.REFUSED
    said = capsys.readouterr().err
    assert "upbit:KRW-BTC" in said
    assert "hoga locks list" in said


# ---- sentences --------------------------------------------------------------------------------------------------


def test_what_passed_by_is_not_said_to_be_tried_again_by_itself(monkeypatch, capsys):
    def busy():
        raise RateLimited("the venue asks for a pause", after_ms=5)

    monkeypatch.setattr(place, "site", busy)
    assert run(["status"]) == entry.REFUSED
    said = capsys.readouterr().err
    assert "the venue asks for a pause" in said
    assert "run the command again" in said
    assert "It is tried again" not in said


@pytest.mark.parametrize("day", ["garbage", "2026-13-01", "20261101"])
def test_a_day_that_is_none_is_wrong_usage(day):
    assert run(["summary", "--day", day]) == entry.USAGE


def test_a_day_is_asked_for_as_it_is_written(capsys):
    assert run(["summary", "--day", "2026-11-01"]) == entry.DONE
    assert "2026-11-01" in capsys.readouterr().out


def test_a_tape_without_a_frame_is_refused(tmp_path, capsys):
    with TapeWriter(tmp_path / "empty.tape") as tape:
        tape.connected("wss://x", AT)

    assert run(["replay", str(tmp_path / "empty.tape")]) == entry.REFUSED
    assert "empty.tape" in capsys.readouterr().err


def test_a_settings_file_that_is_not_there_is_named_in_full(monkeypatch, capsys):
    monkeypatch.setenv("HOGA_SETTINGS", "/nope/mine.yaml")

    assert run(["check"]) == entry.USAGE
    assert "/nope/mine.yaml" in capsys.readouterr().err


# ---- a streamer that a person must mend --------------------------------------------------------------------------


def system(code):
    found = System.__new__(System)
    found.streamer = SimpleNamespace(running=False, code=code, tail=lambda: "exits.trend_span: found 7")
    found.plan = SimpleNamespace(clock=lambda: AT)
    found._died = Millis(0)
    return found


def test_a_streamer_that_refuses_its_settings_is_not_started_for_ever():
    with pytest.raises(Misconfigured, match="trend_span: found 7"):
        system(MENDED_BY_A_PERSON).revive()


def test_a_streamer_that_broke_is_started_again_after_a_rest():
    assert system(1).revive() is False
