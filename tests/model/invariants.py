"""reference/aws.md 1.6, looked for at each step: what one request changed, and what everybody believes afterwards.

Each function yields the number of an invariant that does not hold, with what was found. They see items and requests
only as the table does, so they are the same for the model and for the embedded AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from core.adapters.dynamo.items import lock_of, number, text
from core.domain.leases import Busy, Granted, Held, Repeated
from core.domain.orders import Order
from tests.model.actors import LEASE_MS, Call, Point
from tests.model.expressions import Item

Broken = Iterator[tuple[int, str]]


class Ghost(msgspec.Struct, frozen=True):
    """What nobody in the system can remember for ever: the highest fence granted, that of the last commit and of the
    last one that gave the lock back, and every signal that was settled."""

    fence: int = 0
    committed: int = 0
    final: int = 0
    settled: frozenset[str] = frozenset()


def written(point: Point, before: Item | None, after: Item | None, ghost: Ghost) -> Broken:
    """What one task's request did to the symbol's item. `before is after` where it was refused."""
    if before is after or point.call is None:
        return
    if after is None:
        yield 11, "the lock's item was removed"
        return
    if grants(point.call):
        yield from _granted(before or {}, after, ghost)
    else:
        yield from _changed(point.granted, before or {}, after, ghost)


def _granted(was: Item, now: Item, ghost: Ghost) -> Broken:
    fence, lock = int(number(now, "fence")), lock_of(now)
    if fence <= ghost.fence:
        yield 1, f"fence {fence} was granted, and {ghost.fence} before it"
    if "intent" in was and was["intent"] != now.get("intent"):
        yield 6, "an intent was overwritten by the next one"
    if "intent" not in was and lock.intent is not None and lock.intent.signal in ghost.settled:
        yield 7, f"{lock.intent.signal} was granted again after it was settled"


def _changed(held: Granted | None, was: Item, now: Item, ghost: Ghost) -> Broken:
    if held is None or (text(was, "own"), int(number(was, "fence"))) != (held.owner, held.fence):
        found = f"{held.owner} under fence {held.fence}" if held else "nobody"
        yield 4, f"a write of {found} changed an item of {text(was, 'own')!r} under fence {number(was, 'fence')}"
    if held and held.fence < ghost.committed:
        yield 2, f"a write under fence {held.fence} was accepted after a commit under {ghost.committed}"
    if held and held.fence == ghost.final:
        yield 2, f"a second commit was accepted under fence {held.fence}"
    if int(number(now, "fence")) < ghost.fence:
        yield 1, f"the fence fell from {ghost.fence} to {number(now, 'fence')}"


def stepped(point: Point, before: Item | None, after: Item | None, ghost: Ghost) -> Ghost:
    """The watcher's memory after a request."""
    if before is after or after is None or point.call is None:
        return ghost
    fence, held = max(ghost.fence, int(number(after, "fence"))), point.granted
    values = point.call.values
    if held is None or grants(point.call) or not values & {":done", ":next"}:
        return replace(ghost, fence=fence)
    committed = max(ghost.committed, held.fence)
    if ":done" not in values:
        return replace(ghost, fence=fence, committed=committed)
    settled = ghost.settled | {signal_of(point)}
    return Ghost(fence=fence, committed=committed, final=held.fence, settled=settled)


def ending(point: Point) -> bool:
    return point.call is not None and ":done" in point.call.values


def signal_of(point: Point) -> str:
    return point.granted.intent.signal if point.granted else ""


def grants(call: Call) -> bool:
    return ":req" in call.values


def owned(item: Item | None) -> Broken:
    """14: an owner without an intent or an end would keep the symbol for ever."""
    if item and "own" in item and "exp" not in item:
        yield 14, f"{text(item, 'own')} owns the symbol without an end"


def answered(point: Point) -> Broken:
    """5 and 13: what a task is told by the lock."""
    for refusal in point.refusals:
        match refusal:
            case Busy(holder=holder) if holder == point.task.owner:
                yield 5, f"{holder} was told that its own lock is somebody else's"
            case Busy(holder=holder, fence=fence, ends=ends) if not (holder and fence and ends is not None):
                yield 13, f"a refusal says too little: {refusal}"
            case Held(worker="") | Repeated(signal=""):
                yield 13, f"a refusal says too little: {refusal}"


def sent(point: Point) -> Broken:
    """12: no order is sent after its owner's own deadline. Judged by when the owner last looked at its clock."""
    call = point.call
    if call is None or call.name != "place" or point.asked is None:
        return
    deadline = point.asked[1] + LEASE_MS
    if point.now >= deadline:
        yield 12, f"an order is sent {(point.now - deadline) / 1000:.1f} s after the lease ended"


def one_each(orders: Sequence[Order]) -> Broken:
    """3: never two client order ids for one leg of one decision."""
    seen: dict[tuple[str, str, int], str] = {}
    for order in orders:
        decision = (str(order.instrument), order.signal.partition("@")[0], order.leg)
        if seen.setdefault(decision, order.id) != order.id:
            yield 3, f"two orders for {decision}: {seen[decision]} and {order.id}"


def believers(points: Sequence[Point | None], now: int) -> Broken:
    """8: never two who believe that they may act. Who has only the end left to write does not act any more."""
    found = [str(point.task) for point in points if point is not None and now < point.until and not ending(point)]
    if len(found) > 1:
        yield 8, f"{' and '.join(found)} believe that they may act"
