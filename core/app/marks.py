"""What open positions would earn at the last prices: a level that buys are held against, if the owner wants it (E7)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

from core.app.desk import Desk
from core.app.ports import Quotes
from core.domain.errors import CoreError
from core.domain.leases import Lock
from core.domain.levels import Marked
from core.domain.results import EXACT
from core.domain.values import ZERO


def mark(locks: Sequence[Lock], desk: Desk, quotes: Quotes) -> str:
    """Write it, with one call for all symbols. Returns why it is not known, "" where it is or nobody asks for it.

    A figure that cannot be had is not written: the last one grows old, and buys wait for a new one.
    """
    if not desk.policy.risk.unrealised:
        return ""
    held = [lock.position for lock in locks if lock.position]
    symbols = [position.instrument.symbol for position in held]
    try:
        rows = quotes.tickers(symbols, desk.policy.universe.quote) if symbols else []
    except CoreError as trouble:
        return str(trouble)
    prices = {row.instrument.symbol: Decimal(str(row.price)) for row in rows if row.price}
    if missing := [symbol for symbol in symbols if symbol not in prices]:
        return f"no price of {', '.join(missing)}"
    with localcontext(EXACT):
        worth = sum((prices[each.instrument.symbol] * each.quantity for each in held), ZERO)
        paid = sum((each.cost + each.fees for each in held), ZERO)
        desk.shelf.write(Marked(market=desk.market, at=desk.clock(), unrealised=worth - paid))
    return ""
