"""What the gates are judged by: everything that is known of one symbol at one moment, read once."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.app.ports import Account, Leases, Ledger, Shelf
from core.domain.leases import Lock
from core.domain.levels import (
    Buyable,
    Marked,
    OpenDays,
    Reference,
    References,
    SafeSet,
    Scan,
    ScanHealth,
    Snapshot,
    StreamHealth,
    Targets,
    TopN,
)
from core.domain.orders import Order
from core.domain.policies import MarketPolicy
from core.domain.sessions import TOLD, Calendar, latest_day
from core.domain.sight import Sight, Watched
from core.domain.signals import Signal
from core.domain.specifications import Specifications
from core.domain.values import DAY, Instrument, Millis
from core.domain.workers import Worker
from core.venues.spec import Venue, venue


class Mark(StrEnum):
    """STOP keeps it from being bought; WAIT has not come about yet; NONE only tells."""

    PASS = "pass"
    STOP = "stop"
    WAIT = "wait"
    NONE = "none"


class Gate(msgspec.Struct, frozen=True):
    """One link of the chain: what was found, the limit it was held against ("" for none), and more in words."""

    name: str
    mark: Mark
    found: str
    limit: str = ""
    detail: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Levels, locks and books as they stand; None where nobody has written it yet.

    orders  of the market's day, this symbol's only
    spent   what positions of the currency have taken in all markets; None where nobody limits it
    reference  yesterday's figures, None where nobody has today's
    """

    instrument: Instrument
    at: Millis
    venue: Venue
    policy: MarketPolicy
    days: Calendar
    safe: SafeSet | None
    scan: Scan | None
    health: ScanHealth | None
    targets: Targets | None
    top: TopN | None
    buyable: Buyable | None
    stream: StreamHealth | None
    watched: Watched | None
    marked: Marked | None
    lock: Lock | None
    workers: list[Worker]
    account: Account
    orders: list[Order]
    halted: str
    spent: Decimal | None
    reference: Reference | None

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def row(self) -> Snapshot | None:
        """The symbol in the last good scan."""
        rows = self.scan.snapshots if self.scan else ()
        return next((row for row in rows if row.symbol == self.symbol), None)

    @property
    def sight(self) -> Sight | None:
        """The symbol as the streamer saw it last."""
        seen = self.watched.sights if self.watched else ()
        return next((one for one in seen if one.symbol == self.symbol), None)

    @property
    def signal(self) -> Signal | None:
        """The newest live buy signal of it."""
        mine = [one for one in self.buyable.signals if one.instrument == self.instrument] if self.buyable else []
        return max(mine, key=lambda one: one.at) if mine else None

    @property
    def highest(self) -> Decimal | None:
        """The day's highest legal price, where there is one and yesterday's close is known."""
        row, bounds = self.reference, self.venue.rules.bounds
        if row is None or bounds is None or row.close <= 0.0:
            return None
        return bounds(self.symbol, Decimal(str(row.close)), self.at)[1]

    @property
    def price(self) -> float:
        """The newest price that anybody wrote down, 0 where nobody did."""
        if self.sight is not None and self.sight.price > 0.0:
            return self.sight.price
        return self.row.price if self.row else 0.0


def facts(
    instrument: Instrument, policy: MarketPolicy, *, shelf: Shelf, leases: Leases, ledger: Ledger, at: Millis
) -> Facts:
    """Read everything once. Raises Transient where a store does not answer."""
    market = instrument.market
    specified, told = shelf.read(Specifications, market), shelf.read(OpenDays, market)
    home = venue(market, policy, specified.rows.get if specified else None)
    days = home.rules.calendar(policy.day, told.days if told else TOLD)
    day = latest_day(at, days)
    orders = [order for order in ledger.orders(market, day) if order.instrument == instrument]
    limited = policy.risk.currency_exposure is not None
    return Facts(
        instrument=instrument,
        at=at,
        venue=home,
        policy=policy,
        days=days,
        safe=shelf.read(SafeSet, market),
        scan=shelf.read(Scan, market),
        health=shelf.read(ScanHealth, market),
        targets=shelf.read(Targets, market),
        top=shelf.read(TopN, market),
        buyable=shelf.read(Buyable, market),
        stream=shelf.read(StreamHealth, market),
        watched=shelf.read(Watched, market),
        marked=shelf.read(Marked, market),
        lock=leases.lock(instrument),
        workers=ledger.workers(market),
        account=ledger.account(market, day),
        orders=sorted(orders, key=lambda order: (order.at, order.id)),
        halted=ledger.halted(market, instrument.symbol),
        spent=ledger.exposure(policy.universe.quote) if limited else None,
        reference=_reference(shelf, instrument, at),
    )


def _reference(shelf: Shelf, instrument: Instrument, at: Millis) -> Reference | None:
    known = shelf.read(References, instrument.market)
    return known.rows.get(instrument.symbol) if known and known.day <= at < known.day + DAY else None


def passed(good: bool, name: str, found: str, limit: str = "", detail: str = "", *, bad: Mark = Mark.STOP) -> Gate:
    """A gate that is open or shut."""
    return Gate(name, Mark.PASS if good else bad, found, limit, detail)


def seconds(ms: float) -> str:
    """
    >>> seconds(1500), seconds(125_000), seconds(7_260_000)
    ('1.5 s', '125 s', '121 min')
    """
    if ms >= 600_000:
        return f"{ms / 60_000:.0f} min"
    return f"{ms / 1000:.0f} s" if ms >= 10_000 else f"{ms / 1000:.1f} s"


def amount(number: Decimal, places: int | None = None) -> str:
    """A number as people read it, with as many decimals as it has, or at most `places`.

    >>> amount(Decimal("1234567.50")), amount(Decimal("-3E+5")), amount(Decimal("999999.99998"), 2)
    ('1,234,567.5', '-300,000', '1,000,000')
    """
    text = f"{number:,f}" if places is None else f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
