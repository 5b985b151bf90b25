"""What is looked at once a second: one frozen symbol, connections that end, lag, and figures of all of it (D6-D12)."""

from msgspec.structs import replace

from core.domain.events import Book, Level, Trade
from core.domain.levels import StreamFigures
from core.domain.values import Instrument, Market
from core.feed import pulses
from core.feed.pressure import LAG_MS, RISE_MS
from core.venues.upbit import VENUE
from streamer import succession
from streamer.conflation import Conflation
from tests.streamer.conftest import until, wall_ms
from tests.streamer.conftest import upbit as upbit
from tests.streamer.test_station import world as world

COIN = Instrument(Market.UPBIT, "KRW-BTC")


def requests(world):
    """What was asked of the venue, without the heartbeats."""
    return [text for text in world.upbit.log.texts if text != "PING"]


async def test_one_frozen_symbol_among_moving_ones_is_subscribed_anew_and_alone(world, monkeypatch):
    """D8"""
    for name, value in (("LEARN_MS", 1_000), ("LEAST_MS", 2_000), ("PATIENCE", 0.5), ("FRESH_MS", 60_000)):
        monkeypatch.setattr(pulses, name, value)
    world.target("KRW-BTC", "KRW-ETH")
    station = await world.on_air()
    rows = lambda: station.rounds.continuity.pulses.rows
    await until(lambda: "KRW-BTC" in rows() and rows()["KRW-BTC"].patience_ms() < 10_000, "a usual rate")
    asked = len(requests(world))
    took = station.pump.took
    station.pump.divert(lambda inbound, at: took([e for e in inbound if getattr(e, "instrument", None) != COIN], at))
    await until(lambda: len(requests(world)) >= asked + 2, "two requests: without it, and with it again")
    without, again = requests(world)[asked : asked + 2]
    assert "KRW-BTC" not in without
    assert "KRW-ETH" in without
    assert "KRW-BTC" in again
    station.pump.divert(took)
    await until(lambda: station.rounds.continuity.found["frozen"] >= 1, "the gap")
    assert world.upbit.log.connections == 1


async def test_a_connection_is_succeeded_before_its_life_ends_and_nothing_is_missed(world, monkeypatch):
    """D6: the new one first; what both bring counts once."""
    monkeypatch.setattr(succession, "OVERLAP_MS", 500)
    world.venue = replace(VENUE, stream=replace(VENUE.stream, life_s=2.0))
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: station.rounds.succession.handed >= 1, "the succession")
    await until(lambda: station.pump.links[0].up and world.upbit.log.open == 1)
    assert station.pump.gaps == station.pump.reconnects == 0
    trades = station._engine.trades
    await until(lambda: station._engine.trades > trades)


async def test_the_figures_are_told_with_each_connection_and_symbol(world):
    """D12"""
    world.target("KRW-BTC", "KRW-ETH")
    station = await world.on_air()
    await until(lambda: (f := world.level(StreamFigures)) and set(f.rates) == {"KRW-BTC", "KRW-ETH"})
    told = world.level(StreamFigures)
    assert [(link.number, link.up, link.symbols) for link in told.links] == [(0, True, 2)]
    assert told.pressure == "calm"
    station.teller.say()
    assert any('"SignalLatencyP99"' in line for line in world.lines)
    assert any('"ConnectionsUp":1' in line for line in world.lines)


async def test_lag_sheds_what_is_wanted_least_and_never_what_is_held(world):
    """D11"""
    world.hold("KRW-XRP", world.upbit.market.lines["KRW-XRP"].bid)
    world.policy = replace(world.policy, watch=replace(world.policy.watch, max_ws_subs=4))
    world.target("KRW-BTC", "KRW-ETH", "KRW-SOL")
    station = await world.on_air()
    await until(lambda: len(station.pump.subscribed) == 4)
    relief, at = station.rounds.relief, wall_ms()
    for second in range(0, 2 * RISE_MS + 1_000, 1_000):
        relief.look(LAG_MS + 1, at + second)
    station._recarry()
    await until(lambda: len(station.pump.subscribed) == 2)
    assert "KRW-XRP" in station.pump.subscribed
    assert station.rounds.shed == 2


def book(at):
    return Book(instrument=COIN, levels=[Level(1.0, 1.0, 2.0, 1.0)], at=at, seen=at)


def test_of_books_only_the_newest_is_looked_at_and_of_trades_every_one():
    """D11: no volume is lost."""
    took, stepped = [], []
    conflation = Conflation(
        lambda inbound, at: took.extend(inbound), lambda item: stepped.append(item) or (), took.append
    )
    trades = [Trade(instrument=COIN, price=1.0, quantity=1.0, taker=None, at=n, seen=n) for n in range(3)]
    for n, trade in enumerate(trades):
        conflation.took([book(n), trade], n)
    conflation.flush()
    conflation.flush()
    assert took == trades
    assert stepped == [book(2)]
    assert conflation.dropped == 2
