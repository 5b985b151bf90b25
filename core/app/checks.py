"""What is held against a buy: what the shelf says before a lock is asked for, and what the venue itself says.

The venue is asked before the lock where that costs this process no round trip; else once the symbol is taken, in turns
that were taken with it, and before anything is noted as sent.
Limits on money, halts and workers are not among them: the store checks those in the transaction that takes them.
Only a buy that was taken earlier and not sent is held against halts and the day's loss once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from core.app.barriers import losing, lost_enough
from core.app.desk import Desk
from core.app.ports import Limits, Purse
from core.app.standstill import HEARD, standing_still, stilled
from core.domain.errors import CoreError
from core.domain.leases import Barrier, Granted, Intent
from core.domain.levels import Marked, SafeSet, ScanHealth, TopN
from core.domain.phases import AUCTIONS
from core.domain.sessions import thin_liquidating
from core.domain.values import ZERO, Millis, Side

STALL_S = 1.0
"""A buy that was reserved longer ago than this is held against halts once more before it is sent (E10)."""

MARKED_MS = 180_000
"""What open positions are worth is told every minute; after two that are missed nobody knows it."""


class Objection(msgspec.Struct, frozen=True):
    """Why something is not bought: the check's name, and what it found."""

    limit: str
    found: str


def objection(symbol: str, desk: Desk, at: Millis) -> Objection | None:
    """The first reason not to buy that the shelf has, None where there is none."""
    return next(_objections(symbol, desk, at), None)


def unfit(symbol: str, intent: Intent, desk: Desk) -> Objection | None:
    """The first reason that the venue itself gives; each look at it is a call. Raises Transient or Refused."""
    return next(_unfit(symbol, intent, desk), None)


def against(held: Granted, began: float, desk: Desk, *, looked: bool) -> Objection | None:
    """Why a buy that has just taken all it needs is not sent; a venue that does not answer is a reason too."""
    try:
        found = None if looked else unfit(held.instrument.symbol, held.intent, desk)
        stalled = desk.monotonic_s() - began > STALL_S
        return found or (stale(held, desk, look=looked) if stalled else None)
    except CoreError as trouble:
        return Objection("not looked at", trouble.found)


def stale(held: Granted, desk: Desk, *, look: bool = True) -> Objection | None:
    """Why a buy that was left behind is not sent any more; a sale is always carried out.

    look  is the venue looked at too? It is, unless it was a moment ago
    """
    intent, at = held.intent, desk.clock()
    if intent.side is Side.SELL:
        return None
    if at >= intent.expires:
        return Objection("expired", f"{(at - intent.expires) / 1000:.1f} s too late")
    symbol = held.instrument.symbol
    found = objection(symbol, desk, at) or (unfit(symbol, intent, desk) if look else None)
    return found or (barred(symbol, desk, at) if intent.reserved else None)


def barred(symbol: str, desk: Desk, at: Millis) -> Objection | None:
    """What has come up against a buy since it was reserved: a halt, or the day's loss (E7, E10)."""
    if reason := desk.ledger.halted(desk.market, symbol):
        return Objection(Barrier.HALTED.value, reason)
    account = desk.ledger.account(desk.market, desk.days.day_of(at))
    limits = limits_of(ZERO, desk, at, open_loss(desk))
    found = lost_enough(limits, account.realised) or losing(limits, account.streak, account.lost)
    return Objection(found.refused, found.detail) if found else None


def limits_of(cost: Decimal, desk: Desk, at: Millis, at_risk: Decimal = ZERO) -> Limits:
    """What a buy of `cost` must fit into now. `at_risk` is what open positions stand to lose: the day may lose less."""
    risk = desk.policy.risk
    return Limits(
        cost=cost,
        per_symbol=risk.per_symbol,
        total_exposure=risk.total_exposure,
        daily_loss=risk.daily_loss - at_risk,
        max_positions=risk.max_positions,
        day=desk.days.day_of(at),
        currency=desk.policy.universe.quote,
        currency_exposure=risk.currency_exposure,
        streak=risk.loss_streak,
        workers=desk.policy.workers.count,
        streak_since=Millis(at - round(risk.streak_pause_s * 1000)) if risk.streak_pause_s else Millis(0),
    )


