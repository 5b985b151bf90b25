"""How often simulated Binance may be asked: weights by the minute, bans for those who go on, connects and messages."""

from __future__ import annotations

import msgspec

from core.simulators.limits import BANNED, CROWDED, Recent, Window

MINUTE_MS = 60_000
LONGEST_BAN_S = 3 * 86_400


class BinanceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is enforced (reference/binance.md 2.1, 3.1). Forms that the pages leave open are settings.

    weight         a minute for one address; raw_requests in five minutes
    forgiven       calls answered 429 in one minute before the address is banned (418)
    ban_s          length of the first ban; each later one is twice as long
    connects       in `connects_s` seconds
    over_messages  what too many messages on a connection lead to: "close" (1008) or "drop" (no close frame)
    ping_every_s   the server's protocol pings; without a pong of the same payload for `pong_within_s` the line is cut
    life_s         every connection is ended after this
    kline_s        how often an open candle is told; `slow_s` for tickers and plain depth
    """

    weight: int = 6000
    raw_requests: int = 300_000
    forgiven: int = 10
    ban_s: float = 120.0
    connects: int = 300
    connects_s: float = 300.0
    messages_per_s: int = 5
    over_messages: str = "close"
    streams: int = 1024
    ping_every_s: float = 20.0
    pong_within_s: float = 60.0
    life_s: float = 86_400.0
    kline_s: float = 2.0
    slow_s: float = 1.0


class Verdict(msgspec.Struct, frozen=True):
    """`status` is 0 where the call may go on, else 429 or 418; `until` is the end of that pause in epoch ms."""

    status: int
    used: int
    until: int = 0


class WeightGate:
    """One address's weights and connects. Pure: time is given."""

    def __init__(self, limits: BinanceLimits) -> None:
        self._limits = limits
        self._minute, self._used, self._refused = -1, 0, 0
        self._raw = Window(limits.raw_requests, 5 * MINUTE_MS)
        self._connects = Recent(limits.connects, round(limits.connects_s * 1000))
        self._bans = 0
        self._banned_until = 0

    @property
    def used(self) -> int:
        """Weight of the minute that was asked about last."""
        return self._used

    def call(self, weight: int, at: int) -> Verdict:
        """Count one call. What comes over the limit, or in a ban, is refused and counted too."""
        if at // MINUTE_MS != self._minute:
            self._minute, self._used, self._refused = at // MINUTE_MS, 0, 0
        if at < self._banned_until:
            return Verdict(BANNED, self._used, self._banned_until)
        self._used += weight
        if self._used <= self._limits.weight and self._raw.take(at) >= 0:
            return Verdict(0, self._used)
        self._refused += 1
        return self._ban(at) if self._refused > self._limits.forgiven else self._crowded()

    def connect(self, at: int) -> bool:
        """Count one attempt to connect; False where it is one too many."""
        return self._connects.take(at)[1] == 0

    def _crowded(self) -> Verdict:
        return Verdict(CROWDED, self._used, (self._minute + 1) * MINUTE_MS)

    def _ban(self, at: int) -> Verdict:
        length_s = min(self._limits.ban_s * 2**self._bans, LONGEST_BAN_S)
        self._bans += 1
        self._banned_until = at + round(length_s * 1000)
        return Verdict(BANNED, self._used, self._banned_until)
