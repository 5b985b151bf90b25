"""Issue 3, must hold: a whole KRX day, counted by the simulator and not by us.

250 symbols, one app key of 41 registrations, scans, 30 workers competing for every signal: ends flat, no registration
refused, no call over a limit, one token, no symbol bought twice.
"""

from collections import Counter
from decimal import Decimal

import msgspec
import pytest

from core.app.desk import Ending
from core.app.scan import Scanning
from core.domain.policies import DayPolicy, ExitPolicy, RiskPolicy, RulePolicy, WatchPolicy, WorkerPolicy
from core.domain.values import Market, Millis
from core.local.day import clock_of, date_of, hours_of
from core.simulators.kis_order import BUY, SELL
from tests.end_to_end.krx.floor import Exchange, Floor, policy_at, until, wall

pytestmark = [pytest.mark.slow]

SYMBOLS, SLOTS, WORKERS, PUSHED = 250, 41, 30, 24
FAR_S, BEFORE_S, DAY_S, AUCTION_S = 600, 8, 85, 2.0
FUNDS = 100_000_000
OVER = {"EGW00201", "EGW00133", "OPSP0008", "OPSP8996", "OPSP0002", "OPSP9991"}


def day_of(begins, ends):
    return DayPolicy(
        ends=clock_of(ends), liquidate=True, liquidate_before_s=20.0, thin_before_s=22.0, thin_value=1e9,
        hours={date_of(begins): hours_of(begins, ends)}, auction_s=AUCTION_S, settle_s=0.0,
    )  # fmt: skip


def settled(exchange, begins, ends):
    """The settings of the day: periods shrink, limits are as wide as thirty workers need."""
    million = Decimal(1_000_000)
    base = policy_at(exchange, exchange.codes[:SYMBOLS])
    replace = msgspec.structs.replace
    return replace(
        base,
        rest=replace(base.rest, headroom=0.8),  # what comes each minute comes each second here: calls need more of it
        safety=replace(base.safety, references_per_run=SYMBOLS),
        scan=replace(base.scan, interval_s=1.0, pause_s=0.05, second_pass_s=0.0, approach_alerts=False),
        watch=WatchPolicy(
            max_ws_subs=SLOTS, subscribe_cooldown_s=4.0, refresh_s=0.5, min_stay_s=5.0, churn_per_min=120
        ),
        rules=(RulePolicy(name="disparity", kind="disparity", params={"base": "daily", "threshold": -0.06}),),
        exits=ExitPolicy(stop_loss=0.03, take_profit=0.05, trend=False, repeat_s=1.0),
        workers=WorkerPolicy(count=WORKERS, capital=million),
        risk=RiskPolicy(
            daily_loss=100 * million, per_symbol=million, total_exposure=WORKERS * million, max_positions=WORKERS,
            max_slippage=0.05,
        ),
        day=day_of(begins, ends),
    )  # fmt: skip


class Told:
    """What is known of the day once it is over: the simulator's own log and books, and ours."""

    def __init__(self, floor, log, books, looked):
        self.floor, self.log, self.books, self.looked = floor, log, books, looked

    def orders(self, side):
        return [one for one in self.books["orders"] if one["side"] == side and one["filled"]]


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """One day, from the look before it opens to after its close. It is called once that look is done, however long a
    slow machine takes over 500 calls."""
    folder = tmp_path_factory.mktemp("krx")
    far = (soon := after(FAR_S)), Millis(soon + DAY_S * 1000)
    exchange = Exchange(
        folder, "--issues", str(SYMBOLS), "--krx-funds", str(FUNDS), "--log", str(folder / "sim.log"),
        "--krx-day", hours(*far),
    )  # fmt: skip
    try:
        before = Floor(exchange, settled(exchange, *far), folder, workers=WORKERS)
        looked = before.look()
        begins = after(BEFORE_S)
        ends = Millis(begins + DAY_S * 1000)
        exchange.tell("day", {"hours": hours(begins, ends)})
        floor = Floor(
            exchange, settled(exchange, begins, ends), folder, workers=WORKERS, shelf=before.shelf,
            outside=before.outside,
        )  # fmt: skip
        yield lived(exchange, floor, looked, begins, ends)
    finally:
        exchange.close()


