"""E3, E6, E7, E10: what is held against a buy, before the lock and in the transaction."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.adapters.memory.shelf import MemoryShelf
from core.app.barriers import overdrawn
from core.app.checks import limits_of
from core.app.desk import Ending
from core.app.trade import handle
from core.app.wishes import to_buy
from core.domain.levels import Exclusion, Member, Reference, References, SafeSet, ScanHealth, TopN
from core.domain.policies import DayPolicy
from core.domain.values import DAY, Market, Millis
from tests.app.world import Table
from tests.fakes import AT, RULES, buy, desk_of, policy, shelf_of


@pytest.fixture
def table():
    return Table()


@pytest.mark.parametrize(
    ("shelf", "found"),
    [
        (shelf_of(safe=("KRW-BBB",)), "excluded: not in the universe"),
        (shelf_of(at=Millis(AT - 7_201_000)), "7201 s old, at most 7200 s"),
        (None, "there is none yet"),
    ],
)
def test_nothing_is_bought_without_a_young_safe_set_that_has_it(table, shelf, found):  # A3
    verdict = handle(buy(), table.desk(shelf=shelf or MemoryShelf()))
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "safe set", found)
    assert table.lock is None


def test_an_excluded_symbol_is_refused_with_its_reasons(table):  # A2
    shelf = shelf_of()
    excluded = (Exclusion("KRW-AAA", ("WARNING",)),)
    shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=(), excluded=excluded))
    assert handle(buy(), table.desk(shelf=shelf)).detail == "excluded: WARNING"


def test_safe_mode_stops_buys_and_not_sales(table):  # B3
    table.buy()
    shelf = shelf_of()
    health = ScanHealth(market=Market.UPBIT, at=AT, due=AT, interval_ms=Millis(60_000), safe_mode=True, reason="429")
    shelf.write(health)
    table.changes = {"shelf": shelf}
    assert table.buy("KRW-BBB").limit == "safe mode"
    table.hands.later(1)
    assert table.sell().outcome is Ending.SOLD


def test_with_only_top_n_an_unranked_symbol_is_refused(table):  # C1
    risk = replace(policy().risk, only_top_n=True)
    shelf = shelf_of()
    table.changes = {"policy": policy(risk=risk), "shelf": shelf}
    assert table.buy().limit == "top n"
    member = Member("KRW-AAA", AT, 1.0)
    shelf.write(TopN(market=Market.UPBIT, at=AT, version=1, members=(member,)))
    assert table.buy("KRW-BBB").limit == "top n"
    assert table.buy().outcome is Ending.BOUGHT


def test_a_price_that_ran_away_is_not_followed(table):
    table.changes = {"last_price": lambda symbol: 101.5}
    verdict = table.buy()
    assert (verdict.limit, verdict.detail) == ("price moved", "101.5 is over 101")
    table.changes = {"last_price": lambda symbol: 100.9}
    assert table.buy(id="b2").outcome is Ending.BOUGHT


@pytest.mark.parametrize(("units", "outcome"), [(Decimal(1), Ending.REFUSED), (Decimal(10**9), Ending.BOUGHT)])
def test_a_buy_that_the_accounts_cash_cannot_pay_is_refused_before_anything_is_taken(table, units, outcome):
    asked = []
    table.broker.affordable = lambda symbol, price: asked.append((symbol, price)) or units
    verdict = table.buy()
    assert verdict.outcome is outcome
    assert asked == [("KRW-AAA", verdict.order.limit if verdict.order else asked[0][1])]
    if outcome is Ending.REFUSED:
        assert verdict.limit == "cash"
        assert verdict.detail.startswith("buys 1 of ")
        assert table.lock is None


def test_nothing_is_bought_shortly_before_everything_is_sold(table):  # E6
    day = DayPolicy(ends="09:00", liquidate=True, liquidate_before_s=900, thin_before_s=1500)
    table.changes = {"policy": policy(day=day)}
    table.hands.at = Millis(AT - AT % DAY + DAY - 1_499_000)
    table.changes["shelf"] = shelf_of(at=table.hands.at)
    assert table.buy().limit == "day end"


def test_capital_below_the_least_order_buys_nothing(table):  # E3
    workers = replace(policy().workers, capital=Decimal(4_999))
    table.changes = {"policy": policy(workers=workers)}
    verdict = table.buy()
    assert verdict.limit == "minimum order"
    assert verdict.detail.endswith(" of 5000")


def test_a_sell_signal_must_give_a_reason_that_exists(table):
    table.buy()
    assert table.sell(rule="because").limit == "reason"


@pytest.mark.parametrize(
    ("scope", "told"), [("all", "all: tired"), ("upbit", "upbit: tired"), ("upbit:KRW-AAA", "upbit:KRW-AAA: tired")]
)
def test_a_halt_stops_the_buy_and_takes_nothing(table, scope, told):  # E10
    table.books.ledger.halt(scope, "tired", AT)
    verdict = table.buy()
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "halted", told)
    assert table.lock is None
    assert table.account.positions == 0
    assert table.broker.sent == []
    table.books.ledger.resume(scope)
    assert table.buy(id="b2").outcome is Ending.BOUGHT


@pytest.mark.parametrize(
    ("risk", "limit"),
    [
        ({"max_positions": 1}, "open positions"),
        ({"total_exposure": Decimal(1_500_000)}, "total exposure"),
        ({"daily_loss": Decimal(0)}, "daily loss"),
    ],
)
def test_each_limit_refuses_by_its_name(table, risk, limit):  # E7
    if limit != "daily loss":
        table.buy("KRW-BBB")
    table.changes = {"policy": policy(risk=replace(policy().risk, **risk))}
    verdict = table.buy()
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, limit)
    assert table.lock is None


def test_a_lost_day_stops_buys_and_lets_sales_go_on(table):  # E7
    table.buy("KRW-AAA")
    table.buy("KRW-BBB")
    table.broker.price = Decimal(60)
    table.hands.later(1)
    assert table.sell("KRW-AAA").trip.pnl < -300_000
    assert table.buy("KRW-CCC").limit == "daily loss"
    assert table.sell("KRW-BBB").outcome is Ending.SOLD


def test_with_every_worker_taken_a_buy_is_refused_and_no_lock_taken(table):  # E2
    table.changes = {"policy": policy(risk=replace(policy().risk, max_positions=9))}
    for symbol in ("KRW-BBB", "KRW-CCC", "KRW-DDD"):
        assert table.buy(symbol).outcome is Ending.BOUGHT
    verdict = table.buy()
    assert (verdict.limit, verdict.detail) == ("every worker taken", "3 of 3")
    assert {worker.symbol for worker in table.books.ledger.workers(Market.UPBIT)} == {"KRW-BBB", "KRW-CCC", "KRW-DDD"}
    assert table.lock is None


def test_nothing_is_bought_while_the_market_is_closed(table):  # B6
    table.changes = {
        "rules": replace(RULES, calendar=lambda day, told: replace(RULES.calendar(day), is_open=lambda at: False))
    }
    assert table.buy().limit == "session"


def test_a_cost_above_the_limit_per_symbol_is_refused_by_name():  # E7
    room = limits_of(Decimal(101), desk_of(policy=policy(risk=replace(policy().risk, per_symbol=Decimal(100)))), AT)
    assert overdrawn(room, Decimal(0), 0).detail == "101 of 100"


def test_nothing_is_sold_while_the_market_is_closed(table):  # B6
    assert table.buy().outcome is Ending.BOUGHT
    table.changes = {
        "rules": replace(RULES, calendar=lambda day, told: replace(RULES.calendar(day), is_open=lambda at: False))
    }
    table.hands.later(1)
    verdict = table.sell()
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "session")
    assert table.lock.position is not None


@pytest.mark.parametrize(
    ("close", "age", "limit"),
    [(77.5, 0, "100.75"), (None, 0, "101.00"), (0.0, 0, "101.00"), (77.5, DAY, "101.00"), (90.0, 0, "101.00")],
)
def test_a_buy_never_asks_for_more_than_the_days_highest_legal_price(table, close, age, limit):  # E3
    """30 % over yesterday's close, where the venue has such a limit and the close is known and of yesterday."""
    table.changes = {
        "rules": replace(RULES, bounds=lambda symbol, price, at: (price * Decimal("0.7"), price * Decimal("1.3")))
    }
    rows = {} if close is None else {"KRW-AAA": Reference(high=1.0, low=1.0, close=close, ma_sum=1.0, ma_days=1)}
    desk = table.desk()
    desk.shelf.write(References(market=Market.UPBIT, day=Millis(AT - age), at=AT, rows=rows))
    assert to_buy(buy(), desk, AT).limit == Decimal(limit)


def test_a_venue_without_price_limits_is_not_asked_for_references(table):
    assert to_buy(buy(), table.desk(), AT).limit == Decimal("101.00")


def test_a_signal_that_a_limit_refused_may_buy_when_it_comes_again_in_time_and_only_once(table):  # E7, E8
    """A refusal is one write that took nothing, so nothing remembers it: the decision still makes one order at most."""
    signal = buy()
    table.books.ledger.halt("all", "news", AT)
    assert handle(signal, table.desk()).limit == "halted"
    table.books.ledger.resume("all")
    assert handle(signal, table.desk()).outcome is Ending.BOUGHT
    table.hands.later(1)
    assert table.sell().outcome is Ending.SOLD
    assert [handle(signal, table.desk()).outcome for _ in range(2)] == [Ending.REPEATED, Ending.REPEATED]
    assert len(table.broker.sent) == 2


def test_a_signal_that_a_limit_refused_buys_nothing_once_it_has_expired(table):
    signal = buy()
    table.books.ledger.halt("all", "news", AT)
    assert handle(signal, table.desk()).limit == "halted"
    table.books.ledger.resume("all")
    table.hands.at = signal.expires
    assert handle(signal, table.desk()).outcome is Ending.EXPIRED
    assert table.broker.sent == []
