"""What Binance's stream and its REST answers share: kinds of numbers, times, symbols, intervals and book steps.

Prices and sizes are strings with fixed decimals, ids and times JSON integers (reference/binance.md 2).
`strict=False` in the decoders and these bounds take both and nothing else (no NaN, no infinity).
"""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated

from msgspec import Meta

from core.domain.errors import WireSurprise
from core.domain.events import Level
from core.domain.values import DAY, HOUR, MINUTE, SECOND, Instrument, Market, Millis
from core.venues.table import Table

MOST = 1e18
"""No price, size or traded value of a real market is larger."""

Price = Annotated[float, Meta(gt=0.0, le=MOST)]
Size = Annotated[float, Meta(gt=0.0, le=MOST)]
Amount = Annotated[float, Meta(ge=0.0, le=MOST)]
"""A price, size or value that may be nothing."""
Percent = Annotated[float, Meta(ge=-100.0, le=1e9)]
Stamp = Annotated[int, Meta(ge=10**12, lt=10**17)]
"""Epoch milliseconds, or microseconds where they were asked for; `millis` brings both to milliseconds."""
Serial = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Step = tuple[Amount, Amount]
"""Price and size of one step of a book; in a change, size 0 removes it."""

SYMBOL = re.compile(r"[\w.-]{1,40}")
"""Letters of any script: Binance lists a few symbols that are not in ASCII."""
NO_STEP = Level(bid=0.0, bid_size=0.0, ask=0.0, ask_size=0.0)
MICROS = 10**15
"""Epoch times from here on are microseconds: the year 33658 in milliseconds, 2001 in microseconds."""

_FIXED = {"s": (1, SECOND), "m": (1, MINUTE), "h": (1, HOUR), "d": (1, DAY), "w": (7, DAY)}
_NAMES = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
INTERVALS = {name: Millis(int(name[:-1]) * _FIXED[name[-1]][0] * _FIXED[name[-1]][1]) for name in _NAMES}
"""Candle lengths by Binance's names, case-sensitive; `1M` has no fixed length and is left out."""


def _instrument(symbol: str) -> Instrument:
    if not SYMBOL.fullmatch(symbol) or symbol != symbol.upper():
        raise WireSurprise("Binance names a symbol that cannot be one", symbol=symbol[:40])
    return Instrument(Market.BINANCE, symbol)


instrument = Table[str, Instrument](_instrument).__getitem__
"""The one Instrument of a symbol such as BTCUSDT. Raises WireSurprise for what cannot be a symbol."""


def millis(stamp: int) -> Millis:
    """Epoch milliseconds of a stamp in ms or µs, told by its size.

    >>> millis(1633998512068), millis(1633998512068123)
    (1633998512068, 1633998512068)
    """
    return Millis(stamp if stamp < MICROS else stamp // 1000)


def levels(bids: Sequence[Step], asks: Sequence[Step]) -> list[Level]:
    """Book steps of both sides, best first; where nobody bids and nobody offers, one empty step.

    >>> levels([(9.0, 1.0)], [(10.0, 2.0), (11.0, 3.0)])[1]
    Level(bid=0.0, bid_size=0.0, ask=11.0, ask_size=3.0)
    """
    steps = [Level(*bid, *ask) for bid, ask in zip_longest(bids, asks, fillvalue=(0.0, 0.0))]
    return steps or [NO_STEP]