def open_loss(desk: Desk) -> Decimal:
    """What open positions stood to lose when the sweep last looked, where the owner has that counted; never a gain."""
    if not desk.policy.risk.unrealised:
        return ZERO
    marked = desk.shelf.read(Marked, desk.market)
    return max(ZERO, -marked.unrealised) if marked else ZERO


def _objections(symbol: str, desk: Desk, at: Millis) -> Iterator[Objection]:
    yield from closed(desk, at)
    if (phase := desk.days.phase(at)) in AUCTIONS:
        yield Objection("session", f"{phase.value}: there is no price to buy at")
    if thin_liquidating(at, desk.policy.day, desk.days):
        yield Objection("day end", "everything is sold before the day ends")
    yield from _unsafe(symbol, desk, at)
    health = desk.shelf.read(ScanHealth, desk.market)
    if health is not None and health.safe_mode:
        yield Objection("safe mode", health.reason)
    yield from _unmarked(desk, at)
    if desk.policy.risk.only_top_n:
        yield from _unranked(symbol, desk)
    if stilled(desk.market, symbol, desk.shelf, desk.policy, at):
        yield Objection("standstill", HEARD)


def _unfit(symbol: str, intent: Intent, desk: Desk) -> Iterator[Objection]:
    """Its price has moved too far since the decision, it does not trade freely, or the account's cash buys less."""
    last, most = desk.last_price(symbol), float(intent.reference) * (1 + desk.policy.risk.max_slippage)
    if last is not None and last > most:
        yield Objection("price moved", f"{last:g} is over {most:g}")
    if reason := standing_still(desk.state(symbol)):
        yield Objection("standstill", reason)
    if isinstance(desk.broker, Purse):
        units = desk.broker.affordable(symbol, intent.limit)
        if units < intent.quantity:
            yield Objection("cash", f"buys {units:f} of {intent.quantity:f} at {intent.limit}")


def closed(desk: Desk, at: Millis) -> Iterator[Objection]:
    """Nothing is bought or sold outside the session (B6)."""
    if not desk.days.is_open(at):
        yield Objection("session", "the market is closed")


def _unsafe(symbol: str, desk: Desk, at: Millis) -> Iterator[Objection]:
    """A1-A3: nothing is bought that is not in a safe set young enough to trust."""
    known = desk.shelf.read(SafeSet, desk.market)
    if known is None:
        yield Objection("safe set", "there is none yet")
    elif at - known.at > desk.policy.safety.max_age_s * 1000:
        yield Objection("safe set", f"{(at - known.at) / 1000:.0f} s old, at most {desk.policy.safety.max_age_s:g} s")
    elif symbol not in known.safe:
        reasons = next((each.reasons for each in known.excluded if each.symbol == symbol), ("not in the universe",))
        yield Objection("safe set", f"excluded: {', '.join(reasons)}")


def _unmarked(desk: Desk, at: Millis) -> Iterator[Objection]:
    """Where open losses count, nothing is bought while nobody knows them (E7)."""
    if not desk.policy.risk.unrealised:
        return
    marked = desk.shelf.read(Marked, desk.market)
    if marked is None or at - marked.at > MARKED_MS:
        age = f"{(at - marked.at) / 1000:.0f} s old" if marked else "never told"
        yield Objection("open loss", f"{age}, at most {MARKED_MS / 1000:.0f} s")


def _unranked(symbol: str, desk: Desk) -> Iterator[Objection]:
    top = desk.shelf.read(TopN, desk.market)
    if top is None or symbol not in {member.symbol for member in top.members}:
        yield Objection("top n", "not among the ranked symbols")
