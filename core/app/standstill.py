"""Symbols that do not trade freely now: halted, or in a call auction of their own after a sharp move (KRX: a VI).

The streamer hears it of symbols whose state it is registered for; the venue itself is asked once more before a buy.
"""

from __future__ import annotations

from core.app.ports import Shelf
from core.domain.events import MarketState
from core.domain.levels import StreamHealth
from core.domain.phases import Phase
from core.domain.policies import MarketPolicy
from core.domain.sessions import Calendar
from core.domain.values import Instrument, Market, Millis

HEARD = "the venue has halted it, or holds a call auction of its own (VI)"
HALTED = "the venue has halted it"
INTERRUPTED = "the venue holds a call auction of its own (VI): nothing is bought before it has ended"


def stilled(market: Market, symbol: str, shelf: Shelf, policy: MarketPolicy, at: Millis) -> bool:
    """Has the streamer heard so, not longer ago than it may be silent? An interruption is over in two minutes."""
    health = shelf.read(StreamHealth, market)
    if health is None or at - health.at > policy.sweep.silent_s * 1000:
        return False
    return symbol in health.halted


def phase(instrument: Instrument, days: Calendar, shelf: Shelf, policy: MarketPolicy, at: Millis) -> Phase:
    """What kind of trading goes on in one symbol: a standstill within the session takes the orders of an auction."""
    now = days.phase(at)
    if now is not Phase.REGULAR or not stilled(instrument.market, instrument.symbol, shelf, policy, at):
        return now
    return Phase.INTERRUPTED


def standing_still(state: MarketState | None) -> str:
    """Why the venue's own word is against a buy, "" where it is not, or where the venue has no word for it."""
    if state is None or not (state.halted or state.interrupted):
        return ""
    return HALTED if state.halted else INTERRUPTED
