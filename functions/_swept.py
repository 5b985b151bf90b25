"""What one sweep found, as log lines and figures."""

from __future__ import annotations

from collections.abc import Sequence

from core.adapters.wiring import Wiring
from core.app.dead_letters import look
from core.app.sweep import Swept
from core.app.watchman import Watch
from core.domain.errors import CoreError
from core.domain.values import Market
from functions._runtime import EVERYWHERE, Event, Job


def told(job: Job, swept: Swept, market: Market) -> Event:
    """One line for each thing that was done or found; returns the figures."""
    for verdict in (*swept.resumed, *swept.exits):
        job.traded(verdict)
    for fault in swept.faults:
        job.log.error(fault.found, outcome="failed", instrument=str(fault.instrument))
    for adoption in swept.adopted:
        job.log.warning("position adopted", outcome="adopted", instrument=str(adoption.instrument))
    for act in swept.acts:
        units: Event = {"units": str(act.units), "pnl": str(act.trip.pnl) if act.trip else ""}
        job.log.warning(f"books put right: {act.did}", outcome="amended", instrument=str(act.instrument), **units)
    for total in swept.recounted:
        was: Event = {"exposure": str(total.was.exposure), "positions": total.was.positions}
        now = f"{total.exposure} in {total.positions} positions"
        job.log.error(f"limits recounted: {now}", outcome="recounted", market=market.value, key=total.of, **was)
    quiet = (("stray order settled", swept.ended), ("worker retired", swept.retired), ("lease tidied", swept.tidied))
    for what, names in quiet:
        for name in names:
            job.log.warning(what, outcome="settled", market=market.value, key=name)
    for each in swept.differs:
        facts: Event = {"booked": str(each.booked), "found": str(each.found)}
        job.log.error("the venue's books differ", outcome="differs", instrument=str(each.instrument), **facts)
    failures = (
        ("holdings not compared", swept.uncounted),
        ("open losses not known", swept.unmarked),
        ("people not told", swept.untold),
    )
    for what, why in failures:
        if why:
            job.log.warning(what, outcome="failed", market=market.value, why=why)
    return _figures(job, swept, market)


def _figures(job: Job, swept: Swept, market: Market) -> Event:
    figures: Event = {"waiting": swept.waiting, "resumed": len(swept.resumed), "exits": len(swept.exits)}
    figures |= {"adopted": len(swept.adopted), "freed": len(swept.freed), "strays": len(swept.strays)}
    job.log.info("sweep", outcome="silent" if swept.silent else "swept", market=market.value, **figures)
    job.count(market, Resumed=len(swept.resumed))
    return figures


def dead_letters(job: Job, wiring: Wiring) -> None:
    """The queues are everybody's, so they are looked at once, after the markets and whatever became of them."""
    try:
        found = look(wiring.dead_letters, wiring.alerts, wiring.clock())
    except CoreError as trouble:
        job.log.error("dead letters not looked at", outcome="failed", why=str(trouble))
        return
    for name, depth in found.items():
        job.log.error("dead letters", outcome="found", queue=name, messages=depth)


def watched(job: Job, seen: Sequence[tuple[Watch, bool]], *, of: int) -> None:
    """The figures that alarms stand on, over all markets. Not all looked at: none is written, and alarms miss them."""
    if len(seen) < of:
        return
    job.gauge(
        EVERYWHERE,
        StreamerSilent=sum(silent for _, silent in seen),
        SummariesOverdue=sum(watch.overdue for watch, _ in seen),
        HeldOvernight=sum(watch.overnight for watch, _ in seen),
        OrdersUnsettled=sum(watch.unsettled for watch, _ in seen),
        LossLimits=sum(watch.lost for watch, _ in seen),
        StaleSafety=sum(watch.stale for watch, _ in seen),
    )
