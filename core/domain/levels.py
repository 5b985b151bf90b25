"""State that is kept as a level: written whole, read by anyone, always safe to read again.

Each of these lives on the shelf (`core/app/ports.py: Shelf`) under its class name and the market.
"""

from decimal import Decimal

import msgspec

from core.domain.messages import Alert
from core.domain.reports import Fate, Record
from core.domain.signals import Signal
from core.domain.values import Market, Millis


class Exclusion(msgspec.Struct, frozen=True):
    symbol: str
    reasons: tuple[str, ...]


class SafeSet(msgspec.Struct, frozen=True, kw_only=True):
    """A1-A3. `at` is when the listing was read: its age is what buying is checked against."""

    market: Market
    at: Millis
    safe: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    names: dict[str, str] = {}


class SafetyHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A3. How often in a row the safety filter could not be refreshed, and why the last time.

    owed  alerts that could not be sent yet, oldest first: the next run sends them
    """

    market: Market
    at: Millis
    failures: int = 0
    reason: str = ""
    owed: tuple[Alert, ...] = ()


class OpenDays(msgspec.Struct, frozen=True, kw_only=True):
    """B6: whether single days trade, by name, as the venue told on `day`: it beats every table."""

    market: Market
    at: Millis
    day: str
    days: dict[str, bool]


class Reference(msgspec.Struct, frozen=True):
    """Yesterday and the days before it; `ma_sum` adds the closes of the last `ma_days` finished days."""

    high: float
    low: float
    close: float
    ma_sum: float
    ma_days: int


class References(msgspec.Struct, frozen=True, kw_only=True):
    """Daily references by symbol, for the market's day that began at `day`."""

    market: Market
    day: Millis
    at: Millis
    rows: dict[str, Reference]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """B4: one symbol in one scan. Prices in quote currency, `change` and `spread` as fractions; None = not known.

    disparity  price over its daily moving average, minus 1
    """

    symbol: str
    price: float
    change: float
    volume: float
    value: float
    value_24h: float
    high: float
    low: float
    prev_high: float | None
    prev_low: float | None
    bid: float
    ask: float
    spread: float | None
    disparity: float | None
    at: Millis
    seen: Millis


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The last good scan. `removed` counts what each pre-filter took away (B5)."""

    market: Market
    at: Millis
    calls: int
    snapshots: tuple[Snapshot, ...]
    removed: dict[str, int] = {}


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """E7. What all open positions of a market would earn at the last prices, before the fees of selling."""

    market: Market
    at: Millis
    unrealised: Decimal


class Hands(msgspec.Struct, frozen=True, kw_only=True):
    """E8. What people hold beside this system at the venue, as the last sweep saw it.

    own       units of the owner's own by symbol: no position of ours, and nothing is done about them
    suspects  symbols whose units differ, (booked, found): what is the same in the next run is acted upon
    """

    market: Market
    at: Millis
    own: dict[str, Decimal]
    suspects: dict[str, tuple[Decimal, Decimal]] = {}


class ScanHealth(msgspec.Struct, frozen=True, kw_only=True):
    """B3. In safe mode no buy is allowed; `due` is when the next scan may run.

    removed  what each pre-filter took away in all good scans since the market's day began at `day` (B5)
    owed     alerts that could not be sent yet, oldest first: the next run sends them
    """

    market: Market
    at: Millis
    due: Millis
    interval_ms: Millis
    failures: int = 0
    safe_mode: bool = False
    reason: str = ""
    day: Millis = Millis(0)
    removed: dict[str, int] = {}
    owed: tuple[Alert, ...] = ()


class Candidate(msgspec.Struct, frozen=True):
    symbol: str
    score: float


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """D2, D3: what the scan would watch, best first. `version` grows when the set of symbols changes."""

    market: Market
    at: Millis
    version: int
    candidates: tuple[Candidate, ...]


class Member(msgspec.Struct, frozen=True):
    """A symbol of the Top N since `since`; `missing` is when it first fell out of the raw ranking, None while in it."""

    symbol: str
    since: Millis
    value_24h: float
    missing: Millis | None = None


class TopN(msgspec.Struct, frozen=True, kw_only=True):
    """C1-C3. `entering` remembers since when a newcomer has been in the raw ranking."""

    market: Market
    at: Millis
    version: int
    members: tuple[Member, ...]
    entering: dict[str, Millis] = {}


class Buyable(msgspec.Struct, frozen=True, kw_only=True):
    """D9: symbols with a live buy signal, as the streamer last said."""

    market: Market
    at: Millis
    signals: tuple[Signal, ...]


class StreamHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the streamer says of itself every refresh. `last_data` is our clock at the newest market data.

    cut     symbols that are wanted and have no registration, where the venue counts those: only the scan sees them
    halted  symbols that the venue has halted or interrupted
    wanted  symbols that should be subscribed; `subscribed` are those that are, on connections that are up
    heard   our clock at the newest market data of each symbol that is held or has an open order
    """

    market: Market
    at: Millis
    host: str
    started: Millis
    last_data: Millis
    subscribed: tuple[str, ...]
    connected: bool
    reconnects: int
    messages: int
    surprises: int
    late: int
    duplicates: int
    gaps: int
    signals: int
    latency_p50_ms: float
    latency_p99_ms: float
    added: int = 0
    removed: int = 0
    cut: tuple[str, ...] = ()
    halted: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    heard: dict[str, Millis] = {}


