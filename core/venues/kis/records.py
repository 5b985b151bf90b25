"""Records of KIS's data frames: trades (the hot path), books and market states (reference/kis.md 7.4 to 7.7).

Whatever does not read raises ValueError, LookupError or ArithmeticError; the decoder makes one error of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.domain.events import Beat, Book, Drift, Inbound, Level, MarketState, Trade
from core.domain.values import Millis, Side
from core.venues.kis.clock import DAYS, SECONDS, SERIAL, STOCKS, around
from core.venues.kis.fields import BOOK, EXPECTED, HALTED_STATUS, HALTING, NAMES, STATE, TRADE, Tr
from core.venues.kis.notices import notice
from core.venues.spec import Topic

SYMBOL, HOUR, PRICE, QUANTITY, TOTAL, TAKER, DATE, PHASE = (
    TRADE.index(name)
    for name in (
        *("MKSC_SHRN_ISCD", "STCK_CNTG_HOUR", "STCK_PRPR", "CNTG_VOL", "ACML_VOL", "CCLD_DVSN", "BSOP_DATE"),
        "HOUR_CLS_CODE",
    )
)
ASKS, BOOK_HOUR = BOOK.index("ASKP1"), BOOK.index("BSOP_HOUR")
STEPS = 10
"""Of each: asking prices, bids, sizes asked, sizes bid, in this order and without a gap."""
HALT, PHASE_CODE, STATUS, INTERRUPTION, EXPECTED_CODE = (
    STATE.index(name)
    for name in ("TRHT_YN", "MKOP_CLS_CODE", "ISCD_STAT_CLS_CODE", "VI_CLS_CODE", "ANTC_MKOP_CLS_CODE")
)
TAKERS = {b"1": Side.BUY, b"5": Side.SELL}
"""CCLD_DVSN; 3 is a trade of the opening auction, in which nobody crossed."""
NO_TRADE = frozenset(code.encode() for code in EXPECTED)
YES_NO = frozenset({"Y", "N", ""})
MOST = 1e15
"""No price or quantity of a stock is larger."""
ONE: Sequence[int] = (0,)


def trades(payload: bytes, count: int, tr: Tr, frame: bytes, seen: Millis) -> list[Inbound]:
    """Every record of a frame; a frame of one, as most are, is cut no further than it is read."""
    if count == 1:
        cells = payload.split(b"^", PHASE + 1)
        width, starts = _width(payload.count(b"^") + 1, 1, tr), ONE
    else:
        cells = payload.split(b"^")
        width = _width(len(cells), count, tr)
        starts = range(0, len(cells), width)
    events: list[Inbound] = []
    for start in starts:
        price, quantity, total = float(cells[start + PRICE]), float(cells[start + QUANTITY]), int(cells[start + TOTAL])
        day, serial = DAYS[cells[start + DATE]]
        instrument, within = STOCKS[cells[start]], SECONDS[cells[start + HOUR]]
        if not (0.0 < price < MOST and 0.0 < quantity < MOST and 0 < total < SERIAL) or (
            cells[start + PHASE] in NO_TRADE
        ):
            events.append(_no_trade(price, quantity, total, seen))
            continue
        events.append(
            Trade(
                instrument=instrument,
                price=price,
                quantity=quantity,
                taker=TAKERS.get(cells[start + TAKER]),
                at=Millis(day + within),
                seen=seen,
                sequence=serial + total,
                total=total,
            )
        )
    if width not in tr.known:
        events.append(_drift(tr, width, frame, seen))
    return events


def _no_trade(price: float, quantity: float, total: int, seen: Millis) -> Beat:
    """A match that is only expected, or a row of zeros as of a halted stock: a sign of life. Else it does not read."""
    if 0.0 <= price < MOST and 0.0 <= quantity < MOST and 0 <= total < SERIAL:
        return Beat(seen)
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
