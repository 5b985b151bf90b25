"""A trading floor for each venue: the product's own broker over real sockets to that venue's simulator, one clock.

Every floor has the same handles, so that one suite of tests holds all brokers to the same promises.
"""

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from decimal import Decimal as D
from itertools import count
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec.structs import replace

from core.adapters import accounts
from core.adapters.account_key import AccountKey
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.sendings import MemorySendings
from core.adapters.secrets import EnvSecrets
from core.app.placing import told
from core.domain.errors import OrderExecutionError
from core.domain.orders import DONE, Order, order_id
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, RestPolicy, StreamPolicy, UniversePolicy
from core.domain.values import Instrument, Market, Millis, Side
from core.settings import BrokerKind
from core.simulators.binance import BinanceSimulator
from core.simulators.binance_keys import ApiKey
from core.simulators.binance_pairs import listing as pairs
from core.simulators.binance_rows import symbol_row
from core.simulators.binance_wing import private
from core.simulators.coins import listing
from core.simulators.faults import Fault, Planned
from core.simulators.market import SimulatedMarket
from core.simulators.upbit import UpbitSimulator
from core.venues.binance.answers import SymbolRow
from core.venues.spec import purse, venue
from tests import reckoning
from tests.fakes import policy

START = 1_790_134_742_000
"""Wednesday 2026-09-23 12:39:02 in Korea, a whole second."""

serial = count(1)


class Hand:
    """A clock that only sleeping moves."""

    def __init__(self, at=START):
        self.at = at

    def __call__(self):
        return Millis(self.at)

    def sleep(self, seconds):
        self.at += max(1, round(seconds * 1000))


class Floor:
    """What every floor does with its broker."""

    kind, environment, loses = BrokerKind.LIVE, Environment.REAL, True

    def __init__(self, sim, clock):
        self.sim, self.clock = sim, clock
        self.sendings, self.board, self.budget = MemorySendings(), MemoryNotices(), MemoryBudget()
        self.told, self.grounds = {}, []

    def order(self, side=Side.BUY, quantity=None, limit=None, signal="s", leg=0):
        on = self.instrument
        return Order(
            id=order_id(on, signal, side, leg), instrument=on, side=side, quantity=quantity or self.quantity,
            reference=self.price, signal=signal, leg=leg, worker="w", reason="fall", at=self.clock(), limit=limit,
        )  # fmt: skip

    def finish(self, order, broker=None, *, looks=True):
        """As core/app/placing.py and closing.py: its end, or without looks what there is of it, has the number."""
        broker = broker or self.broker()
        seen = told(order, broker.place(order, self.clock()))
        seen = self.watch(seen, broker) if looks else seen
        taking = broker.taking(order)
        assert taking is None or self.sendings.take(taking)
        return seen

    def watch(self, order, broker=None):
        self.told[order.id] = seen = self._watched(order, broker or self.broker())
        return seen

    def _watched(self, order, broker):
        for look in range(40):
            if order.state in DONE:
                return order
            self.clock.sleep(0.5)
            if look == 12:
                with suppress(OrderExecutionError):
                    order = told(order, broker.cancel(order, self.clock()))
                    continue
            found = broker.find(order, self.clock())
            order = order if found is None else told(order, found)
        raise AssertionError(order)

    def audit(self):
        """What must hold at the end of every test: the venue's money is that of its own log, and so is what we say."""
        if self.deals():
            assert self.cash - self.began == reckoning.cash(self.deals())
        assert reckoning.untrue(self.told.values(), self.deals()) == {}
        for ground in self.grounds:
            assert reckoning.untrue(ground.written(), self.deals()) == {}

    def sellable(self):
        """Whole steps of what is held."""
        return self.units - self.units % self.venue.rules.lot(self.instrument.symbol)

    def cause(self, kind, *, any=False, **more):
        """What becomes of the next order, or of the next call whatever it is."""
        path = "" if any else self.path
        self.sim.faults.cause(Planned(fault=Fault(kind=kind, count=1, path=path, **more)), self.clock())

    def worst(self, side):
        """A limit that crosses the whole book."""
        rules = self.venue.rules
        price = self.price * (D("1.05") if side is Side.BUY else D("0.95"))
        return rules.floor_price(self.instrument.symbol, price, side, self.clock())


class Coins(Floor):
    """A venue that knows our client ids: a simulated account of coins."""

    def broker(self, **changes):
        orders = venue(self.instrument.market).orders
        parts = {
            "sign": AccountKey(orders, self.policy.account.key, self.secrets, self.clock, lambda: str(uuid4())),
            "sendings": self.sendings,
            **changes,
        }
        return accounts.broker(
            self.kind, self.policy, self.venue, secrets=self.secrets, opt_in=self.opt_in, budget=self.budget,
            purse=purse(self.environment), board=self.board, days=lambda: self.venue.rules.calendar(self.policy.day),
            clock=self.clock, sleep=self.clock.sleep, dice=lambda: 0.5, **parts,
        )  # fmt: skip

    def scarce(self):
        """An order that the book can only give a part of."""
        self.books.share = D("0.4")
        return self.order(limit=self.worst(Side.BUY), signal="scarce")

    def ample(self):
        self.books.share = D(1)

    def deals(self):
        return reckoning.of_coins(self.books)

    @property
    def cash(self):
        return self.books.balances[self.books.pair(self.instrument.symbol)[1]]

    @property
    def price(self):
        return D(repr(self.sim.market.lines[self.instrument.symbol].ask))

    @property
    def units(self):
        return self.books.balances[self.books.pair(self.instrument.symbol)[0]]

    def sent(self, side=Side.BUY):
        """Orders that the venue took."""
        return [order for order in self.books.orders.values() if order.side is side]


