"""Frames of the simulated KIS stream: trades, books, market states, own-order notices (reference/kis.md 7.4-7.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.domain.policies import Environment
from core.simulators.kis_answers import percent
from core.simulators.kis_depth import Depth, Step, depth
from core.simulators.kis_exchanges import TOLD
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_order import ALL_AT_ONCE, AMEND, AT_ONCE, CANCEL, Notice, Said
from core.simulators.kis_quotes import signed
from core.simulators.kis_stock import Stock, Told
from core.simulators.kis_time import AUCTIONS, Phase, time_of

MARKETS = {Phase.OPENING: "2", Phase.CLOSING: "5", Phase.AFTER: "3"}
WAITING = {Phase.OPENING: "B", Phase.CLOSING: "C"}
OPERATION = {Phase.OPENING: "20", Phase.REGULAR: "20", Phase.CLOSING: "21", Phase.AFTER: "30"}
EVENTS = {
    Phase.OPENING: "110", Phase.REGULAR: "112", Phase.CLOSING: "121", Phase.SHUT: "129", Phase.CLOSE_PRICE: "140",
    Phase.AFTER: "",
}  # fmt: skip
"""MKOP_CLS_CODE of a phase that begins."""


def framed(tr_id: str, records: Sequence[Sequence[str]]) -> bytes:
    """One plain frame of any number of records: they follow each other with nothing in between."""
    cells = "^".join("^".join(record) for record in records)
    return f"0|{tr_id}|{len(records):03d}|{cells}".encode()


def trade_frames(tr_id: str, told: Sequence[Told], stock: Stock, date: str, limits: KisLimits) -> Iterator[bytes]:
    """One issue's executions of a turn, up to `limits.records` in a frame."""
    shown = depth(stock)
    for start in range(0, len(told), limits.records):
        part = told[start : start + limits.records]
        yield framed(tr_id, [widened(trade_cells(one, stock, shown, date), limits.trade_cells) for one in part])


def widened(cells: list[str], width: int) -> list[str]:
    """Cut the tail off, or append cells that nobody knows yet."""
    return cells[:width] + [str(number) for number in range(width - len(cells))]


def trade_cells(one: Told, stock: Stock, shown: Depth, date: str) -> list[str]:
    """47 cells, in the order of reference/kis.md 7.5."""
    base = stock.reference
    return [
        one.symbol, time_of(one.at), str(one.price), signed(one.price, stock), str(one.price - base),
        percent(one.price, base), f"{one.value / one.volume:.2f}", str(one.opening), str(one.high), str(one.low),
        str(one.ask), str(one.bid), str(one.quantity), str(one.volume), str(one.value), str(one.sells), str(one.buys),
        str(one.buys - one.sells), f"{one.bought / one.sold * 100:.2f}" if one.sold else "0.00", str(one.sold),
        str(one.bought), one.side, f"{one.bought / max(one.volume, 1):.2f}", "20.28",
        *_against(one.opened_at, one.price, one.opening), *_against(one.high_at, one.price, one.high),
        *_against(one.low_at, one.price, one.low), date, OPERATION.get(one.phase, "20"), "N",
        str(shown.asks[0].size), str(shown.bids[0].size), str(shown.offered), str(shown.wanted),
        f"{one.volume / stock.issue.shares * 100:.2f}", "0", "0.00", "0", "", str(one.vi_price),
        MARKETS.get(one.phase, "2"),
    ]  # fmt: skip


def _against(at: int, price: int, other: int) -> tuple[str, str, str]:
    """When a price of the day was, and how the last one stands to it."""
    sign = "2" if price > other else "5" if price < other else "3"
    return time_of(at) if at else "", sign, str(price - other)


def book_cells(stock: Stock, at: int, width: int) -> list[str]:
    """59 cells and the tail of 2026: three of the mid price, one of the market; in an auction the expected match."""
    shown = depth(stock)
    waiting = stock.phase in AUCTIONS or stock.interrupted
    expected = (shown.bids[0].price or shown.asks[0].price) if waiting else 0
    hour = WAITING.get(stock.phase, "C") if waiting else "0"
    change = expected - stock.reference if expected else -stock.reference
    cells = [
        stock.issue.symbol, time_of(at), hour, *_column(shown.asks, 0), *_column(shown.bids, 0),
        *_column(shown.asks, 1), *_column(shown.bids, 1), str(shown.offered), str(shown.wanted), "0", "0",
        str(expected), str(shown.bids[0].size if expected else 0), str(stock.volume if expected else 0), str(change),
        signed(expected, stock) if expected else "5", percent(expected, stock.reference) if expected else "-100.00",
        str(stock.volume), "0", "0", "0", "0", "0",
        str((shown.asks[0].price + shown.bids[0].price) // 2), "0", "0", MARKETS.get(stock.phase, "2"),
    ]  # fmt: skip
    return widened(cells, width)


def _column(steps: Sequence[Step], place: int) -> list[str]:
    return [str(step[place]) for step in steps]


def state_cells(stock: Stock, flags: frozenset[str], phase: Phase | None, status: str) -> list[str]:
    """11 cells; `phase` where one begins, None for a halt or an interruption of this issue."""
    event = EVENTS.get(phase, "") if phase else ""
    halted = "halted" in flags
    return [
        stock.issue.symbol, "Y" if halted else "N", "매매거래정지" if halted else "(null)", event,
        "311" if stock.interrupted else "", "", "", status, "Y" if stock.interrupted else "N", "N", "1",
    ]  # fmt: skip


def notice_cells(notice: Notice, account: str, hts_id: str, name: str, flavour: Environment) -> list[str]:
    """26 cells on real, 23 on mock, zero padded. Quantity and price are the order's where nothing filled."""
    order = notice.order
    filled = notice.said is Said.FILLED
    accepted = {Said.CANCELLED: "2", Said.AMENDED: "2", Said.KILLED: "3", Said.FILLED: "2"}.get(notice.said, "1")
    kind = {Said.CANCELLED: CANCEL, Said.AMENDED: AMEND}.get(notice.said, "0")
    condition = "2" if order.kind in ALL_AT_ONCE else "1" if order.kind in AT_ONCE else "0"
    cells = [
        hts_id, account, order.number, order.original, order.side, kind, order.kind, condition, order.symbol,
        f"{notice.quantity:010d}", f"{notice.price:09d}", time_of(notice.at), "0", "2" if filled else "1", accepted,
        order.branch, f"{order.quantity:09d}", "시험계좌",
    ]  # fmt: skip
    price = f"{order.price:09d}" if filled else ""
    if flavour is Environment.MOCK:
        return [*cells, "1Y", "10", "", name, price]
    return [*cells, "000000000", TOLD[order.exchange], "Y", "", "10", "", name, price]
