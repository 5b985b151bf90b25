"""The side door of a simulator, for tests and drills: `/_sim/faults`, `/_sim/log`, `/_sim/market`, `/_sim/story`.

POST /_sim/faults  {"fault": {"kind": "drop"}, "at_s": 2}, or a list of such; DELETE ends all; GET lists
GET  /_sim/log     what was served
POST /_sim/market  {"symbol": "KRW-BTC", "move": -0.05, "over_s": 3} moves a price,
                   {"symbol": "KRW-BTC", "flag": "WARNING", "raised": true} raises or lowers a warning
POST /_sim/story   {"name": "demo"} begins the stories now
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec
from aiohttp import web

from core.simulators.faults import Faults, Planned
from core.simulators.served import Served
from core.simulators.stories import BOOKS, Story


class Forced(Protocol):
    """What a market lets be done to it from outside; `lines` has every symbol."""

    @property
    def lines(self) -> Mapping[str, Any]: ...
    def push(self, symbol: str, fraction: float, over_s: float, at: int) -> None: ...
    def flag(self, symbol: str, name: str, *, raised: bool) -> None: ...
    def play(self, stories: Iterable[Story], at: int) -> None: ...


class Force(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A move of `move` (fraction) within `over_s`, a flag raised or lowered, or both."""

    symbol: str
    move: float = 0.0
    over_s: float = 0.0
    flag: str = ""
    raised: bool = True


class Telling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class Control:
    """`turn` brings the simulator up to its clock and gives the moment; `books` are the stories by name."""

    def __init__(
        self,
        market: Forced | None,
        faults: Faults,
        log: Served,
        turn: Callable[[], int],
        books: Mapping[str, Iterable[Story]] = BOOKS,
    ) -> None:
        self._market, self._faults, self._log, self._turn = market, faults, log, turn
        self._books = books

    def add_routes(self, application: web.Application) -> None:
        router = application.router
        router.add_get("/_sim/faults", self._list)
        router.add_post("/_sim/faults", self._cause)
        router.add_delete("/_sim/faults", self._clear)
        router.add_get("/_sim/log", self._report)
        if self._market is not None:
            router.add_post("/_sim/market", self._force)
            router.add_post("/_sim/story", self._tell)

    async def _list(self, request: web.Request) -> web.Response:
        return said([msgspec.to_builtins(fault) for fault in self._faults.running(self._turn())])

    async def _cause(self, request: web.Request) -> web.Response:
        try:
            wanted = msgspec.json.decode(await request.read(), type=Planned | list[Planned])
        except msgspec.MsgspecError as fault:
            return said({"error": str(fault)}, 400)
        at = self._turn()
        planned = wanted if isinstance(wanted, list) else [wanted]
        for one in planned:
            self._faults.cause(one, at)
        self._turn()
        return said({"caused": len(planned)})

    async def _clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return said({"caused": 0})

    async def _report(self, request: web.Request) -> web.Response:
        return said(self._log.report())

    async def _force(self, request: web.Request) -> web.Response:
        try:
            force = msgspec.json.decode(await request.read(), type=Force)
            apply(force, self._known(), self._turn())
        except (msgspec.MsgspecError, KeyError, ValueError) as fault:
            return said({"error": repr(fault)}, 400)
        return said({"symbol": force.symbol})

    async def _tell(self, request: web.Request) -> web.Response:
        try:
            name = msgspec.json.decode(await request.read(), type=Telling).name
            at = self._turn()
            stories = tuple(self._books[name])
            self._known().play(stories, at)
        except (msgspec.MsgspecError, KeyError) as fault:
            return said({"error": repr(fault)}, 400)
        return said({"began": at, "stories": len(stories)})

    def _known(self) -> Forced:
        if self._market is None:
            raise KeyError("market")
        return self._market


def apply(force: Force, market: Forced, at: int) -> None:
    """Carry out one forced change. Raises KeyError for an unknown pair, ValueError for a move of -100 % or less."""
    if force.symbol not in market.lines:
        raise KeyError(force.symbol)
    if force.move:
        market.push(force.symbol, force.move, force.over_s, at)
    if force.flag:
        market.flag(force.symbol, force.flag, raised=force.raised)


def said(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
