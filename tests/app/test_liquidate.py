"""E6: before the day ends everything is sold, thin symbols earlier; what is left is told, and zero is told once."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.paper import PaperBroker
from core.app import selling
from core.app.desk import Desk, Ending
from core.app.liquidate import Liquidating, run
from core.app.remainder import due
from core.app.selling import Turn, turn
from core.app.trade import handle
from core.domain.errors import OrderExecutionError, Refused, Transient, UnknownOutcome
from core.domain.events import Book, Level
from core.domain.levels import SafeSet, Scan, Snapshot
from core.domain.messages import Kind
from core.domain.orders import State
from core.domain.policies import DayPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.signals import Exit, Signal, signal_id
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.spec import Rules
from tests.fakes import desk_of

ENDS = Millis(1_767_312_000_000)  # 2026-01-02 09:00 KST
MINUTE = 60_000
RICH, POOR = 5e9, 5e8


def at_all_times(figure):
    return lambda *_: figure


RULES = Rules(
    tick=at_all_times(D(1)),
    floor_price=lambda symbol, price, side, at: price,
    lot=at_all_times(D("0.00000001")),
    minimum=at_all_times(D(5000)),
    maximum=at_all_times(D(10**9)),
    fee=at_all_times(D("0.0005")),
    tax=at_all_times(D(0)),
    link=lambda symbol: f"https://chart.example/{symbol}",
)


class Shop:
    """A desk with a clock that moves when it waits, books as deep as told, and positions bought before the window."""

    def __init__(self, *, deadline_s=51, **day):
        self.at, self.mono = Millis(ENDS - 60 * MINUTE), 0.0
        self.depth = {}
        self.trouble = None
        self.shelf, self.alerts = MemoryShelf(), MemoryAlerts()
        self.books_of_locks, self.store = MemoryBooks(), MemoryPaperStore()
        self.broker = PaperBroker(self, RULES, self.store, lambda: self.at)
        policy = MarketPolicy(
            rest=RestPolicy(url="https://x"),
            stream=StreamPolicy(url="wss://x"),
            day=replace(DayPolicy(ends="09:00", liquidate=True), **day),
        )
        self.desk = Desk(
            market=Market.UPBIT,
            policy=policy,
            rules=RULES,
            shelf=self.shelf,
            leases=self.books_of_locks.leases,
            ledger=self.books_of_locks.ledger,
            broker=self.broker,
            alerts=self.alerts,
            clock=lambda: self.at,
            monotonic_s=lambda: self.mono,
            pause=self.wait,
            owner="liquidate#1",
            nonce=iter(map(str, range(10**6))).__next__,
            deadline_ms=Millis(deadline_s * 1000),
            name=lambda symbol: f"name of {symbol}",
            last_price=lambda symbol: 10_000.0,
        )

    def wait(self, seconds):
        self.mono += seconds
        self.at = Millis(self.at + round(seconds * 1000))

    def books(self, symbols, depth):
        if self.trouble:
            raise self.trouble
        on = [Instrument(Market.UPBIT, symbol) for symbol in symbols]
        sizes = [self.depth.get(symbol, 1e6) for symbol in symbols]
        return [
            Book(instrument=i, levels=[Level(9_990.0, size, 10_000.0, 1e6)], at=self.at, seen=self.at)
            for i, size in zip(on, sizes, strict=True)
        ]

    def listed(self, **values):
        names = {symbol.replace("_", "-"): value for symbol, value in values.items()}
        self.shelf.write(SafeSet(market=Market.UPBIT, at=self.at, safe=tuple(names), excluded=()))
        rows = tuple(snapshot(symbol, value) for symbol, value in names.items())
        self.shelf.write(Scan(market=Market.UPBIT, at=self.at, calls=1, snapshots=rows))
        return names

    def bought(self, **values):
        for symbol in self.listed(**values):
            assert handle(buy(symbol, self.at), self.desk).outcome is Ending.BOUGHT
        self.alerts.sent.clear()
        return self

    def minutes_before(self, minutes):
        self.at = Millis(ENDS - round(minutes * MINUTE))
        return self

    def told(self, kind):
        return [alert for alert in self.alerts.sent if alert.kind is kind]

    def held(self):
        return {str(lock.instrument.symbol) for lock in self.desk.leases.locks() if lock.position}


def snapshot(symbol, value_24h):
    blank = dict.fromkeys(("price", "change", "volume", "value", "high", "low", "bid", "ask"), 1.0)
    return Snapshot(
        symbol=symbol,
        value_24h=value_24h,
        prev_high=None,
        prev_low=None,
        spread=None,
        disparity=None,
        at=1,
        seen=1,
        **blank,
    )


def buy(symbol, at):
    on = Instrument(Market.UPBIT, symbol)
    return Signal(
        id=signal_id(on, Side.BUY, "fall", at),
        instrument=on,
        side=Side.BUY,
        rule="fall",
        price=10_000.0,
        value=-0.1,
        threshold=-0.08,
        at=at,
        seen=at,
        expires=Millis(at + 30_000),
    )


def test_outside_the_window_nothing_is_touched():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(26)
    assert run(shop.desk).outcome is Liquidating.NOT_DUE
    assert shop.held() == {"KRW-BTC"}


def test_a_market_that_does_not_end_its_day_flat_is_left_alone():
    shop = Shop(liquidate=False).bought(KRW_BTC=RICH).minutes_before(1)
    assert run(shop.desk).outcome is Liquidating.NOT_DUE


def test_thin_symbols_and_those_no_scan_knows_are_sold_earlier():
    shop = Shop().bought(KRW_BTC=RICH, KRW_THIN=POOR, KRW_GONE=POOR)
    shop.shelf.write(
        Scan(
            market=Market.UPBIT, at=shop.at, calls=1, snapshots=(snapshot("KRW-BTC", RICH), snapshot("KRW-THIN", POOR))
        )
    )
    done = run(shop.minutes_before(20).desk)
    assert (done.outcome, done.sold, shop.held()) == (Liquidating.FLAT, 2, {"KRW-BTC"})
    assert shop.told(Kind.LIQUIDATION) == []


def test_in_the_window_everything_is_sold_thinnest_first_and_zero_is_told_once():
    shop = Shop().bought(KRW_BTC=RICH, KRW_ETH=2 * RICH, KRW_THIN=POOR)
    done = run(shop.minutes_before(15).desk)

    assert (done.outcome, done.sold, done.left) == (Liquidating.FLAT, 3, {})
    assert [verdict.instrument.symbol for verdict in done.verdicts] == ["KRW-THIN", "KRW-BTC", "KRW-ETH"]
    assert {verdict.trip.exit for verdict in done.verdicts} == {Exit.LIQUIDATION.value}
    assert shop.broker.holdings(Market.UPBIT) == {}
    (flat,) = shop.told(Kind.LIQUIDATION)
    assert flat.memo.startswith("PnL -")
    assert flat.memo.endswith("KRW-BTC, KRW-ETH, KRW-THIN")

    again = run(shop.minutes_before(14).desk)
    assert (again.outcome, again.verdicts) == (Liquidating.FLAT, ())
    assert len(shop.told(Kind.LIQUIDATION)) == 1


def test_a_day_that_held_nothing_says_so():
    shop = Shop()
    shop.listed(KRW_BTC=RICH)
    assert run(shop.minutes_before(10).desk).outcome is Liquidating.FLAT
    assert shop.told(Kind.LIQUIDATION)[0].memo == "nothing was held"


def test_partial_fills_are_repeated_until_the_position_is_zero():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)
    shop.depth["KRW-BTC"] = 30.0  # of 99 and some: each round takes what the book shows anew
    done = run(shop.desk)
    assert (done.outcome, shop.held(), done.left) == (Liquidating.FLAT, set(), {})
    assert done.sold >= 3
    trips = shop.desk.ledger.trips(Market.UPBIT, "2026-01-01")
    assert sum(trip.quantity for trip in trips) == sum(
        order.filled for order in shop.desk.ledger.orders(Market.UPBIT, "2026-01-01") if order.side is Side.BUY
    )


def test_what_cannot_be_sold_is_told_and_told_again_as_the_end_comes_near():
    shop = Shop().bought(KRW_BTC=RICH)
    shop.depth["KRW-BTC"] = 0.0
    topics = []
    for minutes in (15, 14, 9.9, 4.9, 1.9, 0.9):
        done = run(shop.minutes_before(minutes).desk)
        assert done.outcome is Liquidating.LEFT
        assert list(done.left) == ["KRW-BTC"]
        topics.append([alert for alert in shop.told(Kind.UNSOLD) if alert.instrument is None][-1].topic)
    assert topics[0] == topics[1]
    assert len(set(topics)) == 5
    last = [alert for alert in shop.told(Kind.UNSOLD) if alert.instrument is None][-1]
    assert last.memo.startswith("0 min to the end of the day · name of KRW-BTC KRW-BTC 98.")
    assert last.value == 1.0
    assert shop.told(Kind.LIQUIDATION) == []


def test_a_run_ends_with_its_own_time_and_waits_longer_each_time_that_nothing_was_sold():
    shop = Shop(deadline_s=11).bought(KRW_BTC=RICH).minutes_before(10)
    shop.depth["KRW-BTC"] = 0.0
    began = shop.mono
    done = run(shop.desk)
    assert done.outcome is Liquidating.LEFT
    assert shop.mono - began <= 11 - 1 - selling.SPARE_S + 1
    assert 1 < len(done.verdicts) < 5


def test_a_run_ends_with_the_day():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(0.05)
    shop.depth["KRW-BTC"] = 0.0
    run(shop.desk)
    assert shop.at <= ENDS + selling.LONGEST_PAUSE_S * 1000


def test_rounds_are_bounded_where_time_stands_still():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)
    shop.depth["KRW-BTC"] = 0.0
    assert len(run(replace(shop.desk, pause=lambda seconds: None)).verdicts) == selling.ROUNDS


def test_dust_that_the_venue_rejects_is_tried_once_a_run():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)
    tall = replace(RULES, minimum=at_all_times(D(10**8)))
    broker = PaperBroker(shop, tall, shop.store, lambda: shop.at)
    done = run(replace(shop.desk, broker=broker))
    assert [verdict.order.state for verdict in done.verdicts] == [State.REJECTED]
    assert done.outcome is Liquidating.LEFT


def test_a_venue_that_is_away_for_one_symbol_does_not_stop_the_others():
    shop = Shop().bought(KRW_BTC=RICH, KRW_ETH=2 * RICH).minutes_before(10)
    plain = shop.desk.leases

    class Stuck:
        def __getattr__(self, name):
            return getattr(plain, name)

        def grant(self, ask, at):
            if ask.instrument.symbol == "KRW-BTC":
                raise Transient("the table is away")
            return plain.grant(ask, at)

    done = run(replace(shop.desk, leases=Stuck()))
    assert (done.outcome, done.sold, list(done.left)) == (Liquidating.LEFT, 1, ["KRW-BTC"])
    assert done.verdicts[0].outcome is Ending.UNCLEAR


@pytest.mark.parametrize("price", [lambda symbol: None, lambda symbol: (_ for _ in ()).throw(Refused("gone"))])
def test_a_sale_does_not_wait_for_a_price(price):
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)
    assert run(replace(shop.desk, last_price=price)).outcome is Liquidating.FLAT


def test_units_the_venue_still_holds_of_what_was_traded_today_are_left_whatever_our_books_say():
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)

    class Keeps:
        def __getattr__(self, name):
            return getattr(shop.broker, name)

        def holdings(self, market):
            return {"KRW-BTC": D("0.5"), "KRW-OWN": D(7), "KRW-ZERO": D(0)}

    done = run(replace(shop.desk, broker=Keeps()))
    assert (done.outcome, done.left) == (Liquidating.LEFT, {"KRW-BTC": D("0.5")})


def test_what_was_written_off_is_not_left_whenever_that_was():  # E6, E8
    units = D("0.5")
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)
    plain = shop.desk.leases

    class Dusty:
        def __getattr__(self, name):
            return getattr(plain, name)

        def locks(self):
            return [replace(lock, dust=units) for lock in plain.locks()]

    class Keeps:
        def __getattr__(self, name):
            return getattr(shop.broker, name)

        def holdings(self, market):
            return {"KRW-BTC": units}

    assert run(replace(shop.desk, broker=Keeps(), leases=Dusty())).outcome is Liquidating.FLAT


def test_what_the_venue_does_not_say_is_never_told_as_flat():  # E6
    shop = Shop().bought(KRW_BTC=RICH).minutes_before(10)

    class Silent:
        def __getattr__(self, name):
            return getattr(shop.broker, name)

        def holdings(self, market):
            raise Transient("no answer")

    done = run(replace(shop.desk, broker=Silent()))
    assert (done.outcome, done.left) == (Liquidating.UNPROVEN, {})
    assert shop.told(Kind.LIQUIDATION) == []
    assert "the venue did not say" in shop.told(Kind.UNSOLD)[0].memo
    assert run(shop.desk).outcome is Liquidating.FLAT
    assert len(shop.told(Kind.LIQUIDATION)) == 1


class Resting:
    """A venue where an order was left open: the buy rests until it is cancelled, or cannot be reached."""

    def __init__(self, shop, cancel):
        self.shop, self.cancel_with, self.cancelled = shop, cancel, []

    def __getattr__(self, name):
        return getattr(self.shop.broker, name)

    def place(self, order, at):
        if order.side is Side.BUY:
            raise UnknownOutcome("silence")
        return self.shop.broker.place(order, at)

    def cancel(self, order, at):
        self.cancelled.append(order.id)
        if self.cancel_with:
            raise self.cancel_with
        return self.shop.broker.place(replace(order, quantity=D(0)), at)


@pytest.mark.parametrize("answer", [OrderExecutionError("never seen"), Transient("away"), UnknownOutcome("silence")])
def test_an_open_buy_is_cancelled_and_its_lock_settled(answer):
    shop = Shop()
    shop.listed(KRW_BTC=RICH)
    venue = Resting(shop, answer)
    assert handle(buy("KRW-BTC", shop.at), replace(shop.desk, broker=venue)).outcome is Ending.UNKNOWN

    done = run(replace(shop.minutes_before(10).desk, broker=venue))

    assert (done.outcome, done.cancelled, len(venue.cancelled)) == (Liquidating.FLAT, 1, 1)
    assert shop.desk.ledger.open_orders(Market.UPBIT) == []
    assert all(lock.intent is None for lock in shop.desk.leases.locks())


def test_a_lock_that_does_not_answer_is_left_to_the_sweep():
    shop = Shop()
    shop.listed(KRW_BTC=RICH)
    venue = Resting(shop, OrderExecutionError("never seen"))
    handle(buy("KRW-BTC", shop.at), replace(shop.desk, broker=venue))
    plain = shop.desk.leases

    class Away:
        def __getattr__(self, name):
            return getattr(plain, name)

        def lock(self, instrument):
            raise Transient("the table is away")

    run(replace(shop.minutes_before(10).desk, broker=venue, leases=Away()))
    assert len(shop.desk.ledger.open_orders(Market.UPBIT)) == 1


def test_a_buy_that_was_settled_meanwhile_needs_nothing_more():
    shop = Shop()
    shop.listed(KRW_BTC=RICH)
    venue = Resting(shop, OrderExecutionError("never seen"))
    handle(buy("KRW-BTC", shop.at), replace(shop.desk, broker=venue))
    plain = shop.desk.leases

    class Settled:
        def __getattr__(self, name):
            return getattr(plain, name)

        def lock(self, instrument):
            return None

    assert run(replace(shop.minutes_before(10).desk, broker=venue, leases=Settled())).cancelled == 1


def test_without_a_scan_everything_counts_as_thin():
    shop = Shop().bought(KRW_BTC=RICH)
    positions = [lock.position for lock in shop.desk.leases.locks()]
    assert due(positions, None, shop.desk, Millis(ENDS - 20 * MINUTE)) == positions


@pytest.mark.parametrize(("others", "stops"), [(0, 46.0), (1, 20.5), (2, 12.0)])
def test_the_time_of_a_call_is_shared_with_the_markets_after_this_one_and_its_leases_outlive_the_call(others, stops):
    """E6: a stock that stands still at its close, and a coin whose day ends with it."""
    desk = desk_of(monotonic_s=lambda: 100.0, deadline_ms=Millis(51_000))
    assert turn(desk, others) == Turn(100.0 + stops, 151.0)
