"""What the sweep writes where the venue was right and our books were not: one transaction on a symbol at rest."""

from __future__ import annotations

from core.adapters.dynamo.accounts import dismissed, earned, given_back, hired, repaid
from core.adapters.dynamo.expressions import Request, expressed, put
from core.adapters.dynamo.items import lock_key, news_row, order_row, trip_row
from core.adapters.dynamo.lock_requests import FREE
from core.adapters.dynamo.transactions import Tables, Transaction, signed
from core.app.ports import Amendment
from core.domain.leases import MARGIN, Lock
from core.domain.values import Millis


def amend(tables: Tables, lock: Lock, change: Amendment, at: Millis) -> Transaction:
    """On condition that the item is as it was read: its fence grows with every grant, and no intent is on it."""
    ledger, instrument = tables.ledger, lock.instrument
    market = instrument.market
    count = int(change.position is not None) - int(lock.position is not None)
    legs = {"lock": {"Update": _written(tables, lock, change, at)}}
    if change.freed or count:
        legs["account"] = {"Update": given_back(ledger, market, change.freed, count)}
    if change.freed and change.currency:
        legs["currency"] = {"Update": repaid(ledger, change.currency, change.freed)}
    if change.trip:
        legs["trip"] = {"Put": put(ledger, trip_row(change.trip, change.day), "attribute_not_exists(pk)")}
        legs["day"] = {"Update": earned(ledger, market, change.day, change.trip.pnl, change.lost, at)}
    if change.order:
        legs["order"] = {"Put": put(ledger, order_row(change.order, change.decided))}
    if change.news:
        legs["news"] = {"Put": put(ledger, news_row(change.news, market))}
    if change.hired:
        legs["worker"] = {"Update": hired(ledger, change.hired, instrument.symbol, at)}
    if change.dismissed:
        legs["former"] = {"Update": dismissed(ledger, instrument, change.dismissed, at)}
    return signed(legs)


def _written(tables: Tables, lock: Lock, change: Amendment, at: Millis) -> Request:
    sets, removes = ["wrote = :wrote", "dust = :dust"], ["own", "req", "exp"]
    values: dict[str, object] = {"wrote": "", "dust": change.dust, "one": 1, "late": at - MARGIN}
    if change.position is None:
        removes += ["held"]
    else:
        sets, values["held"] = [*sets, "held = :held"], change.position
    if change.lost:
        sets, values["lost"] = [*sets, "lost = :lost"], at
    same = "attribute_not_exists(fence)"
    if lock.fence:
        same, values["fence"] = "fence = :fence", lock.fence
    return expressed(
        tables.locks,
        lock_key(lock.instrument),
        update=f"SET {', '.join(sets)} REMOVE {', '.join(removes)} ADD fence :one",
        condition=f"{same} AND attribute_not_exists(intent) AND {FREE}",
        values=values,
    )
