"""What the control side of the simulated KIS has beyond that of every simulator: its books, and its keys.

GET  /_sim/books   cash, holdings and orders as the simulator keeps them
POST /_sim/day     {"hours": "10:00:00-10:01:00/3"} is today from now on: opens, closes, seconds of each auction
POST /_sim/keys    {"expire": true} lets every token be expired, {"forget": true} every approval key unknown
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from core.simulators.control import said
from core.simulators.kis_account import KisAccount
from core.simulators.kis_keys import Keyring
from core.simulators.kis_time import Timetable, date_of, span


class Spoil(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expire: bool = False
    forget: bool = False


class Today(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hours: str


class BackOffice:
    """The doors of one environment. `turn` brings it up to its clock and gives the moment."""

    def __init__(self, account: KisAccount, keys: Keyring, timetable: Timetable, turn: Callable[[], int]) -> None:
        self._account, self._keys = account, keys
        self._timetable, self._turn = timetable, turn

    def add_routes(self, application: web.Application) -> None:
        application.router.add_get("/_sim/books", self._report)
        application.router.add_post("/_sim/keys", self._spoil)
        application.router.add_post("/_sim/day", self._begin)

    async def _report(self, request: web.Request) -> web.Response:
        return said(self._account.report())

    async def _begin(self, request: web.Request) -> web.Response:
        try:
            hours = span(msgspec.json.decode(await request.read(), type=Today).hours)
        except (msgspec.MsgspecError, ValueError) as fault:
            return said({"error": str(fault)}, 400)
        day = date_of(self._turn())
        self._timetable.change(day, hours)
        return said({"day": day, "phases": [phase.value for _, phase in hours]})

    async def _spoil(self, request: web.Request) -> web.Response:
        try:
            wanted = msgspec.json.decode(await request.read(), type=Spoil)
        except msgspec.MsgspecError as fault:
            return said({"error": str(fault)}, 400)
        if wanted.expire:
            self._keys.expire()
        if wanted.forget:
            self._keys.disapprove()
        return said(msgspec.to_builtins(wanted))
