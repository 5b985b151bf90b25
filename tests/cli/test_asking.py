"""`hoga why SYMBOL`: which gate stopped it, at one glance."""

import json

import msgspec
import pytest
from rich.console import Console

from core.cli import asking, entry, place
from core.cli.entry import run
from core.domain.levels import SafeSet
from core.domain.values import Market
from core.local.look import Books
from core.local.register import Standing
from core.local.template import ROOT
from core.settings import load
from tests.app.gated import AT, World, excluded, health


@pytest.fixture
def world(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    made = World()
    made.books.locks = list
    made.books.halts = dict
    standing = Standing(
        pid=1, endpoint="http://127.0.0.1:1", outputs={}, settings="s", stage="dev", feed="sim", since=AT
    )
    found = place.Site(
        standing=standing,
        cloud=standing.cloud(),
        settings=load(ROOT / "settings.yaml", {}),
        books=Books(shelf=made.shelf, leases=made.books, ledger=made.books, clock=lambda: AT),
    )
    monkeypatch.setattr(place, "site", lambda: found)
    return made


def shown(capsys, *words):
    assert run(["why", *words]) == entry.DONE
    return capsys.readouterr().out


def test_the_first_line_says_what_stopped_it_and_plain_text_says_so_without_colours(world, capsys):
    excluded(world)
    lines = shown(capsys, "btc").splitlines()
    assert lines[0].startswith("upbit:KRW-BTC at ")
    assert lines[0].endswith("cannot be bought: safety filter: WARNING")
    (stop,) = [line for line in lines if line.startswith("STOP")]
    assert "safety filter" in stop
    assert "\x1b" not in "".join(lines)


def test_every_gate_is_there_with_its_limit(world, capsys):
    told = shown(capsys, "KRW-BTC")
    for words in ("at most 1.00%", "the best 20", "never locked", "of 4 free", "above -300,000", "none today"):
        assert words in told


def test_a_terminal_shows_it_in_green_and_red(world, capsys, monkeypatch):
    world.put(health(halted=("KRW-BTC",)))
    monkeypatch.setattr(asking, "wide", lambda: Console(force_terminal=True, width=160, highlight=False))
    told = shown(capsys, "KRW-BTC")
    assert "\x1b[32m●" in told
    assert "\x1b[1;31m● STOP" in told


def test_json_has_the_whole_chain(world, capsys):
    told = json.loads(shown(capsys, "KRW-BTC", "--json"))
    assert told["stopped"] == ""
    assert {"name", "mark", "found", "limit", "detail"} == set(told["gates"][0])
    assert msgspec.json.decode(json.dumps(told["instrument"])) == {"market": "upbit", "symbol": "KRW-BTC"}


def test_a_symbol_that_nobody_knows_is_answered_with_the_nearest(world, capsys):
    world.put(SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-BTC",), excluded=()))
    assert run(["why", "BTCC"]) == entry.USAGE
    assert "KRW-BTC" in capsys.readouterr().err


def test_a_market_without_a_list_yet_is_believed_where_it_is_named(world, capsys, monkeypatch):
    site = place.site()
    both = load(ROOT / "settings.yaml", {"HOGA__MARKETS__KRX__ENABLED": "true"})
    monkeypatch.setattr(place, "site", lambda: msgspec.structs.replace(site, settings=both))
    assert json.loads(shown(capsys, "krx:005930", "--json"))["stopped"] in ("session", "safe list")
    assert run(["why", "005930"]) == entry.USAGE
