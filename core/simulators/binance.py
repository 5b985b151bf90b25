"""Binance spot on loopback: REST and streams on one port, with a control side under `/_sim/` that no limit counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from aiohttp import web

from core.simulators.binance_limits import BinanceLimits, Verdict, WeightGate
from core.simulators.binance_pairs import BOOKS, Pair, listing, market_of
from core.simulators.binance_query import Exchange, Reply, complaint
from core.simulators.binance_rest import API, answer, weight_of
from core.simulators.binance_stream import BinanceStreams
from core.simulators.control import Control
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.host import HOST, Door, Host, hung_up, upgrading, wall_ms
from core.simulators.limits import BANNED
from core.simulators.market import SimulatedMarket, Turn
from core.simulators.served import Served

TOO_MUCH = -1003
CROWDED_WORDS = (
    "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
BANNED_WORDS = (
    "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live updates to "
    "avoid bans."
)


class Wing(Protocol):
    """The private side of the exchange, where there is one: orders and accounts on the same market and host.

    takes   whether a call is its own; its weight counts against the address like any other (`weight`)
    answer  one such call, past the faults and the gate
    turned  what the market told since the last turn
    """

    doors: Sequence[Door]

    def takes(self, method: str, path: str) -> bool: ...
    def weight(self, request: web.Request) -> int: ...
    async def answer(self, request: web.Request, at: int) -> web.StreamResponse: ...
    def turned(self, news: Turn, at: int) -> None: ...


class BinanceSimulator:
    """`async with BinanceSimulator(seed=7) as binance:` serves until the block ends.

    pairs   what is listed; the market of those that are not given is made from `seed`, at the clock's time
    market  a market of these pairs that somebody has made already
    faults  what goes wrong and when, counted from the start
    limits  what is enforced
    port    0 takes a free one. Raises OSError where the port is taken
    wing    makes the private side, given this simulator; None where nobody has an account
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        pairs: Sequence[Pair] | None = None,
        market: SimulatedMarket | None = None,
        faults: Faults | None = None,
        limits: BinanceLimits | None = None,
        clock: Callable[[], int] = wall_ms,
        port: int = 0,
        log: Served | None = None,
        wing: Callable[[BinanceSimulator], Wing] | None = None,
    ) -> None:
        self.pairs = {pair.coin.symbol: pair for pair in (pairs or listing())}
        self.market = market or market_of(tuple(self.pairs.values()), seed=seed, start=clock())
        self.exchange = Exchange(self.pairs, self.market)
        self.clock, self.faults = clock, faults or Faults()
        self.limits, self.log = limits or BinanceLimits(), log or Served()
        self.gate = WeightGate(self.limits)
        silent = frozenset(symbol for symbol, pair in self.pairs.items() if pair.status != "TRADING")
        self.stream = BinanceStreams(self.market, self.faults, self.limits, self.gate, self.log, clock, silent)
        self.wing = wing(self) if wing else None
        doors = [Control(self.market, self.faults, self.log, self.turn, BOOKS), *(self.wing.doors if self.wing else ())]
        self._host = Host(self.turn, self._handle, faults=self.faults, log=self.log, doors=doors, port=port)

    @property
    def port(self) -> int:
        return self._host.port

    @property
    def rest_url(self) -> str:
        """Base address of the REST side; paths begin with /api/v3."""
        return self._host.url

    @property
    def stream_url(self) -> str:
        """Combined streams, without any: they are subscribed."""
        return f"ws://{HOST}:{self.port}/stream"

    async def __aenter__(self) -> Self:
        await self._host.open(self.clock())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._host.rest()
        self.stream.close()
        await self._host.close()

    def turn(self) -> int:
        """Bring market, streams and faults up to the clock; gives the moment."""
        at = self.clock()
        self.stream.hit(self.faults.due(at))
        news = self.market.advance(at)
        if self.wing:
            self.wing.turned(news, at)
        self.stream.turn(news, at)
        return at

    async def _handle(self, request: web.Request, at: int) -> web.StreamResponse:
        if upgrading(request) and self.stream.has(request.path):
            return await self.stream.handle(request)
        mine = self.wing is not None and self.wing.takes(request.method, request.path)
        weight = self.wing.weight(request) if self.wing and mine else weight_of(request.path, request.query)
        self.log.called(request.path, "weight", at)
        verdict = self.gate.call(weight, at)
        self.log.counts["most weight"] = max(self.log.counts["most weight"], verdict.used)
        if verdict.status:
            return self._sent(self._refuse(verdict, at), self._pause(verdict, at))
        return await self._faulty(request, at, private=mine)

    def _refuse(self, verdict: Verdict, at: int) -> Reply:
        self.log.refused(f"{verdict.status} weight", at)
        words = BANNED_WORDS if verdict.status == BANNED else CROWDED_WORDS
        return complaint(TOO_MUCH, words.format(limit=self.limits.weight, until=verdict.until), verdict.status)

    def _pause(self, verdict: Verdict, at: int) -> dict[str, str]:
        return {"Retry-After": str(max(-(-(verdict.until - at) // 1000), 1))}

    async def _faulty(self, request: web.Request, at: int, *, private: bool) -> web.StreamResponse:
        """The answer, slowed down, replaced or lost where a fault says so."""
        if self._hit(Kind.LOST_REQUEST, request, at):
            return hung_up(request)
        if slow := self._hit(Kind.SLOW, request, at):
            await asyncio.sleep(slow.delay_s)
            at = self.turn()
        if fault := self._hit(Kind.HTTP, request, at):
            pause = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return self._sent(complaint(int(fault.code or -1000), "A scripted fault.", fault.status), pause)
        reply = await self._answered(request, at, private=private)
        return hung_up(request) if self._hit(Kind.LOST_REPLY, request, at) else reply

    async def _answered(self, request: web.Request, at: int, *, private: bool) -> web.StreamResponse:
        if self.wing is not None and private:
            return await self.wing.answer(request, at)
        if request.method != "GET" and request.path.startswith(API):
            return self._sent(Reply(405, b"<html><head><title>405 Not Allowed</title></head></html>"), {})
        return self._sent(answer(request.path, request.query, self.exchange, at), {})

    def _hit(self, kind: Kind, request: web.Request, at: int) -> Fault | None:
        if fault := self.faults.take(kind, at, request.path):
            self.log.hit(kind, at)
        return fault

    def _sent(self, reply: Reply, headers: dict[str, str]) -> web.Response:
        self.log.answered(reply.status)
        kind = "text/html" if reply.body.startswith(b"<") else "application/json"
        used = {"X-MBX-USED-WEIGHT": str(self.gate.used), "X-MBX-USED-WEIGHT-1M": str(self.gate.used)}
        return web.Response(
            status=reply.status, body=reply.body, headers={**used, **headers}, content_type=kind, charset="utf-8"
        )
