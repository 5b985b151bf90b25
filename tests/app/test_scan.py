"""One look at the whole safe universe (B1-B7), and what happens when the venue does not answer (B3)."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.app.references import top_up
from core.app.scan import Scanning, run
from core.domain.errors import Misconfigured, RateLimited, Refused, Transient, WireSurprise
from core.domain.levels import SafeSet, Scan, ScanHealth, Targets
from core.domain.policies import RulePolicy
from core.domain.reports import Sieved
from core.domain.sessions import always_open
from core.domain.values import DAY, Market, Millis
from tests.watching import AT, Alerts, Hands, Passes, Quotes, closed, lookout

MINUTE = 60_000
DISPARITY = RulePolicy(name="dip", kind="disparity", params={"base": "daily", "threshold": -0.08})


class Tower:
    """A market with its ports and a safe set of all its symbols, scanned as often as a test likes."""

    def __init__(self, *symbols, **sections):
        self.quotes, self.hands, self.alerts, self.passes = Quotes(*symbols), Hands(), Alerts(), Passes()
        self.place = lookout(self.quotes, self.hands, alerts=self.alerts, **sections)
        self.safe(*symbols)

    def safe(self, *symbols, at=None):
        names = {symbol: f"name of {symbol}" for symbol in symbols}
        self.place.shelf.write(
            SafeSet(market=Market.UPBIT, at=at or self.hands.at, safe=symbols, excluded=(), names=names)
        )

    def run(self, after=0, *, second=False):
        self.hands.later(after)
        return run(self.place, self.passes, second=second)

    def read(self, kind):
        return self.place.shelf.read(kind, Market.UPBIT)


def test_one_scan_covers_the_whole_safe_universe_with_its_books():
    """B1, B4."""
    tower = Tower("KRW-A", "KRW-B")

    done = tower.run()

    assert (done.outcome, done.snapshots, done.kept, done.calls) == (Scanning.SCANNED, 2, 2, 2)
    scan = tower.read(Scan)
    assert [row.symbol for row in scan.snapshots] == ["KRW-A", "KRW-B"]
    assert (scan.calls, scan.at) == (2, AT)
    row = scan.snapshots[0]
    assert (row.price, row.bid, row.ask, row.at) == (100.0, 99.9, pytest.approx(100.1), AT)
    assert row.spread == pytest.approx(0.002)
    assert (row.prev_high, row.disparity) == (None, None)


def test_references_give_the_previous_day_and_the_disparity():
    tower = Tower("KRW-A")
    top_up(tower.place, ["KRW-A"], AT)

    tower.run()

    row = tower.read(Scan).snapshots[0]
    assert (row.prev_high, row.prev_low) == (120.0, 80.0)
    assert row.disparity == pytest.approx(100.0 / ((19 * 110.0 + 100.0) / 20) - 1)


def test_the_references_of_the_day_before_are_not_taken_for_todays():
    tower = Tower("KRW-A")
    top_up(tower.place, ["KRW-A"], AT)

    tower.run(after=DAY)

    row = tower.read(Scan).snapshots[0]
    assert (row.prev_high, row.disparity) == (None, None)


@given(st.integers(1, 300), st.integers(1, 120))
def test_the_number_of_calls_is_the_symbols_over_the_batch_size_for_each_kind_of_question(count, size):
    """B1: never one call per symbol, and B2: a pause between any two calls."""
    tower = Tower(*(f"KRW-{number:03}" for number in range(count)), scan={"batch_size": size})

    done = tower.run()

    assert tower.quotes.count("tickers") == tower.quotes.count("books") == ceil(count / size)
    assert done.calls == 2 * ceil(count / size)
    assert tower.hands.pauses == [0.5] * (done.calls - 1)
    assert sorted(symbol for what, names in tower.quotes.asked for symbol in names if what == "tickers") == sorted(
        row.symbol for row in tower.read(Scan).snapshots
    )


def test_a_batch_above_what_the_venue_takes_is_capped_with_one_warning():
    tower = Tower(*(f"KRW-{number}" for number in range(5)))
    small = replace(tower.place.venue, rest=replace(tower.place.venue.rest, batch=2))
    tower.place = replace(tower.place, venue=small)

    done = tower.run()

    assert tower.quotes.count("tickers") == 3
    assert done.warning == "scan.batch_size 50 is more than upbit takes: 2 is used"
    assert Tower("KRW-A").run().warning == ""


def test_a_symbol_the_venue_no_longer_knows_is_left_out():
    tower = Tower("KRW-A", "KRW-GONE")
    tower.quotes.listings = tower.quotes.listings[:1]

    assert tower.run().snapshots == 1
    assert tower.quotes.asked[-1] == ("books", ("KRW-A",))


def test_a_universe_the_venue_knows_nothing_of_asks_for_no_books():
    tower = Tower("KRW-GONE")
    tower.quotes.listings = []

    done = tower.run()

    assert (done.snapshots, done.calls, tower.hands.pauses) == (0, 1, [])


# ---- what comes of it -------------------------------------------------------------------------------------------


def test_what_a_filter_removes_is_counted_for_the_scan_and_for_the_day():
    """B5."""
    tower = Tower("KRW-A", "KRW-B")
    tower.quotes.values = {"KRW-B": 1.0}

    done = tower.run()
    tower.run(after=MINUTE)

    assert (done.kept, done.removed) == (1, {"min_value": 1})
    assert tower.read(Scan).removed == {"min_value": 1}
    assert tower.read(ScanHealth).removed == {"min_value": 2}
    assert [candidate.symbol for candidate in tower.read(Targets).candidates] == ["KRW-A"]


def test_the_days_counts_begin_anew_with_the_day_and_a_failure_keeps_them():
    tower = Tower("KRW-A")
    tower.quotes.values = {"KRW-A": 1.0}
    tower.run()
    tower.quotes.trouble = {"tickers": Transient("down")}
    tower.run(after=MINUTE)
    assert tower.read(ScanHealth).removed == {"min_value": 1}

    tower.quotes.trouble = {}
    tower.run(after=DAY)

    assert tower.read(ScanHealth).removed == {"min_value": 1}
    assert tower.read(ScanHealth).day == AT + DAY - AT % DAY


def test_a_finished_days_counts_are_kept_under_its_name_for_the_summary():
    tower = Tower("KRW-A")
    tower.quotes.values = {"KRW-A": 1.0}
    tower.run()
    tower.run(after=MINUTE)

    tower.run(after=DAY)

    day = always_open(tower.place.policy.day).day_of(AT)
    assert tower.place.shelf.read_tagged(ScanHealth, Market.UPBIT, day).removed == {"min_value": 2}


def test_what_became_of_each_symbol_is_noted_with_every_scan_and_kept_when_the_day_is_over():
    """G3."""
    tower = Tower("KRW-A", "KRW-B")
    tower.quotes.values = {"KRW-B": 1.0}
    tower.run()
    assert {one.symbol: one.filter for one in tower.read(Sieved).rows} == {"KRW-A": "", "KRW-B": "min_value"}

    tower.run(after=DAY)

    day = always_open(tower.place.policy.day).day_of(AT)
    assert tower.place.shelf.read_tagged(Sieved, Market.UPBIT, day).day < tower.read(Sieved).day


def test_targets_are_written_by_every_scan_and_change_only_with_their_symbols():
    tower = Tower("KRW-A", "KRW-B")

    first, second = tower.run(), tower.run(after=MINUTE)
    tower.quotes.values = {"KRW-B": 1.0}
    third = tower.run(after=MINUTE)

    assert [done.targets_changed for done in (first, second, third)] == [True, False, True]
    assert tower.read(Targets).at == AT + 2 * MINUTE


def near_the_threshold(tower, symbol="KRW-A"):
    """Puts the symbol at a disparity of about -0.075, half a percent above the threshold of -0.08."""
    top_up(tower.place, [symbol], AT)
    tower.quotes.prices = {symbol: 101.4}


def test_a_symbol_near_a_threshold_is_told_by_the_scan_itself():
    """B7."""
    tower = Tower("KRW-A", "KRW-B", rules=(DISPARITY,))
    near_the_threshold(tower)

    done = tower.run()

    assert done.approaching == 1
    (alert,) = tower.alerts.sent
    assert (alert.kind.value, alert.rule, alert.instrument.symbol) == ("approaching", "dip", "KRW-A")
    assert (alert.condition, alert.threshold) == ("disparity <= -0.08", -0.08)
    assert -0.08 < alert.value < -0.07
    assert (alert.name, alert.at, alert.lasting) == ("name of KRW-A", AT, True)
    assert "KRW-A" in alert.link


def test_without_approach_alerts_nothing_is_told():
    tower = Tower("KRW-A", rules=(DISPARITY,), scan={"approach_alerts": False})
    near_the_threshold(tower)

    assert tower.run().approaching == 1
    assert tower.alerts.sent == []


def test_what_a_filter_removed_is_not_approaching_anything():
    tower = Tower("KRW-A", rules=(DISPARITY,))
    near_the_threshold(tower)
    tower.quotes.values = {"KRW-A": 1.0}

    assert tower.run().approaching == 0


# ---- when it runs -----------------------------------------------------------------------------------------------


def test_a_scan_is_not_repeated_before_it_is_due_but_a_schedule_may_come_a_little_early():
    tower = Tower("KRW-A")
    tower.run()

    assert tower.run(after=20_000).outcome is Scanning.NOT_DUE
    assert tower.run(after=39_000).outcome is Scanning.SCANNED


def test_a_closed_market_is_not_scanned():
    """B6."""
    tower = Tower("KRW-A")
    tower.place = closed(tower.place)

    assert tower.run().outcome is Scanning.CLOSED
    assert tower.quotes.calls == 0


def test_mode_b_asks_for_one_more_pass_and_the_second_asks_for_none():
    """B: 30 s in the aggressive mode."""
    tower = Tower("KRW-A", scan={"interval_s": 30.0, "second_pass_s": 30.0})

    tower.run()
    second = tower.run(after=30_000, second=True)
    tower.run(after=30_000)

    assert second.outcome is Scanning.SCANNED
    assert [at for _, _, at in tower.passes.asked] == [AT, AT + MINUTE]
    assert tower.passes.asked[0] == (Market.UPBIT, 30.0, AT)


def test_mode_a_asks_for_no_second_pass():
    tower = Tower("KRW-A")
    tower.run()

    assert tower.passes.asked == []


# ---- when it fails ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", [Transient("down"), RateLimited("slow down"), Refused("no"), WireSurprise("not json")]
)
@pytest.mark.parametrize("what", ["tickers", "books"])
def test_a_scan_that_fails_enters_safe_mode_with_one_alert_and_keeps_the_last_good_one(trouble, what):
    """B3."""
    tower = Tower("KRW-A")
    tower.run()
    tower.quotes.trouble = {what: trouble}

    failed = tower.run(after=MINUTE)
    tower.run(after=2 * MINUTE)
    tower.run(after=4 * MINUTE)

    assert (failed.outcome, failed.safe_mode) == (Scanning.FAILED, True)
    assert trouble.found in failed.failure
    assert failed.calls == (1 if what == "tickers" else 2)
    health = tower.read(ScanHealth)
    assert (health.failures, health.safe_mode) == (3, True)
    assert trouble.found in health.reason
    assert tower.alerts.kinds == ["scan_failing"]
    assert tower.alerts.sent[0].memo == "no buys; next scan in 120 s"
    assert tower.read(Scan).at == AT


def test_the_first_good_scan_restores_the_interval_and_says_so():
    tower = Tower("KRW-A")
    tower.quotes.trouble = {"tickers": Transient("down")}
    tower.run()
    tower.quotes.trouble = {}

    done = tower.run(after=2 * MINUTE)

    assert (done.outcome, done.safe_mode) == (Scanning.SCANNED, False)
    health = tower.read(ScanHealth)
    assert (health.failures, health.interval_ms, health.reason) == (0, MINUTE, "")
    assert tower.alerts.kinds == ["scan_failing", "recovered"]
    assert "down" in tower.alerts.sent[1].memo


@given(st.integers(1, 12), st.integers(60, 2_000))
def test_each_failure_doubles_the_interval_up_to_its_maximum(failures, most):
    tower = Tower("KRW-A", scan={"max_interval_s": float(most)})
    tower.quotes.trouble = {"tickers": Transient("down")}
    for number in range(1, failures + 1):
        assert tower.run().outcome is Scanning.FAILED
        health = tower.read(ScanHealth)
        assert health.interval_ms == min(MINUTE * 2**number, most * 1000)
        assert tower.run().outcome is Scanning.NOT_DUE
        tower.hands.at = health.due

    assert tower.alerts.kinds == ["scan_failing"]


def test_a_schedule_each_minute_scans_each_second_minute_after_the_first_failure():
    tower = Tower("KRW-A")
    tower.quotes.trouble = {"tickers": Transient("down")}

    outcomes = [tower.run(after=MINUTE).outcome for _ in range(7)]

    failed = [number for number, outcome in enumerate(outcomes) if outcome is Scanning.FAILED]
    assert failed == [0, 2, 6]


def test_a_safe_set_that_is_too_old_to_buy_from_means_safe_mode_while_the_scan_goes_on():
    """A3: one alert says so, another that it is over."""
    tower = Tower("KRW-A")
    tower.run()

    old = tower.run(after=3 * 60 * MINUTE)
    tower.run(after=MINUTE)
    tower.safe("KRW-A")
    fresh = tower.run(after=MINUTE)

    assert (old.outcome, old.safe_mode, fresh.safe_mode) == (Scanning.SCANNED, True, False)
    assert tower.alerts.kinds == ["safe_mode", "recovered"]
    assert tower.alerts.sent[0].condition == "the safe set is 10800 s old"
    assert tower.read(ScanHealth).interval_ms == MINUTE


def test_before_the_safety_filter_has_run_there_is_nothing_to_scan_and_nothing_may_be_bought():
    tower = Tower("KRW-A")
    tower.place = lookout(tower.quotes, tower.hands, alerts=tower.alerts)

    first, second = tower.run(), tower.run(after=MINUTE)

    assert (first.outcome, first.safe_mode, second.outcome) == (Scanning.NO_UNIVERSE, True, Scanning.NO_UNIVERSE)
    assert tower.alerts.kinds == ["safe_mode"]
    assert tower.quotes.calls == 0


def test_a_failure_while_the_safe_set_is_old_is_told_on_its_own():
    tower = Tower("KRW-A")
    tower.run()
    tower.run(after=3 * 60 * MINUTE)
    tower.quotes.trouble = {"tickers": Transient("down")}
    tower.run(after=MINUTE)
    tower.quotes.trouble = {}
    tower.run(after=3 * MINUTE)

    assert tower.alerts.kinds == ["safe_mode", "scan_failing"]
    assert tower.read(ScanHealth).safe_mode
    tower.safe("KRW-A")
    tower.run(after=MINUTE)
    assert tower.alerts.kinds == ["safe_mode", "scan_failing", "recovered"]
    assert tower.hands() > Millis(AT)


# ---- venues that tell bid and ask in the ticker, and environments that are too slow ------------------------------


class Carrying(Quotes):
    """Tickers carry the best offers, but for the symbols in `bare`."""

    bare = frozenset()

    def tickers(self, symbols, quote):
        rows = super().tickers(symbols, quote)
        return [row if row.instrument.symbol in self.bare else replace(row, bid=99.9, ask=100.1) for row in rows]


def with_rest(tower, **changes):
    tower.place = replace(
        tower.place, venue=replace(tower.place.venue, rest=replace(tower.place.venue.rest, **changes))
    )
    return tower


def carrying(count, bare=(), **rest):
    tower = Tower(*(f"{number:06}" for number in range(count)))
    quotes = Carrying()
    quotes.listings, quotes.bare = tower.quotes.listings, frozenset(bare)
    tower.quotes = quotes
    tower.place = replace(tower.place, quotes=quotes)
    return with_rest(tower, **rest)


def test_a_scan_of_250_symbols_in_thirties_is_nine_calls_where_tickers_carry_bid_and_ask():
    """B1."""
    tower = carrying(250, batch=30)

    done = tower.run()

    assert (done.calls, tower.quotes.count("books")) == (9, 0)
    assert {row.bid for row in tower.read(Scan).snapshots} == {99.9}
    assert tower.hands.pauses == [0.5] * 8


def test_only_those_whose_ticker_lacks_them_are_asked_for_their_books():
    tower = carrying(5, bare=["000001", "000003"])

    tower.run()

    assert tower.quotes.asked[-1] == ("books", ("000001", "000003"))


def test_a_venue_that_tells_one_book_a_call_is_asked_for_none_in_a_scan():
    tower = carrying(3, bare=["000000", "000001", "000002"], books_batch=1)

    done = tower.run()

    assert (done.calls, tower.quotes.count("books")) == (1, 0)
    assert {row.spread for row in tower.read(Scan).snapshots} == {None}


def test_books_come_in_batches_of_their_own_size():
    tower = carrying(5, bare=[f"{number:06}" for number in range(5)], books_batch=2)

    tower.run()

    assert (tower.quotes.count("tickers"), tower.quotes.count("books")) == (1, 3)


def test_an_environment_that_cannot_scan_the_universe_in_time_says_so_and_makes_no_call():
    """250 symbols one by one at one call a second."""
    tower = carrying(250, batch=1, limits={"rest": 1.0})

    with pytest.raises(Misconfigured, match=r"symbols=250, calls=250, needs_s=312, interval_s=60.0, environment=real"):
        tower.run()
    assert tower.quotes.calls == 0
    assert carrying(40, batch=1, limits={"rest": 1.0}).run().calls == 40
