"""How much of what the exchanges allow these settings use, and what of them cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from core.domain.policies import MarketPolicy
from core.domain.values import DAY, Market, Millis
from core.feed.berths import capacity
from core.feed.pace import round_s, slowest
from core.local.schedules import Cron, Schedule, fires
from core.local.template import Json
from core.local.usage import Opened, Wish
from core.venues.spec import Venue, environment, venue

BUSY_SHARE = 0.8
"""More of a limit than this in the busiest minute leaves no room for a trade's own questions."""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one kind against the tightest limit that they fall under. `share` of it in their own minute."""

    market: Market
    what: str
    calls: int
    seconds: float
    every_s: float
    limit_per_s: float
    share: float


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions: what is wanted at the most, and what the exchange allows on these connections or keys."""

    market: Market
    wanted: int
    allowed: int
    of: str


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot work as it is set, why, and what to change."""

    what: str
    why: str
    do: str


def quota(found: list[Opened]) -> list[Quota]:
    return [row for one in found for row in _rows(one)]


def _rows(one: Opened) -> Iterator[Quota]:
    policy = one.policy
    rest = venue(one.market, policy).rest.at(environment(policy))
    limit = slowest(rest.limits, policy.rest.limits, policy.rest.headroom)
    yield _row(one, "scan", one.calls, policy.scan.interval_s, limit)
    yield _row(one, "daily references", policy.safety.references_per_run, 3600.0, limit)
    yield _row(one, "ranking", -(-min(one.symbols, 50) // rest.batch), 600.0, limit)


def _row(one: Opened, what: str, calls: int, every_s: float, limit: float) -> Quota:
    seconds = round_s(calls, 1, limit)
    share = calls / (limit * min(every_s, 60.0)) if limit else 0.0
    return Quota(
        market=one.market, what=what, calls=calls, seconds=seconds, every_s=every_s, limit_per_s=limit, share=share
    )


def slots(found: list[Opened]) -> list[Slots]:
    return [_slots(one.market, one.policy, venue(one.market, one.policy)) for one in found]


def _slots(market: Market, policy: MarketPolicy, found: Venue) -> Slots:
    topics, stream = len(found.stream.topics), found.stream
    if stream.slots:
        keys = max(1, len(policy.keys))
        wanted = policy.watch.max_ws_subs * topics + 1
        of = f"{keys} app key(s), {topics} a symbol, one for each first"
        return Slots(market=market, wanted=wanted, allowed=stream.slots * keys, of=of)
    allowed, of = capacity(stream, policy), f"{policy.stream.connections} connections"
    return Slots(market=market, wanted=policy.watch.max_ws_subs, allowed=allowed, of=of)


def conflicts(found: list[Opened], wish: Wish, planned: list[Schedule], bodies: Json) -> list[Conflict]:
    """Empty where all of it can work."""
    return [*_slow(found), *_crowded(found), *_asleep(found, wish), *_overlapping(planned, bodies)]


def _slow(found: list[Opened]) -> Iterator[Conflict]:
    for one in found:
        (scan, *_) = _rows(one)
        pauses = one.calls * one.policy.scan.pause_s
        if max(scan.seconds, pauses) > one.policy.scan.interval_s:
            yield Conflict(
                what=f"{one.market.value}: a scan takes longer than the time between two",
                why=f"{one.calls} calls, {max(scan.seconds, pauses):.0f} s, every {scan.every_s:g} s",
                do=f"a shorter universe, a longer markets.{one.market.value}.scan.interval_s, or a quicker key",
            )


def _crowded(found: list[Opened]) -> Iterator[Conflict]:
    """The minute of the full hour, in which everything asks at once."""
    for one in found:
        rows = list(_rows(one))
        passes = 2 if one.policy.scan.second_pass_s else 1
        calls = rows[0].calls * passes + sum(row.calls for row in rows[1:])
        limit = rows[0].limit_per_s
        if limit and calls > BUSY_SHARE * limit * 60:
            yield Conflict(
                what=f"{one.market.value}: the busiest minute leaves no room for trades",
                why=f"{calls} calls of {limit * 60:.0f} allowed",
                do=f"fewer markets.{one.market.value}.safety.references_per_run, or a longer scan.interval_s",
            )


def _asleep(found: list[Opened], wish: Wish) -> Iterator[Conflict]:
    always = [one.market.value for one in found if one.hours > 700]
    if wish.hours == "krx" and always:
        yield Conflict(
            what="the streamer sleeps while a market is open",
            why=f"{', '.join(always)} never closes: outside KRX's hours its exits are watched once a minute only",
            do="StreamerHours=always, or a stack of its own for that market",
        )


def _overlapping(planned: list[Schedule], bodies: Json) -> Iterator[Conflict]:
    """A run that may last longer than the time to the next one meets it, whichever of its schedules starts that."""
    for function in dict.fromkeys(schedule.function for schedule in planned):
        mine = [schedule for schedule in planned if schedule.function == function]
        gap, limit = _least_gap_s(mine), bodies[function].get("Timeout", 20)
        if limit > gap:
            yield Conflict(
                what=f"{function}: a run can meet the next one",
                why=f"time-out {limit} s, runs {gap:.0f} s apart ({', '.join(schedule.name for schedule in mine)})",
                do=f"a shorter Timeout of {function} in template.yaml, or schedules farther apart",
            )


WEEK = Millis(7 * DAY)


def _least_gap_s(mine: list[Schedule]) -> float:
    """Between any two runs of one function: within a week, where several schedules start it."""
    if len(mine) == 1:
        return _period_s(mine[0])
    starts = sorted(at for schedule in mine for at in fires(schedule.when, Millis(0), WEEK, Millis(0)))
    return min((after - before for before, after in pairwise(starts)), default=WEEK) / 1000


def _period_s(schedule: Schedule) -> float:
    match schedule.when:
        case Cron(minutes=minutes):
            marks = sorted(minutes)
            gaps = [after - before for before, after in zip(marks, [*marks[1:], marks[0] + 60], strict=True)]
            return float(min(gaps) * 60)
        case rate:
            return rate.period / 1000