def after(seconds):
    return Millis((wall() // 1000 + seconds) * 1000)


def hours(begins, ends):
    return f"{hours_of(begins, ends)}/{AUCTION_S:g}"


def lived(exchange, floor, looked, begins, ends):
    floor.start(scan_every_s=3.0)
    until(lambda: wall() > begins + 8_000 and len(floor.station.pump.subscribed) >= PUSHED, "the subscriptions", 90)
    for symbol in sorted(floor.station.pump.subscribed)[:PUSHED]:
        exchange.tell("market", {"symbol": symbol, "move": -0.075, "over_s": 4.0})
    until(lambda: wall() > ends - 2_000, "the end of the day", 120)
    floor.hush()
    until(lambda: wall() > ends, "the close")
    until(lambda: not exchange.ask("books")["holdings"] and not floor.books.ledger.open_orders(Market.KRX), "flat")
    floor.stop()
    return Told(floor, exchange.ask("log"), exchange.ask("books"), looked)


def test_the_whole_universe_was_looked_at(day):
    assert day.looked.failure == ""
    assert day.looked.safe == SYMBOLS


def test_signals_were_traded_by_many_workers_at_once(day):
    endings = Counter(verdict.outcome for verdict in day.floor.verdicts)

    assert endings[Ending.BOUGHT] >= 5
    assert endings[Ending.HELD] + endings[Ending.BUSY] + endings[Ending.REPEATED] >= 5


def test_the_day_ends_flat_in_the_simulators_books(day):
    assert day.books["holdings"] == {}
    assert [one for one in day.books["orders"] if one["open"]] == []
    assert day.floor.left == {}


def test_no_symbol_was_bought_twice(day):
    bought = Counter(one["symbol"] for one in day.orders(BUY))

    assert bought
    assert max(bought.values()) == 1, bought


def test_each_buy_of_ours_is_a_buy_of_the_simulators(day):
    ours = Counter(v.instrument.symbol for v in day.floor.verdicts if v.outcome is Ending.BOUGHT)

    assert ours == Counter(one["symbol"] for one in day.orders(BUY))
    assert sum(one["filled"] for one in day.orders(BUY)) == sum(one["filled"] for one in day.orders(SELL))


def test_each_order_and_the_cash_of_the_day_are_the_simulators_to_the_won(day):
    """E8, G1: its own log and account against our orders and results."""
    ledger = day.floor.books.ledger
    date = day.floor.desk().days.day_of(Millis(day.books["orders"][0]["at"]))
    rows = {f"{one['date']}-{one['number']}-{one['branch']}": one for one in day.books["orders"] if one["filled"]}
    theirs = {name: tuple(one[key] for key in ("filled", "value", "fee", "tax")) for name, one in rows.items()}
    orders = [order for order in ledger.orders(Market.KRX, date) if order.fills]
    assert {o.venue_id: (o.filled, o.value, o.fees, o.taxes) for o in orders} == theirs
    earned = sum(trip.pnl for trip in ledger.trips(Market.KRX, date))
    assert day.books["cash"] - FUNDS == earned == ledger.account(Market.KRX, date).realised


def test_no_registration_was_refused_and_no_key_carried_more_than_its_slots(day):
    assert {code: count for code, count in day.log["refusals"].items() if code.startswith("OPSP")} == {}
    assert day.log["counts"]["registrations"] >= PUSHED
    assert day.log["counts"]["most registrations held"] <= SLOTS


def test_no_call_was_over_a_limit(day):
    assert {code: count for code, count in day.log["refusals"].items() if code in OVER} == {}
    assert max(count for group, count in day.log["busiest"].items()) <= 18


def test_one_token_and_one_approval_key_were_issued(day):
    assert day.log["counts"]["tokens"] == 1
    assert day.log["counts"]["approvals"] == 1


def test_every_scan_saw_250_symbols_in_9_calls(day):
    scanned = [one for one in day.floor.scans if one.outcome is Scanning.SCANNED]

    assert scanned
    assert {(one.calls, one.snapshots) for one in scanned} == {(9, SYMBOLS)}


def test_registrations_came_at_most_one_in_100_ms(day):
    assert day.log["gaps_ms"]["registrations"] >= 100
