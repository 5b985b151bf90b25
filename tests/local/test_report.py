"""The report says what happened, and names every step that did not (issue: exit 0 only with every step shown)."""

from decimal import Decimal

import msgspec
import pytest

from core.domain.levels import DayReport
from core.domain.orders import Fill, Order, State
from core.domain.positions import RoundTrip
from core.domain.values import Instrument, Market, Millis, Side
from core.local.closing import closing
from core.local.look import empty
from core.local.report import STEPS, Evidence, Report, Result, by_reason, differences, missing, plain, report
from core.local.tally import Tally

SOL = Instrument(Market.UPBIT, "KRW-SOL")


def order(id: str, side: Side = Side.BUY, units: str = "2", **more) -> Order:
    fill = Fill(id="f", price=Decimal("100"), quantity=Decimal(units), fee=Decimal("0.1"), tax=Decimal(0), at=Millis(5))
    fields = {"state": State.FILLED, "fills": (fill,), "quantity": Decimal(units), "reference": Decimal("100"), **more}
    return Order(
        id=id, instrument=SOL, side=side, signal="s", leg=0, worker="w1", reason="disparity", at=Millis(4), **fields
    )


def trip(id: str, exit: str) -> RoundTrip:
    money = dict.fromkeys(
        ("quantity", "bought", "sold", "cost", "proceeds", "fees", "taxes", "pnl", "slippage"), Decimal(1)
    )
    return RoundTrip(
        id=id, instrument=SOL, worker="w1", rule="disparity", exit=exit, opened=Millis(1), closed=Millis(2), **money
    )


CLOSED = DayReport(
    market=Market.UPBIT, day="2026-11-20", at=Millis(9), trades=3, wins=1, pnl=Decimal("-5"), fees=Decimal(1), taxes=Decimal(0),
    average=Decimal(-1), worst=Decimal(-9), drawdown=Decimal(9), curve=(),
)  # fmt: skip


def evidence(**changes) -> Evidence:
    view = empty(Market.UPBIT)
    orders = [order("a"), order("b", Side.SELL)]
    trips = [trip("1", "stop_loss"), trip("2", "take_profit"), trip("3", "liquidation")]
    view = msgspec.structs.replace(view, orders=orders, trips=trips, summary=CLOSED, **changes.pop("view", {}))
    given = {
        "venue": {one.id: one for one in orders},
        "held": {},
        "chat": {"telegram": 3},
        "letters": {"x": 0},
        **changes,
    }
    return Evidence(views={Market.UPBIT: view}, seconds=61.04, **given)


def full() -> Tally:
    tally = Tally()
    for name in ("Scans", "TargetsChanged", "Subscribed", "Unsubscribed", "Reconnects", "Signals", "LocksGranted"):
        tally.sums[name] = 2
    tally.sums.update({"LocksRefused": 1, "AlertsSent": 4, "AlertsSuppressed": 1})
    return tally


def told(**changes) -> Report:
    return report(full(), {Market.UPBIT: full()}, evidence(**changes))


def test_a_good_day_misses_nothing():
    done = told()

    assert missing(done) == []
    assert (done.buys, done.sells, done.liquidated) == (1, {"stop_loss": 1, "take_profit": 1, "liquidation": 1}, 1)
    assert done.seconds == 61.0


@pytest.mark.parametrize(("field", "name"), STEPS)
def test_each_step_that_did_not_happen_is_named(field, name):
    done = told()
    nothing = {int: 0, dict: {}, Result: None}[type(getattr(done, field))]

    assert any(name in fault for fault in missing(msgspec.structs.replace(done, **{field: nothing})))


def test_an_open_position_a_dead_letter_and_a_silent_chat_are_named():
    done = msgspec.structs.replace(told(letters={"SignalsDeadLetters": 2}, chat={"telegram": 0}), open_positions=1)

    assert missing(done) == [
        "1 positions are still open after the day's end",
        "2 dead letters in SignalsDeadLetters",
        "no message reached telegram",
    ]


