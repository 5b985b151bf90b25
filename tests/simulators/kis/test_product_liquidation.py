"""E6 with the product's own broker on a simulated KIS account, real and mock: the day's end through VI, the closing
auction, halts and lost answers. What is held and sent is counted in the simulator's books, not in ours."""

from datetime import UTC, datetime

import pytest
import requests
from msgspec.structs import replace

from core.adapters.memory.shelf import MemoryShelf
from core.app.liquidate import Liquidating, run
from core.app.trade import handle
from core.domain.levels import Reference, References, SafeSet, Scan, StreamHealth
from core.domain.messages import Kind
from core.domain.policies import Environment
from core.domain.values import KST, Instrument, Market, Millis, Side
from core.simulators.faults import Kind as Faulty
from tests.app.floor import snapshot
from tests.fakes import buy
from tests.simulators.kis.house import House, in_a_house

DAY = "2026-09-23"
SAMSUNG, HYNIX = "005930", "000660"
flavours = pytest.mark.parametrize("flavour", Environment)
heard = pytest.mark.parametrize("told", [True, False], ids=["a VI is heard of", "a VI is not heard of"])


def at(text):
    return Millis(int(datetime.fromisoformat(f"{DAY} {text}").replace(tzinfo=UTC).timestamp() * 1000) - KST)


class Shelf(MemoryShelf):
    """What the streamer says of standstills is always of this moment; it hears of none where `lines` is empty."""

    def __init__(self, clock, lines):
        super().__init__(clock)
        self._at, self._lines = clock, lines

    def read(self, kind, market):
        if kind is not StreamHealth:
            return super().read(kind, market)
        nothing = dict.fromkeys(
            ("reconnects", "messages", "surprises", "late", "duplicates", "gaps", "signals", "started"), 0
        )
        halted = tuple(symbol for symbol, line in self._lines.items() if line.interrupted)
        return StreamHealth(
            market=market, at=self._at(), host="h", last_data=self._at(), subscribed=(), connected=True, halted=halted,
            latency_p50_ms=0.0, latency_p99_ms=0.0, **nothing,
        )  # fmt: skip


class Closing(House):
    """The last half hour."""

    def open(self, hears=True):
        """`hears`: the streamer has the market state of what is held."""
        lines = self.sim.market.lines
        self.shelf = Shelf(self.clock, lines if hears else {})
        self.shelf.write(SafeSet(market=Market.KRX, at=self.clock(), safe=(SAMSUNG, HYNIX), excluded=()))
        rows = tuple(snapshot(symbol, 5e9) for symbol in (SAMSUNG, HYNIX))
        self.shelf.write(Scan(market=Market.KRX, at=self.clock(), calls=1, snapshots=rows))
        for symbol in (SAMSUNG, HYNIX):
            wish = replace(
                buy(id=symbol, at=self.clock(), price=float(lines[symbol].ask), expires_s=3600),
                instrument=Instrument(Market.KRX, symbol),
            )
            handle(wish, self.desk())
        assert set(self.held) == {SAMSUNG, HYNIX}
        self.told.sent.clear()
        return self

    def desk(self):
        desk = replace(super().desk(), shelf=self.shelf, deadline_ms=Millis(51_000))
        lines = self.sim.market.lines
        broker = self.broker(lambda instrument, at: desk.phase(instrument, at))
        return replace(desk, broker=broker, last_price=lambda symbol: float(lines[symbol].last))

    def go(self, time, **command):
        """On to that time, not back, and then what is done to the market: its own thread does it."""
        self.clock.at = max(self.clock.at, at(time))
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{self.sim.control_url}/market", json=command, timeout=30)
        assert answer.ok, answer.text

    def minutely(self, since, until):
        """One run a minute, as it is scheduled; one that takes longer delays the next."""
        done, due = [], at(since)
        while due <= at(until):
            self.clock.at = max(self.clock.at, due)
            done.append(run(self.desk()))
            due += 60_000
        return done

    @property
    def held(self):
        return {code: one.quantity for code, one in self.sim.books.purse.holdings.items() if one.quantity}

    def executed(self, side):
        found = {}
        for order in self.sim.books.orders.values():
            if order.side == side:
                found[order.symbol] = found.get(order.symbol, 0) + order.filled
        return found

    def of(self, kind):
        return [alert for alert in self.told.sent if alert.kind is kind]

    def flat(self):
        """In every book: the venue's, ours, and what people were told."""
        assert self.held == {}
        assert self.executed("01") == self.executed("02")
        assert [lock for lock in self.books.leases.locks() if lock.position or lock.intent] == []
        assert self.books.ledger.open_orders(Market.KRX) == []
        assert len(self.of(Kind.LIQUIDATION)) == 1


