"""A circuit breaker (D17): a venue that keeps failing is left alone for a moment, asked once, and trusted again."""

from __future__ import annotations

from core.domain.values import Millis

FAILURES = 5
"""In a row; the tries of one request are as many."""
REST_MS = 2_000
"""How long an open circuit asks nothing: the venue is found to be back within 3 s."""


class Breaker:
    """One endpoint's circuit: closed -> open after `failures` in a row -> one probe after `rest_ms` -> closed or open.

    What counts as a failure is the caller's to say: no answer, or one that says the venue is ill. A refusal and "too
    many calls" are signs of life.
    """

    __slots__ = ("_failed", "_failures", "_open_until", "_rest_ms", "opened")

    def __init__(self, failures: int = FAILURES, rest_ms: int = REST_MS) -> None:
        self._failures, self._rest_ms = failures, rest_ms
        self._failed = 0
        self._open_until = Millis(0)
        self.opened = 0
        """How often the circuit has gone from closed to open."""

    @property
    def closed(self) -> bool:
        return self._failed < self._failures

    def wait_ms(self, at: Millis) -> int:
        """0 where a call may go, else ms until the next probe. The call that is let through while open is the probe:
        until it is answered, or `rest_ms` later, no other goes.
        """
        if self.closed:
            return 0
        if (wait := self._open_until - at) > 0:
            return wait
        self._open_until = Millis(at + self._rest_ms)
        return 0

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self, at: Millis) -> None:
        was_closed = self.closed
        self._failed += 1
        if not self.closed:
            self.opened += was_closed
            self._open_until = Millis(at + self._rest_ms)
