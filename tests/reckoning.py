"""The venue's own log held against our books, order by order, to the share and to the last decimal.

Nothing here asks the product for arithmetic: the venue's executions are summed as they lie in its log, and that must be
what our orders, positions, results, workers and accounts say.
"""

from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from core.domain.orders import DONE
from core.domain.signals import Exit
from core.domain.values import ZERO, Millis, Side
from core.domain.workers import Status


class Part(NamedTuple):
    """One execution: its place among all of the account, units that the account has more or less by it, money in quote
    currency."""

    place: int
    price: Decimal
    units: Decimal
    fee: Decimal
    tax: Decimal

    @property
    def value(self):
        return self.price * self.units


class Deal(NamedTuple):
    """One order as the venue keeps it; `client` is our id, "" where the venue knows none."""

    number: str
    client: str
    symbol: str
    side: Side
    at: int
    parts: tuple[Part, ...]

    @property
    def cash(self):
        """What it moved in the account's money."""
        sign = 1 if self.side is Side.SELL else -1
        return sum((sign * part.value - part.fee - part.tax for part in self.parts), ZERO)


class Sums(NamedTuple):
    units: Decimal
    value: Decimal
    fee: Decimal
    tax: Decimal


NOTHING = Sums(ZERO, ZERO, ZERO, ZERO)
DUST = Exit.DUST.value
"""An order of this reason is our own write-off: no venue has ever seen it."""


def of_coins(books):
    """The log of a simulated account of coins. A commission in the bought coin takes units, and is worth their price."""
    return [
        Deal(one.number, one.client, one.symbol, one.side, one.at, tuple(_coin(fill, one, books) for fill in one.fills))
        for one in books.orders.values()
    ]


def _coin(fill, order, books):
    base, quote = books.pair(order.symbol)
    taken = fill.fee if fill.paid_in == base and order.side is Side.BUY else ZERO
    worth = {quote: fill.fee, base: fill.fee * fill.price}[fill.paid_in]
    return Part(fill.id, fill.price, fill.quantity - taken, worth, ZERO)


def of_kis(account):
    """The log of a simulated KIS account; each order's number as our books have it."""
    return [
        Deal(
            f"{one.date}-{one.number}-{one.branch}", "", one.symbol, Side.BUY if one.side == "02" else Side.SELL, one.at,
            tuple(Part(e.place, *map(Decimal, (e.price, e.quantity, e.fee, e.tax))) for e in one.executions),
        )
        for one in account.orders.values()
    ]  # fmt: skip


def of_paper(log):
    """The paper venue's: finished orders, in the order in which they were recorded."""
    return [
        Deal(o.venue_id, o.id, o.instrument.symbol, o.side, o.at,
             tuple(Part(n, f.price, f.quantity, f.fee, f.tax) for f in o.fills))
        for n, o in enumerate(log)
    ]  # fmt: skip


def differences(deals, desk):
    """(the venue's, ours) by what it is about, wherever the two are not the same; nothing where all is well."""
    rows = ours(deals, desk)
    names = named(deals, rows)
    theirs = {names[deal.number]: _sums(deal.parts) for deal in deals if deal.parts}
    booked = {order.id: _booked(order) for order in rows.values() if order.fills}
    pairs = {f"order {name}": (theirs.get(name), booked.get(name)) for name in theirs | booked}
    pairs |= {f"fills of {deal.client}": _fills(deal, rows[deal.client]) for deal in deals if deal.client in rows}
    pairs |= _money(deals, desk) | {"unfinished": ([], [o.id for o in rows.values() if o.state not in DONE])}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def cash(deals):
    """What all of it moved in the account's money."""
    return sum((deal.cash for deal in deals), ZERO)