class LinkHealth(msgspec.Struct, frozen=True):
    """One connection (D12). `frames` since it is kept, `rate` frames a second lately, `opens` how often it was opened,
    `last` our clock at its newest frame."""

    number: int
    up: bool
    symbols: int
    frames: int
    rate: float
    opens: int
    last: Millis


class StreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """D12: how the stream is doing, measured live; latencies in ms, since the last minute began.

    from_venue   (p50, p99, most) from the exchange's clock to ours; `to_signal` the same to the signal's way out, and
                 `own` the part of it that is ours: from receipt
    lag_ms       the worst lateness of the event loop; `pressure` the step that it led to; `conflated` books and tickers
                 that were not looked at one by one; `shed` symbols not subscribed because of it
    found        gaps by what they were found by; `missing` trades whose ids never came
    turned_away  buy signals refused because their data was stale or gapped
    handed       connections that were succeeded before their end
    links        every connection
    rates        of each symbol, the share of seconds in which it speaks
    """

    market: Market
    at: Millis
    host: str
    from_venue: tuple[float, float, float]
    to_signal: tuple[float, float, float]
    own: tuple[float, float, float]
    lag_ms: int
    pressure: str
    conflated: int
    shed: int
    found: dict[str, int]
    missing: int
    turned_away: int
    handed: int
    links: tuple[LinkHealth, ...]
    rates: dict[str, float]


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """D13: what a streamer needs to go on where it was killed; `engine` is the engine's own encoding, under zlib.

    top  the Top N as it was last seen, so that one who left it meanwhile is noticed (C4)
    """

    market: Market
    at: Millis
    wanted: tuple[str, ...]
    cooldowns: dict[str, Millis]
    engine: bytes
    top: tuple[str, ...] = ()


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """G2, G3: one market's finished day, money in quote currency.

    records  by "rule", "exit", "symbol" and "hour", each by name; `fates` by filter, "" for what no filter removed
    """

    market: Market
    day: str
    at: Millis
    trades: int
    wins: int
    pnl: Decimal
    fees: Decimal
    taxes: Decimal
    average: Decimal
    worst: Decimal
    drawdown: Decimal
    curve: tuple[tuple[Millis, Decimal], ...]
    by_rule: dict[str, Decimal] = {}
    by_exit: dict[str, Decimal] = {}
    by_symbol: dict[str, Decimal] = {}
    by_hour: dict[str, Decimal] = {}
    slippage: Decimal = Decimal(0)
    liquidation_cost: Decimal = Decimal(0)
    removed: dict[str, int] = {}
    currency: str = ""
    liquidation_slippage: Decimal = Decimal(0)
    records: dict[str, dict[str, Record]] = {}
    fates: dict[str, Fate] = {}
