"""A stock exchange with hours: continuous trading, interruptions of two minutes, a closing auction, halts."""

from datetime import UTC, datetime
from decimal import Decimal as D

from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.app.desk import Desk
from core.app.ports import Outcome
from core.app.trade import handle
from core.domain.errors import OrderExecutionError, UnknownOutcome
from core.domain.levels import SafeSet, Scan, Snapshot
from core.domain.orders import Fill, State
from core.domain.phases import Phase
from core.domain.policies import DayPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.signals import Signal, signal_id
from core.domain.values import KST, MINUTE, Instrument, Market, Millis, Side
from core.venues.kis.rules import RULES

DAY = "2026-11-20"
PRICE = D(10_000)


def at(text, day=DAY):
    """Epoch ms of a time of day in Korea."""
    return Millis(int(datetime.fromisoformat(f"{day} {text}").replace(tzinfo=UTC).timestamp() * 1000) - KST)


class Floor:
    """The broker's side. `placed` and `cancelled` are what arrived; `halted`, `late` and `odd` change what happens.

    interrupted  symbol -> until when its trading is interrupted: orders rest, and are matched then
    late_ms      the auction's fills are told this long after the close
    shut         symbol -> until when its orders are refused
    unmatched    symbols that nobody buys in the auction
    silences     cancels that get no answer
    marketless   symbols that take no order without a limit
    """

    def __init__(self, clock, days):
        self.clock, self.days = clock, days
        self.placed, self.cancelled, self.units = [], [], {}
        self.halted, self.unmatched, self.interrupted, self.late_ms = set(), set(), {}, 0
        self.marketless = set()
        self.known, self.silences, self.shut = {}, 0, {}

    def place(self, order, at):
        symbol, phase = order.instrument.symbol, self.days.phase(at)
        self.placed.append((symbol, order.side, phase))
        if phase is Phase.CLOSED or symbol in self.halted:
            raise OrderExecutionError("거래정지" if symbol in self.halted else "장종료", order=order.id)
        if symbol in self.marketless and order.limit is None:
            raise OrderExecutionError("시장가호가불가", order=order.id)
        if at < self.shut.get(symbol, 0):
            raise OrderExecutionError("VI 발동", order=order.id)
        if phase is Phase.CLOSING:
            matched = Millis(self.days.closes(at) + self.late_ms)
        else:
            matched = max(at, self.interrupted.get(symbol, at))
        self.known[order.id] = [order, matched, State.OPEN]
        return self.find(order, at)

    def find(self, order, at):
        known = self.known.get(order.id)
        if known is None:
            return None
        sent, matched, state = known
        if state is State.OPEN and at >= matched and sent.instrument.symbol not in self.unmatched:
            known[2] = state = State.FILLED
            sign = 1 if sent.side is Side.BUY else -1
            symbol = sent.instrument.symbol
            self.units[symbol] = self.units.get(symbol, D(0)) + sign * sent.quantity
        fill = Fill(id=f"{order.id}-0", price=PRICE, quantity=sent.quantity, fee=D(0), tax=D(0), at=matched)
        fills = (fill,) if state is State.FILLED else ()
        return Outcome(venue_id=f"v-{order.id}", state=state.value, fills=fills)

    def cancel(self, order, at):
        known = self.known[order.id]
        self.cancelled.append(order.instrument.symbol)
        if self.silences:
            self.silences -= 1
            raise UnknownOutcome("silence")
        if self.days.phase(at) is Phase.CLOSED:
            raise OrderExecutionError("장종료", order=order.id)
        known[2] = State.CANCELLED
        return self.find(order, at)

    def taking(self, order):
        return None

    def holdings(self, market):
        return {symbol: units for symbol, units in self.units.items() if units}


class Day:
    """A desk on that floor with a clock that moves when it waits."""

    def __init__(self, *symbols, deadline_s=51, values=None, **day):
        self.at, self.mono = at("10:00"), 0.0
        self.shelf, self.alerts, books = MemoryShelf(), MemoryAlerts(), MemoryBooks()
        policy = MarketPolicy(
            rest=RestPolicy(url="https://x"), stream=StreamPolicy(url="wss://x"), day=replace(DayPolicy(), **day)
        )
        policy = replace(policy, workers=replace(policy.workers, count=8), risk=replace(policy.risk, max_positions=8))
        policy = replace(policy, risk=replace(policy.risk, total_exposure=D(10_000_000)))
        self.days = RULES.calendar(policy.day)
        self.floor = Floor(lambda: self.at, self.days)
        self.desk = Desk(
            market=Market.KRX, policy=policy, rules=RULES, shelf=self.shelf, leases=books.leases, ledger=books.ledger,
            broker=self.floor, alerts=self.alerts, clock=lambda: self.at, monotonic_s=lambda: self.mono,
            pause=self.wait, owner="liquidate#1", nonce=iter(map(str, range(10**6))).__next__,
            deadline_ms=Millis(deadline_s * 1000), name=lambda symbol: f"name of {symbol}",
            last_price=lambda symbol: float(PRICE),
        )  # fmt: skip
        values = values or {}
        rows = tuple(snapshot(symbol, values.get(symbol, 5e9)) for symbol in symbols)
        self.shelf.write(Scan(market=Market.KRX, at=self.at, calls=1, snapshots=rows))
        self.list(symbols)
        for symbol in symbols:
            assert handle(signal(symbol, Side.BUY, self.at), self.desk).outcome.value == "bought"
        self.alerts.sent.clear()
        self.floor.placed.clear()

    def list(self, symbols):
        self.shelf.write(SafeSet(market=Market.KRX, at=self.at, safe=tuple(symbols), excluded=()))

    def wait(self, seconds):
        self.mono += seconds
        self.at = Millis(self.at + round(seconds * 1000))

    def go(self, time):
        """Not backwards."""
        self.at = max(self.at, at(time))
        return self

    def held(self):
        return {lock.instrument.symbol for lock in self.desk.leases.locks() if lock.position}

    def told(self, kind):
        return [alert for alert in self.alerts.sent if alert.kind is kind]

    def handle(self, symbol, side, **changes):
        return handle(replace(signal(symbol, side, self.at), **changes), self.desk)


def snapshot(symbol, value_24h):
    blank = dict.fromkeys(("price", "change", "volume", "value", "high", "low", "bid", "ask"), 1.0)
    empty = dict.fromkeys(("prev_high", "prev_low", "spread", "disparity"))
    return Snapshot(symbol=symbol, value_24h=value_24h, at=1, seen=1, **blank, **empty)


def signal(symbol, side, moment):
    on, rule = Instrument(Market.KRX, symbol), "fall" if side is Side.BUY else "stop_loss"
    return Signal(
        id=signal_id(on, side, rule, moment), instrument=on, side=side, rule=rule, price=float(PRICE), value=-0.1,
        threshold=-0.08, at=moment, seen=moment, expires=Millis(moment + MINUTE),
    )  # fmt: skip
