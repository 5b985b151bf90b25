"""Records of KIS's data frames: trades (the hot path), books and market states (reference/kis.md 7.4 to 7.7).

Whatever does not read raises ValueError, LookupError or ArithmeticError; the decoder makes one error of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.domain.events import Beat, Book, Drift, Inbound, Level, MarketState, Trade
from core.domain.values import Millis, Side
from core.venues.kis import walk
from core.venues.kis.clock import AMOUNTS, DAYS, SECONDS, SERIAL, STOCKS, around
from core.venues.kis.fields import BOOK, EXPECTED, HALTED_STATUS, HALTING, NAMES, STATE, Tr
from core.venues.kis.notices import notice
from core.venues.kis.shapes import HEAD, HEADS, OWN, READ, SHAPES, SYMBOL
from core.venues.spec import Topic

ASKS, BOOK_HOUR = BOOK.index("ASKP1"), BOOK.index("BSOP_HOUR")
STEPS = 10
"""Of each: asking prices, bids, sizes asked, sizes bid, in this order and without a gap."""
HALT, PHASE_CODE, STATUS, INTERRUPTION, EXPECTED_CODE = (
    STATE.index(name)
    for name in ("TRHT_YN", "MKOP_CLS_CODE", "ISCD_STAT_CLS_CODE", "VI_CLS_CODE", "ANTC_MKOP_CLS_CODE")
)
TAKER_OF = {b"1": Side.BUY, b"5": Side.SELL}.get
"""CCLD_DVSN; 3 is a trade of the opening auction, in which nobody crossed."""
NO_TRADE = frozenset(code.encode() for code in EXPECTED)
YES_NO = frozenset({"Y", "N", ""})
MOST = 1e15
"""No price or quantity of a stock is larger."""


def trades(rows: Iterable[Sequence[bytes]], seen: Millis) -> list[Inbound]:
    """The events of trade records: of each the whole (not looked at), then the cells that are READ.

    A pattern has seen that the numbers are no more than digits; whoever has none looks first (`_amounts`).
    """
    events: list[Inbound] = []
    stock = clock = today = None  # those of the record before: in one frame they are nearly always the same
    for _, symbol, hour, paid, units, running, taker, date, phase in rows:
        price, quantity, total = float(paid), float(units), int(running)
        if hour != clock or date != today:
            day, serial = DAYS[date]
            clock, today = hour, date
            at: Any = day + SECONDS[hour]  # calling Millis would be felt here
        if symbol != stock:
            stock, instrument = symbol, STOCKS[symbol]
        if price and quantity and total and phase not in NO_TRADE:
            events.append(Trade(instrument, price, quantity, TAKER_OF(taker), at, seen, serial + total, False, total))
        else:
            events.append(Beat(seen))  # a match that is only expected, or a row of zeros as of a halted stock
    return events


def alike(frame: bytes, seen: Millis, events: list[Inbound]) -> bool:
    """Add the events of a plain frame of alike trades; False, and nothing was added, where it is no such frame.

    Compiled a walk does it, from source a pattern (`walk.py`).
    """
    head = frame[:HEAD]
    if walk.COMPILED:
        return HEADS[head] > 0 and walk.alike(frame, HEADS[head], SHAPES.takes.width, seen, events)
    found = SHAPES.takes[head](frame)
    if found:
        events += matched(found[0], seen)
    return bool(found)


def matched(cells: tuple[bytes, ...], seen: Millis) -> list[Inbound]:
    """The events of a frame that `shapes.Takes` took: the READ cells of its first record, the OWN of each other."""
    symbol, hour, _, _, _, _, date, phase = cells[: len(READ)]
    instrument, (day, serial) = STOCKS[symbol], DAYS[date]
    at: Any = day + SECONDS[hour]
    expected, events = phase in NO_TRADE, list[Inbound]()
    own = iter(cells[OWN] + cells[len(READ) :])
    for paid, units, running, taker in zip(own, own, own, own, strict=True):
        price, quantity, total = AMOUNTS[paid], AMOUNTS[units], int(running)
        if expected or not (price and quantity and total):
            events.append(Beat(seen))
        else:
            events.append(Trade(instrument, price, quantity, TAKER_OF(taker), at, seen, serial + total, False, total))
    return events


def cut(payload: bytes, count: int, tr: Tr, frame: bytes, seen: Millis) -> list[Inbound]:
    """Trades of a width that has no pattern, or with numbers that one does not take."""
    cells = payload.split(b"^")
    width = _width(len(cells), count, tr)
    rows = (_amounts([cells[start + place] for place in READ]) for start in range(0, len(cells), width))
    events = trades(rows, seen)
    return events if width in tr.known else [*events, _drift(tr, width, frame, seen)]


def _amounts(cells: list[bytes]) -> list[bytes]:
    """One record's cells as `trades` takes them. Raises ValueError where a number in them is none, less than nothing,
    or beyond all sense."""
    price, quantity, total = float(cells[2]), float(cells[3]), int(cells[4])
    if 0.0 <= price < MOST and 0.0 <= quantity < MOST and 0 <= total < SERIAL:
        return [b"", *cells]
    raise ValueError("not amounts")


def others(payload: bytes, count: int, tr: Tr, frame: bytes, seen: Millis) -> list[Inbound]:
    """Books, market states and own-order notices."""
    cells = payload.split(b"^")
    width = _width(len(cells), count, tr)
    read = READERS[tr.topic]
    events = [read(cells[start : start + width], seen) for start in range(0, len(cells), width)]
    return events if width in tr.known else [*events, _drift(tr, width, frame, seen)]


def _width(cells: int, count: int, tr: Tr) -> int:
    """Cells of one record. One that is twice as wide as known is two whose count is wrong."""
    width, rest = divmod(cells, count)
    if rest or not tr.least <= width < 2 * tr.least:
        raise ValueError("the cells do not add up")
    return width


def _drift(tr: Tr, width: int, frame: bytes, seen: Millis) -> Drift:
    return Drift(NAMES[tr.topic, tr.detail], width, tr.known[-1], frame, seen)


def _book(cells: list[bytes], seen: Millis) -> Book:
    """All ten steps; those beyond the end of both sides are left off. It carries no date."""
    found = list(map(float, cells[ASKS : ASKS + 4 * STEPS]))
    if not (min(found) >= 0.0 and sum(found) < MOST):  # a sum with a nan in it is less than nothing
        raise ValueError("not amounts")
    asks, bids, ask_sizes, bid_sizes = (found[first : first + STEPS] for first in range(0, 4 * STEPS, STEPS))
    steps = list(map(Level, bids, bid_sizes, asks, ask_sizes))
    while len(steps) > 1 and not (steps[-1].bid or steps[-1].ask):
        steps.pop()
    return Book(instrument=STOCKS[cells[SYMBOL]], levels=steps, at=around(cells[BOOK_HOUR], seen), seen=seen)


def _state(cells: list[bytes], seen: Millis) -> MarketState:
    """Halted by itself, by its status, or with the whole market; `interrupted` is a VI of the regular session."""
    flags = [cells[place].decode("ascii") for place in (HALT, PHASE_CODE, EXPECTED_CODE, STATUS, INTERRUPTION)]
    halt, code, expected, status, interruption = flags
    if halt not in YES_NO or interruption not in YES_NO:
        raise ValueError("neither yes nor no")
    return MarketState(
        instrument=STOCKS[cells[SYMBOL]],
        halted=halt == "Y" or status == HALTED_STATUS or code in HALTING,
        interrupted=interruption == "Y",
        code=code or expected,
        seen=seen,
    )


READERS: dict[Topic, Callable[[list[bytes], Millis], Inbound]] = {
    Topic.BOOK: _book,
    Topic.STATE: _state,
    Topic.ORDERS: notice,
}
