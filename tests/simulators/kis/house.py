"""The product's own trading desk on a simulated KIS account, with a clock that only waiting moves."""

import asyncio
from decimal import Decimal as D
from itertools import count

import msgspec
from msgspec.structs import replace

from core.adapters import accounts
from core.adapters.keyring import ring
from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.app import sweep
from core.app.placing import told
from core.app.trade import handle
from core.domain.levels import SafeSet
from core.domain.orders import DONE, Order, order_id
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, RestPolicy, StreamPolicy
from core.domain.values import Instrument, Market, Millis, Side
from core.settings import BrokerKind
from core.simulators.faults import Fault, Planned
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing
from core.simulators.kis_keys import KEYS
from core.simulators.kis_limits import usual
from core.simulators.kis_market import KrxMarket
from core.venues.spec import purse, venue
from tests import reckoning
from tests.fakes import Told, buy, desk_of, policy, sell
from tests.watching import Quotes

START = 1_790_134_742_000
"""Wednesday 2026-09-23 12:39:02 in Korea."""
SAMSUNG = Instrument(Market.KRX, "005930")
KINDS = {Environment.REAL: BrokerKind.LIVE, Environment.MOCK: BrokerKind.MOCK}
KEY = {key.environment: key for key in reversed(KEYS)}
names = count(1)


class Hand:
    """A clock that only sleeping moves."""

    def __init__(self, at=START):
        self.at = at

    def __call__(self):
        return Millis(self.at)

    def sleep(self, seconds):
        self.at += max(1, round(seconds * 1000))


class House:
    """One simulated account, and as many processes on it as a test needs: they share stores, keys and budget."""

    def __init__(self, sim, clock, flavour, exchange=""):
        self.sim, self.clock, self.flavour = sim, clock, flavour
        self.board, self.books = MemoryNotices(), MemoryBooks()
        self.sendings = self.books.sendings
        self.vault, self.budget, self.told = MemoryVault(), MemoryBudget(), Told()
        self.finished, self.began = {}, sim.books.purse.settled_later
        key = KEY[flavour]
        self.secrets = EnvSecrets({
            "HOGA_SECRET_K": key.app_key, "HOGA_SECRET_S": key.app_secret, "HOGA_SECRET_KIS_ACCOUNT": key.account,
        })  # fmt: skip
        key = KeyPolicy(app_key="k", app_secret="s", environment=flavour)
        account = AccountPolicy(url=sim.rest_url, key=key, exchange=exchange)
        self.policy = replace(
            policy(),
            rest=RestPolicy(url=sim.rest_url, connect_s=30.0, read_s=30.0),
            stream=StreamPolicy(url=sim.stream_url),
            account=account,
        )
        self.venue = venue(Market.KRX, self.policy)

    def broker(self, phase=None):
        keys = ring(
            venue(Market.KRX).rest, self.policy, self.secrets, self.vault, self.budget, self.clock, self.clock.sleep,
            lambda: 0.5, lambda: f"p{next(names)}",
        )  # fmt: skip
        return accounts.broker(
            KINDS[self.flavour], self.policy, self.venue, sign=keys["k"], secrets=self.secrets,
            opt_in=KEY[self.flavour].account, budget=self.budget, purse=purse(self.flavour), sendings=self.sendings,
            board=self.board, days=lambda: self.venue.rules.calendar(self.policy.day), clock=self.clock,
            sleep=self.clock.sleep, dice=lambda: 0.5, phase=phase,
        )  # fmt: skip

    def order(self, side=Side.BUY, quantity=10, limit=None, signal="s"):
        return Order(
            id=order_id(SAMSUNG, signal, side, 0), instrument=SAMSUNG, side=side, quantity=D(quantity),
            reference=D(self.price), signal=signal, leg=0, worker="w", reason="fall", at=self.clock(),
            limit=None if limit is None else D(limit),
        )  # fmt: skip

    def finish(self, order, broker=None):
        self.finished[order.id] = done = self._watched(order, broker or self.broker())
        return done

    def _watched(self, order, broker):
        order = told(order, broker.place(order, self.clock()))
        for _ in range(40):
            if order.state in DONE:
                return order
            self.clock.sleep(0.5)
            found = broker.find(order, self.clock())
            order = order if found is None else told(order, found)
        raise AssertionError(order)

    def desk(self):
        shelf = MemoryShelf(self.clock)
        shelf.write(SafeSet(market=Market.KRX, at=self.clock(), safe=("005930",), excluded=()))
        return replace(
            desk_of(self.books, self.broker()), market=Market.KRX, rules=self.venue.rules, policy=self.policy,
            shelf=shelf, alerts=self.told, clock=self.clock, monotonic_s=lambda: self.clock() / 1000,
            pause=self.clock.sleep, deadline_ms=Millis(120_000),
        )  # fmt: skip

    def buy(self, id="b"):
        return handle(self._as(buy(id=id, at=self.clock(), price=float(self.price), expires_s=3600)), self.desk())

    def sell(self, id="s"):
        return handle(self._as(sell(id=id, at=self.clock(), price=float(self.price))), self.desk())

    def sweep(self):
        self.clock.sleep(125)
        quotes = Quotes("005930")
        quotes.prices["005930"] = float(self.price)
        return sweep.run(self.desk(), quotes)

    def audit(self):
        """What must hold at the end of every test: the account's money is that of its log, and so is what we say."""
        deals, day = reckoning.of_kis(self.sim.books), self.desk().days.day_of(self.clock())
        assert self.sim.books.purse.settled_later - self.began == reckoning.cash(deals)
        for orders in (list(self.finished.values()), self.books.ledger.orders(Market.KRX, day)):
            assert reckoning.untrue(orders, deals) == {}

    def _as(self, signal):
        return replace(signal, instrument=SAMSUNG)

    def lose(self, kind, code="", **words):
        """What becomes of the next order that is sent."""
        path = "/uapi/domestic-stock/v1/trading/order-cash"
        self.sim.faults.cause(Planned(fault=Fault(kind=kind, count=1, path=path, code=code, **words)), self.clock())

    @property
    def mock(self):
        return self.flavour is Environment.MOCK

    @property
    def price(self):
        return self.sim.market.lines["005930"].ask

    @property
    def units(self):
        held = self.sim.books.purse.holdings.get("005930")
        return held.quantity if held else 0

    def sent(self, side):
        code = "02" if side is Side.BUY else "01"
        return [order for order in self.sim.books.orders.values() if order.side == code and not order.original]


def in_a_house(test, flavour, exchange="", start=START, kind=None, **limits):
    """Run a synchronous test in a thread beside a simulator of this flavour."""

    async def body():
        clock = Hand(start)
        market = KrxMarket(seed=3, start=clock(), issues=listing(3, [])[:3])
        found = msgspec.structs.replace(usual(flavour), order_reply_s=0.0, **limits)
        async with KisSimulator(market, flavour=flavour, limits=found, clock=clock, funds=50_000_000) as sim:
            house = (kind or House)(sim, clock, flavour, exchange)
            await asyncio.to_thread(test, house)
            house.audit()

    asyncio.run(body())
