"""E4, C4: what is held is watched at every trade, book and tick, and a sale is said again until it is done."""

import msgspec
import pytest

from core.domain.departures import Departures, worth
from core.domain.effects import Emit
from core.domain.engine import Engine
from core.domain.errors import Misconfigured
from core.domain.policies import ExitPolicy, RankPolicy, WhenRemoved
from core.domain.sessions import always_open
from core.domain.signals import Side, Urgency
from core.domain.values import Instrument, Market, Millis


def said(effects):
    assert all(type(effect) is Emit and effect.signal.side is Side.SELL for effect in effects)
    return [(effect.signal.instrument.symbol, effect.signal.rule, effect.signal.price) for effect in effects]


def held(desk, *prices, exits=None, rank=None, **position):
    made = desk.engine(exits=exits, rank=rank)
    for price in prices:
        made.step(desk.trade(0, price))
    made.hold([desk.position(**position)], desk.T0)
    return made


def test_a_trade_at_the_stop_sells_with_urgency(desk):
    made = held(desk, 95)

    assert said(made.step(desk.trade(1, 90.1))) == []
    effects = made.step(desk.trade(2, 90))
    assert said(effects) == [("KRW-A", "stop_loss", 90.0)]
    assert effects[0].signal.urgency is Urgency.HIGH
    assert effects[0].signal.name == "coin A"
    assert made.signals == 1


def test_a_trade_at_the_profit_sells(desk):
    assert said(held(desk, 95).step(desk.trade(1, 121))) == [("KRW-A", "take_profit", 121.0)]


def test_a_book_whose_offer_is_at_the_stop_sells_before_anybody_traded_there(desk):
    made = held(desk, 95)

    assert said(made.step(desk.book(1, bid=80.0, ask=95.0))) == []
    assert said(made.step(desk.book(2, bid=80.0, ask=89.0))) == [("KRW-A", "stop_loss", 89.0)]


def test_a_book_of_a_symbol_that_never_traded_says_nothing(desk):
    assert said(held(desk).step(desk.book(1, bid=80.0, ask=81.0))) == []


def test_a_position_that_is_told_under_its_stop_sells_at_once(desk):
    made = desk.engine()
    made.step(desk.trade(0, 50))

    assert said(made.hold([desk.position()], desk.T0)) == [("KRW-A", "stop_loss", 50.0)]


def test_a_sale_is_said_again_after_a_while_for_as_long_as_the_position_is_held(desk):
    made = held(desk, 95, exits=ExitPolicy(stop_loss=0.1, repeat_s=10.0))
    assert said(made.step(desk.trade(0, 90))) != []

    assert said(made.step(desk.trade(9_999, 89))) == []
    assert said(made.tick(Millis(desk.T0 + 9_999))) == []
    assert said(made.tick(Millis(desk.T0 + 10_000))) == [("KRW-A", "stop_loss", 89.0)]
    assert said(made.hold([], Millis(desk.T0 + 30_000))) == []
    assert said(made.step(desk.trade(30_001, 50))) == []


def test_each_time_a_sale_is_said_is_a_decision_of_its_own_about_the_same_position(desk):  # E4, E5
    made = held(desk, 95, exits=ExitPolicy(stop_loss=0.1, repeat_s=10.0))
    said = [*made.step(desk.trade(0, 90))]
    said += [effect for second in range(1, 60) for effect in made.tick(Millis(desk.T0 + second * 1000))]
    signals = [effect.signal for effect in said]

    assert len({signal.id for signal in signals}) == 6
    assert {signal.position for signal in signals} == {"s"}


def test_a_position_that_changed_is_watched_at_its_new_price_without_being_said_twice(desk):
    made = held(desk, 95, exits=ExitPolicy(stop_loss=0.1, repeat_s=10.0))
    made.step(desk.trade(0, 90))

    assert said(made.hold([desk.position(price="110", quantity="2")], Millis(desk.T0 + 5))) == []
    assert said(made.hold([desk.position(price="110", quantity="2")], Millis(desk.T0 + 10_000))) != []
    assert made.snapshot("KRW-A").holding.entry == 110.0


def test_time_sells_without_a_price(desk):
    made = desk.engine(exits=ExitPolicy(max_hold_s=60.0))
    made.hold([desk.position("KRW-NEW")], desk.T0)

    assert said(made.tick(Millis(desk.T0 + 59_999))) == []
    assert said(made.tick(Millis(desk.T0 + 60_000))) == [("KRW-NEW", "time", 100.0)]


