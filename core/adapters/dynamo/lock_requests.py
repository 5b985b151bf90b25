"""The requests that touch a symbol's item alone, and what a refusal of one means. Pure, tested as values.

The item is lock, intent and position in one. Nothing here deletes it, and it has no time to live: its fence must grow
for ever. `done` is a list, not a set: `contains` works on both, and only a list knows which entry is the oldest. It is
written back whole by the owner, who got it with the grant, so no two writers can mix.
"""

from __future__ import annotations

from core.adapters.dynamo.expressions import Request, expressed
from core.adapters.dynamo.items import Item, granted_of, lock_key, lock_of, text
from core.domain.leases import MARGIN, Answer, Ask, Busy, Flat, Granted, Intent, Left, Lock, refusal, remembered
from core.domain.values import Millis, Side

UNTOUCHED = "attribute_not_exists(intent)"
GROWN = "(attribute_not_exists(fence) OR fence < :fence)"
FREE = "(attribute_not_exists(own) OR exp < :late)"
MINE = "own = :own AND fence = :fence"
COOLED = "(attribute_not_exists(lost) OR lost < :cooled)"
WANTED = {Side.BUY: "attribute_not_exists(held)", Side.SELL: "attribute_exists(held)"}


def grant(table: str, ask: Ask, at: Millis) -> Request:
    """Take the symbol and write the intent in one round trip, unless someone's is there to be finished first."""
    cooling = ask.intent.side is Side.BUY and ask.cooled
    return expressed(
        table,
        lock_key(ask.instrument),
        update="SET own = :own, req = :req, exp = :exp, intent = if_not_exists(intent, :intent) ADD fence :one",
        condition=f"{FREE} AND {WANTED[ask.intent.side]} AND NOT contains(done, :signal)"
        + (f" AND {COOLED}" if cooling else ""),
        values={
            "own": ask.owner,
            "req": ask.nonce,
            "exp": ask.ends,
            "intent": ask.intent,
            "one": 1,
            "late": at - MARGIN,
            "signal": ask.intent.signal,
        }
        | ({"cooled": ask.cooled} if cooling else {}),
    ) | {"ReturnValues": "ALL_NEW"}


def engage(table: str, ask: Ask, intent: Intent, fence: int, at: Millis) -> Request:
    """The lock's part of a buy's first write. A transaction answers nothing, so the owner brings its own next fence."""
    return expressed(
        table,
        lock_key(ask.instrument),
        update="SET own = :own, req = :req, exp = :exp, intent = :intent, fence = :fence",
        condition=f"{FREE} AND {WANTED[Side.BUY]} AND NOT contains(done, :signal) AND {UNTOUCHED} AND {GROWN}"
        + (f" AND {COOLED}" if ask.cooled else ""),
        values={
            "own": ask.owner,
            "req": ask.nonce,
            "exp": ask.ends,
            "intent": intent,
            "fence": fence,
            "late": at - MARGIN,
            "signal": intent.signal,
        }
        | ({"cooled": ask.cooled} if ask.cooled else {}),
    )


def disengaged(item: Item, ask: Ask, at: Millis) -> Answer | Left:
    """The same for a buy that asked for all at once; `Left` without an order: only its fence was not the next one."""
    if "own" in item and text(item, "req") == ask.nonce:
        return granted_of(item, ask.intent)
    lock = lock_of(item)
    found = refusal(lock, ask, at)
    return found or Left(order=lock.intent.order if lock.intent else "", fence=lock.fence)


def refused(item: Item | None, ask: Ask, at: Millis) -> Answer:
    """The answer in the item that refused us: our own lost reply by its nonce, else what stands in the way."""
    if not item:
        return Flat(fence=0)
    if "own" in item and text(item, "req") == ask.nonce:
        return granted_of(item, ask.intent)
    lock = lock_of(item)
    return refusal(lock, ask, at) or Busy(holder=lock.owner, fence=lock.fence, ends=lock.ends)


def release(table: str, held: Granted) -> Request:
    return expressed(
        table,
        lock_key(held.instrument),
        update="SET done = :done REMOVE own, req, exp, intent",
        condition=MINE,
        values={"done": remembered(held.done or (), held.intent.signal), **mine(held)},
    )


def released(item: Item | None, held: Granted) -> bool:
    """Was it our own release, whose reply was lost? Then the signal is settled and nobody was granted since."""
    if not item:
        return False
    lock = lock_of(item)
    return lock.fence == held.fence and held.intent.signal in lock.done


def owned(item: Item | None, held: Granted) -> tuple[str, ...] | None:
    """The settled signals of an item that is ours all the same: its list has grown too long to be added to."""
    if not item:
        return None
    lock = lock_of(item)
    ours = (lock.owner, lock.fence) == (held.owner, held.fence) and lock.intent is not None
    return lock.done if ours else None


def renew(table: str, held: Granted, ends: Millis) -> Request:
    return expressed(
        table, lock_key(held.instrument), update="SET exp = :ends", condition=MINE, values={"ends": ends, **mine(held)}
    )


def evict(table: str, lock: Lock) -> Request:
    """The fence grows, so that whoever held it is refused from now on; the nonce goes, so that no retry revives it."""
    return expressed(
        table,
        lock_key(lock.instrument),
        update="SET exp = :zero ADD fence :one REMOVE req",
        condition=MINE,
        values={"zero": 0, "one": 1, "own": lock.owner, "fence": lock.fence},
    )


def tidy(table: str, lock: Lock, at: Millis) -> Request:
    """The name of an owner that left nothing, off once its lease has ended: the item says again what is true."""
    return expressed(
        table,
        lock_key(lock.instrument),
        update="REMOVE own, req, exp",
        condition=f"{MINE} AND attribute_not_exists(intent) AND exp < :late",
        values={"own": lock.owner, "fence": lock.fence, "late": at - MARGIN},
    )


def mine(held: Granted) -> dict[str, object]:
    return {"own": held.owner, "fence": held.fence}
