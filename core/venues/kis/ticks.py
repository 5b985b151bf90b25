"""KRX's price steps, by date and board: a tape of 2021 must not be judged by today's table.

Each row is (price from, step), highest first, and holds up to the row above it.

from (KST)   what changed
earlier      KOSPI and KOSDAQ (with KONEX) each with a table of its own; whole-market days of 2020 and 2021 agree
2023-01-25   one finer table for all boards: reference/kis.md 9
2023-12-18   funds and notes (ETF, ETN) under 2,000: 1 (UNCONFIRMED, a setting); 5 at every other price
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core.domain.values import KST, Millis

Rows = Sequence[tuple[Decimal, Decimal]]


def day(text: str) -> Millis:
    """Midnight in Seoul of a day."""
    return Millis(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000 - KST)


def _rows(text: str) -> Rows:
    """`price:step` pairs, highest price first."""
    pairs = (pair.split(":") for pair in text.split())
    return [(Decimal(price), Decimal(step)) for price, step in pairs]


SINCE_2023 = _rows("500000:1000 200000:500 50000:100 20000:50 5000:10 2000:5 0:1")
KOSPI = _rows("500000:1000 100000:500 50000:100 10000:50 5000:10 1000:5 0:1")
KOSDAQ = _rows("50000:100 10000:50 5000:10 1000:5 0:1")
FUNDS = _rows("0:5")
FINE_FUNDS = _rows("2000:5 0:1")
CHANGED, FUNDS_CHANGED = day("2023-01-25"), day("2023-12-18")


def table(*, fund: bool, kospi: bool, fine: bool, at: Millis) -> Rows:
    """The rows that hold for a fund or note, else for a share of KOSPI or of another board. `fine` is the setting."""
    if fund:
        return FINE_FUNDS if fine and at >= FUNDS_CHANGED else FUNDS
    if at >= CHANGED:
        return SINCE_2023
    return KOSPI if kospi else KOSDAQ


def step(price: Decimal, rows: Rows) -> Decimal:
    """The step at a price of zero or more."""
    return next(size for floor, size in rows if price >= floor)