def closing(test, flavour, start="14:58", **limits):
    in_a_house(test, flavour, start=at(start), kind=Closing, **limits)


@flavours
def test_what_is_held_is_sold_from_a_quarter_of_an_hour_before_the_close(flavour):
    def test(house):
        house.open()
        early = house.minutely("15:05", "15:14")
        assert {done.sold for done in early} == {0}
        assert set(house.held) == {SAMSUNG, HYNIX}
        done = house.minutely("15:15", "15:18")
        assert done[-1].outcome is Liquidating.FLAT
        house.flat()
        assert house.of(Kind.UNSOLD) == []

    closing(test, flavour)


@heard
@flavours
def test_an_interruption_of_one_symbol_is_worked_through(flavour, told):
    """On mock no market state is told, so the sale must find its way without knowing."""

    def test(house):
        house.open(hears=told)
        house.go("15:14:30", symbol=SAMSUNG, move=0.12, over_s=5.0)
        house.go("15:15", symbol=SAMSUNG, move=0.0, over_s=1.0)
        assert house.sim.market.lines[SAMSUNG].interrupted
        first, *rest = house.minutely("15:15", "15:22")
        assert set(first.left) == {SAMSUNG}
        assert rest[-1].outcome is Liquidating.FLAT
        house.flat()

    closing(test, flavour)


@heard
@flavours
def test_an_interruption_that_the_closing_auction_cuts_short_is_worked_through(flavour, told):
    def test(house):
        house.open(hears=told)
        for symbol in (SAMSUNG, HYNIX):
            house.go("15:18:50", symbol=symbol, move=-0.12, over_s=5.0)
        house.go("15:19", symbol=SAMSUNG, move=0.0, over_s=1.0)
        assert [house.sim.market.lines[symbol].interrupted for symbol in (SAMSUNG, HYNIX)] == [True, True]
        house.minutely("15:19", "15:39")
        house.flat()

    closing(test, flavour)


@flavours
def test_sales_of_the_closing_auction_rest_and_are_found_sold_after_it(flavour):
    def test(house):
        house.open()
        resting = house.minutely("15:21", "15:29")
        assert set(house.held) == {SAMSUNG, HYNIX}
        assert {done.outcome for done in resting} == {Liquidating.LEFT}
        assert len(house.sent(Side.SELL)) == 2
        assert house.of(Kind.UNSOLD) == []
        house.minutely("15:30", "15:39")
        house.flat()

    closing(test, flavour)


@flavours
def test_a_halted_stock_is_told_by_name_with_the_exchanges_word(flavour):
    def test(house):
        house.open()
        house.go("15:14", symbol=SAMSUNG, flag="halted")
        done = house.minutely("15:15", "15:35")
        assert list(done[-1].left) == [SAMSUNG]
        assert set(house.held) == {SAMSUNG}
        unsold = house.of(Kind.UNSOLD)
        assert unsold
        assert any("거래정지" in alert.memo for alert in unsold)
        assert unsold[-1].memo.startswith("after the close")

    closing(test, flavour)


@flavours
@pytest.mark.parametrize("lost", [Faulty.LOST_REPLY, Faulty.LOST_REQUEST])
def test_a_sale_whose_answer_is_lost_is_never_two_sales(flavour, lost):
    def test(house):
        house.open()
        house.clock.at = at("15:15")
        house.lose(lost)
        house.minutely("15:15", "15:39")
        house.flat()

    closing(test, flavour)


@flavours
def test_a_stock_that_takes_no_market_order_is_sold_with_a_limit(flavour):
    """APBK1943, in KIS's own words; from the third half minute on a sale is a market order."""

    def test(house):
        house.open()
        lines = house.sim.market.lines
        closes = {symbol: float(lines[symbol].reference) for symbol in (SAMSUNG, HYNIX)}
        rows = {on: Reference(high=p, low=p, close=p, ma_sum=p, ma_days=1) for on, p in closes.items()}
        house.shelf.write(References(market=Market.KRX, day=at("00:00"), at=house.clock(), rows=rows))
        house.clock.at = at("15:17")
        house.lose(Faulty.HTTP, "APBK1943", status=200)
        house.minutely("15:17", "15:18")
        house.flat()
        assert {order.kind for order in house.sent(Side.SELL)} == {"00" if house.mock else "11", "01"}

    closing(test, flavour)
