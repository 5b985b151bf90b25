"""A whole station: real engine, real sockets, REST of the simulator, everything else in memory. D2, D9, D13, C4, E10."""

import asyncio
import random
import time
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from core.adapters.http import HttpQuotes
from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.queue import MemoryAlerts, MemorySignals
from core.adapters.memory.shelf import MemoryShelf
from core.domain.errors import Misconfigured, Transient
from core.domain.leases import Lock
from core.domain.levels import Buyable, Candidate, Member, OpenDays, SafeSet, Saved, StreamHealth, Targets, TopN
from core.domain.orders import Order
from core.domain.policies import IndicatorPolicy, MarketPolicy, RestPolicy, RulePolicy, StreamPolicy, WatchPolicy
from core.domain.positions import Position
from core.domain.sessions import TOLD, always_open
from core.domain.signals import Exit
from core.domain.values import DAY, Instrument, Market, Side
from core.venues.upbit import VENUE
from streamer.ports import Ports
from streamer.state import heard, pieces_of, pressed
from streamer.station import Station
from tests.streamer.conftest import SYMBOLS, until, wall_ms

FALL = RulePolicy(name="fall", kind="fall", params={"minutes": 1, "fall": 0.02})


class World:
    """What a station needs around it; survives the station, as tables and queues do."""

    def __init__(self, upbit, tmp_path):
        self.upbit, self.folder = upbit, tmp_path
        self.shelf, self.books = MemoryShelf(), MemoryBooks()
        self.signals, self.alerts, self.lines = MemorySignals(), MemoryAlerts(), []
        self.policy = MarketPolicy(
            rest=RestPolicy(url=upbit.rest_url),
            stream=StreamPolicy(url=upbit.stream_url, save_s=0.2, flush_s=0.01, backoff_s=(0.05,), reconnects_alert=2),
            watch=WatchPolicy(max_ws_subs=2, subscribe_cooldown_s=0.0, refresh_s=0.2),
            indicators=IndicatorPolicy(warmup=20),
            rules=(FALL,),
        )
        self.tasks, self.venue = [], VENUE

    def station(self):
        budget = MemoryBudget()
        ports = Ports(
            shelf=self.shelf,
            leases=self.books.leases,
            ledger=self.books.ledger,
            signals=self.signals,
            alerts=self.alerts,
            quotes=lambda market: HttpQuotes(VENUE.rest, self.policy.rest, budget, wall_ms, time.sleep, random.random),
            clock=wall_ms,
            dice=random.Random(3).random,
            host="test",
            say=self.lines.append,
            stage="test",
        )
        return Station(self.venue, self.policy, ports, self.folder)

    async def on_air(self):
        station = self.station()
        self.tasks.append(asyncio.create_task(station.run()))
        return station

    async def kill(self):
        """As SIGKILL would: nothing is finished."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    def target(self, *symbols, version=1):
        rows = tuple(Candidate(symbol, 1.0 - place / 10) for place, symbol in enumerate(symbols))
        self.shelf.write(Targets(market=Market.UPBIT, at=wall_ms(), version=version, candidates=rows))

    def top(self, *symbols, version=1):
        members = tuple(Member(symbol, 0, 1.0) for symbol in symbols)
        self.shelf.write(TopN(market=Market.UPBIT, at=wall_ms(), version=version, members=members))

    def safe(self, *symbols):
        self.shelf.write(
            SafeSet(market=Market.UPBIT, at=wall_ms(), safe=symbols, excluded=(), names={"KRW-BTC": "비트코인"})
        )

    def hold(self, symbol, price):
        """Put a position on the books, as a worker would have left it."""
        about = Instrument(Market.UPBIT, symbol)
        position = Position(
            instrument=about, worker="w", quantity=Decimal(1), cost=Decimal(str(price)), fees=Decimal(0),
            price=Decimal(str(price)), opened=wall_ms(), signal="s", rule="fall", reference=Decimal(str(price)),
        )  # fmt: skip
        self.books.leases._put(Lock(instrument=about, fence=1, position=position))

    def level(self, kind):
        return self.shelf.read(kind, Market.UPBIT)


@pytest.fixture
async def world(upbit, tmp_path):
    made = World(upbit, tmp_path)
    yield made
    await made.kill()


async def test_it_follows_the_targets_without_a_restart(world):
    """D2"""
    world.target("KRW-BTC", "KRW-ETH")
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC", "KRW-ETH"))
    world.target("KRW-XRP", "KRW-ETH", version=2)
    await until(lambda: station.pump.subscribed == ("KRW-ETH", "KRW-XRP"))
    assert (station.pump.added, station.pump.removed) == (3, 1)
    assert world.upbit.log.connections == 1


async def test_held_symbols_are_watched_before_all_others(world):
    """D2: even beyond the number of subscriptions."""
    for symbol in SYMBOLS:
        world.hold(symbol, world.upbit.market.lines[symbol].bid)
    world.target("KRW-SOL", "KRW-DOGE")
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == tuple(sorted(SYMBOLS)))


async def fallen(world, station, condition, symbol="KRW-BTC"):
    """Let a price fall, once its history is there, until `condition`: one fall may lie across the end of a minute."""
    await until(lambda: symbol in station._warmup.done)
    await until(lambda: station._engine.trades > 0)
    for _ in range(6):
        world.upbit.market.push(symbol, -0.05, 0.5, wall_ms())
        seen = station._engine.trades + 40
        await until(lambda seen=seen: condition() or station._engine.trades > seen)
        if condition():
            return
    raise AssertionError("six falls were not noticed")


async def test_a_fall_becomes_a_signal_on_the_queue_and_is_buyable(world):
    """D9, D10"""
    world.safe(*SYMBOLS)
    world.target("KRW-BTC")
    station = await world.on_air()
    await fallen(world, station, lambda: world.signals.waiting)
    signal = world.signals.waiting[0]
    assert (signal.instrument.symbol, signal.side, signal.rule) == ("KRW-BTC", Side.BUY, "fall")
    assert signal.name == "비트코인"
    await until(lambda: (found := world.level(Buyable)) and found.signals)
    await until(lambda: world.level(StreamHealth).signals >= 1)


async def test_nothing_is_bought_while_buys_are_halted(world):
    """E10: the switch works within a refresh; the fall itself is seen."""
    world.safe(*SYMBOLS)
    world.books.ledger.halt(Market.UPBIT.value, "a test", wall_ms())
    world.target("KRW-BTC")
    station = await world.on_air()
    low = world.upbit.market.lines["KRW-BTC"].bid * 0.94
    await fallen(world, station, lambda: world.upbit.market.lines["KRW-BTC"].bid < low)
    trades = station._engine.trades
    await until(lambda: station._engine.trades > trades + 5)
    assert not world.signals.waiting
    world.books.ledger.resume(Market.UPBIT.value)
    await fallen(world, station, lambda: world.signals.waiting)


async def test_a_held_symbol_that_left_the_top_is_sold(world):
    """C4"""
    world.hold("KRW-BTC", world.upbit.market.lines["KRW-BTC"].bid)
    world.top("KRW-BTC", "KRW-ETH")
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: station._engine.trades > 0)
    await until(lambda: station._top)
    world.top("KRW-ETH", version=2)
    await until(lambda: world.signals.waiting)
    assert world.signals.waiting[0].side is Side.SELL
    assert world.signals.waiting[0].rule == Exit.REMOVED


async def test_after_a_kill_the_wanted_symbols_are_back_without_waiting_for_the_levels(world):
    """D13: here the tables do not even say what to watch any more."""
    world.target("KRW-BTC", "KRW-ETH")
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC", "KRW-ETH"))
    await until(lambda: (saved := world.level(Saved)) and set(saved.wanted) == {"KRW-BTC", "KRW-ETH"})
    await until(lambda: station._engine.trades > 0)
    await world.kill()
    carried = []
    again = world.station()
    again.pump.carry = carried.append
    await again._restore()
    assert set(carried[0]) == {"KRW-BTC", "KRW-ETH"}
    assert again._engine.snapshot("KRW-BTC") is not None


def bought(at):
    """A filled buy of the market's first symbol by the rule that the engine has, decided at `at`."""
    return Order(
        id="o", instrument=Instrument(Market.UPBIT, "KRW-BTC"), side=Side.BUY, quantity=Decimal(1),
        reference=Decimal(1), signal="s-1", leg=0, worker="w", reason=FALL.name, at=at,
    )  # fmt: skip


