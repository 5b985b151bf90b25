"""Even spacing of calls: the one way to keep a limit that somebody else counts by their own clock."""

from collections.abc import Iterable, Mapping
from math import ceil

from msgspec.structs import replace

from core.domain.turns import Fare, Stretch
from core.domain.values import Market, Millis

SKEW_MS = 10_000
"""A next moment further ahead than this was set by a clock that is wrong, and is not waited for."""

LINGER_MS = 800
"""So much longer than its calls need is a stretch: venues answer one after the other, and a fill is looked for once."""

LONGEST_MS = 6_000
"""A longer stretch is not taken: others wait for its end, and it must lie well within what can be true (SKEW_MS)."""

PUT_OFF_MS = 700
"""A stretch that is free only later than this is not waited for: each call asks for its own turn. A buy that has waited
for a second is held against halts once more."""

HELD_MS = 900_000
"""For so long one process has what is kept free of a venue's limits, unless it claims it anew."""


def step_ms(limit: float) -> int:
    """Least time between two calls so that no second, wherever it begins, holds more than `limit` of them.

    An exchange counts by its own clock's seconds, which begin elsewhere than ours: counting by our seconds could put
    twice the limit into one of its own. A limit under one is one call in that part of a second.

    Args:
        limit: calls a second, more than 0.

    >>> step_ms(8.0), step_ms(9.6), step_ms(0.5)
    (125, 112, 2000)
    """
    return ceil(1000 / (int(limit) if limit >= 1 else limit))


def slowest(venue: Mapping[str, float], owner: Mapping[str, float], headroom: float) -> float:
    """Calls a second of the tightest rate-limit group, the owner's figure before the venue's; 0 = no limit.

    >>> slowest({"rest": 18.0}, {}, 0.5), slowest({"rest": 18.0}, {"rest": 4.0}, 0.5), slowest({}, {}, 0.8)
    (9.0, 2.0, 0.0)
    """
    return min((owner.get(group) or limit for group, limit in venue.items()), default=0.0) * headroom


def round_s(symbols: int, batch: int, limit: float) -> float:
    """Seconds that one round of calls over all symbols takes at the least, `batch` of them in a call.

    >>> round_s(250, 30, 10.0), round_s(250, 1, 0.5), round_s(250, 30, 0.0)
    (0.9, 500.0, 0.0)
    """
    return -(-symbols // batch) * step_ms(limit) / 1000 if limit else 0.0


def wait_ms(ready: int, step: int, at: Millis) -> int:
    """How long until `ready`; 0 where it has come, or lies so far ahead that it cannot be true."""
    ahead = ready - at
    return ahead if 0 < ahead <= step + SKEW_MS else 0


def stretches(market: Market, fares: Iterable[Fare], at: Millis) -> tuple[Stretch, ...]:
    """From now on long enough for these calls, one for each group; none for a group whose calls would take too long.

    >>> stretches(Market.UPBIT, [Fare("a", 8.0), Fare("a", 4.0), Fare("b", 0.1)], Millis(0))
    (Stretch(market=<Market.UPBIT: 'upbit'>, group='a', since=0, until=1175),)
    """
    spans: dict[str, int] = {}
    for fare in fares:
        spans[fare.group] = spans.get(fare.group, LINGER_MS) + step_ms(fare.limit)
    return tuple(Stretch(market, group, at, Millis(at + span)) for group, span in spans.items() if span <= LONGEST_MS)


def within(stretch: Stretch, free: Millis, step: int, at: Millis) -> int | None:
    """ms until a call may go in it, 0 for at once; None where it has no room for one, or none that can be true.

    So no two calls of a group are nearer to each other than its step, whoever makes them: those in the stretch among
    themselves, and the last of them and the first one after it.

    Args:
        free: when the call before this one has had its step; `step` is this one's.
    """
    begins = max(stretch.since, free)
    if max(at, begins) + step > stretch.until or begins - at > LONGEST_MS + PUT_OFF_MS:
        return None
    return max(0, begins - at)


def put_off(wanted: Iterable[Stretch], ready: Mapping[str, int], at: Millis) -> tuple[Stretch, ...]:
    """What to ask for next where some groups were not free at `at`: their stretches from `ready` on, but once only."""
    later = ((each, ready.get(each.group)) for each in wanted)
    moved = ((each, each.since if soon is None else soon) for each, soon in later)
    return tuple(
        replace(each, since=Millis(since), until=Millis(each.until + since - each.since))
        for each, since in moved
        if since == each.since or (each.since == at and 0 < since - at <= PUT_OFF_MS)
    )
