"""The product's own broker against the simulated KIS, both environments (E8, E9): what it counts is one order each."""

import asyncio
from decimal import Decimal as D
from itertools import count

import msgspec
import pytest
from msgspec.structs import replace

from core.adapters import accounts
from core.adapters.keyring import ring
from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.sendings import MemorySendings
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.app import sweep
from core.app.desk import Ending
from core.app.placing import told
from core.app.trade import handle
from core.domain.errors import OrderExecutionError, UnknownOutcome
from core.domain.levels import SafeSet
from core.domain.orders import DONE, Order, State, order_id
from core.domain.phases import Phase
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, RestPolicy, StreamPolicy
from core.domain.values import Instrument, Market, Millis, Side
from core.settings import BrokerKind
from core.simulators.faults import Fault, Kind, Planned
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing
from core.simulators.kis_keys import KEYS
from core.simulators.kis_limits import usual
from core.simulators.kis_market import KrxMarket
from core.venues.spec import purse, venue
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
        self.sendings, self.board, self.books = MemorySendings(), MemoryNotices(), MemoryBooks()
        self.vault, self.budget, self.told = MemoryVault(), MemoryBudget(), Told()
        key = KEY[flavour]
        self.secrets = EnvSecrets({
            "HOGA_SECRET_K": key.app_key, "HOGA_SECRET_S": key.app_secret, "HOGA_SECRET_KIS_ACCOUNT": key.account,
        })  # fmt: skip
        key = KeyPolicy(app_key="k", app_secret="s", environment=flavour)
        account = AccountPolicy(url=sim.rest_url, key=key, exchange=exchange)
        self.policy = replace(
            policy(),
            rest=RestPolicy(url=sim.rest_url, read_s=2.0),
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

    def finish(self, order):
        broker = self.broker()
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

    def _as(self, signal):
        return replace(signal, instrument=SAMSUNG)

    def lose(self, kind, code=""):
        """What becomes of the next order that is sent."""
        path = "/uapi/domestic-stock/v1/trading/order-cash"
        self.sim.faults.cause(Planned(fault=Fault(kind=kind, count=1, path=path, code=code)), self.clock())

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


def in_a_house(test, flavour, exchange="", **limits):
    """Run a synchronous test in a thread beside a simulator of this flavour."""

    async def body():
        clock = Hand()
        market = KrxMarket(seed=3, start=clock(), issues=listing(3, []))
        found = msgspec.structs.replace(usual(flavour), order_reply_s=0.0, **limits)
        async with KisSimulator(market, flavour=flavour, limits=found, clock=clock, funds=50_000_000) as sim:
            await asyncio.to_thread(test, House(sim, clock, flavour, exchange))

    asyncio.run(body())


flavours = pytest.mark.parametrize("flavour", Environment)


@pytest.mark.parametrize(
    ("flavour", "empty", "exchange"),
    [
        (Environment.REAL, False, ""),
        (Environment.REAL, False, "SOR"),
        (Environment.MOCK, False, ""),
        (Environment.MOCK, True, ""),
    ],
)
def test_a_buy_and_a_sale_are_two_orders_and_end_flat(flavour, empty, exchange):
    """With the daily list's rows and, on mock, without them."""

    def test(house):
        bought = house.finish(house.order())
        assert (bought.state, bought.filled, house.units) == (State.FILLED, 10, 10)
        assert bought.value == sum(order.value for order in house.sent(Side.BUY))
        sold = house.finish(house.order(Side.SELL, signal="out"))
        assert (sold.state, sold.filled, house.units) == (State.FILLED, 10, 0)
        assert house.broker().holdings(Market.KRX) == {}
        assert len(house.sim.books.orders) == 2
        assert house.sim.log.calls["/oauth2/tokenP"] == 1
        assert house.sim.log.refusals == {}

    in_a_house(test, flavour, exchange, ccld_empty=empty)


@flavours
@pytest.mark.parametrize("code", ["", "EGW00302"])
@pytest.mark.parametrize("lost", [Kind.LOST_REPLY, Kind.LOST_REQUEST])
def test_a_lost_call_is_one_order_however_often_it_is_asked_for(flavour, lost, code):
    def test(house):
        broker, order = house.broker(), house.order()
        broker.holdings(Market.KRX)
        house.lose(lost, code)
        with pytest.raises(UnknownOutcome):
            broker.place(order, house.clock())
        arrived = lost is Kind.LOST_REPLY
        assert len(house.sent(Side.BUY)) == arrived
        if not arrived or flavour is Environment.MOCK:
            with pytest.raises(UnknownOutcome):
                house.broker().find(order, house.clock())
        house.clock.sleep(70)

        found = house.broker().find(order, house.clock())
        assert (found is not None) == arrived
        if not arrived:
            assert house.finish(order).filled == 10
        assert len(house.sent(Side.BUY)) == 1
        assert house.units == 10

    in_a_house(test, flavour)


@flavours
def test_a_trade_from_signal_to_flat_through_lost_calls(flavour):
    def test(house):
        for act in (house.buy, house.sell):
            house.broker().holdings(Market.KRX)
            house.lose(Kind.LOST_REPLY)
            act()
            for _ in range(3):
                house.sweep()
        assert house.books.ledger.open_orders(Market.KRX) == []
        assert (len(house.sent(Side.BUY)), len(house.sent(Side.SELL)), house.units) == (1, 1, 0)
        assert len(house.books.ledger.trips(Market.KRX, "2026-09-23")) == 1

    in_a_house(test, flavour)


def test_a_ledger_that_refuses_calls_is_asked_again_and_nothing_is_sent_twice():
    def test(house):
        outcomes = [house.buy().outcome]
        outcomes.append(house.sell().outcome)
        for _ in range(2):
            house.sweep()
        assert set(outcomes) <= {Ending.BOUGHT, Ending.SOLD, Ending.UNKNOWN, Ending.REFUSED, Ending.FLAT}
        assert len(house.sent(Side.BUY)) <= 1
        assert "EGW00215" in house.sim.log.refusals

    in_a_house(test, Environment.REAL, ledger_share=0.3)


def test_a_mock_order_that_waits_is_cancelled():
    def test(house):
        broker, order = house.broker(), house.order(limit=house.price - 20 * 500)
        placed = told(order, broker.place(order, house.clock()))
        house.clock.sleep(3)
        cancelled = told(placed, broker.cancel(placed, house.clock()))
        assert (cancelled.state, cancelled.filled, house.units) == (State.CANCELLED, 0, 0)
        with pytest.raises(OrderExecutionError):
            broker.cancel(placed, house.clock())

    in_a_house(test, Environment.MOCK, ccld_empty=False, ccld_lag_s=0.0)


def test_an_order_that_the_account_cannot_pay_is_refused_in_the_venues_words():
    def test(house):
        broker, order = house.broker(), house.order(quantity=100_000)
        with pytest.raises(OrderExecutionError, match="APBK0919"):
            broker.place(order, house.clock())
        assert broker.find(order, house.clock()).state == "rejected"
        assert 0 < broker.affordable("005930", None) < 100_000

    in_a_house(test, Environment.REAL)


def test_in_an_interruption_kis_takes_a_sale_that_rests_and_no_buy_at_once():
    """E3: the order's kind is chosen by what goes on in its own symbol."""

    def test(house):
        house.finish(house.order())
        house.sim.market.lines["005930"].interrupted = True
        with pytest.raises(OrderExecutionError, match="APBK0918"):
            house.broker().place(house.order(limit=house.price, signal="b2"), house.clock())
        aware = house.broker(lambda instrument, at: Phase.INTERRUPTED)
        rests = aware.place(house.order(Side.SELL, limit=house.price - 10 * 500, signal="out"), house.clock())
        assert (rests.state, rests.fills) == (State.OPEN, ())
        assert house.sent(Side.SELL)[0].kind == "00"

    in_a_house(test, Environment.REAL)
