"""G2: the day in all markets, summed up and told once, when each market has its own behind it."""

from decimal import Decimal as D

import pytest

from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.app.summary import overall
from core.domain.errors import Transient
from core.domain.levels import DayReport
from core.domain.policies import DayPolicy, ResultsPolicy
from core.domain.reports import DayTotals
from core.domain.sessions import always_open
from core.domain.values import DAY, HOUR, Market, Millis

MORNING = Millis(
    1_767_312_000_000
)  # 2026-01-02 09:00 KST: Upbit's day 2026-01-01 ends; the other's ended at 16:00 before
MARKETS = {Market.UPBIT: always_open(DayPolicy(ends="09:00")), Market.KRX: always_open(DayPolicy(ends="16:00"))}


def report(market, day, pnl, currency="KRW"):
    return DayReport(
        market=market, day=day, at=Millis(0), trades=1, wins=1, pnl=D(pnl), fees=D(1), taxes=D(0), average=D(pnl),
        worst=D(0), drawdown=D(0), curve=((Millis(5), D(pnl)),), currency=currency,
    )  # fmt: skip


class Office:
    def __init__(self):
        self.shelf, self.alerts = MemoryShelf(), MemoryAlerts()

    def write(self, *reports):
        for one in reports:
            self.shelf.write_once(one, one.day)

    def run(self, at, *, markets=MARKETS, alerts=None, policy=ResultsPolicy()):  # noqa: B008
        told = alerts or self.alerts
        return overall(markets, policy, shelf=self.shelf, alerts=told, language="en", at=Millis(at))


@pytest.fixture
def office():
    office = Office()
    office.write(report(Market.UPBIT, "2026-01-01", "100"), report(Market.KRX, "2026-01-01", "-40"))
    return office


def test_a_day_that_all_markets_have_behind_them_is_summed_up_once_with_its_curve(office):
    (summed,) = office.run(MORNING)

    assert (summed.day, summed.totals[0].pnl) == ("2026-01-01", D(60))
    assert office.shelf.read_tagged(DayTotals, Market.UPBIT, "2026-01-01") == summed
    (alert,) = office.alerts.sent
    assert (alert.id, alert.market, alert.rule) == ("summary:all:2026-01-01", None, "2026-01-01")
    assert alert.memo.startswith("KRW (Upbit, KRX): +60 KRW")
    assert alert.chart == (100.0, 60.0)
    assert office.run(MORNING + HOUR) == []
    assert len(office.alerts.sent) == 1


def test_a_day_that_still_runs_somewhere_is_waited_for(office):
    """KRX is done at 16:00 KST; Upbit's day of the same name goes on until the next morning."""
    assert office.run(MORNING - 1) == []
    assert len(office.run(MORNING)) == 1


def test_a_market_that_had_no_such_day_is_not_waited_for_and_one_report_alone_is_no_total(office):
    office.write(report(Market.UPBIT, "2025-12-31", "7"))
    assert [one.day for one in office.run(MORNING)] == ["2026-01-01"]


def test_one_market_is_its_own_total(office):
    only = {Market.UPBIT: MARKETS[Market.UPBIT]}
    assert office.run(MORNING, markets=only) == []
    assert office.alerts.sent == []


def test_the_curve_of_everything_converted_is_shown_where_the_owner_named_a_rate(office):
    office = Office()
    office.write(report(Market.UPBIT, "2026-01-01", "100"), report(Market.KRX, "2026-01-01", "2", currency="USDT"))
    rate = ResultsPolicy(currency="KRW", rates={"USDT": 1000.0})
    (summed,) = office.run(MORNING, policy=rate)
    assert summed.converted.pnl == D(2100)
    assert office.alerts.sent[0].chart == (100.0, 2100.0)


def test_a_run_that_dies_before_it_has_told_tells_the_next_time(office):
    class Down:
        def send(self, alerts):
            raise Transient("the queue is away")

    with pytest.raises(Transient):
        office.run(MORNING, alerts=Down())
    assert len(office.run(MORNING + 300_000)) == 1


def test_two_runs_at_once_write_one_total_and_say_the_same_id(office):
    class Meanwhile:
        def send(self, alerts):
            office.alerts.send(alerts)
            office.run(MORNING)

    assert office.run(MORNING, alerts=Meanwhile()) == []
    assert {alert.id for alert in office.alerts.sent} == {"summary:all:2026-01-01"}


def test_a_total_that_was_missed_is_made_up_for_as_far_as_the_days_are_looked_back(office):
    assert [one.day for one in office.run(MORNING + 2 * DAY)] == ["2026-01-01"]
