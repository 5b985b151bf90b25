"""E8: from any state of books, workers and venue, two runs of the sweep leave no question open, and the third does nothing."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.adapters.memory.state import Item
from core.app import sweep
from core.app.trade import handle
from core.domain.errors import OrderExecutionError
from core.domain.levels import Hands
from core.domain.policies import ByHand, SweepPolicy, WorkerPolicy
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.domain.workers import Status, Worker
from tests.app.world import World
from tests.fakes import SYMBOLS, Died, Steps, buy, policy, sell, shelf_of
from tests.watching import Quotes

NAMES = SYMBOLS[:4]
UNITS = st.sampled_from(["0.0003", "2", "100", "3000"])

steps = st.one_of(
    st.tuples(st.just("trade"), st.sampled_from(NAMES), st.sampled_from(["buy", "sell"]), st.integers(1, 14)),
    st.tuples(st.just("whole"), st.sampled_from(NAMES), st.sampled_from(["buy", "sell"]), st.just(0)),
    st.tuples(st.just("hand"), st.sampled_from(NAMES), UNITS, st.booleans()),
    st.tuples(st.just("worker"), st.sampled_from(["w-01", "w-02", "w-03", "w-09"]), st.sampled_from(Status), st.sampled_from(NAMES)),
    st.tuples(st.just("owner"), st.sampled_from(NAMES), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("part"), st.sampled_from(["0", "0.001", "0.5", "1"]), st.booleans(), st.just(0)),
    st.tuples(st.just("dust"), st.sampled_from(NAMES), UNITS, st.just(0)),
)  # fmt: skip


class Messy(World):
    """A world whose people trade at the venue too; `aside` is what they did there, by symbol."""

    def __init__(self, by_hand, crew):
        super().__init__()
        self.aside, self.by_hand, self.crew, self.serial = {}, by_hand, crew, 0
        venue, place = self.broker.holdings, self.broker.place
        self.broker.holdings = lambda market: self._held(venue(market))
        self.broker.place = lambda order, at: self._place(place, order, at)
        self.shelf = shelf_of(at=self.hands.at)

    def _held(self, traded):
        both = {symbol: traded.get(symbol, ZERO) + self.aside.get(symbol, ZERO) for symbol in {*traded, *self.aside}}
        return {symbol: units for symbol, units in both.items() if units}

    def _place(self, place, order, at):
        """As at a venue, nobody sells what is not there."""
        known = order.id in self.broker.known
        short = order.quantity > self.broker.holdings(Market.UPBIT).get(order.instrument.symbol, ZERO)
        if order.side is Side.SELL and short and not known:
            raise OrderExecutionError("not enough to sell", order=order.id)
        return place(order, at)

    def desk(self):
        chosen = policy(sweep=SweepPolicy(by_hand=self.by_hand), workers=replace(WorkerPolicy(), count=self.crew))
        return replace(super().desk(), policy=chosen, last_price=lambda symbol: 100.0, shelf=self.shelf)

    def trade(self, symbol, side, last):
        self.serial += 1
        signal = (buy if side == "buy" else sell)(symbol, id=f"x{self.serial}", at=self.hands.at, expires_s=600)
        with suppress(Died):
            handle(signal, self.mortal(Steps(last)) if last else self.desk())

    def part(self, share, rests):
        self.broker.fills, self.broker.resting = dict.fromkeys(range(9), share), rests

    def by_person(self, symbol, units, sells):
        """Nobody can sell what is not there."""
        held = self.broker.holdings(Market.UPBIT).get(symbol, ZERO)
        change = -min(held, Decimal(units)) if sells else Decimal(units)
        self.aside[symbol] = self.aside.get(symbol, ZERO) + change

    def tamper(self, name, status, symbol):
        """A worker's row as a bug or a person may have left it."""
        held = symbol if status is Status.HOLD else ""
        row = Worker(id=name, market=Market.UPBIT, status=status, capital=Decimal(10**6), symbol=held)
        self.rows.workers[Market.UPBIT, name] = row

    def name_left(self, symbol, ago):
        """An owner's name on a lock that has nothing to finish."""
        on = Instrument(Market.UPBIT, symbol)
        item = self.rows.item(on)
        if item.lock.intent is None:
            ends = Millis(self.hands.at - ago * 1000)
            self.rows.items[on] = Item(replace(item.lock, owner="gone/1", fence=item.lock.fence + 1, ends=ends))

    def written_off(self, symbol, units):
        on = Instrument(Market.UPBIT, symbol)
        item = self.rows.item(on)
        if item.lock.intent is None and item.lock.fence:
            self.rows.items[on] = Item(replace(item.lock, dust=item.lock.dust + Decimal(units)), item.nonce)

    @property
    def rows(self):
        return self.books.leases._books

    def run(self):
        self.hands.later(70)
        self.broker.fills, self.broker.resting = {}, False
        return sweep.run(self.desk(), Quotes(*SYMBOLS))


def messed(world, moves):
    acts = {
        "trade": world.trade, "whole": world.trade, "hand": world.by_person, "worker": world.tamper,
        "owner": lambda symbol, ago, _: world.name_left(symbol, ago), "part": lambda share, rests, _: world.part(share, rests),
        "dust": lambda symbol, units, _: world.written_off(symbol, units),
    }  # fmt: skip
    for name, *rest in moves:
        acts[name](*rest)
        world.hands.later(1)


def state(world):
    """All that a person can see of the books: locks without the times of leases, workers without heartbeats."""
    locks = [
        (lock.instrument, lock.fence, lock.owner, lock.intent, lock.position, lock.dust)
        for lock in world.books.leases.locks()
    ]
    workers = [(worker.id, worker.status, worker.symbol) for worker in world.books.ledger.workers(Market.UPBIT)]
    return locks, workers, len(world.broker.sent)


@pytest.mark.parametrize("by_hand", list(ByHand))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=st.lists(steps, max_size=14), crew=st.integers(1, 4))
def test_two_runs_settle_any_state_and_a_third_does_nothing(by_hand, moves, crew):
    world = Messy(by_hand, crew)
    world.run()  # what people hold beside us from before is theirs
    messed(world, moves)
    world.run()
    second = world.run()
    assert second.faults == ()
    before = state(world)
    third = world.run()
    assert state(world) == before
    done = third.resumed, third.ended, third.strays, third.freed, third.retired, third.tidied, third.acts, third.exits
    assert done == ((),) * 8
    settled(world)


def settled(world):
    books, desk = world.books, world.desk()
    locks, workers = books.leases.locks(), books.ledger.workers(Market.UPBIT)
    assert not books.ledger.open_orders(Market.UPBIT)
    assert all(lock.intent is None and lock.owner == "" for lock in locks)
    holding = {(worker.id, worker.symbol) for worker in workers if worker.status is Status.HOLD}
    owned = {(lock.position.worker, lock.instrument.symbol) for lock in locks if lock.position}
    homeless = owned - holding
    free = [w for w in workers if w.status is Status.SCAN and w.id <= f"w-{desk.policy.workers.count:02d}"]
    assert holding <= owned
    assert not (homeless and free), "a position waits for an owner while a worker is free"
    own = desk.shelf.read(Hands, Market.UPBIT).own
    venue = world.broker.holdings(Market.UPBIT)
    for lock in locks:
        symbol = lock.instrument.symbol
        booked = (lock.position.quantity if lock.position else ZERO) + lock.dust + own.get(symbol, ZERO)
        if world.by_hand is not ByHand.TELL and (free or lock.position):
            assert booked == venue.get(symbol, ZERO), symbol