async def test_a_buy_that_the_saved_state_does_not_know_gives_no_second_signal_after_a_restart(world):
    """D13, E8: between the last save and the kill lie seconds; the ledger knows what was bought in them."""
    world.safe(*SYMBOLS)
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: (saved := world.level(Saved)) and saved.engine and station._engine.trades)
    await world.kill()
    again = world.station()
    again.pump.carry = lambda symbols: None
    order = bought(wall_ms())
    world.books.ledger.orders = lambda market, day: [order, replace(order, side=Side.SELL)]

    await again._restore()

    state = again._engine.snapshot("KRW-BTC")
    assert (state.armed, state.fired) == ([False], ["s-1"])


@pytest.mark.parametrize("written", [False, True], ids=["nothing saved", "saved under other settings"])
async def test_where_no_state_is_read_every_buy_of_the_day_gives_no_second_signal(world, written):
    """D13, E8: a kill before the first save, or an upgrade in the middle of the day."""
    if written:
        about = Saved(market=Market.UPBIT, at=wall_ms(), engine=b"of another version", wanted=(), cooldowns={}, top=())
        world.shelf.write(about)
    station = world.station()
    station.pump.carry = lambda symbols: None
    world.books.ledger.orders = lambda market, day: [bought(wall_ms() - 3_600_000)]

    await station._restore()

    state = station._engine.snapshot("KRW-BTC")
    assert (state.armed, state.fired) == ([False], ["s-1"])


