"""What an engine writes down so that another one can go on where it stopped (D13).

Saved are the forming candles, as many closed ones as the rules look back on, the state of the indicators, the edges of
the rules, what is held, the newest book and ticker, and the newest ids of trades: more of these would be three quarters
of what is written, and no line of before tells its trades to another process. Not saved: older candles and the ticks,
which history brings back, and what is told as a level anyway (references, names, the safe set).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any
from zlib import crc32

import msgspec

from core.domain.candle import Candle
from core.domain.events import Bar, Book, Ticker
from core.domain.exits import Holding
from core.domain.gauges import Gauges
from core.domain.indicators import Atr, Ema, Rsi, Sma, Vwap
from core.domain.series import Series
from core.domain.shelved import GRADES, Packed
from core.domain.signals import Exit, Signal
from core.domain.symbols import CHART, REMEMBERED, Symbol

VERSION = 3
SLOTTED = (Candle, Vwap, Ema, Rsi, Atr, Sma)
GAUGES = ("fast", "slow", "rsi", "atr", "mean", "trend")


Slots = tuple[Any, ...]
"""The values of a slotted object, in the order of its slots' names."""


def slots(kind: type) -> tuple[str, ...]:
    """Names of what its objects hold: a compiled class keeps them under another name."""
    return tuple(sorted(getattr(kind, "__mypyc_attrs__", None) or kind.__slots__))  # type: ignore[attr-defined]


SLOTS = {kind: slots(kind) for kind in SLOTTED}
READ = {kind: attrgetter(*names) for kind, names in SLOTS.items()}


class SavedSeries(msgspec.Struct, array_like=True):
    closed: Packed
    last: Slots | None
    forming: Slots | None
    pending: Bar | None
    gap: tuple[int, int]
    gauges: list[Slots]
    gap_why: str
    since: int


class SavedSymbol(msgspec.Struct, array_like=True):
    name: str
    sequence: int
    sequences: bytes
    price: float
    at: int
    day_end: int
    counted: int
    vwap: Slots
    series: list[SavedSeries]
    book: Book | None
    ticker: Ticker | None
    holding: Holding | None
    leaving: Exit | None
    armed: list[bool]
    live: list[Signal | None]
    fired: list[str]


def _layout() -> str:
    """Names of everything that is saved by its place, shortened."""
    slotted = SLOTS.values()
    fields = (thing.__struct_fields__ for thing in (SavedSeries, SavedSymbol, Packed))
    names = ";".join(",".join(each) for each in (GAUGES, GRADES, *slotted, *fields))
    return f"{crc32(names.encode()):08x}"


def save(states: Mapping[str, Symbol], shape: str, minutes: int) -> Iterator[bytes]:
    """What it was saved under, then every symbol, each a piece of msgpack: all of them at once would be megabytes.

    `minutes` is how far back the rules look. A piece is of the moment at which it is asked for, so that the market need
    not wait for the last: nothing in one symbol depends on another. One that is gone by then is left out.

    The first piece names the settings that the figures were made under, as under others they mean something else, and
    the layout: what another version of this program saved has other slots.
    """
    keep = max(minutes + 2, CHART)
    encode = msgspec.msgpack.Encoder(enc_hook=array.tobytes).encode
    yield encode(f"{shape};{_layout()}")
    for name in [*states]:
        if (state := states.get(name)) is not None:
            yield encode(_symbol(name, state, keep))


def load(saved: Iterable[bytes], shape: str, begin: Callable[[str], Symbol]) -> list[Symbol] | None:
    """Fill fresh symbols with what was saved; None where it does not read, or was saved under other settings.

    saved  pieces as `save` gives them; raises ValueError where they cannot be had
    begin  makes a symbol of which nothing is known, and keeps it nowhere: a row that does not fit must leave no trace
    """
    try:
        pieces = iter(saved)
        if msgspec.msgpack.decode(next(pieces, b""), type=str) != f"{shape};{_layout()}":
            return None
        rows = map(msgspec.msgpack.Decoder(SavedSymbol).decode, pieces)
        return [_restored(begin(row.name), row) for row in rows]
    except (msgspec.MsgspecError, ValueError, TypeError):  # too many or too few values, or of another kind
        return None


def _symbol(name: str, state: Symbol, keep: int) -> SavedSymbol:
    candles = state.candles
    m1, *wider = candles.series
    candles.forming()  # brings the closes of the forming candles up to date
    return SavedSymbol(
        name=name,
        sequence=state.sequence,
        sequences=state.sequences[-REMEMBERED:].tobytes(),
        price=candles.price,
        at=candles.at,
        day_end=candles.day_end,
        counted=candles.counted,
        vwap=_slots(candles.vwap),
        series=[_series(m1, keep), *(_series(series, 2) for series in wider)],
        book=state.book,
        ticker=state.ticker,
        holding=state.holding,
        leaving=state.leaving,
        armed=state.armed,
        live=state.live,
        fired=state.fired,
    )


def _restored(state: Symbol, row: SavedSymbol) -> Symbol:
    candles = state.candles
    state.sequence = row.sequence
    state.sequences.frombytes(row.sequences)
    candles.price, candles.at, candles.day_end, candles.counted = row.price, row.at, row.day_end, row.counted
    _fill(candles.vwap, row.vwap)
    for series, saved in zip(candles.series, row.series, strict=True):
        _fill_series(series, saved)
    candles.ready()
    state.book, state.ticker = row.book, row.ticker
    state.holding, state.leaving = row.holding, row.leaving
    state.armed, state.live, state.fired = row.armed, row.live, row.fired
    state.calm = all(state.armed)
    return state


def _series(series: Series, keep: int) -> SavedSeries:
    return SavedSeries(
        closed=series.closed.packed(keep),
        last=None if series.closed.last is None else _slots(series.closed.last),
        forming=None if series.forming is None else _slots(series.forming),
        pending=series.pending,
        gap=(series.gap_start, series.gap_end),
        gap_why=series.gap_why,
        since=series.since,
        gauges=[_slots(getattr(series.gauges, name)) for name in GAUGES],
    )


def _fill_series(series: Series, saved: SavedSeries) -> None:
    series.closed.take(saved.closed, None if saved.last is None else _candle(saved.last))
    series.forming = None if saved.forming is None else _candle(saved.forming)
    series.pending = saved.pending
    series.gap_start, series.gap_end = saved.gap
    series.gap_why, series.since = saved.gap_why, saved.since
    _fill_gauges(series.gauges, saved.gauges)


def _fill_gauges(gauges: Gauges, saved: list[Slots]) -> None:
    for name, values in zip(GAUGES, saved, strict=True):
        _fill(getattr(gauges, name), values)


def _candle(values: Slots) -> Candle:
    candle = Candle(0, 0, 0, 0.0)
    _fill(candle, values)
    return candle


def _slots(thing: Any) -> Slots:
    found: Slots = READ[type(thing)](thing)
    return found


def _fill(thing: Any, values: Slots) -> None:
    for name, value in zip(SLOTS[type(thing)], values, strict=True):
        setattr(thing, name, _as_it_was(value))


def _as_it_was(value: Any) -> Any:
    """What msgpack has no kind of its own for: floats in a row, and a tuple."""
    match value:
        case bytes():
            return array("d", value)
        case list():
            return tuple(value)
        case _:
            return value
