"""Levels first, people last (B3, A3, A4): an alert that cannot be sent holds nothing up, and is sent by a later run."""

import pytest

from core.app import safety, scan
from core.app.owed import MOST
from core.app.safety import Filtering
from core.app.scan import Scanning
from core.domain.errors import Transient
from core.domain.levels import SafeSet, SafetyHealth, ScanHealth, Targets
from core.domain.policies import RulePolicy, WhenHeld
from core.domain.values import Market
from tests.watching import Alerts, Hands, Holding, Passes, Quotes, Signals, listing, lookout

MINUTE, HOUR = 60_000, 3_600_000


class Post(Alerts):
    """A queue that can be away."""

    away = False

    def send(self, alerts):
        if self.away:
            raise Transient("the queue does not answer")
        super().send(alerts)


@pytest.fixture
def place():
    hands, quotes = Hands(), Quotes("KRW-A", "KRW-B")
    return lookout(quotes, hands, alerts=Post(), safety={"when_held": WhenHeld.LIQUIDATE})


def read(place, kind):
    return place.shelf.read(kind, Market.UPBIT)


def scanned(place, after=0):
    place.clock.later(after)
    return scan.run(place, Passes(), second=False)


def filtered(place, *held, signals=None, after=0):
    place.clock.later(after)
    return safety.run(place, Holding(*held), signals or Signals())


def test_safe_mode_stands_though_nobody_can_be_told_and_is_told_later(place):
    filtered(place)
    scanned(place)
    place.alerts.away = True
    place.quotes.trouble = {"tickers": Transient("down")}
    done = scanned(place, MINUTE)
    assert (done.outcome, done.owed) == (Scanning.FAILED, 1)
    assert read(place, ScanHealth).safe_mode
    place.alerts.away = False
    between = scanned(place, 1)
    assert (between.outcome, between.owed) == (Scanning.NOT_DUE, 0)
    assert place.alerts.kinds == ["scan_failing"]
    assert read(place, ScanHealth).owed == ()


def test_before_the_first_safe_set_what_is_owed_waits_too(place):
    place.alerts.away = True
    assert scanned(place).owed == 1
    assert [alert.kind.value for alert in read(place, ScanHealth).owed] == ["safe_mode"]


def test_what_is_owed_is_bounded_and_the_newest_is_kept(place):
    filtered(place)
    place.alerts.away = True
    for turn in range(2 * MOST):
        filtered(place)  # the set stays fresh
        place.quotes.trouble = {} if turn % 2 else {"tickers": Transient("down")}
        scanned(place, HOUR // 2)
    owed = read(place, ScanHealth).owed
    assert len(owed) == MOST
    assert owed[-1].at == read(place, ScanHealth).at


def test_targets_are_written_though_no_approach_can_be_told():
    dip = RulePolicy(name="dip", kind="disparity", params={"base": "daily", "threshold": -0.08})
    place = lookout(Quotes("KRW-A"), Hands(), alerts=Post(), rules=(dip,))
    filtered(place)
    place.quotes.prices = {"KRW-A": 101.4}
    place.alerts.away = True
    done = scanned(place)
    assert (done.outcome, done.approaching) == (Scanning.SCANNED, 1)
    assert "the queue does not answer" in done.untold
    assert read(place, Targets) is not None


def test_a_safe_set_is_written_and_sold_by_though_nobody_can_be_told(place):
    filtered(place, "KRW-A")
    place.quotes.listings = [listing("KRW-A", "WARNING"), listing("KRW-B")]
    place.alerts.away, signals = True, Signals()
    done = filtered(place, "KRW-A", signals=signals, after=HOUR)
    assert (done.outcome, done.sold, done.owed) == (Filtering.REFRESHED, ("KRW-A",), 1)
    assert read(place, SafeSet).safe == ("KRW-B",)
    assert len(signals.sent) == 1
    place.alerts.away = False
    assert filtered(place, after=HOUR).owed == 0
    assert place.alerts.kinds == ["unsafe"]


def test_a_filter_that_fails_and_recovers_while_nobody_can_be_told_tells_both_in_order(place):
    place.alerts.away = True
    place.quotes.trouble = {"listing": Transient("down")}
    assert filtered(place).owed == 1
    assert read(place, SafetyHealth).failures == 1
    place.quotes.trouble = {}
    assert filtered(place, after=HOUR).owed == 2
    assert read(place, SafetyHealth).failures == 0
    place.alerts.away = False
    filtered(place, after=HOUR)
    assert place.alerts.kinds == ["scan_failing", "recovered"]
