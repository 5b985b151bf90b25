"""Is today a trading day? Asked of the venue once a day, where it says so at all: no table knows an election (B6)."""

from __future__ import annotations

from collections.abc import Mapping

from core.app.lookout import Lookout, Unanswered
from core.domain.levels import OpenDays
from core.domain.sessions import TOLD, date_of


def told(lookout: Lookout) -> Mapping[str, bool]:
    """What the venue said of single days, the newest answer; asked for anew on the first call of a date.

    Where it gives no answer the last one stands, and the next run asks again: the table decides meanwhile.
    """
    if lookout.venue.rest.holidays is None:
        return TOLD
    at = lookout.clock()
    today = date_of(at)
    kept = lookout.shelf.read(OpenDays, lookout.market)
    if kept is not None and kept.day == today:
        return kept.days
    try:
        said = lookout.quotes.holidays(today)
    except Unanswered:
        said = {}
    if not said:
        return kept.days if kept else TOLD
    lookout.shelf.write(OpenDays(market=lookout.market, at=at, day=today, days=said))
    return said
