"""G2, G3: each finished day is reported once, whenever the run comes and wherever it dies."""

from decimal import Decimal as D

import pytest

from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.app.summary import LOOK_BACK, POINTS, finished_days, run, thinned
from core.domain.errors import Transient
from core.domain.levels import DayReport, ScanHealth
from core.domain.messages import Kind
from core.domain.orders import Fill, Order, State
from core.domain.policies import DayPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.positions import RoundTrip
from core.domain.reports import Fate, Passed, Sieved
from core.domain.sessions import always_open
from core.domain.values import DAY, HOUR, Instrument, Market, Millis, Side

POLICY = MarketPolicy(
    rest=RestPolicy(url="https://x"), stream=StreamPolicy(url="wss://x"), day=DayPolicy(ends="09:00", liquidate=True)
)
MIDNIGHT_UTC = Millis(1_767_312_000_000)  # 2026-01-02 09:00 KST: the end of the day called 2026-01-01
BTC = Instrument(Market.UPBIT, "KRW-BTC")


class Ledger:
    """Round trips and orders by day, as told."""

    def __init__(self):
        self.by_day = {}

    def trips(self, market, day):
        return self.by_day.get(day, ([], []))[0]

    def orders(self, market, day):
        return self.by_day.get(day, ([], []))[1]


def trip(pnl, closed, id="t"):
    return RoundTrip(
        id=id,
        instrument=BTC,
        worker="w",
        quantity=D(1),
        bought=D(1),
        sold=D(1),
        cost=D(1),
        proceeds=D(1),
        fees=D(0),
        taxes=D(0),
        pnl=D(pnl),
        slippage=D(0),
        rule="fall",
        exit="stop_loss",
        opened=Millis(closed - 1),
        closed=Millis(closed),
    )


def order():
    fill = Fill(id="f", price=D(101), quantity=D(2), fee=D(0), tax=D(0), at=Millis(0))
    return Order(
        id="o",
        instrument=BTC,
        side=Side.BUY,
        quantity=D(2),
        reference=D(100),
        signal="s",
        leg=0,
        worker="w",
        reason="fall",
        at=Millis(0),
        state=State.FILLED,
        fills=(fill,),
    )


class Office:
    def __init__(self):
        self.shelf, self.alerts, self.ledger = MemoryShelf(), MemoryAlerts(), Ledger()

    def run(self, at, alerts=None):
        stores = {"shelf": self.shelf, "ledger": self.ledger, "alerts": alerts or self.alerts}
        return run(Market.UPBIT, POLICY, days=always_open(POLICY.day), **stores, language="ko", at=Millis(at))

    def told(self):
        return [alert.rule for alert in self.alerts.sent]


def test_a_finished_day_is_written_and_told_once_with_its_curve():
    office = Office()
    trips = [trip(100, MIDNIGHT_UTC - 5, "a"), trip(-30, MIDNIGHT_UTC - 2, "b")]
    office.ledger.by_day["2026-01-01"] = (trips, [order()])

    (report,) = office.run(MIDNIGHT_UTC + 1)

    assert (report.day, report.pnl, report.trades, report.slippage) == ("2026-01-01", D(70), 2, D(2))
    assert office.shelf.read_tagged(DayReport, Market.UPBIT, "2026-01-01") == report
    (alert,) = office.alerts.sent
    assert (alert.kind, alert.id, alert.lasting) == (Kind.SUMMARY, "summary:upbit:2026-01-01", False)
    assert alert.chart == (100.0, 70.0)
    assert alert.memo.startswith("손익: +70원\n승률: 50.0% (1승 1패)")
    for later in (2, 5 * 60_000, 12 * HOUR):
        assert office.run(MIDNIGHT_UTC + later) == []
    assert len(office.alerts.sent) == 1


def test_a_day_that_is_not_over_is_not_reported():
    office = Office()
    office.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])
    assert office.run(MIDNIGHT_UTC - 1) == []
    assert [report.day for report in office.run(MIDNIGHT_UTC)] == ["2026-01-01"]


def test_missed_days_are_made_up_for_oldest_first_as_far_as_it_looks_back():
    office = Office()
    for day in ("2025-12-29", "2025-12-30", "2025-12-31", "2026-01-01"):
        office.ledger.by_day[day] = ([trip(1, 0)], [])
    office.run(MIDNIGHT_UTC + HOUR)
    assert office.told() == ["2025-12-30", "2025-12-31", "2026-01-01"]


