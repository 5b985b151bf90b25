"""The storm's venues: a simulator in a loop of its own, and what a process in the storm reaches it with.

A process gets an address and a key, nothing else: it signs its orders and sends them over real sockets with the
product's own broker, whose log, tokens, notices and call budget are the tables that all processes share.
"""

import random
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace

import msgspec
from msgspec.structs import replace

from core.adapters.dynamo.budget import DynamoBudget
from core.adapters.dynamo.notices import DynamoNotices
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.dynamo.tokens import DynamoVault
from core.simulators.binance import BinanceSimulator
from core.simulators.binance_keys import ApiKey
from core.simulators.binance_pairs import listing as pairs
from core.simulators.binance_wing import private
from core.simulators.coins import listing as coins
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing as issues
from core.simulators.kis_limits import usual
from core.simulators.kis_market import KrxMarket
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator
from core.simulators.upbit_keys import AccessKey
from tests.adapters.orders.floors import START, BinanceFloor, UpbitFloor
from tests.adapters.orders.floors_kis import KisFloor

MORNING = START - 12_500_000
"""A quarter past nine in Korea: a storm may last until half past three there."""

LOSE = 0.05
CALLS = ("/uapi/domestic-stock/v1/trading/", "/v1/order", "/v1/accounts", "/api/v3/order", "/api/v3/account")


class Unlucky(Faults):
    """Calls about the account are carried out, and the line of every twentieth is cut instead of an answer."""

    def __init__(self):
        super().__init__()
        self.dice, self.calls, self.lost = random.Random(5), 0, 0
        self.on = True

    def take(self, kind, at, path=""):
        if not self.on or kind is not Kind.LOST_REPLY or not path.startswith(CALLS):
            return super().take(kind, at, path)
        self.calls += 1
        if self.dice.random() >= LOSE:
            return None
        self.lost += 1
        return Fault(kind=kind)


class Place(msgspec.Struct, frozen=True):
    """Where a venue is, as a process is told: plain values. `prices` are those that the signals are decided at."""

    kind: str
    rest_url: str
    stream_url: str
    prices: dict[str, float]
    capital: Decimal
    daily_loss: Decimal


class Wall:
    """The floors' clock, from the storm's."""

    def __init__(self, now):
        self._now = now

    def __call__(self):
        return self._now.clock()

    def sleep(self, seconds):
        self._now.wait(seconds)


class Storming:
    """What the storm needs of a floor beyond any other test.

    speed  of our time against the wall's: a lease of 20 s lasts 20 s / speed
    """

    speed = 10

    def place(self, daily_loss):
        """Where it is, with the prices of now."""
        symbols = sorted(name for name, line in self.sim.market.lines.items() if self.tradable(line))
        prices = {name: float(self.sim.market.lines[name].ask) for name in symbols}
        return Place(self.kind_of, self.sim.rest_url, self.sim.stream_url, prices, self.capital, daily_loss)

    @classmethod
    @asynccontextmanager
    async def open(cls):
        clock = Wall(cls.now)
        async with cls.simulator(clock, Unlucky()) as sim:
            yield cls(sim, clock)


# `far` of each is what a floor asks its simulator for when it is made: addresses aside, keys and listings.


class StormUpbit(Storming, UpbitFloor):
    kind_of, capital = "upbit", Decimal(1_000_000)

    @staticmethod
    def simulator(clock, faults):
        market = SimulatedMarket(seed=3, start=clock(), coins=coins(60))
        return UpbitSimulator(market, clock=clock, faults=faults, funds={"KRW": Decimal(10**9)})

    @staticmethod
    def tradable(line):
        return line.coin.symbol.startswith("KRW-") and line.coin.value > 3e9 and not line.coin.flags

    @staticmethod
    def far():
        return SimpleNamespace(books=None, private=SimpleNamespace(keys=(AccessKey(),)))


class StormBinance(Storming, BinanceFloor):
    kind_of, capital, speed = "binance", Decimal(700), 5

    @staticmethod
    def simulator(clock, faults):
        wing = private((ApiKey(),), {"USDT": Decimal(10**6)})
        return BinanceSimulator(seed=3, clock=clock, pairs=pairs(60), wing=wing, faults=faults)

    @staticmethod
    def tradable(line):
        return line.coin.symbol.endswith("USDT") and line.coin.symbol != "USDCUSDT" and line.coin.value > 3e6

    @staticmethod
    def far():
        account = SimpleNamespace(books=None, keys=(ApiKey(),))
        return SimpleNamespace(
            wing=SimpleNamespace(account=account), pairs={pair.coin.symbol: pair for pair in pairs(60)}
        )


class StormKis(Storming, KisFloor):
    kind_of, capital = "kis", Decimal(2_000_000)

    @classmethod
    def simulator(cls, clock, faults):
        market = KrxMarket(seed=3, start=clock(), issues=issues(60, []))
        limits = replace(usual(cls.environment), order_reply_s=0.0)
        return KisSimulator(market, flavour=cls.environment, limits=limits, clock=clock, funds=10**9, faults=faults)

    @staticmethod
    def tradable(line):
        return 0 < line.ask < 400_000

    @staticmethod
    def far():
        return SimpleNamespace(books=None)


HARBOURS = {each.kind_of: each for each in (StormUpbit, StormBinance, StormKis)}


def at(kind, now):
    """The kind of floor whose simulator goes by this clock."""
    return type(kind.__name__, (kind,), {"now": now})


def moored(place, tables, client, now):
    """The floor as a process has it: no simulator behind it, only its address, and the tables for whatever lasts."""
    kind = HARBOURS[place.kind]
    far = kind.far()
    far.rest_url, far.stream_url = place.rest_url, place.stream_url
    floor = kind(far, Wall(now))
    floor.sendings = DynamoSendings(tables.ledger, client)
    floor.board = DynamoNotices(tables.state, client)
    floor.budget, floor.vault = DynamoBudget(tables.state, client), DynamoVault(tables.state, client)
    return floor