async def test_a_ledger_that_does_not_answer_at_a_restart_keeps_nobody_waiting(world):
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: (saved := world.level(Saved)) and saved.engine and station._engine.trades)
    await world.kill()

    def silent(market, day):
        raise Transient("the table does not answer")

    world.books.ledger.orders = silent
    again = world.station()
    again.pump.carry = lambda symbols: None
    await again._restore()
    assert again._engine.snapshot("KRW-BTC").armed == [True]


async def test_a_signal_given_before_a_kill_is_not_given_again_after_it(world):
    """D13: the queue's deduplication is the second line, the restored engine the first."""
    world.safe(*SYMBOLS)
    world.target("KRW-BTC")
    station = await world.on_air()
    await fallen(world, station, lambda: world.signals.waiting)
    given = station.outbox.signals.taken  # what was sent is counted a moment after the queue has it
    await until(lambda: (saved := world.level(Saved)) and saved.engine and world.level(StreamHealth).signals == given)
    await until(lambda: station._saver._rounds > 0)
    await world.kill()
    again = await world.on_air()
    await until(lambda: again._engine.trades > 5)
    assert again._engine.signals == 0


async def test_a_lost_connection_leaves_a_gap_that_rest_fills(world):
    """D6"""
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: "KRW-BTC" in station._warmup.done)
    await until(lambda: station._engine.trades > 0)
    calls = world.upbit.log.groups["candles"]
    world.upbit.stream.hit([_drop()])
    await until(lambda: station.pump.gaps == 1)
    await until(lambda: world.upbit.log.groups["candles"] >= calls + 3)
    assert station._engine.snapshot("KRW-BTC") is not None


async def test_reconnects_over_the_limit_are_alerted_once(world):
    """F5"""
    world.target("KRW-BTC")
    station = await world.on_air()
    for losses in range(1, 6):
        await until(lambda: station.pump.connected and station.pump.subscribed)
        world.upbit.stream.hit([_drop()])
        await until(lambda losses=losses: station.pump.reconnects == losses)
    await until(lambda: world.alerts.sent)
    assert [alert.kind for alert in world.alerts.sent].count("reconnects") == 1


async def test_the_end_leaves_state_written_queues_empty_and_figures_said(world):
    """Deliver 6: the drain."""
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: station.pump.subscribed)
    await world.kill()
    await until(lambda: world.upbit.log.open == 0)
    await station.finish(2.0)
    assert world.upbit.log.closed["closed 1001"] == 1
    assert world.level(Saved).wanted == ("KRW-BTC",)
    assert len(station.outbox) == 0
    assert '"Subscribed":1' in world.lines[0]


async def test_a_connection_that_is_down_is_told_by_what_is_wanted_and_not_subscribed(world):
    """E8: the sweep reads it, and watches what is held in the streamer's place."""
    world.policy = replace(world.policy, stream=replace(world.policy.stream, backoff_s=(600.0,)))
    world.hold("KRW-BTC", world.upbit.market.lines["KRW-BTC"].bid)
    world.target("KRW-ETH")
    before = wall_ms()
    station = await world.on_air()
    await until(lambda: (told := world.level(StreamHealth)) and told.heard.get("KRW-BTC", 0) >= before)
    assert set(world.level(StreamHealth).heard) == {"KRW-BTC"}
    world.upbit.stream.hit([_drop()])
    await until(lambda: station.pump.reconnects == 1)
    await until(lambda: not world.level(StreamHealth).subscribed)
    assert sorted(world.level(StreamHealth).wanted) == ["KRW-BTC", "KRW-ETH"]
    assert world.level(StreamHealth).heard["KRW-BTC"] >= before


async def test_a_held_symbol_without_any_data_yet_is_told_as_not_heard(world):
    engine = world.station()._engine
    assert heard(engine, "KRW-BTC", wall_ms()) == 0