def test_an_order_that_the_venue_filled_differently_is_named():
    other = {"a": order("a", units="1"), "c": order("c")}

    found = differences([order("a"), order("b")], other, {SOL: Decimal("0.5")})

    assert [sentence.split(": ")[0] for sentence in found] == ["a", "b", "c", "upbit:KRW-SOL"]


def test_an_order_that_traded_nothing_is_no_difference():
    ours = order("a", state=State.CANCELLED, fills=())

    assert differences([ours], {}, {}) == []


def test_sales_are_counted_by_reason():
    assert by_reason([trip("1", "trend"), trip("2", "trend"), trip("3", "time")]) == {"trend": 2, "time": 1}


def test_the_report_is_json_with_money_as_text():
    value = plain(told())

    assert value["summary"]["pnl"] == "-5"
    assert {
        "scans",
        "targets_changed",
        "subscribed",
        "unsubscribed",
        "reconnects",
        "signals",
        "locks_granted",
        "locks_refused",
    } <= set(value)
    assert {"buys", "sells", "alerts_sent", "alerts_suppressed", "liquidated", "summary"} <= set(value)


def test_the_closing_page_has_a_row_for_each_step():
    found = evidence()
    done = report(full(), {Market.UPBIT: full()}, found)

    assert closing(done, found.views[Market.UPBIT]).row_count == len(STEPS)


def two(other: Tally) -> Report:
    """Two markets, the second of them with what `other` counted and one buy of its own."""
    samsung = Instrument(Market.KRX, "005930")
    found = evidence()
    orders = [msgspec.structs.replace(order("k"), instrument=samsung)]
    trips = [msgspec.structs.replace(trip("9", "liquidation"), instrument=samsung)]
    summary = msgspec.structs.replace(CLOSED, market=Market.KRX, trades=1, pnl=Decimal(7))
    view = msgspec.structs.replace(empty(Market.KRX), orders=orders, trips=trips, summary=summary)
    both = msgspec.structs.replace(
        found,
        views={**found.views, Market.KRX: view},
        venue={**found.venue, "k": orders[0]},
        held={samsung: Decimal(3)},
    )
    return report(full(), {Market.UPBIT: full(), Market.KRX: other}, both)


def test_top_fields_are_sums_and_each_market_has_its_own():
    done = two(full())

    assert (done.buys, done.markets[Market.UPBIT].buys, done.markets[Market.KRX].buys) == (2, 1, 1)
    assert done.bought == {"KRW-SOL disparity": 1, "005930 disparity": 1}
    assert done.summary == Result(trades=4, wins=2, pnl=Decimal(2), fees=Decimal(2), taxes=Decimal(0))
    assert plain(done)["markets"]["krx"]["summary"]["pnl"] == "7"


def test_money_of_several_currencies_has_no_sum():
    """G2."""
    found = evidence()
    usdt = msgspec.structs.replace(empty(Market.BINANCE), summary=msgspec.structs.replace(CLOSED, currency="USDT"))
    both = msgspec.structs.replace(found, views={**found.views, Market.BINANCE: usdt})
    done = report(full(), dict.fromkeys(both.views, full()), both)
    assert (done.summary.trades, done.summary.pnl) == (2 * CLOSED.trades, None)
    assert done.markets[Market.BINANCE].summary.pnl == CLOSED.pnl


def test_what_a_venue_still_holds_is_named_with_its_market():
    done = two(full())

    assert done.markets[Market.UPBIT].differences == []
    assert done.markets[Market.KRX].differences == done.differences == ["krx:005930: the venue still holds 3"]


def test_a_step_that_one_market_did_not_show_is_named_with_it():
    assert "batch scan: none in krx" in missing(two(Tally()))
    assert "batch scan: none in krx" not in missing(two(full()))


def test_the_days_are_summed_up_once_all_markets_have_closed():
    found = evidence()
    open_day = msgspec.structs.replace(found, views={**found.views, Market.KRX: empty(Market.KRX)})

    assert report(full(), {Market.UPBIT: full(), Market.KRX: full()}, open_day).summary is None
