"""E3: a symbol that is halted, or in a volatility interruption, is not bought; a sale of it rests in its auction."""

import pytest
from msgspec.structs import replace

from core.app.desk import Ending
from core.app.standstill import HALTED, HEARD, INTERRUPTED
from core.app.sweep import run
from core.domain.events import MarketState
from core.domain.levels import StreamHealth
from core.domain.phases import Phase
from core.domain.values import Instrument, Market, Millis, Side
from tests.app.floor import Day
from tests.watching import Quotes

STOCK = Instrument(Market.KRX, "005930")


def heard(day, *symbols, old_s=0):
    at = Millis(day.at - old_s * 1000)
    day.shelf.write(
        StreamHealth(
            market=Market.KRX,
            at=at,
            host="h",
            started=at,
            last_data=at,
            subscribed=symbols,
            connected=True,
            reconnects=0,
            messages=0,
            surprises=0,
            late=0,
            duplicates=0,
            gaps=0,
            signals=0,
            latency_p50_ms=0.0,
            latency_p99_ms=0.0,
            halted=symbols,
        )
    )


def says(halted=False, interrupted=False):
    asked = []

    def state(symbol):
        asked.append(symbol)
        return MarketState(
            instrument=Instrument(Market.KRX, symbol), halted=halted, interrupted=interrupted, code="", seen=Millis(0)
        )

    return asked, state


@pytest.fixture
def day():
    made = Day()
    made.list(["005930"])
    return made


def test_a_symbol_that_the_streamer_heard_stands_still_is_not_bought(day):
    heard(day, "005930")
    verdict = day.handle("005930", Side.BUY)
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "standstill", HEARD)
    assert day.floor.placed == []
    assert day.desk.leases.lock(STOCK) is None


@pytest.mark.parametrize(
    ("word", "reason"), [({"halted": True}, HALTED), ({"interrupted": True}, INTERRUPTED), ({}, "")]
)
def test_the_venue_is_asked_before_a_buy_of_what_the_streamer_has_no_word_of(day, word, reason):
    heard(day)
    asked, state = says(**word)
    day.desk = replace(day.desk, state=state)
    verdict = day.handle("005930", Side.BUY)
    assert asked == ["005930"]
    assert (verdict.limit, verdict.outcome) == (("standstill", Ending.REFUSED) if reason else ("", Ending.BOUGHT))
    assert not reason or verdict.detail == reason


def test_the_venue_is_not_asked_about_what_is_refused_anyway(day):
    asked, state = says()
    day.desk = replace(day.desk, state=state)
    day.list([])
    assert day.handle("005930", Side.BUY).limit == "safe set"
    assert asked == []


def test_what_a_silent_streamer_said_long_ago_counts_for_nothing(day):
    """An interruption lasts two minutes; a streamer that died in one must not stop buys for ever."""
    heard(day, "005930", old_s=21)
    assert day.handle("005930", Side.BUY).outcome is Ending.BOUGHT


def test_a_sale_in_an_interruption_rests_in_its_auction_and_is_settled_after_it():
    """Whoever takes it back after two seconds sells nothing at the end of the auction."""
    day = Day("005930")
    heard(day, "005930")
    day.floor.interrupted["005930"] = ends = Millis(day.at + 120_000)
    verdict = day.handle("005930", Side.SELL)
    assert verdict.outcome is Ending.RESTING
    assert day.floor.cancelled == []
    while day.at < ends + 130_000:
        day.wait(30)
        heard(day, *["005930"] * (day.at < ends))
        run(day.desk, Quotes())
    assert day.held() == set()
    assert day.floor.cancelled == []


def test_a_sale_of_what_trades_freely_is_taken_back_when_nobody_buys_it():
    day = Day("005930")
    day.floor.interrupted["005930"] = Millis(day.at + 120_000)
    assert day.handle("005930", Side.SELL).outcome is not Ending.RESTING
    assert day.floor.cancelled == ["005930"]


@pytest.mark.parametrize(
    ("time", "phase"),
    [("10:00", Phase.INTERRUPTED), ("15:25", Phase.CLOSING), ("18:00", Phase.AFTER)],
)
def test_only_the_regular_session_is_interrupted(day, time, phase):
    day.go(time)
    heard(day, "005930")
    assert day.desk.phase(STOCK, day.at) is phase
