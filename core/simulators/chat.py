"""Telegram and Discord on loopback, in one server. What they were told can be read at `/_sim/messages`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec
from aiohttp import web

from core.simulators import discord, telegram
from core.simulators.control import Control, said
from core.simulators.faults import Fault, Faults, Kind
from core.simulators.forms import Parts, discord_parts, telegram_post
from core.simulators.host import HOST, hung_up, wall_ms
from core.simulators.limits import Recent
from core.simulators.served import Served

TOKEN = "100000001:SIMULATED-telegram-token"
WEBHOOK, KEY = "200000002", "SIMULATED-discord-key"
LARGEST = 20 * 2**20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ChatLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How often each service may be told something.

    telegram_chat_ms   least time between two messages to one chat
    telegram_per_s     messages a second to all chats
    discord_count      webhook messages within `discord_window_ms`
    """

    telegram_chat_ms: int = 1000
    telegram_per_s: int = 30
    discord_count: int = 5
    discord_window_ms: int = 2000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was accepted. `picture` is its size in bytes, 0 for none; `form` png or jpeg."""

    service: str
    at: int
    to: str
    text: str
    picture: int = 0
    form: str = ""


class ChatSimulator:
    """`async with ChatSimulator() as chat:` serves until the block ends. Raises OSError where the port is taken.

    chats  the Telegram chats that exist; empty means any
    """

    def __init__(
        self,
        *,
        faults: Faults | None = None,
        limits: ChatLimits | None = None,
        chats: frozenset[str] = frozenset(),
        clock: Callable[[], int] = wall_ms,
        port: int = 0,
        log: Served | None = None,
    ) -> None:
        self.port, self.chats, self.clock = port, chats, clock
        self.faults, self.limits, self.log = faults or Faults(), limits or ChatLimits(), log or Served()
        self.messages: list[Told] = []
        self._chats: dict[str, Recent] = {}
        self._telegrams = Recent(self.limits.telegram_per_s, 1000)
        self._hooks = Recent(self.limits.discord_count, self.limits.discord_window_ms)
        self._control = Control(None, self.faults, self.log, self.turn)

    @property
    def telegram_url(self) -> str:
        """Base address; a call is `<base>/bot<token>/sendMessage`."""
        return f"http://{HOST}:{self.port}"

    @property
    def telegram_token(self) -> str:
        return TOKEN

    @property
    def discord_url(self) -> str:
        """The webhook's whole address."""
        return f"http://{HOST}:{self.port}/api/webhooks/{WEBHOOK}/{KEY}"

    async def __aenter__(self) -> Self:
        self.faults.begin(self.clock())
        application = web.Application(middlewares=[self._trouble], client_max_size=LARGEST)
        self._control.add_routes(application)
        application.router.add_get("/_sim/messages", self._read)
        application.router.add_route("*", "/bot{token}/{method}", self._telegram)
        application.router.add_post("/api/webhooks/{id}/{key}", self._discord)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def turn(self) -> int:
        """Let begin the faults that are due; gives the moment."""
        at = self.clock()
        self.faults.due(at)
        return at

    async def _read(self, request: web.Request) -> web.Response:
        return said([msgspec.to_builtins(told) for told in self.messages])

    @web.middleware
    async def _trouble(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the faults of the moment hit a call before the service sees it."""
        path = request.path
        if path.startswith("/_sim/"):
            return await handler(request)
        at = self.turn()
        service = "telegram" if path.startswith("/bot") else "discord"
        self.log.called(service, service, at)
        if self.faults.take(Kind.REFUSE, at, path):
            self.log.refused("outage", at)
            return hung_up(request)
        if slow := self.faults.take(Kind.SLOW, at, path):
            await asyncio.sleep(slow.delay_s)
        if fault := self.faults.take(Kind.HTTP, at, path):
            return self._failed(service, fault, at)
        response = await handler(request)
        self.log.answered(response.status)
        return response

    def _failed(self, service: str, fault: Fault, at: int) -> web.Response:
        """A scripted refusal in the service's own words."""
        self.log.hit(Kind.HTTP, at)
        pause = 1.0 if fault.retry_after is None else fault.retry_after
        if fault.status == 429:
            return self._slow_down(service, round(pause * 1000), at)
        if service == "telegram":
            return said(telegram.refusal(fault.status, "Internal Server Error").body, fault.status)
        return said({"message": f"{fault.status}: Internal Server Error", "code": 0}, fault.status)

    def _slow_down(self, service: str, wait_ms: int, at: int) -> web.Response:
        self.log.refused(f"429 {service}", at)
        if service == "telegram":
            seconds = max(math.ceil(wait_ms / 1000), 1)
            return said(
                telegram.refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds).body, 429
            )
        wait = wait_ms / 1000
        answer = said({"message": "You are being rate limited.", "retry_after": wait, "global": False}, 429)
        answer.headers.update(self._headers(0, wait_ms, at))
        answer.headers.update({"Retry-After": str(math.ceil(wait)), "X-RateLimit-Scope": "shared"})
        return answer

    def _headers(self, left: int, wait_ms: int, at: int) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limits.discord_count),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": f"{(at + wait_ms) / 1000:.3f}",
            "X-RateLimit-Reset-After": f"{wait_ms / 1000:.3f}",
            "X-RateLimit-Bucket": "simulated",
        }

    async def _telegram(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        answer = telegram.judged(request.match_info["token"], TOKEN, method)
        if answer is None and method == "getMe":
            answer = telegram.ME
        if answer is None:
            post = await telegram_post(request, method)
            answer = telegram.UNREADABLE if post is None else telegram.fault_of(post, self.chats)
            if answer is None and post is not None:
                return self._deliver(post)
        if answer is not None and answer.status != 200:
            self.log.refused(f"telegram {answer.status}", self.clock(), str(answer.body["description"]))
        return said(answer.body, answer.status) if answer else web.Response(status=500)

    def _deliver(self, post: telegram.Post) -> web.Response:
        """Count a good message against both limits and keep it."""
        at = self.clock()
        own = self._chats.setdefault(post.chat, Recent(1, self.limits.telegram_chat_ms))
        wait = own.take(at)[1] or self._telegrams.take(at)[1]
        if wait:
            return self._slow_down("telegram", wait, at)
        picture = post.picture or b""
        form = telegram.picture_format(picture)
        told = Told(service="telegram", at=at, to=post.chat, text=post.text, picture=len(picture), form=form)
        self.messages.append(told)
        answer = telegram.accepted(len(self.messages), post, at // 1000)
        return said(answer.body, answer.status)

    async def _discord(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["id"] != WEBHOOK:
            return self._declined(discord.UNKNOWN)
        if request.match_info["key"] != KEY:
            return self._declined(discord.BAD_TOKEN)
        at = self.clock()
        left, wait = self._hooks.take(at)
        if wait:
            return self._slow_down("discord", wait, at)
        try:
            parts = await discord_parts(request)
            payload = discord.read(parts.texts["payload_json"].encode())
        except (msgspec.MsgspecError, KeyError):
            return self._declined(discord.NOT_JSON)
        if fault := discord.fault_of(payload, len(parts.files)):
            return self._declined(fault)
        answer = self._post(payload, parts, at, wait=request.query.get("wait", "") in ("true", "1"))
        answer.headers.update(self._headers(left, self._hooks.resets_ms(at), at))
        return answer

    def _declined(self, answer: discord.Answer) -> web.Response:
        self.log.refused(f"discord {answer.status}", self.clock(), str(answer.body))
        return said(answer.body, answer.status)

    def _post(self, payload: discord.Payload, parts: Parts, at: int, *, wait: bool) -> web.Response:
        """Keep a good message; without `wait` the answer is empty."""
        picture = next(iter(parts.files.values()), b"")
        form = telegram.picture_format(picture)
        text = discord.wording(payload)
        self.messages.append(Told(service="discord", at=at, to=WEBHOOK, text=text, picture=len(picture), form=form))
        if not wait:
            return web.Response(status=204)
        return said(discord.accepted(len(self.messages), payload, len(parts.files)))
