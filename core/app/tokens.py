"""One credential for everybody (E12): one refresher among all functions and streamers, the others read.

The time of an attempt is written before the attempt, together with the claim to make it: so whatever dies, nobody asks
the venue again sooner than it allows. Whoever does not get the claim waits for the one who has it, or goes on with the
old credential while that still holds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec

from core.app.ports import Clock
from core.domain.errors import CircuitOpen, CoreError, RateLimited, Transient, Unreached
from core.domain.values import MINUTE, SECOND, Millis
from core.venues.spec import Issued

EARLY = Millis(10 * MINUTE)
"""Left to live: from here on a credential is renewed in good time."""
LATE = Millis(MINUTE)
"""Left to live: from here on it is not used any more, because it must outlive what it is used for."""
CALL = Millis(20 * SECOND)
"""Longer than one call to the venue can take: when the claim of one who died is over, beyond the venue's own gap."""
PATIENCE = Millis(15 * SECOND)
"""How long one waits for another's attempt before the own work is put off."""
POLL_S = 0.25
STUBBORN = Millis(10 * MINUTE)
"""Pause after the venue has given out again the very credential that it refuses."""
SKEW = Millis(MINUTE)
"""A next attempt further ahead than any claim could put it was written by a clock that is wrong, and is not awaited."""


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one credential. Its text is never shown.

    text, ends  the credential, "" for none yet
    due         when the next attempt may be made
    owner       who is at it now, "" for nobody
    version     grows with every attempt that ended
    """

    text: str = ""
    ends: Millis = Millis(0)
    due: Millis = Millis(0)
    owner: str = ""
    version: int = 0

    def __repr__(self) -> str:
        return f"Deposit(ends={self.ends}, due={self.due}, owner={self.owner!r}, version={self.version})"


class Vault(Protocol):
    """Where credentials are kept, one row for each `name`. Raises Transient where it does not answer."""

    def read(self, name: str) -> Deposit:
        """The newest; an empty one where there is none."""

    def claim(self, name: str, owner: str, found: Deposit, at: Millis, until: Millis) -> bool:
        """Become the refresher until `until`, where `found` is still the truth and no attempt stands in the way."""

    def finish(self, name: str, owner: str, issued: Issued | None, due: Millis) -> bool:
        """Give the claim back, with what came of it. False where it is not ours any more; nothing is written then."""


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """Where one kind of credential is fetched.

    name    its row in the vault
    ask     makes the one call to the venue
    gap_ms  least time between two attempts, by the venue's rule
    owner   a new name for each attempt
    """

    name: str
    ask: Callable[[], Issued]
    gap_ms: int
    vault: Vault
    clock: Clock
    sleep: Callable[[float], None]
    owner: Callable[[], str]


def credential(counter: Counter, refused: str = "") -> Issued:
    """One that holds for LATE at least and is not the `refused` one; from the vault where it can be.

    Raises:
        RateLimited: the venue allows no attempt yet (`after_ms` says when), or another's attempt takes too long.
        Transient, Refused, Misconfigured: what came of our own attempt, or the vault does not answer.
    """
    patient_until = counter.clock() + PATIENCE
    while True:
        at, found = counter.clock(), counter.vault.read(counter.name)
        if good(found, refused, at, EARLY):
            return Issued(found.text, found.ends)
        if open_for_attempts(found, counter.gap_ms, at):
            owner = counter.owner()
            if counter.vault.claim(counter.name, owner, found, at, Millis(at + counter.gap_ms + CALL)):
                return _attempt(counter, owner, refused)
        elif not found.owner and found.due - at > PATIENCE and not good(found, refused, at, LATE):
            raise RateLimited("a credential was asked for a moment ago", after_ms=found.due - at)
        if good(found, refused, at, LATE):
            return Issued(found.text, found.ends)
        if at >= patient_until:
            raise RateLimited("another fetches this credential and is not done", after_ms=max(0, found.due - at))
        counter.sleep(POLL_S)


def good(found: Deposit, refused: str, at: Millis, left: Millis) -> bool:
    """Whether a deposit is of use for longer than `left`."""
    return bool(found.text) and found.text != refused and found.ends - at > left


def open_for_attempts(found: Deposit, gap_ms: int, at: Millis) -> bool:
    """Whether the venue may be asked at all by now."""
    return at >= found.due or found.due > wrong_after(gap_ms, at)


def wrong_after(gap_ms: int, at: Millis) -> Millis:
    """A next attempt later than this was written by a clock that is wrong."""
    return Millis(at + max(gap_ms + CALL, STUBBORN) + SKEW)


def _attempt(counter: Counter, owner: str, refused: str) -> Issued:
    """Ask, and write down what came of it. Where this process dies, the claim's own end stands."""
    try:
        issued = counter.ask()
    except CoreError as fault:
        _write_down(counter, owner, None, _pause_after(fault, counter.gap_ms))
        raise
    _write_down(counter, owner, issued, max(counter.gap_ms, STUBBORN) if issued.text == refused else counter.gap_ms)
    return issued


def _pause_after(fault: CoreError, gap_ms: int) -> int:
    """A venue that was never reached knows of no attempt; any other may have counted it."""
    match fault:
        case Unreached() | CircuitOpen():
            return SECOND
        case RateLimited(after_ms=asked):
            return max(gap_ms, min(asked or 0, STUBBORN))
        case _:
            return gap_ms


def _write_down(counter: Counter, owner: str, issued: Issued | None, pause_ms: int) -> None:
    """Where the vault does not answer now, the claim's own end stands, and what was issued is still good."""
    with suppress(Transient):
        counter.vault.finish(counter.name, owner, issued, Millis(counter.clock() + pause_ms))
