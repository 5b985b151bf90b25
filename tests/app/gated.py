"""A symbol that nothing keeps from being bought, and the single changes that keep it (for `hoga why`)."""

from decimal import Decimal as D

from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.app.gates.facts import facts
from core.app.ports import Account
from core.app.why import why
from core.domain.leases import Intent, Lock
from core.domain.levels import (
    Buyable,
    Candidate,
    Exclusion,
    Marked,
    Member,
    SafeSet,
    Scan,
    ScanHealth,
    Snapshot,
    StreamHealth,
    Targets,
    TopN,
)
from core.domain.orders import Order, State
from core.domain.policies import MarketPolicy, RestPolicy, RiskPolicy, ScanPolicy, StreamPolicy
from core.domain.positions import Position
from core.domain.sight import RuleSight, Sight, Watched
from core.domain.signals import Signal
from core.domain.values import MINUTE, Instrument, Market, Millis, Side
from core.domain.workers import Status, Worker

AT = Millis(1_795_166_400_000)
BTC = Instrument(Market.UPBIT, "KRW-BTC")
KRX = Instrument(Market.KRX, "005930")
POLICY = MarketPolicy(
    rest=RestPolicy(url="https://x"),
    stream=StreamPolicy(url="wss://x"),
    scan=ScanPolicy(min_volume=1.0, min_value=100.0),
)


class Books:
    """Leases and ledger as they are told to be."""

    def __init__(self):
        self.memory = MemoryBooks()
        self.lock_row, self.crew, self.today, self.reasons = None, [], [], {}
        self.state, self.taken = Account(exposure=D(0), positions=0, realised=D(0)), D(0)

    def lock(self, instrument):
        return self.lock_row

    def workers(self, market):
        return self.crew

    def account(self, market, day):
        return self.state

    def orders(self, market, day):
        return self.today

    def halted(self, market, symbol=""):
        return self.reasons.get(symbol, "")

    def exposure(self, currency):
        return self.taken


class World:
    """A symbol that nothing keeps from being bought, until a test changes one thing."""

    def __init__(self, instrument=BTC, policy=POLICY, at=AT):
        self.instrument, self.policy, self.at = instrument, policy, at
        self.shelf, self.books = MemoryShelf(), Books()
        market, symbol = instrument.market, instrument.symbol
        self.put(SafeSet(market=market, at=at, safe=(symbol,), excluded=(), names={symbol: "비트코인"}))
        self.put(Scan(market=market, at=at, calls=2, snapshots=(snapshot(symbol),)))
        self.put(ScanHealth(market=market, at=at, due=at, interval_ms=MINUTE))
        self.put(Targets(market=market, at=at, version=1, candidates=(Candidate("KRW-A", 9.0), Candidate(symbol, 8.5))))
        self.put(TopN(market=market, at=at, version=1, members=(Member(symbol, at, 5.0),)))
        self.put(health(market, symbol))
        self.put(Watched(market=market, at=at, sights=(sight(symbol),)))
        self.put(Buyable(market=market, at=at, signals=(signal(instrument),)))

    def put(self, level):
        self.shelf.write(level)

    def chain(self):
        stores = {"shelf": self.shelf, "leases": self.books, "ledger": self.books}
        return why(facts(self.instrument, self.policy, **stores, at=self.at))

    def gate(self, name):
        return next(gate for gate in self.chain().gates if gate.name == name)


def snapshot(symbol="KRW-BTC", **changes):
    row = Snapshot(
        symbol=symbol, price=1000.0, change=0.01, volume=50.0, value=5e4, value_24h=5e9, high=1010.0, low=990.0,
        prev_high=None, prev_low=None, bid=999.0, ask=1001.0, spread=0.002, disparity=-0.05, at=AT, seen=AT,
    )  # fmt: skip
    return replace(row, **changes)


def health(market=Market.UPBIT, symbol="KRW-BTC", **changes):
    row = StreamHealth(
        market=market, at=AT, host="h", started=AT, last_data=AT, subscribed=(symbol,), connected=True, reconnects=0,
        messages=1, surprises=0, late=0, duplicates=0, gaps=0, signals=0, latency_p50_ms=1.0, latency_p99_ms=2.0,
        wanted=(symbol,),
    )  # fmt: skip
    return replace(row, **changes)


