"""What changed between two looks, as sentences worth telling. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.domain.orders import DONE, Order, State
from core.domain.positions import RoundTrip
from core.domain.values import Side
from core.local.look import View

FEW = 6
NEWS_MS = 5_000
"""A signal that shows up later than this was only hidden while its symbol was held: no news."""

LOST = "the stream is lost"

LEAST_PRICE = 10.0
"""A threshold from here on is a price: no rule asks for a fraction or a ratio so large."""

WHOLE = Decimal(100)
"""From here on nobody reads the fraction of a currency's unit."""


def changes(before: View | None, after: View) -> Iterator[str]:
    """One sentence for each thing that happened since `before` (None: since nothing)."""
    yield from _universe(before, after)
    yield from _watching(before, after)
    yield from _signals(before, after)
    yield from _trading(before, after)
    if after.halted and (before is None or not before.halted):
        yield f"buying is halted: {after.halted}"
    if after.summary and (before is None or before.summary is None):
        yield f"day {after.summary.day} closed: {after.summary.trades} trades, PnL {money(after.summary.pnl)}"


def money(amount: Decimal) -> str:
    """Quote currency, with its sign where it is a loss: whole units from 100 on, else 4 digits of what it is.

    >>> money(Decimal("-1234567.8")), money(Decimal("12.4")), money(Decimal("0.00001234")), money(Decimal("0.00"))
    ('-1,234,568', '12.4', '0.00001234', '0')
    """
    if not amount or abs(amount) >= WHOLE:
        return f"{amount:,.0f}"
    return figure(Decimal(f"{amount:.4g}"))


def units(quantity: Decimal) -> str:
    """A quantity without trailing zeros.

    >>> units(Decimal("3.50000000"))
    '3.5'
    """
    return f"{quantity.normalize():f}"


def figure(value: float | Decimal) -> str:
    """A price as people write it: no exponent, no trailing zeros, at most 8 decimals.

    >>> figure(142399000.0), figure(0.0152), figure(Decimal("271500.50"))
    ('142,399,000', '0.0152', '271,500.5')
    """
    text = f"{value:,.8f}"
    return text.rstrip("0").rstrip(".")


def measured(value: float, threshold: float) -> str:
    """What a rule measured: a price as a price, a fraction or a ratio with its sign and four digits.

    >>> measured(504000.0, 475860.0), measured(-0.0891, -0.08)
    ('504,000', '-0.0891')
    """
    return figure(value) if abs(threshold) >= LEAST_PRICE else f"{value:+.4f}"


def few(symbols: list[str]) -> str:
    """A list for one line: the first few and how many more there are.

    >>> few(["a", "b"]), few(list("abcdefgh"))
    ('a b', 'a b c d e f and 2 more')
    """
    shown = " ".join(symbols[:FEW])
    return shown if len(symbols) <= FEW else f"{shown} and {len(symbols) - FEW} more"


def _universe(before: View | None, after: View) -> Iterator[str]:
    if after.safe and (before is None or before.safe is None or before.safe.safe != after.safe.safe):
        yield f"safe to trade: {len(after.safe.safe)} symbols, {len(after.safe.excluded)} excluded"
    if after.scan and (before is None or before.scan is None or before.scan.removed != after.scan.removed):
        gone = ", ".join(f"{count} by {why}" for why, count in after.scan.removed.items() if count) or "none"
        yield f"scan: {len(after.scan.snapshots)} symbols in {after.scan.calls} calls, removed {gone}"
    was_safe_mode = bool(before and before.health and before.health.safe_mode)
    if after.health and after.health.safe_mode != was_safe_mode:
        yield f"safe mode on: {after.health.reason}" if after.health.safe_mode else "safe mode off"
    if after.top and (before is None or before.top is None or before.top.version != after.top.version):
        yield f"Top N: {few([member.symbol for member in after.top.members]) or 'empty'}"


def _watching(before: View | None, after: View) -> Iterator[str]:
    if after.stream is None:
        return
    held = set(before.stream.subscribed) if before and before.stream else set()
    now = set(after.stream.subscribed)
    if held and not now:
        yield LOST
    elif now and not held and after.stream.reconnects:
        yield f"the stream is back: {len(now)} symbols subscribed again"
    else:
        if added := sorted(now - held):
            yield f"subscribed: {few(added)}"
        if dropped := sorted(held - now):
            yield f"unsubscribed: {few(dropped)}"


def _signals(before: View | None, after: View) -> Iterator[str]:
    known = {signal.id for signal in before.buyable.signals} if before and before.buyable else set()
    for signal in after.buyable.signals if after.buyable else ():
        if signal.id not in known and after.at - signal.seen <= NEWS_MS:
            shown = f"{measured(signal.value, signal.threshold)} against {measured(signal.threshold, signal.threshold)}"
            symbol = named(signal.instrument.symbol, after.names)
            yield f"signal: {signal.side.value} {symbol} by {signal.rule} ({shown})"


def _trading(before: View | None, after: View) -> Iterator[str]:
    states = {order.id: order.state for order in before.orders} if before else {}
    for order in after.orders:
        if order.state is not states.get(order.id) and (order.state in DONE or order.state is State.UNKNOWN):
            yield _order(order, after.names)
    told = {trip.id for trip in before.trips} if before else set()
    yield from (_trip(trip, after.names) for trip in after.trips if trip.id not in told)


def named(symbol: str, names: dict[str, str]) -> str:
    """A symbol with what people call it, where it is a code that says nothing.

    >>> names = {"005930": "삼성전자", "KRW-BTC": "비트코인"}
    >>> named("005930", names), named("KRW-BTC", names), named("000660", names)
    ('005930 삼성전자', 'KRW-BTC', '000660')
    """
    return f"{symbol} {names.get(symbol, '')}".rstrip() if symbol[-1:].isdigit() else symbol


def _order(order: Order, names: dict[str, str]) -> str:
    symbol = named(order.instrument.symbol, names)
    verb = "bought" if order.side is Side.BUY else "sold"
    if not order.filled:
        return f"order {order.state.value}: {order.side.value} {symbol} {order.note}".rstrip()
    price = order.value / order.filled
    return f"{verb}: {symbol} {units(order.filled)} at {figure(price)} by {order.worker} ({order.reason})"


def _trip(trip: RoundTrip, names: dict[str, str]) -> str:
    return f"result: {named(trip.instrument.symbol, names)} {money(trip.pnl)} ({trip.exit})"