def test_days_before_the_system_ran_are_not_reported_and_empty_days_after_it_are():
    office = Office()
    assert office.run(MIDNIGHT_UTC + HOUR) == []
    (report,) = office.run(MIDNIGHT_UTC + DAY)
    assert (report.day, report.trades) == ("2026-01-02", 0)
    assert office.alerts.sent[-1].memo == "거래 없음"


def test_what_the_filters_removed_is_read_from_that_day_s_last_scan():
    office = Office()
    health = ScanHealth(
        market=Market.UPBIT,
        at=MIDNIGHT_UTC,
        due=MIDNIGHT_UTC,
        interval_ms=60_000,
        day=MIDNIGHT_UTC - DAY,
        removed={"min_value": 7},
    )
    office.shelf.write(health)
    (report,) = office.run(MIDNIGHT_UTC)
    assert report.removed == {"min_value": 7}


def test_a_scan_of_the_new_day_says_nothing_of_the_old_one_but_the_kept_one_does():
    office = Office()
    old = ScanHealth(market=Market.UPBIT, at=1, due=1, interval_ms=1, day=MIDNIGHT_UTC - DAY, removed={"max_spread": 2})
    new = ScanHealth(market=Market.UPBIT, at=1, due=1, interval_ms=1, day=MIDNIGHT_UTC, removed={"min_value": 9})
    office.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])
    office.shelf.write(new)
    office.shelf.write_once(old, "2026-01-01")
    (report,) = office.run(MIDNIGHT_UTC)
    assert report.removed == {"max_spread": 2}

    bare = Office()
    bare.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])
    bare.shelf.write(new)
    assert bare.run(MIDNIGHT_UTC)[0].removed == {}


def test_a_run_that_dies_before_it_has_told_tells_the_next_time():
    class Down:
        def send(self, alerts):
            raise Transient("the queue is away")

    office = Office()
    office.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])
    with pytest.raises(Transient):
        office.run(MIDNIGHT_UTC, alerts=Down())
    assert len(office.run(MIDNIGHT_UTC + 300_000)) == 1


def test_two_runs_at_once_write_one_report_and_say_the_same_id():
    office = Office()
    office.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])

    class Meanwhile:
        def send(self, alerts):
            office.alerts.send(alerts)
            office.run(MIDNIGHT_UTC)

    assert office.run(MIDNIGHT_UTC, alerts=Meanwhile()) == []
    assert {alert.id for alert in office.alerts.sent} == {"summary:upbit:2026-01-01"}


def test_finished_days_are_whole_and_end_at_or_before_now():
    days = list(finished_days(always_open(POLICY.day), Millis(MIDNIGHT_UTC + HOUR)))
    assert [day for day, _, _ in days] == ["2025-12-30", "2025-12-31", "2026-01-01"]
    assert len(days) == LOOK_BACK
    assert all(ends - begins == DAY and ends <= MIDNIGHT_UTC for _, begins, ends in days)


@pytest.mark.parametrize("count", [0, 1, POINTS, POINTS + 1, 10 * POINTS])
def test_a_curve_is_thinned_to_what_a_message_carries_and_keeps_its_end(count):
    totals = [D(n) for n in range(count)]
    points = thinned(totals)
    assert len(points) <= POINTS
    assert points[-1:] == tuple(float(total) for total in totals[-1:])
    assert list(points) == sorted(points)


def test_how_those_went_on_that_a_filter_removed_is_told_with_the_day():
    """G3."""
    office = Office()
    office.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])
    rows = (Passed("KRW-AAA", "min_value", 100.0, 110.0), Passed("KRW-BTC", "", 50.0, 49.0))
    office.shelf.write(Sieved(market=Market.UPBIT, day=MIDNIGHT_UTC - DAY, at=MIDNIGHT_UTC, rows=rows))
    (report,) = office.run(MIDNIGHT_UTC)
    assert report.fates == {"min_value": Fate(1, 1, pytest.approx(0.1)), "": Fate(1, 0, pytest.approx(-0.02))}


def test_the_new_day_s_scan_says_nothing_of_how_the_old_one_went_on():
    office = Office()
    office.ledger.by_day["2026-01-01"] = ([trip(1, 0)], [])
    today = Sieved(market=Market.UPBIT, day=MIDNIGHT_UTC, at=MIDNIGHT_UTC, rows=(Passed("KRW-BTC", "", 50.0, 49.0),))
    office.shelf.write(today)
    assert office.run(MIDNIGHT_UTC)[0].fates == {}
