"""`hoga summary` shows what a day came to, market by market and in all (G1-G3)."""

import json
from decimal import Decimal as D
from types import SimpleNamespace

import msgspec
import pytest

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.cli import entry, place
from core.cli.entry import run
from core.cli.summing import begin_of
from core.domain.levels import DayReport, SafeSet
from core.domain.orders import Fill, Order, State
from core.domain.policies import DayPolicy
from core.domain.positions import RoundTrip
from core.domain.reports import Passed, Sieved
from core.domain.sessions import always_open
from core.domain.values import HOUR, Instrument, Market, Millis, Side
from core.local.look import Books
from core.local.register import Standing
from core.local.template import ROOT
from core.settings import load
from core.venues.spec import venue

AT = Millis(1_795_166_400_000)  # 2026-11-20 18:00 KST
TODAY = "2026-11-20"


def trip(market, symbol, pnl, *, id, rule="fall", exit="take_profit", slippage="0"):
    return RoundTrip(
        id=id, instrument=Instrument(market, symbol), worker="w", quantity=D(2), bought=D(100), sold=D(110), cost=D(200),
        proceeds=D(220), fees=D("1.5"), taxes=D(0), pnl=D(pnl), slippage=D(slippage), rule=rule, exit=exit,
        opened=Millis(AT - HOUR), closed=Millis(AT - 60_000),
    )  # fmt: skip


def sale(market, symbol):
    fill = Fill(id="f", price=D(90), quantity=D(2), fee=D(0), tax=D(0), at=AT)
    return Order(
        id="o", instrument=Instrument(market, symbol), side=Side.SELL, quantity=D(2), reference=D(100), signal="s", leg=0,
        worker="w", reason="liquidation", at=AT, state=State.FILLED, fills=(fill,),
    )  # fmt: skip


@pytest.fixture
def days():
    """(market, day) -> trips, orders."""
    return {}


@pytest.fixture(autouse=True)
def site(days, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOGA_SETTINGS", raising=False)
    shelf, books = MemoryShelf(), MemoryBooks()
    shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=("KRW-SOL",), excluded=()))
    ledger = SimpleNamespace(
        workers=lambda market: [],
        trips=lambda market, day: days.get((market, day), ([], []))[0],
        orders=lambda market, day: days.get((market, day), ([], []))[1],
        halted=lambda market, symbol="": "",
        halts=dict,
    )
    standing = Standing(
        pid=1, endpoint="http://127.0.0.1:1", outputs={}, settings="s", stage="dev", feed="sim", since=AT
    )
    found = place.Site(
        standing=standing,
        cloud=standing.cloud(),
        settings=load(ROOT / "settings.yaml", {"HOGA__MARKETS__KRX__ENABLED": "true"}),
        books=Books(shelf=shelf, leases=books.leases, ledger=ledger, clock=lambda: AT),
    )
    monkeypatch.setattr(place, "site", lambda: found)
    return found


@pytest.fixture
def traded(days, site):
    upbit = [
        trip(Market.UPBIT, "KRW-SOL", "12000", id="a", slippage="35"),
        trip(Market.UPBIT, "KRW-XRP", "-5000", id="b", rule="disparity", exit="liquidation", slippage="-7"),
    ]
    days[Market.UPBIT, TODAY] = (upbit, [sale(Market.UPBIT, "KRW-XRP")])
    days[Market.KRX, TODAY] = ([trip(Market.KRX, "005930", "700", id="c")], [])
    begins = venue(Market.UPBIT).rules.calendar(DayPolicy(ends="09:00")).day_start(AT)
    rows = (Passed("KRW-SOL", "", 100.0, 101.0), Passed("KRW-DOGE", "max_spread", 10.0, 9.0))
    site.books.shelf.write(Sieved(market=Market.UPBIT, day=begins, at=AT, rows=rows))


def shown(capsys, *words):
    assert run(["summary", *words]) == entry.DONE
    return capsys.readouterr().out