def untrue(orders, deals):
    """(the venue's, ours) of each of these finished orders of ours that is not what the venue's log says of it."""
    rows = {order.id: order for order in orders if order.state in DONE and order.reason != DUST}
    names = named(deals, rows)
    theirs = {names[deal.number]: _sums(deal.parts) for deal in deals}
    pairs = {name: (theirs.get(name, NOTHING), _booked(order)) for name, order in rows.items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def ours(deals, desk):
    """Our rows of the days on which the venue has orders, by our id."""
    rows = [order for day in _days(deals, desk) for order in desk.ledger.orders(desk.market, day)]
    return {order.id: order for order in rows if order.reason != DUST}


def named(deals, rows):
    """Our id of each of the venue's orders: by our own where the venue knows that, else by its number; orders of ours
    that never had a number are those whose sums they are. What is nobody's keeps the venue's number."""
    numbers = {order.venue_id.partition(".")[0]: order.id for order in rows.values() if order.venue_id}
    names = {deal.number: deal.client or numbers.get(deal.number, "") for deal in deals}
    bare = [order for order in rows.values() if order.fills and not order.venue_id]
    for deal in (deal for deal in deals if deal.parts and not names[deal.number]):
        mine = [o for o in bare if (o.instrument.symbol, o.side) == (deal.symbol, deal.side)]
        mine.sort(key=lambda order: _booked(order) != _sums(deal.parts))
        if mine:
            bare.remove(mine[0])
            names[deal.number] = mine[0].id
    return {number: name or number for number, name in names.items()}


def _sums(parts):
    parts = list(parts)
    figures = ("units", "value", "fee", "tax")
    return Sums(*(sum((getattr(part, name) for part in parts), ZERO) for name in figures))


def _booked(order):
    return Sums(order.filled, order.value, order.fees, order.taxes)


def _fills(deal, order):
    """Price and units of each execution, where the venue tells each of them."""
    theirs = sorted((part.price, part.units) for part in deal.parts)
    return theirs, sorted((fill.price, fill.quantity) for fill in order.fills)


def _money(deals, desk):
    """Units and cash: what the venue moved is what our results have earned, less what our positions have cost."""
    units, moved = defaultdict(Decimal), defaultdict(Decimal)
    for deal in deals:
        sign = 1 if deal.side is Side.BUY else -1
        units[deal.symbol] += sign * sum((part.units for part in deal.parts), ZERO)
        moved[deal.symbol] += deal.cash
    locks = [lock for lock in desk.leases.locks() if lock.instrument.market is desk.market]
    held, trips = [lock.position for lock in locks if lock.position], _trips(deals, desk)
    accounts = [desk.ledger.account(desk.market, day) for day in _days(deals, desk)]
    kept = {lock.instrument.symbol: (lock.position.quantity if lock.position else ZERO) + lock.dust for lock in locks}
    return {
        "units": (_some(units), _some(kept)),
        "cash": (_some(moved), _some(_cash(trips, held, lambda one: one.instrument.symbol))),
        "realised": (sum((trip.pnl for trip in trips), ZERO), sum((account.realised for account in accounts), ZERO)),
        "exposure": (sum((p.cost + p.fees for p in held), ZERO), accounts[0].exposure),
        "capital": ({w.symbol for w in desk.ledger.workers(desk.market) if w.status is Status.HOLD},
                    {p.instrument.symbol for p in held}),
    }  # fmt: skip


def by_worker(deals, desk):
    """(the venue's, ours): money that each worker's orders moved; where no position changed its worker, the same."""
    rows, moved = ours(deals, desk), defaultdict(Decimal)
    names = named(deals, rows)
    for deal in deals:
        if deal.parts:
            moved[rows[names[deal.number]].worker] += deal.cash
    held = [lock.position for lock in desk.leases.locks() if lock.position]
    return _some(moved), _some(_cash(_trips(deals, desk), held, lambda one: one.worker))


def _cash(trips, held, of):
    """Money that sales have earned and positions have taken, by what `of` says of each."""
    found = defaultdict(Decimal)
    for trip in trips:
        found[of(trip)] += trip.pnl
    for position in held:
        found[of(position)] -= position.cost + position.fees
    return found


def _days(deals, desk):
    return {desk.days.day_of(Millis(deal.at)) for deal in deals} | {desk.days.day_of(desk.clock())}


def _trips(deals, desk):
    return [trip for day in _days(deals, desk) for trip in desk.ledger.trips(desk.market, day)]


def _some(figures):
    return {name: figure for name, figure in figures.items() if figure}
