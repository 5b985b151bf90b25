"""KIS on loopback: REST and stream of one environment on one port, with a control side under `/_sim/`.

A real and a mock simulator may share a market: quotes with a real key while orders go to the mock account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

from aiohttp import web

from core.domain.policies import Environment
from core.simulators.control import Control
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.host import HOST, Host, hung_up, upgrading, wall_ms
from core.simulators.kis_account import FUNDS, KisAccount
from core.simulators.kis_answers import Reply
from core.simulators.kis_control import BackOffice
from core.simulators.kis_gateway import Call, Gateway
from core.simulators.kis_house import House
from core.simulators.kis_keys import KEYS, AppKey, Keyring
from core.simulators.kis_limits import KisLimits, usual
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_order import Notice
from core.simulators.kis_slots import Slots
from core.simulators.kis_stories import BOOKS
from core.simulators.kis_stream import KisStream
from core.simulators.kis_subscriber import Desk
from core.simulators.served import Served

STREAM_PATH = "/tryitout"
BRANCHES = {Environment.REAL: "06010", Environment.MOCK: "00950"}
MAINTENANCE = b'{"rt_cd":"1","msg_cd":"","msg1":""}'


class KisSimulator:
    """`async with KisSimulator(market, flavour=Environment.MOCK) as kis:` serves until the block ends.

    market   what is traded; simulators that share it must share the clock
    flavour  which environment this is; its limits are the usual ones unless given
    faults   what goes wrong and when, counted from the start
    keys     app keys that exist; those of the other environment get tokens and nothing else
    funds    KRW in the account at the start
    port     0 takes a free one. Raises OSError where the port is taken
    """

    def __init__(
        self,
        market: KrxMarket,
        *,
        flavour: Environment = Environment.REAL,
        faults: Faults | None = None,
        limits: KisLimits | None = None,
        clock: Callable[[], int] = wall_ms,
        port: int = 0,
        log: Served | None = None,
        keys: Sequence[AppKey] = KEYS,
        funds: int = FUNDS,
    ) -> None:
        self.market, self.flavour, self.clock = market, flavour, clock
        self.faults = faults or Faults()
        self.limits = limits or usual(flavour)
        self.log = log or Served()
        self.app_keys = [key for key in keys if key.environment is flavour]
        self.keys = Keyring(keys, self.limits, self.log)
        self.books = KisAccount(
            self.app_keys[0].account, market, self.limits, self.log,
            branch=BRANCHES[flavour], funds=funds, notify=self._notify,
        )  # fmt: skip
        house = House(flavour, market, self.books, self.limits, self.log)
        self._gateway = Gateway(house, self.keys, self.log, market.seed)
        desk = Desk(
            self.keys, Slots(self.limits), self.limits, self.faults, self.log,
            lambda key: key.environment is flavour, market.lines.__contains__,
        )  # fmt: skip
        self.stream = KisStream(market, flavour, self.limits, desk, clock)
        control = Control(market, self.faults, self.log, self.turn, BOOKS)
        office = BackOffice(self.books, self.keys, market.timetable, self.turn)
        self._host = Host(self.turn, self._handle, faults=self.faults, log=self.log, doors=[control, office], port=port)

    @property
    def port(self) -> int:
        return self._host.port

    @property
    def rest_url(self) -> str:
        """Base address of the REST side; paths begin with /uapi and /oauth2."""
        return self._host.url

    @property
    def stream_url(self) -> str:
        return f"ws://{HOST}:{self.port}{STREAM_PATH}"

    @property
    def control_url(self) -> str:
        return f"{self.rest_url}/_sim"

    async def __aenter__(self) -> Self:
        await self._host.open(self.clock())
        self.market.listeners += [self.stream.tell, self.books.turned]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._host.rest()
        self.market.listeners.remove(self.stream.tell)
        self.market.listeners.remove(self.books.turned)
        self.stream.close()
        await self._host.close()

    def turn(self) -> int:
        """Bring market, streams and faults up to the clock; gives the moment."""
        at = self.clock()
        self.stream.hit(self.faults.due(at))
        self.market.advance(at)
        self.stream.turn(at)
        return at

    def _notify(self, notice: Notice) -> None:
        self.stream.notify(notice, self.books.number)

    async def _handle(self, request: web.Request, at: int) -> web.StreamResponse:
        if upgrading(request):
            return await self._upgrade(request)
        headers = {name.lower(): text for name, text in request.headers.items()}
        call = Call(request.method, request.path, headers, dict(request.query), await request.read())
        reply = await self._reply(call, at)
        if reply is None:
            return hung_up(request)
        self.log.answered(reply.status)
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers=reply.headers,
            content_type="application/json",
            charset="utf-8",
        )

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        """The stream is at /tryitout, at /tryitout/<TR id>, or at no path at all."""
        if request.path != "/" and not request.path.startswith(STREAM_PATH):
            return web.Response(status=404)
        return await self.stream.handle(request)

    async def _reply(self, call: Call, at: int) -> Reply | None:
        """One REST call past the faults; None where the line is cut instead."""
        if fault := self._hit(Kind.LOST_REQUEST, call, at):
            return self._instead(fault)
        if fault := self._hit(Kind.HTTP, call, at):
            return self._instead(fault)
        reply = self._gateway.answer(call, at)
        if fault := self._hit(Kind.LOST_REPLY, call, at):
            return self._instead(fault)
        if call.method == "POST" and call.path.startswith("/uapi/") and reply.status == 200:
            await self.stream.told()
            await asyncio.sleep(self.limits.order_reply_s)
        if fault := self._hit(Kind.SLOW, call, at):
            await asyncio.sleep(fault.delay_s)
        return reply

    def _hit(self, kind: Kind, call: Call, at: int) -> Fault | None:
        if fault := self.faults.take(kind, at, call.path):
            self.log.hit(kind, at)
        return fault

    def _instead(self, fault: Fault) -> Reply | None:
        """A refusal with the fault's code, KIS's empty maintenance body, or nothing at all."""
        if fault.code:
            return self._gateway.refuse(fault.code, 500 if fault.status == 503 else fault.status)
        if fault.kind is not Kind.HTTP:
            return None
        pause = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        return Reply(fault.status, MAINTENANCE, pause, "")
