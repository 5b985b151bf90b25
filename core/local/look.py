"""One look at a whole market: every level, lock, worker, order and result, read the way any consumer reads them."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.adapters.wiring import Wiring
from core.app.ports import Clock, Leases, Ledger, Shelf
from core.domain.leases import Lock
from core.domain.levels import Buyable, DayReport, SafeSet, Scan, ScanHealth, StreamFigures, StreamHealth, Targets, TopN
from core.domain.orders import Order
from core.domain.policies import MarketPolicy
from core.domain.positions import Position, RoundTrip
from core.domain.sessions import latest_day
from core.domain.values import Market, Millis
from core.domain.workers import Worker
from core.local.cloud import Cloud
from core.venues.spec import venue


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The stores that a look reads, and the clock it is dated by."""

    shelf: Shelf
    leases: Leases
    ledger: Ledger
    clock: Clock


def books_of(cloud: Cloud) -> Books:
    """The stores of a running system, wired as its functions wire them."""
    wiring = Wiring(cloud.environment())
    return Books(shelf=wiring.shelf, leases=wiring.leases, ledger=wiring.ledger, clock=wiring.clock)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to show of one market at one moment; None where nothing has been written yet."""

    market: Market
    at: Millis
    day: str
    safe: SafeSet | None
    scan: Scan | None
    health: ScanHealth | None
    targets: Targets | None
    top: TopN | None
    buyable: Buyable | None
    stream: StreamHealth | None
    summary: DayReport | None
    locks: list[Lock]
    workers: list[Worker]
    orders: list[Order]
    trips: list[RoundTrip]
    halted: str
    figures: StreamFigures | None = None

    @property
    def positions(self) -> list[Position]:
        return [lock.position for lock in self.locks if lock.position is not None]

    @property
    def prices(self) -> dict[str, float]:
        """Last scanned price by symbol, quote currency."""
        return {row.symbol: row.price for row in self.scan.snapshots} if self.scan else {}

    @property
    def names(self) -> dict[str, str]:
        return self.safe.names if self.safe else {}

    def unrealised(self, position: Position) -> Decimal | None:
        """Profit or loss at the last scanned price before the fees of selling; None where no price is known."""
        price = self.prices.get(position.instrument.symbol)
        if price is None:
            return None
        return Decimal(str(price)) * position.quantity - position.cost - position.fees


def empty(market: Market) -> View:
    """The view of a market of which nothing is known yet."""
    nothing: dict[str, None] = dict.fromkeys(
        ("safe", "scan", "health", "targets", "top", "buyable", "stream", "summary")
    )
    lists: dict[str, list[object]] = {name: [] for name in ("locks", "workers", "orders", "trips")}
    return msgspec.convert({"market": market, "at": 0, "day": "", "halted": "", **nothing, **lists}, View)


def look(books: Books, market: Market, policy: MarketPolicy, day: str = "") -> View:
    """Read everything once. `day` names the market's day, today's where it is empty."""
    at = books.clock()
    shelf, ledger = books.shelf, books.ledger
    day = day or latest_day(at, venue(market).rules.calendar(policy.day))
    return View(
        market=market,
        at=at,
        day=day,
        safe=shelf.read(SafeSet, market),
        scan=shelf.read(Scan, market),
        health=shelf.read(ScanHealth, market),
        targets=shelf.read(Targets, market),
        top=shelf.read(TopN, market),
        buyable=shelf.read(Buyable, market),
        stream=shelf.read(StreamHealth, market),
        summary=shelf.read_tagged(DayReport, market, day),
        locks=[lock for lock in books.leases.locks() if lock.instrument.market is market],
        workers=sorted(ledger.workers(market), key=lambda worker: worker.id),
        orders=ledger.orders(market, day),
        trips=ledger.trips(market, day),
        halted=ledger.halted(market),
        figures=shelf.read(StreamFigures, market),
    )


def stream_words(told: StreamFigures) -> str:
    """How the stream is doing, in one line."""
    up = sum(link.up for link in told.links)
    rate = sum(link.rate for link in told.links)
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(told.found.items())) or "none found"
    return (
        f"{up} of {len(told.links)} connections, {rate:.0f} frames/s, to a signal p99 {told.to_signal[1]:.0f} ms, "
        f"lag {told.lag_ms} ms ({told.pressure}), gaps: {found}"
    )
