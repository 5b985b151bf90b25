"""G3: what each pre-filter removed, and how that went on."""

import msgspec
import pytest

from core.domain.fates import fates, sieved
from core.domain.levels import Snapshot
from core.domain.policies import ScanPolicy
from core.domain.reports import Fate, Sieved
from core.domain.values import DAY, Market, Millis

POLICY = ScanPolicy(min_value=100.0, max_spread=0.01)


def row(symbol, price, value=1000.0, spread=0.001):
    return Snapshot(
        symbol=symbol, price=price, change=0.0, volume=1.0, value=value, value_24h=value, high=price, low=price,
        prev_high=None, prev_low=None, bid=price, ask=price, spread=spread, disparity=None, at=Millis(1), seen=Millis(1),
    )  # fmt: skip


def scan(before, *rows, day=0):
    return sieved(before, rows, POLICY, Market.UPBIT, Millis(day), Millis(day + 1))


def test_each_filter_is_held_against_what_became_of_those_it_removed():
    first = scan(
        None, row("A", 100.0), row("B", 100.0, value=1.0), row("C", 10.0, value=1.0), row("D", 10.0, spread=0.5)
    )
    last = scan(first, row("A", 90.0), row("B", 110.0), row("C", 9.0), row("D", 10.0))

    found = fates(last)

    assert found == {
        "": Fate(1, 0, pytest.approx(-0.1)),
        "min_value": Fate(2, 1, pytest.approx(0.0)),
        "max_spread": Fate(1, 0, 0.0),
    }


def test_what_was_decided_first_stands_all_day():
    first = scan(None, row("A", 100.0, value=1.0))
    later = scan(first, row("A", 120.0, value=10_000.0))
    assert fates(later) == {"min_value": Fate(1, 1, pytest.approx(0.2))}


def test_a_symbol_that_is_missing_from_a_scan_keeps_its_last_price():
    first = scan(None, row("A", 100.0), row("B", 50.0))
    assert {one.symbol: one.last for one in scan(first, row("A", 101.0)).rows} == {"A": 101.0, "B": 50.0}


def test_a_new_day_begins_with_nothing():
    yesterday = scan(None, row("A", 100.0))
    today = scan(yesterday, row("A", 50.0), day=DAY)
    assert [(one.first, one.last) for one in today.rows] == [(50.0, 50.0)]


def test_a_halted_stock_without_a_price_has_no_fate():
    assert fates(scan(None, row("A", 0.0))) == {}


def test_a_day_of_700_symbols_is_small_enough_to_be_written_every_minute():
    day = scan(None, *(row(f"KRW-{n:04}", 1234.5 + n) for n in range(700)))
    body = msgspec.json.encode(day)
    assert len(body) < 40_000
    assert msgspec.json.decode(body, type=Sieved) == day
