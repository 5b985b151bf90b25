"""Which limit, halt or worker refused a reservation, read from the legs of the transaction that failed."""

from __future__ import annotations

from core.adapters.dynamo.items import Item, number, text
from core.app.barriers import crowded, halted, losing, lost_enough, overdrawn
from core.app.ports import Limits, Reserved
from core.domain.leases import Barrier
from core.domain.values import Millis

LOST = Reserved(lost=True)


def barrier(failed: dict[str, Item], limits: Limits | None) -> Reserved:
    """The refusal to tell, the most final first: a lost lock, an order written before, a halt, a limit, a worker."""
    if "lock" in failed:
        return LOST
    if "order" in failed:
        return Reserved(refused=Barrier.REPEATED, detail=text(failed["order"], "pk"))
    if halt := next((name for name in failed if name.startswith("halt ")), None):
        return halted(halt.removeprefix("halt "), text(failed[halt], "reason"))
    if limits is not None and (refused := _money(failed, limits)):
        return refused
    missing = not failed.get("worker")
    return Reserved(
        refused=Barrier.WORKER_MISSING if missing else Barrier.WORKER_TAKEN, detail=text(failed["worker"], "symbol")
    )


def _money(failed: dict[str, Item], limits: Limits) -> Reserved | None:
    if "day" in failed:
        day = failed["day"]
        streak, lost = int(number(day, "streak")), Millis(int(number(day, "lost")))
        return lost_enough(limits, number(day, "realised")) or losing(limits, streak, lost)
    if "account" in failed:
        account = failed["account"]
        return overdrawn(limits, number(account, "exposure"), int(number(account, "positions")))
    if "currency" in failed:
        return crowded(limits, number(failed["currency"], "exposure"))
    return None