class UpbitFloor(Coins):
    instrument, quantity, path = Instrument(Market.UPBIT, "KRW-XRP"), D("25.5"), "/v1/orders"

    def __init__(self, sim, clock):
        super().__init__(sim, clock)
        self.books = sim.books
        key = sim.private.keys[0]
        self.opt_in = f"upbit={key.access}"
        self.secrets = EnvSecrets({
            "HOGA_SECRET_UPBIT_ACCESS_KEY": key.access, "HOGA_SECRET_UPBIT_SECRET_KEY": key.secret,
        })  # fmt: skip
        names = KeyPolicy(app_key="upbit_access_key", app_secret="upbit_secret_key")
        self.policy = replace(
            policy(),
            rest=RestPolicy(url=sim.rest_url, connect_s=30.0, read_s=30.0),
            stream=StreamPolicy(url=sim.stream_url),
            universe=UniversePolicy(quote="KRW"),
            account=AccountPolicy(url=sim.rest_url, key=names, number="upbit_access_key"),
        )
        self.venue = venue(Market.UPBIT, self.policy)

    def rest(self, order):
        """An order with our id that waits in the venue's book, as one of another make of us might have left it."""
        body = {"market": "KRW-XRP", "side": "bid", "ord_type": "limit", "volume": f"{order.quantity}", "price": "2000",
                "identifier": order.id}  # fmt: skip
        self.sim.private.place(body, self.clock())
        return self.sent()[-1]

    @classmethod
    @asynccontextmanager
    async def open(cls):
        clock = Hand()
        market = SimulatedMarket(seed=3, start=START, coins=listing(8))
        async with UpbitSimulator(market, clock=clock) as sim:
            yield cls(sim, clock)


class BinanceFloor(Coins):
    instrument, quantity, path = Instrument(Market.BINANCE, "XRPUSDT"), D(25), "/api/v3/order"
    names = ("binance_api_key", "binance_api_secret")
    keys = staticmethod(lambda: (ApiKey(),))

    def __init__(self, sim, clock):
        super().__init__(sim, clock)
        self.books, key = sim.wing.account.books, sim.wing.account.keys[0]
        self.opt_in = f"binance={key.key}"
        self.secrets = EnvSecrets({
            f"HOGA_SECRET_{name.upper()}": text for name, text in zip(self.names, (key.key, key.secret), strict=True)
        })  # fmt: skip
        names = KeyPolicy(app_key=self.names[0], app_secret=self.names[1], environment=self.environment)
        self.policy = replace(
            policy(),
            rest=RestPolicy(url=sim.rest_url, connect_s=30.0, read_s=30.0),
            stream=StreamPolicy(url=sim.stream_url),
            universe=UniversePolicy(quote="USDT"),
            account=AccountPolicy(url=sim.rest_url, key=names, number=self.names[0]),
        )
        listed = {symbol: symbol_row(pair, sets=False) for symbol, pair in sim.pairs.items()}
        rows = {symbol: msgspec.convert(row, SymbolRow, strict=False) for symbol, row in listed.items()}
        self.venue = venue(Market.BINANCE, self.policy, lambda symbol: rows[symbol].listing().specification)

    def rest(self, order):
        """An order with our id that waits in the venue's book, as one of another make of us might have left it."""
        query = {"symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "1.5",
                 "quantity": f"{order.quantity}", "newClientOrderId": order.id}  # fmt: skip
        self.sim.wing.account.place(query, self.clock())
        return self.sent()[-1]

    @classmethod
    @asynccontextmanager
    async def open(cls):
        clock = Hand()
        async with BinanceSimulator(seed=3, clock=clock, pairs=pairs(8), wing=private(cls.keys())) as sim:
            yield cls(sim, clock)


class PracticeFloor(BinanceFloor):
    kind, environment, names = BrokerKind.MOCK, Environment.MOCK, ("binance_test_api_key", "binance_test_api_secret")


class Ed25519Floor(BinanceFloor):
    """An account whose key is a pair: its secret is a PEM text."""

    private = Ed25519PrivateKey.generate()

    def __init__(self, sim, clock):
        super().__init__(sim, clock)
        pem = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.secrets = EnvSecrets({
            "HOGA_SECRET_BINANCE_API_KEY": sim.wing.account.keys[0].key, "HOGA_SECRET_BINANCE_API_SECRET": pem,
        })  # fmt: skip

    @classmethod
    def keys(cls):
        public = cls.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return (ApiKey(public=public.decode()),)


class Served:
    """A floor in a loop of its own, so that plain tests can use the product's blocking broker against it."""

    def __init__(self, kind):
        self._kind, self._ready, self._loop = kind, threading.Event(), None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self):
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with self._kind.open() as self.floor:
            self.floor.began = self.floor.cash
            self._ready.set()
            await self._stop.wait()

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(120)
        return self.floor

    def __exit__(self, fault, *_):
        try:
            if fault is None:
                self.floor.audit()
        finally:
            self._close()

    def _close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