@pytest.mark.parametrize("version", ["older", "of other settings"])
async def test_a_saved_state_that_does_not_fit_costs_history_and_never_the_process(world, version):
    """D13"""
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: (saved := world.level(Saved)) and saved.engine and station._engine.trades)
    await world.kill()
    await station.finish(2.0)
    saved = world.level(Saved)
    shape, *rows = map(msgspec.msgpack.decode, pieces_of(saved.engine))
    rows[0][7].append(1.0)
    if version == "of other settings":
        shape = "another"
    pieces = map(msgspec.msgpack.encode, [shape, *rows])
    world.shelf.write(replace(saved, engine=await pressed(pieces, asyncio.to_thread)))
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC",) and station._engine.trades)


async def test_a_queue_that_is_gone_does_not_keep_the_state_from_being_written(world):
    """Deliver 6: signals that cannot be sent are logged as lost; the state is saved all the same."""

    class Gone:
        def send(self, items):
            raise Misconfigured("the queue cannot be used")

    world.signals = world.alerts = Gone()
    world.safe(*SYMBOLS)
    world.target("KRW-BTC")
    station = await world.on_air()
    await fallen(world, station, lambda: len(station.outbox.signals))
    before = wall_ms()
    await world.kill()
    await station.finish(2.0)
    assert len(station.outbox) > 0
    assert world.level(Saved).at >= before


def _drop():
    from core.simulators.faults import Fault, Kind

    return Fault(kind=Kind.DROP)


class TroubledShelf:
    """A shelf that does not answer while `away`."""

    def __init__(self, shelf):
        self.shelf, self.away, self.refused = shelf, False, 0

    def read(self, kind, market):
        self._try()
        return self.shelf.read(kind, market)

    def write(self, value, *, ttl_s=None, tag=""):
        self._try()
        self.shelf.write(value, ttl_s=ttl_s)

    def _try(self):
        if self.away:
            self.refused += 1
            raise Transient("the table is away")


async def test_tables_that_do_not_answer_leave_everything_as_it_was(world):
    """A passing failure of the tables must not cost a subscription."""
    world.target("KRW-BTC")
    world.shelf = TroubledShelf(world.shelf)
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC",))
    world.shelf.away = True
    await until(lambda: world.shelf.refused >= 6)
    assert station.pump.subscribed == ("KRW-BTC",)
    await world.kill()
    await station.finish(1.0)
    world.shelf.away = False


async def test_it_starts_where_the_tables_are_away_and_finds_its_way_when_they_are_back(world):
    world.target("KRW-BTC")
    world.shelf = TroubledShelf(world.shelf)
    world.shelf.away = True
    station = await world.on_air()
    await until(lambda: world.shelf.refused >= 2)
    world.shelf.away = False
    await until(lambda: station.pump.subscribed == ("KRW-BTC",))


async def test_with_nothing_wanted_the_connection_is_closed_and_opened_again_when_something_is(world):
    world.target("KRW-BTC")
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC",))
    world.target(version=2)
    await until(lambda: world.upbit.log.open == 0)
    assert station.pulse().connected
    world.target("KRW-BTC", version=3)
    await until(lambda: station.pump.subscribed == ("KRW-BTC",))
    assert world.upbit.log.connections == 2


async def test_symbols_beyond_one_connection_are_spread_over_the_pool(world):
    """D5"""
    stream = msgspec.structs.replace(world.policy.stream, per_connection=2, connections=2)
    watch = msgspec.structs.replace(world.policy.watch, max_ws_subs=10)
    world.policy = msgspec.structs.replace(world.policy, stream=stream, watch=watch)
    world.target(*SYMBOLS)
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == tuple(sorted(SYMBOLS)))
    assert world.upbit.log.connections == 2
    assert sorted(len(link.symbols) for link in station.pump.links.values()) == [1, 2]


async def test_nothing_is_subscribed_while_the_market_is_closed(world):
    """B6: subscriptions are dropped at the close, and taken again as soon as the venue tells of an open day."""
    world.target("KRW-BTC")
    shut = {"is": False}

    def calendar(policy, told=TOLD):
        days = always_open(policy)
        return replace(
            days, is_open=lambda at: not shut["is"] or bool(told), opens=lambda at: at + DAY * (shut["is"] and not told)
        )

    world.venue = replace(VENUE, rules=replace(VENUE.rules, calendar=calendar))
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC",))
    shut["is"] = True
    await until(lambda: station.pump.subscribed == ())
    await world.kill()

    station = await world.on_air()
    await until(lambda: world.level(StreamHealth) is not None and not world.level(StreamHealth).subscribed)
    assert station.pump.subscribed == ()
    world.shelf.write(OpenDays(market=Market.UPBIT, at=wall_ms(), day="2026-11-20", days={"2026-11-20": True}))
    await world.kill()
    station = await world.on_air()
    await until(lambda: station.pump.subscribed == ("KRW-BTC",))
