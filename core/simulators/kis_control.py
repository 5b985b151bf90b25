"""What the control side of the simulated KIS has beyond that of every simulator: its books, and its keys.

GET  /_sim/books   cash, holdings and orders as the simulator keeps them
POST /_sim/keys    {"expire": true} lets every token be expired, {"forget": true} every approval key unknown
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from core.simulators.control import said
from core.simulators.kis_account import KisAccount
from core.simulators.kis_keys import Keyring


class Spoil(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expire: bool = False
    forget: bool = False


class BackOffice:
    """Both doors of one environment."""

    def __init__(self, account: KisAccount, keys: Keyring) -> None:
        self._account, self._keys = account, keys

    def add_routes(self, application: web.Application) -> None:
        application.router.add_get("/_sim/books", self._report)
        application.router.add_post("/_sim/keys", self._spoil)

    async def _report(self, request: web.Request) -> web.Response:
        return said(self._account.report())

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
