"""What the control side of a simulated crypto exchange has beyond that of every simulator: the account.

GET  /_sim/books     balances and orders as the simulator keeps them
POST /_sim/account   {"share": "0.4", "cancel_ms": 500}: part of each order that the book gives at once, and how long
                     a cancel takes
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from aiohttp import web

from core.simulators.coin_account import CoinAccount
from core.simulators.control import said


class Habits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: Decimal = Decimal(1)
    cancel_ms: int = 0


class CoinOffice:
    """A `Door` to one account."""

    def __init__(self, account: CoinAccount) -> None:
        self._account = account

    def add_routes(self, application: web.Application) -> None:
        application.router.add_get("/_sim/books", self._report)
        application.router.add_post("/_sim/account", self._change)

    async def _report(self, request: web.Request) -> web.Response:
        return said(self._account.report())

    async def _change(self, request: web.Request) -> web.Response:
        try:
            habits = msgspec.json.decode(await request.read(), type=Habits)
        except msgspec.MsgspecError as fault:
            return said({"error": str(fault)}, 400)
        self._account.share, self._account.cancel_ms = habits.share, habits.cancel_ms
        return said({"share": str(habits.share), "cancel_ms": habits.cancel_ms})
