"""What a month of these settings uses of AWS: hours, runs, units. Prices are `core/local/costs.py`'s."""

from __future__ import annotations

from math import ceil

import msgspec

from core.domain.policies import MarketPolicy
from core.domain.values import HOUR, Market, Millis
from core.feed.tenancy import RENEWALS
from core.local.schedules import Cron, Schedule
from core.local.template import Json
from core.settings import Settings
from core.venues.spec import venue

MONTH_H = 730.0
"""Hours of a month, as AWS counts."""

LOOKED_AT_H = 28 * 24
"""Four weeks ahead are looked at to see how long a market is open; a holiday among them counts."""

KRX_H = 12 + 10 / 60
"""Hours a weekday that a streamer on market hours runs: 08:00 to 20:10."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner would deploy beside the settings.

    signals, alerts  a day and market
    hours            of the streamer: always or krx
    """

    signals: int = 40
    alerts: int = 60
    hours: str = "always"
    egress: bool = False
    alarms: bool = True
    free_tier: bool = False


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A market that is traded in, and its hours of a month."""

    market: Market
    policy: MarketPolicy
    hours: float
    symbols: int
    calls: int


def opened(settings: Settings, at: Millis) -> list[Opened]:
    """Every market that is switched on; the others cost nothing."""
    return [_opened(market, settings.markets[market], at) for market in settings.enabled]


def _opened(market: Market, policy: MarketPolicy, at: Millis) -> Opened:
    found = venue(market, policy)
    days = found.rules.calendar(policy.day)
    step = HOUR // 4
    open_quarters = sum(days.is_open(Millis(at + quarter * step)) for quarter in range(LOOKED_AT_H * 4))
    symbols = found.rest.size(policy.universe) or UNIVERSES.get(market, 200)
    calls = -(-symbols // min(policy.scan.batch_size, found.rest.batch))
    share = open_quarters / (LOOKED_AT_H * 4)
    return Opened(market=market, policy=policy, hours=share * MONTH_H, symbols=symbols, calls=calls)


UNIVERSES = {Market.UPBIT: 240, Market.BINANCE: 420}
"""Markets of the quote currency that a venue lists, where only the venue knows."""


def runs_of(schedule: Schedule) -> float:
    """Calls of a month."""
    match schedule.when:
        case Cron(minutes=minutes, hours=hours, weekdays=weekdays):
            return len(minutes) * len(hours) * len(weekdays) / 7 * MONTH_H / 24
        case rate:
            return float(MONTH_H * HOUR / rate.period)


def streaming_hours(wish: Wish) -> float:
    return KRX_H * 5 / 7 * MONTH_H / 24 if wish.hours == "krx" else MONTH_H


def seconds_of(file: str, runs: float, found: list[Opened], wish: Wish, habits: Json) -> tuple[float, float]:
    """(calls, seconds) of one function in a month."""
    days = MONTH_H / 24
    match file:
        case "worker":
            calls = sum(2 * wish.signals * one.hours / MONTH_H * days for one in found)
            return calls, calls * habits["worker_ms"] / 1000
        case "notify":
            calls = sum(wish.alerts * days for _ in found)
            return calls, calls * habits["notify_ms"] / 1000
        case _:
            idle = runs * habits["idle_ms"] / 1000
            return runs, idle + sum(_busy(file, runs, one, habits) for one in found)


def _busy(file: str, runs: float, one: Opened, habits: Json) -> float:
    """Seconds that a market's own work adds while it is open."""
    count = runs * one.hours / MONTH_H
    seconds: float = habits["busy_ms"].get(file, 0) / 1000
    if file == "batch_scan":
        passes = 2 if one.policy.scan.second_pass_s else 1
        seconds = passes * (seconds + one.calls * (one.policy.scan.pause_s + habits["call_ms"] / 1000))
    return count * seconds


def units(found: list[Opened], wish: Wish, habits: Json) -> tuple[float, float]:
    """(written, read) units of DynamoDB in a month: 1 KB written, 4 KB read."""
    written = read = 0.0
    for one in found:
        mine = (_streamed(one, wish, habits), _scanned(one, habits), _swept(one, habits), _traded(one, wish, habits))
        written, read = written + sum(row[0] for row in mine), read + sum(row[1] for row in mine)
    return written, read


def _streamed(one: Opened, wish: Wish, habits: Json) -> tuple[float, float]:
    """Levels, the engine's state while nothing changes, and the lease of each shard."""
    policy, seconds = one.policy, streaming_hours(wish) * 3600
    shards, rounds = policy.stream.shards, seconds / policy.stream.save_s
    state = ceil(policy.watch.max_ws_subs * habits["saved_kb_symbol"]) / habits["rounds_state"]
    renewals = seconds * RENEWALS / policy.stream.lease_s
    written = rounds * (shards * habits["writes_save"] + state) + shards * renewals
    return written, seconds / policy.watch.refresh_s * shards * habits["reads_refresh"] + shards * seconds


def _scanned(one: Opened, habits: Json) -> tuple[float, float]:
    """Health, targets and budget calls, then snapshots and fates, which grow with the universe."""
    scans = one.hours * 3600 / one.policy.scan.interval_s
    size = ceil(one.symbols * habits["scan_kb_symbol"])
    return scans * (habits["writes_scan"] + one.calls + size), scans * (habits["reads_scan"] + ceil(size / 4))


def _swept(one: Opened, habits: Json) -> tuple[float, float]:
    runs = MONTH_H * 60
    return runs * (habits["writes_sweep"] + one.policy.workers.count), runs * habits["reads_sweep"]


def _traded(one: Opened, wish: Wish, habits: Json) -> tuple[float, float]:
    return wish.signals * one.hours / 24 * habits["writes_trade"], 0.0
