"""How often a simulated venue may be asked, counted as the real one counts: by calendar second of the server."""

from __future__ import annotations

import msgspec

BANNED = 418
CROWDED = 429

MINUTES = {"websocket": 300, "origin": 6}
"""The fixed `min` figure that Upbit keeps for old clients; 600 for every quotation group."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator enforces. Forms that Upbit's pages leave open are settings.

    per_s             calls a second for each REST group
    origin_every_s    with an Origin header: one call per this many seconds
    forgiven          429 answers, each within `memory_s` of the one before, until the address is blocked (418)
    block_s           length of the first block; each later one is twice as long
    retry_after       whether a 429 names a pause in a Retry-After header
    over_messages     what too many stream messages lead to: "close" (1008) or "drop" (no close frame)
    idle_s            a stream without data in either direction for this long is dropped without a close frame
    error_close_ms    from an error frame to the close (1000)
    snapshot_ms       from a request to its snapshots
    """

    per_s: int = 10
    origin_every_s: int = 10
    forgiven: int = 10
    memory_s: float = 10.0
    block_s: float = 10.0
    retry_after: bool = False
    connects_per_s: int = 5
    messages_per_s: int = 5
    messages_per_min: int = 100
    over_messages: str = "close"
    idle_s: float = 60.0
    status_s: float = 10.0
    error_close_ms: int = 150
    snapshot_ms: int = 200


class Verdict(msgspec.Struct, frozen=True):
    """`status` is 0 where the call may go on, else 429 or 418; `left` calls remain; `wait_s` is the block's length."""

    status: int
    left: int
    wait_s: float = 0.0


class Window:
    """Counts within calendar windows of `span_ms`; pure, time is given."""

    __slots__ = ("_count", "_limit", "_number", "_span")

    def __init__(self, limit: int, span_ms: int) -> None:
        self._limit, self._span = limit, span_ms
        self._number, self._count = -1, 0

    def take(self, at: int) -> int:
        """Take one; returns how many are left after it, -1 where this one was over the limit."""
        number = at // self._span
        if number != self._number:
            self._number, self._count = number, 0
        self._count += 1
        return max(self._limit - self._count, -1)


class Gate:
    """One address's REST calls and connects."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._windows: dict[str, Window] = {}
        self._strikes = 0
        self._struck = 0
        self._blocks = 0
        self._blocked_until = 0

    def call(self, group: str, at: int) -> Verdict:
        """Count one REST call of `group`."""
        if at < self._blocked_until:
            return Verdict(BANNED, 0, (self._blocked_until - at) / 1000)
        left = self._window(group).take(at)
        return Verdict(0, left) if left >= 0 else self._strike(at)

    def connect(self, at: int) -> Verdict:
        """Count one WebSocket upgrade."""
        left = self._window("websocket").take(at)
        return Verdict(0, left) if left >= 0 else Verdict(CROWDED, 0, 1.0)

    def _window(self, group: str) -> Window:
        limit, span = self._limits.per_s, 1000
        if group == "origin":
            limit, span = 1, self._limits.origin_every_s * 1000
        elif group == "websocket":
            limit = self._limits.connects_per_s
        return self._windows.setdefault(group, Window(limit, span))

    def _strike(self, at: int) -> Verdict:
        """One more 429; too many in a row block the address, each time for longer."""
        self._strikes = self._strikes + 1 if at - self._struck < self._limits.memory_s * 1000 else 1
        self._struck = at
        if self._strikes <= self._limits.forgiven:
            return Verdict(CROWDED, 0, 1.0)
        length = self._limits.block_s * 2**self._blocks
        self._blocks, self._strikes = self._blocks + 1, 0
        self._blocked_until = at + round(length * 1000)
        return Verdict(BANNED, 0, length)


class Postbox:
    """One connection's messages: a second's limit and a minute's."""

    def __init__(self, limits: Limits) -> None:
        self._second = Window(limits.messages_per_s, 1000)
        self._minute = Window(limits.messages_per_min, 60_000)

    def fits(self, at: int) -> bool:
        """Count one message the client sent; False where it is over either limit."""
        return (self._second.take(at) >= 0) & (self._minute.take(at) >= 0)


def remaining(group: str, left: int) -> str:
    """The Remaining-Req header's text."""
    return f"group={group}; min={MINUTES.get(group, 600)}; sec={left}"


class Recent:
    """A sliding window: at most `limit` within any `span_ms`. What is over the limit is not counted."""

    __slots__ = ("_limit", "_span", "_taken")

    def __init__(self, limit: int, span_ms: int) -> None:
        self._limit, self._span = limit, span_ms
        self._taken: list[int] = []

    def take(self, at: int) -> tuple[int, int]:
        """Take one: (how many are left, 0), or (0, ms to wait) where this one was too much."""
        self._taken = [moment for moment in self._taken if at - moment < self._span]
        if len(self._taken) >= self._limit:
            return 0, self._taken[0] + self._span - at
        self._taken.append(at)
        return self._limit - len(self._taken), 0

    def resets_ms(self, at: int) -> int:
        """Until the oldest one taken is forgotten."""
        return self._taken[0] + self._span - at if self._taken else 0
