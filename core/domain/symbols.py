"""Everything the engine knows of one symbol, in one mutable slotted object: this is what the hot path writes."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import inf

from core.domain.candle import Candle
from core.domain.candles import Candles
from core.domain.events import Bar, Book, Ticker, Trade
from core.domain.exits import Holding
from core.domain.gauges import Gauges
from core.domain.levels import Reference
from core.domain.policies import MarketPolicy
from core.domain.rules.rule import Mark
from core.domain.series import Series
from core.domain.sessions import Calendar
from core.domain.signals import Exit, Signal
from core.domain.ticks import WIDTH, Ticks
from core.domain.values import DAY, SPANS, Instrument, Millis

REMEMBERED = 64
"""Sequences kept, at least, for telling duplicates; of a symbol of which more trades are kept, as many as of those."""

CHART = 30
"""Closes of one-minute candles that go with an alert as a small picture."""


class Symbol:
    """State of one symbol.

    candles         candles and indicators; its `price` and `at` are those of the newest trade
    sequence        newest venue id of a trade; `sequences` the ones remembered
    ticks           trades as they arrived, newest last, at most `IndicatorPolicy.ticks`
    trade, book, ticker     what came last of each, None before the first
    reference       yesterday's figures, good for the day that began at `day`
    holding         what is held of it; `leaving` why it must be sold whatever its price, None for no such reason
    marks           for each rule what it needs to judge a price, None while it cannot
    low, high       no rule can be true for a price between them
    armed           for each rule whether it may fire; `live` its last signal until that is over; `fired` its last id
    calm            all rules are armed
    """

    __slots__ = (
        "armed",
        "book",
        "calm",
        "candles",
        "day",
        "fired",
        "high",
        "holding",
        "instrument",
        "leaving",
        "live",
        "low",
        "marks",
        "reference",
        "sequence",
        "sequences",
        "ticker",
        "ticks",
        "trade",
    )

    def __init__(self, instrument: Instrument, candles: Candles, rules: int, ticks: int) -> None:
        self.instrument = instrument
        self.candles = candles
        self.sequence = 0
        self.sequences = array("q")
        self.trade: Trade | None = None
        self.ticks = Ticks(ticks)
        self.book: Book | None = None
        self.ticker: Ticker | None = None
        self.reference: Reference | None = None
        self.day = 0
        self.holding: Holding | None = None
        self.leaving: Exit | None = None
        self.marks: list[Mark | None] = [None] * rules
        self.low, self.high = -inf, inf
        self.armed = [True] * rules
        self.live: list[Signal | None] = [None] * rules
        self.fired = [""] * rules
        self.calm = True

    @property
    def price(self) -> float:
        """Price of the newest trade, 0 before the first."""
        return self.candles.price

    @property
    def at(self) -> int:
        """The venue's clock at the newest trade."""
        return self.candles.at

    @property
    def stamp(self) -> int:
        """A number that grows with everything that comes of it, whatever its kind: looked at on a timer."""
        newest = (self.trade, self.book, self.ticker)
        return sum(event.seen for event in newest if event is not None)

    def series(self, span: Millis) -> Series:
        return self.candles.series[SPANS.index(span)]

    def today(self) -> Reference | None:
        """Yesterday's figures, or None where they are not of the day that the newest trade lies in."""
        return self.reference if self.day <= self.candles.at < self.day + DAY else None

    def chart(self) -> tuple[float, ...]:
        """The last closes of one-minute candles and the present price, oldest first."""
        closes = [candle.close for candle in self.candles.series[0].closed[-CHART:]]
        return (*closes, self.candles.price)

    def remember(self, sequence: int) -> None:
        self.sequence = max(self.sequence, sequence)
        self.sequences.append(sequence)

    def trim(self) -> None:
        """Forget sequences beyond those remembered: once a minute, and before the room for ticks is used anew."""
        most = max(REMEMBERED, self.ticks.room // WIDTH)
        if len(self.sequences) > most:
            del self.sequences[:-most]


def begin(
    instrument: Instrument, policy: MarketPolicy, days: Calendar, rules: int, kept: Mapping[Millis, int]
) -> Symbol:
    """A symbol of which nothing is known yet; `kept` is how many closed candles stay, by span."""
    length = policy.exits.trend_length
    m1, m5, h1 = (Series(span, Gauges(policy.indicators, length), kept[span], days) for span in SPANS)
    return Symbol(instrument, Candles((m1, m5, h1), days), rules, policy.indicators.ticks)


def bar(symbol: Symbol, span: Millis, candle: Candle, seen: Millis, *, closed: bool) -> Bar:
    """A candle of ours as the value that others read. A cut candle still names its full span; `opens` is exact."""
    return Bar(
        instrument=symbol.instrument,
        span=span,
        opens=Millis(candle.opens),
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        value=candle.value,
        seen=seen,
        closed=closed,
        quality=candle.quality,
        reason=candle.reason,
    )


def forming(symbol: Symbol) -> list[Bar]:
    """The candles that are still open, shortest span first."""
    seen = symbol.trade.seen if symbol.trade is not None else Millis(symbol.at)
    return [bar(symbol, row.span, candle, seen, closed=False) for row, candle in symbol.candles.forming()]
