"""Trading floors whose venue knows no client ids: KIS real and mock; and the paper venue, which is nobody's."""

from contextlib import asynccontextmanager
from decimal import Decimal as D
from itertools import count

import msgspec
from msgspec.structs import replace

from core.adapters import accounts
from core.adapters.keyring import ring
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.memory.tokens import MemoryVault
from core.adapters.paper import PaperBroker
from core.adapters.secrets import EnvSecrets
from core.domain.events import Book, Level
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, RestPolicy, StreamPolicy
from core.domain.values import Instrument, Market, Side
from core.settings import BrokerKind
from core.simulators.kis import KisSimulator
from core.simulators.kis_depth import depth
from core.simulators.kis_issues import listing
from core.simulators.kis_keys import KEYS
from core.simulators.kis_limits import usual
from core.simulators.kis_market import KrxMarket
from core.venues.spec import purse, venue
from tests import reckoning
from tests.adapters.orders.floors import Floor, Hand
from tests.fakes import policy

KEY = {key.environment: key for key in reversed(KEYS)}
owners = count(1)


class KisFloor(Floor):
    """`lag_s` before an order is seen in the venue's list, None for the simulator's habit."""

    lag_s = None
    instrument, quantity, path = Instrument(Market.KRX, "005930"), D(10), "/uapi/domestic-stock/v1/trading/order-cash"

    def __init__(self, sim, clock):
        super().__init__(sim, clock)
        self.vault, key = MemoryVault(), KEY[self.environment]
        self.secrets = EnvSecrets({
            "HOGA_SECRET_K": key.app_key, "HOGA_SECRET_S": key.app_secret, "HOGA_SECRET_KIS_ACCOUNT": key.account,
        })  # fmt: skip
        names = KeyPolicy(app_key="k", app_secret="s", environment=self.environment)
        self.policy = replace(
            policy(),
            rest=RestPolicy(url=sim.rest_url, connect_s=30.0, read_s=30.0),
            stream=StreamPolicy(url=sim.stream_url),
            account=AccountPolicy(url=sim.rest_url, key=names),
        )
        self.venue = venue(Market.KRX, self.policy)

    @classmethod
    @asynccontextmanager
    async def open(cls):
        clock = Hand()
        market = KrxMarket(seed=3, start=clock(), issues=listing(3, []))
        lag_s = usual(cls.environment).ccld_lag_s if cls.lag_s is None else cls.lag_s
        limits = msgspec.structs.replace(usual(cls.environment), order_reply_s=0.0, ccld_lag_s=lag_s)
        sim = KisSimulator(market, flavour=cls.environment, limits=limits, clock=clock, funds=100_000_000_000)
        async with sim:
            yield cls(sim, clock)

    def broker(self, **changes):
        keys = ring(
            venue(Market.KRX).rest, self.policy, self.secrets, self.vault, self.budget, self.clock, self.clock.sleep,
            lambda: 0.5, lambda: f"p{next(owners)}",
        )  # fmt: skip
        parts = {"sign": keys["k"], "sendings": self.sendings, **changes}
        return accounts.broker(
            self.kind, self.policy, self.venue, secrets=self.secrets, opt_in=KEY[self.environment].account,
            budget=self.budget, purse=purse(self.environment), board=self.board,
            days=lambda: self.venue.rules.calendar(self.policy.day), clock=self.clock, sleep=self.clock.sleep,
            dice=lambda: 0.5, **parts,
        )  # fmt: skip

    @property
    def price(self):
        return D(self.sim.market.lines["005930"].ask)

    @property
    def units(self):
        held = self.sim.books.purse.holdings.get("005930")
        return D(held.quantity if held else 0)

    def sent(self, side=Side.BUY):
        code = "02" if side is Side.BUY else "01"
        return [order for order in self.sim.books.orders.values() if order.side == code and not order.original]

    def scarce(self):
        """More than waits at the best price, and no worse price."""
        best = depth(self.sim.market.lines["005930"]).asks[0]
        return self.order(quantity=D(best.size + 7), limit=D(best.price), signal="scarce")

    def ample(self):
        """KIS's book is deep by itself."""

    def deals(self):
        return reckoning.of_kis(self.sim.books)

    @property
    def cash(self):
        return D(self.sim.books.purse.settled_later)


class KisMockFloor(KisFloor):
    kind, environment = BrokerKind.MOCK, Environment.MOCK


class PaperFloor(Floor):
    """Books that change with every look, 100 units deep on three steps."""

    instrument, quantity, loses = Instrument(Market.UPBIT, "KRW-XRP"), D("25.5"), False

    def __init__(self, sim, clock):
        super().__init__(sim, clock)
        self.store, self.venue, self.looks = LoggedStore(), venue(Market.UPBIT), 0
        self.size, self.price = 100.0, D(3931)

    @classmethod
    @asynccontextmanager
    async def open(cls):
        yield cls(None, Hand())

    def broker(self, **changes):
        return PaperBroker(self, self.venue.rules, self.store, self.clock)

    def books(self, symbols, depth):
        self.looks += 1
        levels = [Level(3930.0 - n, self.size, 3931.0 + n, self.size) for n in range(3)]
        return [Book(instrument=self.instrument, levels=levels, at=self.looks, seen=self.clock()) for _ in symbols]

    def scarce(self):
        self.size = 3.4
        return self.order(limit=self.worst(Side.BUY), signal="scarce")

    def ample(self):
        self.size = 100.0

    def deals(self):
        return reckoning.of_paper(self.store.log)

    @property
    def units(self):
        return self.store.holding(self.instrument).units

    @property
    def cash(self):
        """What its own log of orders adds up to."""
        sign = {Side.BUY: 1, Side.SELL: -1}
        return -sum(((o.value * sign[o.side] + o.fees + o.taxes) for o in self.store.log), D(0))

    def sent(self, side=Side.BUY):
        return [order for order in self.store.log if order.side is side]


class LoggedStore(MemoryPaperStore):
    """Keeps what it records in order."""

    def __init__(self):
        super().__init__()
        self.log = []

    def record(self, order, before, after):
        refused = super().record(order, before, after)
        self.log += [] if refused else [order]
        return refused
