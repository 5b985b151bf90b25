"""E6, E10: the kill switch that sells, the ladder of a sale that must happen, and the rehearsal of it."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.app import drill, flatten, ladder
from core.app.liquidate import Liquidating
from core.domain.errors import Transient
from core.domain.messages import Kind
from core.domain.policies import DayPolicy
from core.domain.sessions import always_open
from core.domain.values import Instrument, Market, Millis, Side
from tests.app.floor import Day
from tests.app.world import Table
from tests.fakes import AAA, desk_of, policy

DEPTHS = (0.002, 0.01)


def held(*symbols):
    table = Table()
    for symbol in symbols:
        assert table.buy(symbol).outcome.value == "bought"
    return table


# ---- flatten ---------------------------------------------------------------------------------------------------------


def test_without_an_order_to_flatten_nothing_is_done():
    table = held("KRW-AAA")
    assert flatten.run(table.desk()) == []


@pytest.mark.parametrize(
    ("scope", "left"), [("all", 0), ("upbit", 0), ("upbit:KRW-AAA", 1), ("krx", 2), ("krx:KRW-AAA", 2)]
)
def test_what_is_within_the_scope_is_sold_and_nothing_else(scope, left):
    table = held("KRW-AAA", "KRW-BBB")
    table.books.ledger.halt(scope, "enough", table.hands.at, sells=True)
    done = flatten.run(table.desk())
    assert sum(1 for lock in table.books.leases.locks() if lock.position) == left
    assert [each.done.outcome for each in done] == ([] if scope.startswith("krx") else [Liquidating.FLAT])
    assert table.books.ledger.flattening() == ({scope: "enough"} if scope.startswith("krx") else {})
    assert table.books.ledger.halts() == {scope: "enough"}, "buys stay halted"


def test_an_order_that_could_not_be_carried_out_stands_across_runs_and_restarts():
    table = held("KRW-AAA")
    table.books.ledger.halt("upbit", "enough", table.hands.at, sells=True)
    table.broker.fills = dict.fromkeys(range(20), 0)
    told = table.desk()
    (first,) = flatten.run(told)
    assert (first.done.outcome, list(first.done.left)) == (Liquidating.LEFT, ["KRW-AAA"])
    assert told.alerts.sent[-1].kind is Kind.UNSOLD
    table.broker.fills = {}
    table.hands.later(60)
    (second,) = flatten.run(table.desk())
    assert (second.done.outcome, table.books.ledger.flattening()) == (Liquidating.FLAT, {})


def test_the_venues_own_zero_ends_it_and_nothing_else_does():
    table = held("KRW-AAA")
    table.books.ledger.halt("upbit", "enough", table.hands.at, sells=True)

    def silent(market):
        raise Transient("no answer")

    plain, table.broker.holdings = table.broker.holdings, silent
    (done,) = flatten.run(table.desk())
    assert (done.done.outcome, table.lock.position) == (Liquidating.UNPROVEN, None)
    assert table.books.ledger.flattening() == {"upbit": "enough"}
    table.broker.holdings = plain
    flatten.run(table.desk())
    assert table.books.ledger.flattening() == {}


def test_an_order_over_everything_stands_until_the_other_markets_are_flat_too():
    table = held("KRW-AAA")
    lock = table.lock
    elsewhere = replace(lock, instrument=Instrument(Market.KRX, "005930"))
    desk = table.desk()

    class Both:
        def __getattr__(self, name):
            return getattr(desk.leases, name)

        def locks(self):
            return [*desk.leases.locks(), elsewhere]

    table.books.ledger.halt("all", "enough", table.hands.at, sells=True)
    (done,) = flatten.run(replace(desk, leases=Both()))
    assert (done.done.outcome, table.books.ledger.flattening()) == (Liquidating.FLAT, {"all": "enough"})
    flatten.run(desk)
    assert table.books.ledger.flattening() == {}


def test_while_the_market_is_closed_it_waits_and_says_so():
    table = held("KRW-AAA")
    table.books.ledger.halt("upbit", "enough", table.hands.at, sells=True)
    desk = table.desk()
    shut = lambda day, told: replace(always_open(day), is_open=lambda at: False)
    desk = replace(desk, rules=replace(desk.rules, calendar=shut))
    (done,) = flatten.run(desk)
    assert (done.done.outcome, done.waiting) == (Liquidating.LEFT, "the market is closed: sold when it opens")
    assert "sold when it opens" in desk.alerts.sent[-1].memo


def test_a_second_run_over_what_is_flat_sends_nothing():
    table = held("KRW-AAA")
    table.books.ledger.halt("upbit", "enough", table.hands.at, sells=True)
    flatten.run(table.desk())
    sent = len(table.broker.sent)
    assert flatten.run(table.desk()) == []
    assert len(table.broker.sent) == sent


# ---- the ladder ------------------------------------------------------------------------------------------------------


def desk_with(**day):
    return desk_of(policy=policy(day=replace(DayPolicy(), **day)))


@pytest.mark.parametrize(
    ("waited_s", "attempt", "limit"),
    [(0, 0, 99.8), (29, 0, 99.8), (30, 0, 99.0), (0, 1, 99.0), (60, 0, None), (0, 2, None), (30, 1, None)],
)
def test_a_sale_is_pushed_harder_by_time_and_by_every_attempt(waited_s, attempt, limit):  # E6
    found = ladder.worst(AAA, 100.0, Millis(waited_s * 1000), attempt, desk_with())
    assert found == (pytest.approx(limit) if limit else None)


def test_a_limit_is_at_least_one_price_step_under_the_last_trade():
    assert ladder.worst(AAA, 1.0, Millis(0), 0, desk_with()) == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("price", "day"), [(0.0, {}), (100.0, {"liquidate_depths": ()}), (100.0, {"liquidate_step_s": 0.0}), (0.01, {})]
)
def test_without_a_price_a_ladder_or_room_under_the_price_it_is_sold_at_any(price, day):
    assert ladder.worst(AAA, price, Millis(0), 0, desk_with(**day)) is None


def test_in_an_auction_there_is_nothing_to_walk_down():
    day = Day("005930").go("15:25:00")
    assert ladder.worst(Instrument(Market.KRX, "005930"), 10_000.0, Millis(0), 0, day.desk) is None
    assert ladder.worst(Instrument(Market.KRX, "005930"), 10_000.0, Millis(0), 0, day.go("15:25").desk) is None


def test_a_real_liquidation_walks_from_a_limit_to_any_price():  # E6
    table = held("KRW-AAA")
    table.books.ledger.halt("upbit", "enough", table.hands.at, sells=True)
    table.broker.fills = dict.fromkeys(range(20), 0)
    flatten.run(table.desk(last_price=lambda symbol: 100.0))
    orders = table.books.ledger.orders(Market.UPBIT, "2026-09-21")
    limits = [order.limit for order in orders if order.side is Side.SELL]
    assert limits[:3] == [D("99.80"), D("99.00"), None]
    assert set(limits[3:]) <= {None}


# ---- the rehearsal ---------------------------------------------------------------------------------------------------


def rehearsal(**changes):
    return desk_of(**{"last_price": lambda symbol: 100.0, **changes})


def test_a_rehearsal_that_ends_flat_passes_with_a_line_for_each_position():
    table = Table(last_price=lambda symbol: 100.0)
    done = drill.run(table.desk(), ["KRW-AAA", "KRW-BBB"], 20.0)
    assert (done.passed, [line.symbol for line in done.lines]) == (True, ["KRW-AAA", "KRW-BBB"])
    assert [(line.left, line.steps) for line in done.lines] == [(0, ("-0.20%",))] * 2
    assert all(line.pnl < 0 for line in done.lines), "both ways cost a fee"
    assert "the paper venue itself holds nothing" in done.verdict


def test_a_rehearsal_that_cannot_sell_fails_by_name():
    table = Table(last_price=lambda symbol: 100.0)
    desk = table.desk()
    place = table.broker.place

    def stuck(order, at):
        table.broker.fills = {} if order.side is Side.BUY else {order.leg: 0}
        return place(order, at)

    table.broker.place = stuck
    done = drill.run(desk, ["KRW-AAA"], 20.0)
    assert (done.passed, done.lines[0].left > 0) == (False, True)
    assert "not flat at the close: KRW-AAA" in done.verdict
    assert done.lines[0].steps[:3] == ("-0.20%", "-1.00%", "any price")


def test_a_rehearsal_that_buys_nothing_proves_nothing():
    done = drill.run(rehearsal(last_price=lambda symbol: None), ["KRW-AAA"], 20.0)
    assert (done.passed, done.failed) == (False, (("KRW-AAA", "nobody knows its price"),))
    assert "nothing was rehearsed" in done.verdict
    refused = drill.run(rehearsal(), ["KRW-ODD"], 20.0)
    assert "safe set" in refused.failed[0][1]


def test_a_rehearsal_whose_venue_is_silent_is_not_passed():
    table = Table(last_price=lambda symbol: 100.0)

    def silent(market):
        raise Transient("no answer")

    table.broker.holdings = silent
    done = drill.run(table.desk(), ["KRW-AAA"], 20.0)
    assert (done.passed, "not proven" in done.verdict) == (False, True)
    assert AAA.symbol == done.lines[0].symbol
