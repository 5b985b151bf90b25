"""A signal: the one message that can make a worker buy or sell."""

from enum import StrEnum

import msgspec

from core.domain.values import MINUTE, Instrument, Millis, Side


class Urgency(StrEnum):
    NORMAL = "normal"
    HIGH = "high"


class Exit(StrEnum):
    """Why a position is closed (E4, E6, E10, A4, C4).

    DUST is no sale: what no order may be made of is written off. BY_HAND is none of ours: a person sold it there.
    """

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TREND = "trend"
    TIME = "time"
    REMOVED = "removed"
    UNSAFE = "unsafe"
    LIQUIDATION = "liquidation"
    FLATTEN = "flatten"
    DUST = "dust"
    BY_HAND = "by_hand"


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to buy or sell one instrument, taken once.

    id         the same for the same decision however often it is delivered; see `signal_id`
    rule       name of the buy rule, or the `Exit` reason of a sell
    price      last price when it was decided, quote currency per unit
    value      what the rule measured; `threshold` what it was held against
    at         the venue's clock of the tick that decided
    expires    epoch ms after which it is acknowledged and counted, never acted on
    position   of a sell: the buy signal whose position it means; "" for whatever is held when it is carried out
    worst      of a sell: the lowest price it may be sold at; None for a market order
    """

    id: str
    instrument: Instrument
    side: Side
    rule: str
    price: float
    value: float
    threshold: float
    at: Millis
    seen: Millis
    expires: Millis
    urgency: Urgency = Urgency.NORMAL
    name: str = ""
    position: str = ""
    worst: float | None = None


def signal_id(instrument: Instrument, side: Side, rule: str, at: Millis, every: Millis = MINUTE) -> str:
    """Name a decision by what was decided and in which minute, so that a restarted streamer says the same again.

    every  ms in which it is one decision, where that is not a minute: what is decided anew after it has its own name

    >>> from core.domain.values import Market
    >>> signal_id(Instrument(Market.UPBIT, "KRW-BTC"), Side.BUY, "fall", Millis(120_500))
    'upbit:KRW-BTC:buy:fall:2'
    """
    return f"{instrument}:{side.value}:{rule}:{at // every}"
