"""G2: one report for a day, and one total of all markets, also where two runs meet; a day that only bought has one."""

from decimal import Decimal as D

from core.app.summary import overall
from core.domain.levels import DayReport
from core.domain.policies import ResultsPolicy
from core.domain.reports import DayTotals
from core.domain.sessions import always_open
from core.domain.values import Market, Millis
from tests.app.test_summary import MIDNIGHT_UTC, POLICY, Office, order, trip

DAY = "2026-01-01"


class Meeting:
    """Alerts; while the first is being sent, another run goes by from its beginning to its end."""

    def __init__(self, sent, other):
        self.sent, self.other = sent, other

    def send(self, alerts):
        other, self.other = self.other, None
        if other:
            other()
        self.sent += alerts


def test_two_runs_that_meet_write_one_report_and_tell_it_under_one_id():
    office, others = Office(), []
    office.ledger.by_day[DAY] = ([trip(100, MIDNIGHT_UTC - 5)], [order()])
    meeting = Meeting(office.alerts.sent, lambda: others.extend(office.run(MIDNIGHT_UTC + 1)))

    written = office.run(MIDNIGHT_UTC + 1, alerts=meeting)

    assert ([report.day for report in others], written) == ([DAY], [])
    assert len(office.alerts.sent) == 2
    assert len({alert.id for alert in office.alerts.sent}) == 1
    assert office.run(MIDNIGHT_UTC + 60_000) == []


def test_two_runs_that_meet_write_one_total_of_all_markets():
    office = Office()
    for market in (Market.UPBIT, Market.KRX):
        report = DayReport(
            market=market, day=DAY, at=MIDNIGHT_UTC, trades=1, wins=1, pnl=D(5), fees=D(0), taxes=D(0), average=D(5),
            worst=D(5), drawdown=D(0), curve=(),
        )  # fmt: skip
        office.shelf.write_once(report, DAY)
    days = {market: always_open(POLICY.day) for market in (Market.UPBIT, Market.KRX)}

    def go(alerts):
        stores = {"shelf": office.shelf, "alerts": alerts, "language": "ko", "at": Millis(MIDNIGHT_UTC + 1)}
        return overall(days, ResultsPolicy(), **stores)

    others = []
    written = go(Meeting(office.alerts.sent, lambda: others.extend(go(office.alerts))))

    assert (len(others), written) == (1, [])
    assert office.shelf.read_tagged(DayTotals, Market.UPBIT, DAY) == others[0]
    assert len({alert.id for alert in office.alerts.sent}) == 1
    assert go(office.alerts) == []


def test_a_day_that_only_bought_is_reported_with_no_trade_and_no_profit():
    office = Office()
    office.ledger.by_day[DAY] = ([], [order()])
    (report,) = office.run(MIDNIGHT_UTC + 1)
    assert (report.day, report.trades, report.pnl, report.drawdown) == (DAY, 0, 0, 0)
    assert len(office.alerts.sent) == 1
