"""The nouns everything else is said in: markets, instruments, money, time."""

from decimal import Decimal
from enum import StrEnum
from typing import NewType

import msgspec

Millis = NewType("Millis", int)
"""Epoch milliseconds, or a length of time in milliseconds where the name says so."""

SECOND = Millis(1_000)
MINUTE = Millis(60_000)
HOUR = Millis(3_600_000)
DAY = Millis(86_400_000)
KST = Millis(9 * 3_600_000)
"""Korea's offset from UTC; Korea has no daylight saving time."""

SPANS = (MINUTE, Millis(5 * MINUTE), HOUR)
"""Candle lengths kept from ticks; each divides the next."""

ZERO = Decimal(0)


class Market(StrEnum):
    """One venue's tradable market. A new one is a line here and a folder under `core/venues`."""

    UPBIT = "upbit"
    KRX = "krx"
    BINANCE = "binance"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Instrument(msgspec.Struct, frozen=True, gc=False, order=True):
    """A symbol at a market; its text `market:symbol` is the key used in every table and queue.

    >>> str(Instrument(Market.UPBIT, "KRW-BTC"))
    'upbit:KRW-BTC'
    >>> Instrument.parse("upbit:KRW-BTC").symbol
    'KRW-BTC'
    """

    market: Market
    symbol: str

    def __str__(self) -> str:
        return f"{self.market.value}:{self.symbol}"

    @classmethod
    def parse(cls, text: str) -> "Instrument":
        """Read `market:symbol`. Raises ValueError where the market is unknown or the symbol is missing."""
        market, colon, symbol = text.partition(":")
        if not (colon and symbol):
            raise ValueError(f"{text!r} is not an instrument: write market:symbol, for example upbit:KRW-BTC")
        return cls(Market(market), symbol)
