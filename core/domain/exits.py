"""Why and when a position is sold (E4). Pure: the engine asks at every price, the sweep when the streamer is silent."""

from __future__ import annotations

from math import inf

import msgspec

from core.domain.policies import ExitPolicy
from core.domain.positions import Position
from core.domain.signals import Exit, Signal, Urgency, signal_id
from core.domain.values import MINUTE, Instrument, Millis, Side

LIFE = MINUTE
"""A sell signal lives this long; while the position is held it is given again, so a lost one is soon replaced."""

HURRY = frozenset({Exit.STOP_LOSS, Exit.UNSAFE, Exit.LIQUIDATION})


class Holding(msgspec.Struct):
    """A position as the exits see it: floats, because this is compared with every price.

    entry  average entry price; `stop` and `take` the prices that end it (-inf and inf where switched off)
    said   when the last sell signal was given (epoch ms), 0 for none yet
    """

    position: Position
    entry: float
    stop: float
    take: float
    said: int = 0


class Leave(msgspec.Struct, frozen=True):
    """A reason to sell: what was measured, what it was held against, and whether to hurry."""

    reason: Exit
    value: float
    threshold: float
    urgency: Urgency = Urgency.NORMAL


def holding(position: Position, policy: ExitPolicy) -> Holding:
    """The prices at which this position ends."""
    entry = float(position.price)
    return Holding(
        position=position,
        entry=entry,
        stop=entry * (1.0 - policy.stop_loss) if policy.stop_loss else -inf,
        take=entry * (1.0 + policy.take_profit) if policy.take_profit else inf,
    )


def check(held: Holding, price: float, trend: float, left_ms: int, policy: ExitPolicy, at: Millis) -> Leave | None:
    """The first reason to sell at `price`, in the order: stop loss, take profit, time, trend. None for none.

    Args:
        price: quote currency per unit, 0 where no price is known (then only the time can decide).
        trend: the short moving average at this price, NaN where it is not known; a price under it breaks the trend.
        left_ms: how long until the market closes, or its day ends where it never does.
        at: decides how long the position has been held.
    """
    if price > 0.0:
        if price <= held.stop:
            return Leave(Exit.STOP_LOSS, price, held.stop, Urgency.HIGH)
        if price >= held.take:
            return Leave(Exit.TAKE_PROFIT, price, held.take)
    age = at - held.position.opened
    if policy.close_before_s and left_ms <= policy.close_before_s * 1000:
        return Leave(Exit.TIME, left_ms / 1000, policy.close_before_s, Urgency.HIGH)
    if policy.max_hold_s and age >= policy.max_hold_s * 1000:
        return Leave(Exit.TIME, age / 1000, policy.max_hold_s)
    if policy.trend and 0.0 < price < trend and age >= policy.trend_grace_s * 1000:
        return Leave(Exit.TREND, price, trend)
    return None


def ordered(reason: Exit, price: float, entry: float) -> Leave:
    """A sale that was decided elsewhere (removed, unsafe, liquidation, by hand), with the price beside the entry."""
    return Leave(reason, price, entry, Urgency.HIGH if reason in HURRY else Urgency.NORMAL)


def sell(
    instrument: Instrument,
    leave: Leave,
    price: float,
    at: Millis,
    seen: Millis,
    name: str = "",
    *,
    position: str = "",
    repeat_s: float = 60.0,
) -> Signal:
    """The signal that sells.

    position  the buy signal of what is meant; a later position of the same symbol is left alone
    repeat_s  its id is the same for that long. One that sold nothing, or not all, is settled all the same: the next
              is a decision of its own, which neither the queue nor the lock takes for a repeat
    """
    return Signal(
        id=signal_id(instrument, Side.SELL, leave.reason.value, at, Millis(round(repeat_s * 1000))),
        instrument=instrument,
        side=Side.SELL,
        rule=leave.reason.value,
        price=price,
        value=leave.value,
        threshold=leave.threshold,
        at=at,
        seen=seen,
        expires=Millis(at + LIFE),
        urgency=leave.urgency,
        name=name,
        position=position,
    )