def test_a_day_so_far_shows_sales_figures_what_paid_and_what_the_filters_cost(traded, capsys):
    told = shown(capsys)
    for words in (
        "upbit: results of 2026-11-20 in KRW (so far)",
        "krx: results of 2026-11-20 in KRW (so far)",
        "50.0% (1 of 2)",
        "slippage of forced liquidation",
        "spread too wide",
        "-10.00%",
        "none (kept)",
        "all markets",
        "upbit, krx",
        "+7,700",
    ):
        assert words in told


def test_columns_are_aligned(traded, capsys):
    """Figures stand to the right, under each other."""
    lines = [line.rstrip() for line in shown(capsys, "--market", "upbit").splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("upbit: figures"))
    figures = lines[first + 1 : first + 12]
    assert len({len(line) for line in figures}) == 1, figures


def test_one_market_can_be_asked_for_and_a_market_that_is_not_there_is_named(traded, capsys):
    assert "krx" not in shown(capsys, "--market", "UPBIT")
    assert run(["summary", "--market", "nyse"]) == entry.USAGE
    assert "upbit, krx" in capsys.readouterr().err


def test_json_has_every_market_exactly_and_all_of_them_together(traded, capsys):
    told = json.loads(shown(capsys, "--json"))
    assert told["markets"]["upbit"]["figures"]["pnl"] == "7000"
    assert told["markets"]["upbit"]["closed"] is False
    assert told["markets"]["upbit"]["report"] is None
    assert told["markets"]["upbit"]["figures"]["records"]["rule"]["fall"]["wins"] == 1
    assert told["totals"][0]["pnl"] == "7700"
    assert told["converted"] is None


def test_a_closed_day_is_shown_as_it_was_written(site, capsys):
    report = DayReport(
        market=Market.UPBIT, day="2026-11-18", at=AT, trades=1, wins=0, pnl=D("-3.5"), fees=D(0), taxes=D(0), average=D(0),
        worst=D("-3.5"), drawdown=D("3.5"), curve=(), currency="KRW",
    )  # fmt: skip
    site.books.shelf.write_once(report, "2026-11-18")
    told = json.loads(shown(capsys, "--date", "2026-11-18", "--json"))
    assert told["report"]["pnl"] == "-3.5"
    assert told["closed"] is True
    assert "closed at" in shown(capsys, "--day", "2026-11-18")


def test_currencies_without_a_rate_are_said_not_to_be_summed(traded, site, monkeypatch, capsys):
    policy = site.settings.markets[Market.UPBIT]
    usdt = msgspec.structs.replace(policy, universe=msgspec.structs.replace(policy.universe, quote="USDT"))
    markets = {**site.settings.markets, Market.UPBIT: usdt}
    apart = msgspec.structs.replace(site, settings=msgspec.structs.replace(site.settings, markets=markets))
    monkeypatch.setattr(place, "site", lambda: apart)
    told = shown(capsys)
    assert "currencies are not summed" in told
    rate = msgspec.structs.replace(site.settings.results, currency="KRW", rates={"USDT": 1000.0})
    both = msgspec.structs.replace(apart, settings=msgspec.structs.replace(apart.settings, results=rate))
    monkeypatch.setattr(place, "site", lambda: both)
    told = shown(capsys)
    assert "KRW (converted)" in told
    assert "+7,000,700" in told


def test_a_day_without_anything_says_so(capsys):
    assert "upbit: nothing was sold on 2026-11-20 yet" in shown(capsys)


@pytest.mark.parametrize("ends", ["00:00", "09:00", "12:00", "16:00", "23:50"])
def test_a_day_is_found_by_its_name_wherever_it_is_cut(ends):
    days = always_open(DayPolicy(ends=ends))
    assert days.day_of(begin_of("2026-11-20", days)) == "2026-11-20"
    assert begin_of("2026-11-20", days) == days.day_start(begin_of("2026-11-20", days))
