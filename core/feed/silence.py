"""The clocks of one connection: when anything came, when market data came, when we spoke, and what that means."""

from __future__ import annotations

from collections.abc import Callable, Collection

from core.domain.policies import StreamPolicy
from core.domain.values import Millis
from core.feed.freshness import NEVER, deadline, verdict
from core.venues.spec import Channel, StreamSpec, Topic

FLOWING = frozenset({Topic.TRADE, Topic.BOOK, Topic.TICKER, Topic.CANDLE})
"""Topics that bring market data in an open market whatever happens; the others speak when there is news."""


class Silence:
    """heard    the newest frame of any kind; `fresh` the newest market data; `spoke` the last thing we said

    expected  market data is expected: something that flows is subscribed
    awake     (moment) -> is the market open; while it is not, no data is no sign of anything
    """

    __slots__ = ("_awake", "_mute_ms", "_ping_ms", "_stale_ms", "expected", "fresh", "heard", "spoke")

    def __init__(self, spec: StreamSpec, policy: StreamPolicy, awake: Callable[[Millis], bool]) -> None:
        self._mute_ms = _ms(policy.mute_s, spec.mute_s)
        self._stale_ms = _ms(policy.stale_s, spec.stale_s)
        self._ping_ms = _ms(policy.ping_s, spec.ping_s)
        self._awake = awake
        self.heard = self.fresh = self.spoke = Millis(0)
        self.expected = False

    def begin(self, at: Millis) -> None:
        """A new connection: nothing is subscribed on it."""
        self.heard = self.fresh = self.spoke = at
        self.expected = False

    def expect(self, channels: Collection[Channel], at: Millis) -> None:
        """What is subscribed now; where nothing flowed before, the wait for data begins."""
        flows = any(channel.topic in FLOWING for channel in channels)
        if flows and not self.expected:
            self.fresh = at
        self.expected = flows

    def verdict(self, at: Millis) -> str:
        """Why the connection counts as lost, "" where it does not."""
        if self.expected and at >= deadline(self.fresh, self._stale_ms) and not self._awake(at):
            self.fresh = at
        return verdict(at, self.heard, self.fresh if self.expected else None, self._mute_ms, self._stale_ms)

    @property
    def due(self) -> Millis:
        """When there may be another verdict."""
        data = deadline(self.fresh, self._stale_ms) if self.expected else NEVER
        return min(deadline(self.heard, self._mute_ms), data)

    @property
    def beat(self) -> Millis:
        """When a heartbeat is due."""
        return deadline(self.spoke, self._ping_ms)

    def set_back(self, at: Millis) -> bool:
        """Whether our clock was set back; then everything is measured anew."""
        if at >= self.heard:
            return False
        self.heard = self.fresh = self.spoke = at
        return True


def _ms(owner: float | None, venue: float) -> Millis:
    """Seconds as ms: the owner's figure where there is one, else the venue's."""
    return Millis(round((venue if owner is None else owner) * 1000))
