"""Orders for NXT and for SOR at the simulated KIS: when, for which stocks, of which kinds.

Both have the one book that there is here; what differs is what they take, and what is said of it.
Source: reference/kis.md 8.2, 9.
"""

from __future__ import annotations

from core.simulators.kis_answers import Declined, refused
from core.simulators.kis_house import House
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import Phase

KRX, NXT, SOR = "KRX", "NXT", "SOR"
EXCHANGES = (KRX, NXT, SOR)
LATER_MS = 30_000
"""NXT's main market opens after KRX's; it ends as KRX's closing auction begins."""

AT_BOTH = frozenset({"00", "03", "04", "11", "12", "13", "14", "15", "16"})
KINDS = {NXT: AT_BOTH, SOR: AT_BOTH | {"01"}}
IN_INTERRUPTION = frozenset({"00"})
TOLD = {KRX: "1", NXT: "2", SOR: "3"}
"""ORD_EXG_GB of own-order notices; what SOR sends goes to KRX here."""


def taken_at(exchange: str, kind: str, stock: Stock, house: House, at: int) -> None:
    """Raises Declined where NXT or SOR would not take this order now. KRX has rules of its own."""
    if exchange == KRX:
        return
    if stock.issue.fund and exchange == NXT:
        raise _no("NXT 거래 가능 종목이 아닙니다.")
    day = house.market.timetable.of(at)
    if exchange == NXT and (day is None or day.phase(at) is not Phase.REGULAR or at < day.opens + LATER_MS):
        raise _no("장운영시간이 아닙니다.")
    if kind not in KINDS[exchange] or (exchange == NXT and stock.interrupted and kind not in IN_INTERRUPTION):
        raise _no("주문구분을 확인하세요.")


def _no(text: str) -> Declined:
    return refused("APBK0918", text)