def test_a_broken_trend_sells_after_the_grace(desk):
    made = held(desk, exits=ExitPolicy(trend_length=2, trend_span=1, trend_grace_s=120.0, stop_loss=0.0))

    assert said(made.step(desk.trade(0, 100))) == []
    assert said(made.step(desk.trade(60_000, 99))) == []
    assert said(made.step(desk.trade(120_000, 98))) == [("KRW-A", "trend", 98.0)]


def test_no_average_is_looked_at_where_the_trend_is_off(desk):
    made = held(desk, exits=ExitPolicy(trend=False, trend_grace_s=0.0, stop_loss=0.0))

    assert said(made.step(desk.trade(0, 100))) == said(made.step(desk.trade(600_000, 60))) == []


def test_a_symbol_that_left_the_top_is_sold_at_any_price_if_it_is_held(desk):  # C4
    made = held(desk, 100)

    assert said(made.removed(["KRW-B", "KRW-GONE", "KRW-A"], desk.T0)) == [("KRW-A", "removed", 100.0)]
    assert said(made.step(desk.trade(10_000, 101))) == [("KRW-A", "removed", 101.0)]
    made.hold([], Millis(desk.T0 + 10_001))
    assert said(made.hold([desk.position()], Millis(desk.T0 + 10_002))) == []


def test_the_owner_may_keep_what_left_the_top(desk):
    made = held(desk, 100, rank=RankPolicy(when_removed=WhenRemoved.KEEP))

    assert said(made.removed(["KRW-A"], desk.T0)) == []


def test_positions_of_another_market_are_not_ours(desk):
    made = desk.engine()
    other = msgspec.structs.replace(desk.position(), instrument=Instrument("binance", "KRW-A"))

    made.hold([other], desk.T0)

    assert made.snapshot("KRW-A") is None


def test_the_candle_of_the_trend_must_be_one_that_is_kept(desk):
    policy = desk.policy(exits=ExitPolicy(trend_span=3))

    with pytest.raises(
        Misconfigured, match=r"no candle of that length \(key=exits.trend_span, value=3, allowed=1, 5, 60\)"
    ):
        Departures(Market.UPBIT, policy, always_open(policy.day))


def test_looking_at_what_is_not_held_says_nothing(desk):
    made = desk.engine()
    made.step(desk.trade(0, 1))
    policy = desk.policy()

    departures = Departures(Market.UPBIT, policy, always_open(policy.day))
    assert departures.look(made.snapshot("KRW-A"), 1.0, desk.T0, desk.T0) == ()


@pytest.mark.parametrize(
    ("price", "bid", "ask", "expected"),
    [(95, 90, 99, 95), (95, 90, 91, 91), (95, 97, 99, 97), (95, 0, 0, 95), (95, 0, 90, 90), (95, 99, 0, 99)],
)
def test_the_worth_is_the_last_price_held_within_the_book(desk, price, bid, ask, expected):
    made = desk.engine()
    made.step(desk.trade(0, price))
    assert worth(made.snapshot("KRW-A")) == price
    made.step(desk.book(1, bid=float(bid), ask=float(ask)))

    assert worth(made.snapshot("KRW-A")) == expected


def test_the_worth_of_what_never_traded_is_not_known(desk):
    made = desk.engine()
    made.step(desk.book(1))

    assert worth(made.snapshot("KRW-A")) == 0.0


def test_outside_the_session_no_sale_is_said_and_at_the_next_opening_it_is(desk):  # B6
    opens = desk.T0 + 60_000
    policy = desk.policy(exits=ExitPolicy(max_hold_s=1.0))
    days = msgspec.structs.replace(always_open(policy.day), is_open=lambda at: at >= opens)
    made = Engine(Market.UPBIT, policy, str, days=days)

    assert said(made.hold([desk.position()], Millis(opens - 1))) == []
    assert said(made.tick(opens)) == [("KRW-A", "time", 100.0)]


def test_the_time_exit_goes_by_the_close_and_not_by_the_days_end(desk):  # E4
    closes = desk.T0 + 3_600_000
    policy = desk.policy(exits=ExitPolicy(close_before_s=600.0))
    days = msgspec.structs.replace(always_open(policy.day), closes=lambda at: Millis(closes))
    made = Engine(Market.UPBIT, policy, str, days=days)

    assert said(made.hold([desk.position()], Millis(closes - 600_001))) == []
    assert said(made.tick(Millis(closes - 600_000))) == [("KRW-A", "time", 100.0)]