def rule(**changes):
    row = RuleSight(
        name="fall",
        condition="5 min return <= -0.03",
        below=970.0,
        above=None,
        value=-0.031,
        threshold=-0.03,
        armed=True,
    )
    return replace(row, **changes)


def sight(symbol="KRW-BTC", **changes):
    row = Sight(
        symbol=symbol, price=1000.0, at=Millis(AT - 500), opens=Millis(AT - 30_000), candles=200, quality="whole", reason="",
        rules=(rule(),),
    )  # fmt: skip
    return replace(row, **changes)


def signal(instrument=BTC):
    return Signal(
        id="s", instrument=instrument, side=Side.BUY, rule="fall", price=1000.0, value=-0.031, threshold=-0.03,
        at=Millis(AT - 2000), seen=AT, expires=Millis(AT + 28_000),
    )  # fmt: skip


def position(instrument=BTC):
    return Position(
        instrument=instrument, worker="w-01", quantity=D(2), cost=D(2000), fees=D(1), price=D(1000), opened=AT, signal="s",
        rule="fall", reference=D(1000),
    )  # fmt: skip


def intent():
    return Intent(
        order="o", side=Side.BUY, signal="s", leg=0, worker="w", quantity=D(1), reference=D(1), reason="fall", at=AT
    )


def order(state, note=""):
    return Order(
        id="o", instrument=BTC, side=Side.BUY, quantity=D(2), reference=D(1), signal="s", leg=0, worker="w", reason="fall",
        at=AT, state=state, note=note,
    )  # fmt: skip


def closed(world):
    world.books.reasons["KRW-BTC"] = "news"


def excluded(world):
    world.put(SafeSet(market=Market.UPBIT, at=AT, safe=(), excluded=(Exclusion("KRW-BTC", ("WARNING",)),)))


def in_safe_mode(world):
    world.put(ScanHealth(market=Market.UPBIT, at=AT, due=AT, interval_ms=MINUTE, safe_mode=True, reason="503 thrice"))


def scanned(**changes):
    def change(world):
        world.put(Scan(market=Market.UPBIT, at=AT, calls=2, snapshots=(snapshot(**changes),)))

    return change


def missing(world):
    world.put(Scan(market=Market.UPBIT, at=AT, calls=2, snapshots=()))


def aged(world):
    world.put(SafeSet(market=Market.UPBIT, at=Millis(AT - 7_300_000), safe=("KRW-BTC",), excluded=()))


def halted(world):
    world.put(health(halted=("KRW-BTC",)))


def leased(world):
    world.books.lock_row = Lock(instrument=BTC, fence=7, owner="worker/9", ends=Millis(AT + 9000), intent=intent())


def left_behind(world):
    world.books.lock_row = Lock(instrument=BTC, fence=7, owner="worker/9", ends=Millis(AT - 90_000), intent=intent())


def all_busy(world):
    world.books.crew = [
        Worker(id=f"w-0{n}", market=Market.UPBIT, status=Status.HOLD, capital=D(1), symbol="KRW-X") for n in range(1, 5)
    ]


def spent(**changes):
    def change(world):
        world.books.state = replace(world.books.state, **changes)

    return change


def risky(**risk):
    def change(world):
        world.policy = replace(POLICY, risk=RiskPolicy(**risk))

    return change


def both(*changes):
    def change(world):
        for one in changes:
            one(world)

    return change


def unresolved(world):
    world.books.today = [order(State.UNKNOWN, "no answer")]


def cooling(world):
    risky(symbol_cooldown_s=600.0)(world)
    world.books.lock_row = Lock(instrument=BTC, fence=1, lost=Millis(AT - 60_000))


def crowded(world):
    risky(currency_exposure=D(1_500_000))(world)
    world.books.taken = D(900_000)


def drowning(world):
    risky(unrealised=True)(world)
    world.put(Marked(market=Market.UPBIT, at=AT, unrealised=D(-400_000)))
