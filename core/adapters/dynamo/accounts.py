"""What a trade does to accounts and workers: the legs of its transactions beside lock and order."""

from __future__ import annotations

from decimal import Decimal

from core.adapters.dynamo.expressions import Request, expressed
from core.adapters.dynamo.items import account_key, currency_key, day_account_key, total_key, worker_key
from core.app.ports import Limits, Total
from core.domain.orders import Order
from core.domain.values import Instrument, Market, Millis
from core.domain.workers import Status, Worker


def taken(ledger: str, order: Order, limits: Limits) -> Request:
    return expressed(
        ledger,
        account_key(order.instrument.market),
        update="ADD exposure :cost, positions :one, moves :one",
        condition="(attribute_not_exists(exposure) OR exposure <= :room)"
        " AND (attribute_not_exists(positions) OR positions < :most)",
        values={
            "cost": limits.cost,
            "one": 1,
            "room": limits.total_exposure - limits.cost,
            "most": min(limits.max_positions, limits.workers or limits.max_positions),
        },
    )


def given_back(ledger: str, market: Market, freed: Decimal, count: int) -> Request:
    return expressed(
        ledger,
        account_key(market),
        update="ADD exposure :freed, positions :gone, moves :one",
        values={"freed": -freed, "gone": count, "one": 1},
    )


def paid(ledger: str, limits: Limits) -> Request:
    """Counted always, so that a limit set later is exact; held against the limit where there is one."""
    values: dict[str, object] = {"cost": limits.cost, "one": 1}
    room = ""
    if limits.currency_exposure is not None:
        room = "attribute_not_exists(exposure) OR exposure <= :room"
        values["room"] = limits.currency_exposure - limits.cost
    update = "ADD exposure :cost, moves :one"
    return expressed(ledger, currency_key(limits.currency), update=update, condition=room, values=values)


def repaid(ledger: str, currency: str, freed: Decimal) -> Request:
    update = "ADD exposure :freed, moves :one"
    return expressed(ledger, currency_key(currency), update=update, values={"freed": -freed, "one": 1})


def corrected(ledger: str, of: Market | str, was: Total, exposure: Decimal, positions: int) -> Request:
    """On condition that nothing was taken or given back since `was` was read."""
    update, values = "SET exposure = :exposure", {"exposure": exposure, "one": 1, "moves": was.moves}
    if isinstance(of, Market):
        update, values = f"{update}, positions = :positions", {**values, "positions": positions}
    same = "moves = :moves"
    if not was.moves:
        same = "attribute_not_exists(moves)"
        del values["moves"]
    return expressed(ledger, total_key(of), update=f"{update} ADD moves :one", condition=same, values=values)


def day_left(ledger: str, order: Order, limits: Limits) -> Request:
    """The day has not lost enough, and not too often one after the other."""
    enough = "attribute_not_exists(realised) OR realised > :floor"
    values: dict[str, object] = {"floor": -limits.daily_loss}
    if limits.streak:
        enough = f"({enough}) AND (attribute_not_exists(streak) OR streak < :streak OR lost < :since)"
        values |= {"streak": limits.streak, "since": limits.streak_since}
    key = day_account_key(order.instrument.market, limits.day)
    return expressed(ledger, key, condition=enough, values=values)


def earned(ledger: str, market: Market, day: str, pnl: Decimal, lost: bool | None, at: Millis) -> Request:
    """The day's result, and how many positions were lost one after the other: one that was not ends the row."""
    update = "ADD realised :pnl"
    values: dict[str, object] = {"pnl": pnl}
    if lost:
        update, values = f"SET lost = :at {update}, streak :one", {**values, "at": at, "one": 1}
    elif lost is False:
        update, values = f"SET streak = :none {update}", {**values, "none": 0}
    return expressed(ledger, day_account_key(market, day), update=update, values=values)


def hired(ledger: str, worker: Worker, symbol: str, at: Millis) -> Request:
    return expressed(
        ledger,
        worker_key(worker.market, worker.id),
        update="SET #status = :hold, #symbol = :symbol, capital = :capital, heartbeat = :at",
        condition="#status = :scan",
        values={
            "hold": Status.HOLD.value,
            "scan": Status.SCAN.value,
            "symbol": symbol,
            "capital": worker.capital,
            "at": at,
        },
    )


def dismissed(ledger: str, instrument: Instrument, worker: str, at: Millis) -> Request:
    return expressed(
        ledger,
        worker_key(instrument.market, worker),
        update="SET #status = :scan, #symbol = :none, heartbeat = :at",
        condition="#status = :hold AND #symbol = :symbol",
        values={
            "scan": Status.SCAN.value,
            "hold": Status.HOLD.value,
            "symbol": instrument.symbol,
            "none": "",
            "at": at,
        },
    )
