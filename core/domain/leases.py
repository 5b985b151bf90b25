"""The lock protocol as values: what is asked of a symbol's item, and every answer there can be.

The item (`stock_locks`, key market:symbol) is lock, intent and position in one, and is never deleted.
Two spans: the *lease* guards one action and ends by the clock; the *ownership* (the position's worker) lasts from
buy to flat and never expires. The fence grows with every grant, for ever.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.domain.positions import Position
from core.domain.turns import Stretch
from core.domain.values import ZERO, Instrument, Millis, Side

MARGIN = Millis(2_000)
"""Clock difference tolerated between two owners: a lease is taken over only this long after it ended."""

REMEMBERED = 20
"""Settled signals kept on the item. Older ones are caught by their order row, which is written only once."""


class Barrier(StrEnum):
    """What stood in the way of a reservation."""

    WORKER_TAKEN = "worker taken"
    WORKER_MISSING = "worker missing"
    HALTED = "halted"
    DAILY_LOSS = "daily loss"
    PER_SYMBOL = "per symbol"
    EXPOSURE = "total exposure"
    POSITIONS = "open positions"
    REPEATED = "order already written"
    CAPITAL = "worker capital"
    CURRENCY = "currency exposure"
    CREW = "every worker taken"
    STREAK = "losing streak"
    COOLING = "cooldown after a loss"


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner is about to do; whoever finds it unfinished finishes it first, with the same order id.

    order     client order id; quantity in units (0 in a sell = all that is held), reference price in quote currency
    reserved  true once the worker's capital and the account's limits have been taken for it (a buy), or the order row
              written (a sell): from then on the venue may have been asked
    expires   epoch ms after which a buy that was not sent is undone; a sell is always carried out
    day       name of the market's day it was decided in; `cost` the exposure reserved for it, quote currency
    position  of a sell: the buy signal whose position is meant, "" for whatever is held
    """

    order: str
    side: Side
    signal: str
    leg: int
    worker: str
    quantity: Decimal
    reference: Decimal
    reason: str
    at: Millis
    reserved: bool = False
    expires: Millis = Millis(0)
    day: str = ""
    cost: Decimal = ZERO
    limit: Decimal | None = None
    position: str = ""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to act on one symbol.

    owner   who asks (function and request id); `nonce` is fresh for each attempt to acquire, the same for its retries
    ends    epoch ms at which the lease ends
    cooled  a buy is not granted where a position of this symbol was lost since then; 0 for no such wish
    """

    instrument: Instrument
    owner: str
    nonce: str
    intent: Intent
    at: Millis
    ends: Millis
    cooled: Millis = Millis(0)


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """The symbol is ours until `ends`. `intent` is ours, or one that a dead owner left: finish that first.

    done  the last signals settled here, oldest first: the owner writes them back with one more when it commits; None
          where the answer that granted it does not say, and one more is put behind them
    turns of the venue's budget that were taken with it
    """

    instrument: Instrument
    owner: str
    fence: int
    ends: Millis
    intent: Intent
    position: Position | None
    done: tuple[str, ...] | None = ()
    turns: tuple[Stretch, ...] = ()


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """Someone else's lease is running."""

    holder: str
    fence: int
    ends: Millis


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A buy was asked for, and the symbol is not flat: `worker` owns it."""

    worker: str
    fence: int


class Flat(msgspec.Struct, frozen=True, kw_only=True):
    """A sell was asked for, and nothing is held."""

    fence: int


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """The signal has been settled before: acknowledge and forget."""

    signal: str
    fence: int


class Cooling(msgspec.Struct, frozen=True, kw_only=True):
    """A buy was asked for too soon after a position of the symbol ended with a loss, at `lost`."""

    lost: Millis
    fence: int


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A buy was asked for with all that it takes, and an owner whose lease has ended left `order`: that comes first."""

    order: str
    fence: int


class Unclear(msgspec.Struct, frozen=True, kw_only=True):
    """The store did not answer: do nothing, the lease lapses by itself."""

    reason: str


Answer = Granted | Busy | Held | Flat | Repeated | Cooling | Unclear


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """One item as it stands, for people and for the sweep.

    lost  when a position of the symbol last ended with a loss, 0 for never
    dust  units that were written off because no order may be made of them: the venue has them still
    """

    instrument: Instrument
    fence: int
    owner: str = ""
    ends: Millis = Millis(0)
    intent: Intent | None = None
    position: Position | None = None
    done: tuple[str, ...] = ()
    lost: Millis = Millis(0)
    dust: Decimal = ZERO


def refusal(lock: Lock, ask: Ask, at: Millis) -> Busy | Held | Flat | Repeated | Cooling | None:
    """Why `ask` is not granted on the item as it stands; None where it is. The store's condition says the same.

    A settled signal comes first, whoever works on the symbol now; a running lease before what is held, because
    what is held may be changing.
    """
    if ask.intent.signal in lock.done:
        return Repeated(signal=ask.intent.signal, fence=lock.fence)
    if lock.owner and lock.ends + MARGIN >= at:
        return Busy(holder=lock.owner, fence=lock.fence, ends=lock.ends)
    if ask.intent.side is Side.BUY and lock.position is not None:
        return Held(worker=lock.position.worker, fence=lock.fence)
    if ask.intent.side is Side.SELL and lock.position is None:
        return Flat(fence=lock.fence)
    if ask.intent.side is Side.BUY and ask.cooled and lock.lost >= ask.cooled:
        return Cooling(lost=lock.lost, fence=lock.fence)
    return None


def booked(intent: Intent, worker: str, quantity: Decimal, cost: Decimal) -> Intent:
    """The intent once its order row is written: the venue may have been asked from now on."""
    return msgspec.structs.replace(intent, worker=worker, quantity=quantity, cost=cost, reserved=True)


def remembered(done: tuple[str, ...], signal: str) -> tuple[str, ...]:
    """The settled signals with one more, the oldest forgotten."""
    return (*(known for known in done if known != signal), signal)[-REMEMBERED:]
