"""What Upbit's stream and its REST answers share: kinds of numbers, times, codes and book steps.

Numbers come as 1.16539E8, 41840.0, 163248000.00000000 or quoted (reference/upbit.md 3.2, 4.5);
`strict=False` in the decoders and these bounds take all of them and nothing else (no NaN, no infinity).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Protocol

from msgspec import Meta

from core.domain.errors import WireSurprise
from core.domain.events import Level
from core.domain.values import Instrument, Market, Millis
from core.venues.table import Table

MOST = 1e18
"""No price, size or traded value of a real market is larger."""

Price = Annotated[float, Meta(gt=0.0, le=MOST)]
Size = Annotated[float, Meta(gt=0.0, le=MOST)]
Amount = Annotated[float, Meta(ge=0.0, le=MOST)]
"""A price, size or value that may be nothing."""
Change = Annotated[float, Meta(ge=-1.0, le=1e9)]
Stamp = Annotated[int, Meta(ge=10**9, le=2**63 - 1)]
"""Epoch seconds to nanoseconds; `millis` brings it to milliseconds."""
Serial = Annotated[int, Meta(ge=0, le=2**63 - 1)]

CODE = re.compile(r"[A-Z0-9]{1,16}-[A-Z0-9]{1,16}")
NO_STEP = Level(bid=0.0, bid_size=0.0, ask=0.0, ask_size=0.0)


class Unit(Protocol):
    """One step of a book as it is on the wire."""

    ask_price: float
    bid_price: float
    ask_size: float
    bid_size: float


def _instrument(code: str) -> Instrument:
    if not CODE.fullmatch(code):
        raise WireSurprise("Upbit names a market that cannot be one", code=code[:40])
    return Instrument(Market.UPBIT, code)


instrument = Table[str, Instrument](_instrument).__getitem__
"""The one Instrument of a code such as KRW-BTC. Raises WireSurprise for what cannot be a code."""


def millis(stamp: int) -> Millis:
    """Epoch milliseconds of a stamp in s, ms, µs or ns, told by its digits.

    A USDT book of 2023-08 carried 16 digits where all others carry 13 (reference/upbit.md 4.5).

    >>> millis(1618678262), millis(1618678262712), millis(1692000000123456)
    (1618678262000, 1618678262712, 1692000000123)
    """
    if 10**12 <= stamp < 10**13:
        return Millis(stamp)
    if stamp >= 10**16:
        return Millis(stamp // 10**6 if stamp >= 10**18 else stamp // 10**3)
    if stamp >= 10**15:
        return Millis(stamp // 10**3)
    if stamp < 10**11:
        return Millis(stamp * 10**3)
    raise WireSurprise("Upbit sent a time that is none", stamp=stamp)


def opened(utc: datetime) -> Millis:
    """Epoch ms of `candle_date_time_utc`, which carries no zone."""
    return Millis(int(utc.replace(tzinfo=UTC).timestamp()) * 1000)


def levels(units: Sequence[Unit]) -> list[Level]:
    """Book steps, best first, without the padding of thin books (price 0 on both sides).

    A book that is nothing but padding keeps one empty step: nobody bids and nobody offers.
    """
    steps = [Level(unit.bid_price, unit.bid_size, unit.ask_price, unit.ask_size) for unit in units]
    while steps and not (steps[-1].bid or steps[-1].ask):
        steps.pop()
    return steps or [NO_STEP]
