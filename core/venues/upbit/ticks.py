"""Upbit's price steps, by date: a tape of 2021 must not be judged by today's table.

Each row is (price from, step), highest first, and holds up to the row above it. The last row has no floor.

from (KST)   what changed, and Upbit's page that says so (under docs.upbit.com)
earlier      KRW with 5 above 1,000: v1.4.1/docs/market-info-trade-price-detail; the captures of 2021-04 agree
2024-01-29   KRW finer below 10,000: kr/changelog/tick_unit_change, v1.4.5/docs/market-info-trade-price-detail
2024-08-19   USDT from 0.001 to a table: changelog/usdt_tick_unit_change
2024-10-01   KRW 100 to 1,000 back to 1 for 16 coins: v1.5.2/changelog/krw_tick_unit_change
2025-03-21   0.5 for KRW-USDT and KRW-USDC: changelog/usdtkrw_tick_unit_change
2025-07-31   KRW coarser: kr/docs/krw-market-info

UNCONFIRMED: whether the 0.5 of 2025-03-21 outlived 2025-07-31. From then on these two take the table's step of 1,
whose multiples are legal either way. The live truth for one moment is `rest.ticks`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core.domain.values import KST, Millis

Rows = Sequence[tuple[Decimal, Decimal]]
Dated = Sequence[tuple[Millis, Rows]]


def _day(text: str) -> Millis:
    """Midnight in Seoul of a day."""
    return Millis(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000 - KST)


def _rows(text: str) -> Rows:
    """`price:step` pairs, highest price first."""
    pairs = (pair.split(":") for pair in text.split())
    return [(Decimal(price), Decimal(step)) for price, step in pairs]


ALWAYS = Millis(0)
KRW_2021 = _rows("2000000:1000 1000000:500 500000:100 100000:50 10000:10 1000:5 100:1 10:0.1 1:0.01 0.1:0.001 0:0.0001")
KRW_2024 = _rows(
    "2000000:1000 1000000:500 500000:100 100000:50 10000:10 1000:1 100:0.1 10:0.01 1:0.001 0.1:0.0001 0.01:0.00001 "
    "0.001:0.000001 0.0001:0.0000001 0:0.00000001"
)
KRW_2025 = _rows(
    "1000000:1000 500000:500 100000:100 50000:50 10000:10 5000:5 1000:1 100:1 10:0.1 1:0.01 0.1:0.001 0.01:0.0001 "
    "0.001:0.00001 0.0001:0.000001 0.00001:0.0000001 0:0.00000001"
)
USDT_2024 = _rows("10:0.01 1:0.001 0.1:0.0001 0.01:0.00001 0.001:0.000001 0.0001:0.0000001 0:0.00000001")

TABLES: dict[str, Dated] = {
    "KRW": [(_day("2025-07-31"), KRW_2025), (_day("2024-01-29"), KRW_2024), (ALWAYS, KRW_2021)],
    "BTC": [(ALWAYS, _rows("0:0.00000001"))],
    "USDT": [(_day("2024-08-19"), USDT_2024), (ALWAYS, _rows("0:0.001"))],
}
"""By quote currency, newest first."""

WHOLE = frozenset(
    (
        "ADA",
        "ALGO",
        "BLUR",
        "CELO",
        "ELF",
        "EOS",
        "GRS",
        "GRT",
        "ICX",
        "MANA",
        "MINA",
        "POL",
        "SAND",
        "SEI",
        "STG",
        "TRX",
    )
)
STABLE = frozenset({"USDT", "USDC"})


def special(symbol: str, price: Decimal, at: Millis) -> Decimal | None:
    """The step of the few coins that had one of their own between two tables, None for all others."""
    quote, _, coin = symbol.partition("-")
    if quote != "KRW" or at >= _ENDS:
        return None
    if coin in WHOLE and at >= _WHOLE_SINCE and 100 <= price < 1000:
        return Decimal(1)
    if coin in STABLE and at >= _STABLE_SINCE and 1000 <= price < 10000:
        return Decimal("0.5")
    return None


_WHOLE_SINCE, _STABLE_SINCE, _ENDS = _day("2024-10-01"), _day("2025-03-21"), _day("2025-07-31")
