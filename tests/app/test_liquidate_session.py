"""E6 on a market with hours: from close minus 15 minutes, through interruptions, halts and the closing auction."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from core.app import sweep
from core.app.desk import Ending
from core.app.liquidate import Liquidating, run
from core.app.remainder import Flattened
from core.domain.errors import Transient
from core.domain.levels import Reference, References, StreamHealth
from core.domain.messages import Kind
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.values import KST, Instrument, Market, Millis, Side
from tests.app.floor import DAY, Day, at

A, B, C = "005930", "000660", "247540"


def minutely(day, since, until):
    """One run a minute, as it is scheduled; returns what each said."""
    done, due = [], at(since)
    while due <= at(until):
        day.at = max(day.at, due)
        done.append(run(day.desk))
        due += 60_000
    return done


def on(symbol):
    return Instrument(Market.KRX, symbol)


def hear_of(symbol, day, time):
    """What the streamer knows of standstills from then on, until it is too old to count."""
    counts = (
        "reconnects messages surprises late duplicates gaps signals started last_data latency_p50_ms latency_p99_ms"
    )
    nothing = dict.fromkeys(counts.split(), 0)
    told = {"host": "h", "subscribed": (), "connected": True, "halted": (symbol,)}
    day.shelf.write(StreamHealth(market=Market.KRX, at=at(time), **told, **nothing))


def test_before_the_window_and_long_after_the_close_nothing_is_done():
    day = Day(A)
    for time in ("14:00", "15:04:59", "15:40", "18:00"):
        assert run(day.go(time).desk).outcome is Liquidating.NOT_DUE
    assert day.floor.placed == []
    assert day.held() == {A}


def test_thin_symbols_go_ten_minutes_before_the_others_and_no_buy_begins_any_more():
    day = Day(A, B, values={A: 5e9, B: 1e8})
    assert run(day.go("15:05").desk).outcome is Liquidating.FLAT
    assert day.held() == {A}
    assert day.handle(B, Side.BUY).limit == "day end"
    assert run(day.go("15:15").desk).outcome is Liquidating.FLAT
    assert day.held() == set()
    (flat,) = day.told(Kind.LIQUIDATION)
    assert flat.memo.endswith(f"{B}, {A}") or flat.memo.endswith(f"{A}, {B}")


def test_on_the_day_of_the_entrance_exam_the_window_is_an_hour_later():
    day = Day(A)
    day.at = Millis(int(datetime(2027, 11, 18, 15, 20, tzinfo=UTC).timestamp() * 1000) - KST)
    assert run(day.desk).outcome is Liquidating.NOT_DUE
    day.at = Millis(day.at + 60 * 60_000)
    assert run(day.desk).sold == 0  # in the closing auction it rests
    assert day.floor.placed[-1] == (A, Side.SELL, Phase.CLOSING)


def test_an_interruption_is_worked_through():
    """VI: two minutes of call auction for one symbol, in which its orders rest, and the others are sold meanwhile."""
    day = Day(A, B)
    day.floor.interrupted[A] = at("15:17:30")
    first, *rest = minutely(day, "15:16", "15:18")
    assert first.outcome is Liquidating.LEFT
    assert (first.sold, first.left.keys()) == (1, {A})
    assert rest[-1].outcome is Liquidating.FLAT
    assert day.held() == set()
    assert day.told(Kind.UNSOLD)
    assert day.told(Kind.LIQUIDATION)


def test_an_interruption_that_was_heard_of_lets_one_sale_at_any_price_rest_and_is_no_failure():
    day = Day(A)
    day.floor.interrupted[A] = at("15:18:10")
    hear_of(A, day, "15:16")
    first = run(day.go("15:16").desk)
    assert [verdict.outcome for verdict in first.verdicts] == [Ending.RESTING]
    hear_of(A, day, "15:17")
    assert run(day.go("15:17").desk).verdicts == ()
    assert day.told(Kind.UNSOLD) == []
    assert run(day.go("15:19").desk).outcome is Liquidating.FLAT
    assert (len(day.floor.placed), day.floor.cancelled) == (1, [])
    assert {order.limit for order, _, _ in day.floor.known.values() if order.side is Side.SELL} == {None}


def test_a_sale_that_rests_no_more_before_the_auction_has_ended_is_followed_by_another():
    """Taken back at the venue, by a person or by a cancel of ours whose answer came late."""
    day = Day(A, B)
    run(day.go("15:21").desk)
    (gone,) = (
        known for known in day.floor.known.values() if known[0].side is Side.SELL and known[0].instrument == on(A)
    )
    gone[2] = State.CANCELLED
    again = run(day.go("15:22").desk)
    assert [(verdict.instrument, verdict.outcome) for verdict in again.verdicts] == [
        (on(A), Ending.REFUSED),
        (on(A), Ending.RESTING),
    ]
    assert run(day.go("15:30:20").desk).outcome is Liquidating.FLAT
    assert len([placed for placed in day.floor.placed if placed[0] == B]) == 1


def test_an_interruption_in_which_orders_are_refused_is_worked_through_too():
    day = Day(A)
    day.floor.shut[A] = at("15:18:10")
    done = minutely(day, "15:16", "15:19")
    assert done[0].outcome is Liquidating.LEFT
    assert done[-1].outcome is Liquidating.FLAT
    assert "(VI 발동)" in next(alert.memo for alert in day.told(Kind.UNSOLD) if alert.instrument is None)


@pytest.mark.parametrize("time", ["15:18", "15:21"])
def test_a_share_that_takes_no_market_order_is_sold_at_the_days_lowest_price_at_worst(time):
    """KIS: APBK1943."""
    day = Day(A, B)
    day.floor.marketless.add(A)
    rows = {A: Reference(high=1.0, low=1.0, close=10_000.0, ma_sum=1.0, ma_days=1)}
    day.shelf.write(References(market=Market.KRX, day=at("00:00"), at=day.at, rows=rows))
    run(day.go(time).desk)
    run(day.go("15:31").desk)
    assert day.held() == set()
    sales = [order for order, _, _ in day.floor.known.values() if (order.instrument, order.side) == (on(A), Side.SELL)]
    assert [order.limit for order in sales] == [7_000]


def test_where_nobody_knows_the_days_lowest_price_the_refusal_is_told():
    day = Day(A)
    day.floor.marketless.add(A)
    assert len(run(day.go("15:18").desk).verdicts) == 1
    assert "(시장가호가불가)" in next(alert.memo for alert in day.told(Kind.UNSOLD) if alert.instrument is None)


def test_in_the_closing_auction_one_sale_of_each_rests_until_the_close_and_is_never_taken_back():
    day = Day(A, B)
    done = minutely(day, "15:21", "15:29")
    assert {each.outcome for each in done} == {Liquidating.LEFT}
    assert sorted(day.floor.placed) == sorted([(A, Side.SELL, Phase.CLOSING), (B, Side.SELL, Phase.CLOSING)])
    assert day.floor.cancelled == []
    assert {verdict.outcome for verdict in done[0].verdicts} == {Ending.RESTING}
    assert day.told(Kind.UNSOLD) == []

    settled = run(day.go("15:30:20").desk)
    assert (settled.outcome, settled.sold, settled.left) == (Liquidating.FLAT, 2, {})
    assert day.held() == set()
    assert day.floor.holdings(Market.KRX) == {}
    (flat,) = day.told(Kind.LIQUIDATION)
    assert flat.id.endswith(DAY)
    assert day.shelf.read_tagged(Flattened, Market.KRX, DAY)


def test_the_sweep_neither_takes_a_resting_sale_back_nor_calls_it_unresolved():
    day = Day(A)
    day.handle("999990", Side.SELL)
    run(day.go("15:21").desk)
    day.wait(120)
    swept = sweep.run(day.desk, quotes=None)
    assert [verdict.outcome for verdict in swept.resumed] == [Ending.RESTING]
    assert day.floor.cancelled == []
    assert day.told(Kind.UNRESOLVED) == []
    day.go("15:31")
    assert [verdict.outcome for verdict in sweep.run(day.desk, quotes=None).resumed] == [Ending.SOLD]


def test_fills_that_are_told_late_are_waited_for_before_people_are_told():
    day = Day(A)
    day.floor.late_ms = 90_000
    minutely(day, "15:22", "15:30")
    assert (day.told(Kind.UNSOLD), day.told(Kind.LIQUIDATION)) == ([], [])
    assert run(day.go("15:32").desk).outcome is Liquidating.FLAT
    assert len(day.told(Kind.LIQUIDATION)) == 1


def test_what_nobody_buys_in_the_auction_is_over_with_the_session_and_told_once_by_name():
    day = Day(A, B)
    day.floor.unmatched.add(A)
    done = minutely(day, "15:22", "15:39")
    assert done[-1].outcome is Liquidating.LEFT
    assert day.held() == {A}
    assert all(lock.intent is None for lock in day.desk.leases.locks())
    assert day.desk.ledger.open_orders(Market.KRX) == []
    told = [alert for alert in day.told(Kind.UNSOLD) if alert.instrument is None]
    assert {alert.topic for alert in told} == {told[0].topic}
    assert told[0].memo.startswith(f"after the close · name of {A} {A} ")
    assert B not in told[0].memo
    assert day.told(Kind.LIQUIDATION) == []


def test_a_halted_share_is_tried_by_every_run_and_told_with_the_exchanges_own_word():
    day = Day(A, B)
    day.floor.halted.add(A)
    done = minutely(day, "15:15", "15:32")
    assert done[-1].outcome is Liquidating.LEFT
    assert list(done[-1].left) == [A]
    assert len([placed for placed in day.floor.placed if placed[0] == A]) >= 10
    unsold = [alert for alert in day.told(Kind.UNSOLD) if alert.instrument is None]
    assert "(거래정지)" in unsold[0].memo
    assert unsold[-1].memo.startswith("after the close")
    assert len({alert.topic for alert in unsold}) >= 5  # told anew as the close comes near, and after it


def test_open_buys_are_taken_back_before_anything_is_sold():
    day = Day(A)
    day.go("15:04:50").list([A, C])
    day.floor.interrupted[C] = at("15:20")
    day.floor.silences = 1  # the cancel that follows a buy which rests is lost
    assert day.handle(C, Side.BUY).detail.startswith("open")
    day.wait(60)
    done = run(day.go("15:15").desk)
    assert (done.cancelled, done.outcome) == (1, Liquidating.FLAT)
    assert day.floor.cancelled == [C, C]
    assert day.floor.placed[-1][:2] == (A, Side.SELL)
    assert day.floor.holdings(Market.KRX) == {}


@pytest.mark.parametrize("time", ["08:45", "15:45", "20:30"])
def test_outside_the_session_nothing_is_bought_or_sold(time):
    day = Day(A)
    day.at = at(time, "2026-11-23") if time == "08:45" else at(time)
    for side in Side:
        verdict = day.handle(A, side)
        assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "session", "the market is closed")
    assert day.floor.placed == []


def test_nothing_is_bought_in_an_auction_even_where_the_day_does_not_end_flat():
    day = Day(A, liquidate=False)
    day.list([A, B])
    verdict = day.go("15:21").handle(B, Side.BUY)
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "session")
    assert verdict.detail.startswith("closing auction")
    assert run(day.go("15:25").desk).outcome is Liquidating.NOT_DUE


def test_a_stop_loss_in_the_closing_auction_rests_too():
    day = Day(A, liquidate=False)
    assert day.go("15:21").handle(A, Side.SELL).outcome is Ending.RESTING
    day.go("15:31")
    assert [verdict.outcome for verdict in sweep.run(day.desk, quotes=None).resumed] == [Ending.SOLD]


class Silent:
    """Leases that do not answer when this symbol is asked for."""

    def __init__(self, leases, symbol):
        self._leases, self._symbol = leases, symbol

    def __getattr__(self, name):
        return getattr(self._leases, name)

    def grant(self, ask, at):
        if ask.instrument.symbol == self._symbol:
            raise Transient("the table does not answer")
        return self._leases.grant(ask, at)

    def lock(self, instrument):
        raise Transient("the table does not answer")


def test_one_whose_lock_does_not_answer_leaves_the_others_their_turn():
    day = Day(A, B)
    done = run(replace(day.go("15:16").desk, leases=Silent(day.desk.leases, A)))
    assert {verdict.outcome for verdict in done.verdicts if verdict.instrument == on(A)} == {Ending.UNCLEAR}
    assert (done.outcome, list(done.left)) == (Liquidating.LEFT, [A])


class Shared:
    """Leases that know the same locks on another market too."""

    def __init__(self, leases):
        self._leases = leases

    def __getattr__(self, name):
        return getattr(self._leases, name)

    def locks(self):
        found = self._leases.locks()
        return [*found, *(replace(lock, instrument=Instrument(Market.UPBIT, "KRW-BTC")) for lock in found)]


def test_another_markets_locks_are_left_alone_when_a_close_settles():
    day = Day(A)
    done = run(replace(day.go("15:31").desk, leases=Shared(day.desk.leases)))
    assert done.verdicts == ()
    assert list(done.left) == [A]
