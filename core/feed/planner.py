"""Which connection carries which symbol, as a list of steps from the present layout to the wanted one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

LinkId = int
Layout = Mapping[LinkId, frozenset[str]]
"""Symbols by connection. A symbol is the unit: all its channels travel on one connection."""


class Open(msgspec.Struct, frozen=True):
    link: LinkId


class Leave(msgspec.Struct, frozen=True):
    link: LinkId
    symbols: frozenset[str]


class Join(msgspec.Struct, frozen=True):
    link: LinkId
    symbols: frozenset[str]


class Close(msgspec.Struct, frozen=True):
    link: LinkId


Step = Open | Leave | Join | Close


def room(per_connection: int, venue_channels: int, topics: int) -> int:
    """Symbols that fit on one connection: the owner's limit, within the venue's limit of channels (0 = none).

    >>> room(100, 0, 3), room(100, 40, 2), room(1, 1, 3)
    (100, 20, 1)
    """
    return per_connection if venue_channels == 0 else max(1, min(per_connection, venue_channels // max(1, topics)))


def plan(wanted: Sequence[str], now: Layout, limit: int, connections: int) -> list[Step]:
    """List the steps that make the layout carry `wanted`, which is given best first.

    What does not fit into `connections` times `limit` is left out from the end of `wanted`.
    A symbol that stays wanted never moves, because moving it would open a gap in its trades;
    only a link that holds more than `limit` (the limit was lowered) gives up its least wanted ones.
    Leaves come first, so that the room they make can be used; empty links are closed last.
    """
    fitting = list(dict.fromkeys(wanted))[: limit * connections]
    after = {link: _kept(held, fitting, limit) for link, held in _numbered(now, connections).items()}
    steps: list[Step] = [
        Leave(link, gone) for link, held in now.items() if (gone := held - after.get(link, frozenset()))
    ]
    carried = frozenset[str]().union(*after.values())
    missing = [symbol for symbol in fitting if symbol not in carried]
    for link in _hosts(after, connections):
        batch, missing = (
            frozenset(missing[: limit - len(after.get(link, ()))]),
            missing[limit - len(after.get(link, ())) :],
        )
        if not batch:
            continue
        if link not in now:
            steps.append(Open(link))
        steps.append(Join(link, batch))
        after[link] = after.get(link, frozenset()) | batch
    steps.extend(Close(link) for link in now if not after.get(link))
    return steps


def carry_out(steps: Sequence[Step], layout: Layout) -> dict[LinkId, frozenset[str]]:
    """The layout after the steps. Raises LookupError for a step that the layout does not allow."""
    after = dict(layout)
    for step in steps:
        match step:
            case Open(link):
                if link in after:
                    raise LookupError(f"link {link} is open already")
                after[link] = frozenset()
            case Leave(link, symbols):
                after[link] -= symbols
            case Join(link, symbols):
                after[link] |= symbols
            case Close(link):
                del after[link]
            case _:
                assert_never(step)
    return after


def _numbered(now: Layout, connections: int) -> dict[LinkId, frozenset[str]]:
    """The links that may stay: the lowest-numbered ones, where the pool was made smaller."""
    return {link: now[link] for link in sorted(now)[:connections]}


def _kept(held: frozenset[str], fitting: Sequence[str], limit: int) -> frozenset[str]:
    return frozenset([symbol for symbol in fitting if symbol in held][:limit])


def _hosts(after: Layout, connections: int) -> list[LinkId]:
    """Links in the order in which they are filled: those that stay, then new ones up to the size of the pool."""
    fresh = [link for link in range(connections + len(after)) if link not in after]
    return [*sorted(after), *fresh[: connections - len(after)]]
