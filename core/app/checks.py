"""What is held against a buy before a lock is asked for: all of it read from the shelf, nothing decided twice.

Limits on money, halts and workers are not among them: the store checks those in the transaction that takes them.
Only a buy that was taken earlier and not sent is held against halts and the day's loss once more.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from core.app.barriers import plain
from core.app.desk import Desk
from core.app.standstill import HEARD, standing_still, stilled
from core.domain.leases import Barrier
from core.domain.levels import SafeSet, ScanHealth, TopN
from core.domain.phases import AUCTIONS
from core.domain.sessions import thin_liquidating
from core.domain.values import Millis


class Objection(msgspec.Struct, frozen=True):
    """Why something is not bought: the check's name, and what it found."""

    limit: str
    found: str


def objection(symbol: str, price: float, last: float | None, desk: Desk, at: Millis) -> Objection | None:
    """The first reason not to buy, None where there is none.

    price  what the decision was taken at; `last` the newest price, None where nobody knows it
    """
    return next(_objections(symbol, price, last, desk, at), None)


def barred(symbol: str, desk: Desk, at: Millis) -> Objection | None:
    """What has come up against a buy since it was reserved: a halt, or the day's loss (E7, E10)."""
    if reason := desk.ledger.halted(desk.market, symbol):
        return Objection(Barrier.HALTED.value, reason)
    realised = desk.ledger.account(desk.market, desk.days.day_of(at)).realised
    floor = -desk.policy.risk.daily_loss
    return Objection(Barrier.DAILY_LOSS.value, f"{plain(realised)} of {plain(floor)}") if realised <= floor else None


def _objections(symbol: str, price: float, last: float | None, desk: Desk, at: Millis) -> Iterator[Objection]:
    yield from closed(desk, at)
    if (phase := desk.days.phase(at)) in AUCTIONS:
        yield Objection("session", f"{phase.value}: there is no price to buy at")
    if thin_liquidating(at, desk.policy.day, desk.days):
        yield Objection("day end", "everything is sold before the day ends")
    yield from _unsafe(symbol, desk, at)
    health = desk.shelf.read(ScanHealth, desk.market)
    if health is not None and health.safe_mode:
        yield Objection("safe mode", health.reason)
    if desk.policy.risk.only_top_n:
        yield from _unranked(symbol, desk)
    most = price * (1 + desk.policy.risk.max_slippage)
    if last is not None and last > most:
        yield Objection("price moved", f"{last:g} is over {most:g}")
    yield from _still(symbol, desk, at)


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


def _still(symbol: str, desk: Desk, at: Millis) -> Iterator[Objection]:
    """Nothing is bought that does not trade freely. The venue is asked last: that costs a call."""
    if stilled(desk.market, symbol, desk.shelf, desk.policy, at):
        yield Objection("standstill", HEARD)
    if reason := standing_still(desk.state(symbol)):
        yield Objection("standstill", reason)


def _unranked(symbol: str, desk: Desk) -> Iterator[Objection]:
    top = desk.shelf.read(TopN, desk.market)
    if top is None or symbol not in {member.symbol for member in top.members}:
        yield Objection("top n", "not among the ranked symbols")
