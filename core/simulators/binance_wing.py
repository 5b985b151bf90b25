"""The private wing of simulated Binance: one account on the exchange's own host, market and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from aiohttp import web

from core.simulators.binance import BinanceSimulator
from core.simulators.binance_account import FUNDS, Account, Call
from core.simulators.binance_keys import ApiKey
from core.simulators.coin_office import CoinOffice
from core.simulators.host import Door
from core.simulators.market import Turn


class AccountWing:
    """Serves `account`; its books are at `GET /_sim/books`."""

    def __init__(self, simulator: BinanceSimulator, account: Account) -> None:
        self._log, self._gate = simulator.log, simulator.gate
        self.account = account
        self.doors: Sequence[Door] = [CoinOffice(account.books)]

    def takes(self, method: str, path: str) -> bool:
        return self.account.owns(method, path)

    def weight(self, request: web.Request) -> int:
        return self.account.weight_of(request.method, request.path)

    def turned(self, news: Turn, at: int) -> None:
        self.account.books.turned(news.trades, at)

    async def answer(self, request: web.Request, at: int) -> web.StreamResponse:
        """A query and a form body are signed as one text, the one after the other."""
        headers = {name.lower(): text for name, text in request.headers.items()}
        raw = request.rel_url.raw_query_string + (await request.read()).decode("utf-8", "replace")
        call = Call(request.method, request.path, headers, raw, request.remote or "")
        reply, more = self.account.answer(call, at)
        self._log.answered(reply.status)
        used = {"X-MBX-USED-WEIGHT": str(self._gate.used), "X-MBX-USED-WEIGHT-1M": str(self._gate.used)}
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers={**used, **more},
            content_type="application/json",
            charset="utf-8",
        )


def private(
    keys: tuple[ApiKey, ...] = (ApiKey(),), funds: Mapping[str, Decimal] = FUNDS
) -> Callable[[BinanceSimulator], AccountWing]:
    """What `BinanceSimulator(wing=...)` takes to have an account."""
    return lambda sim: AccountWing(sim, Account(sim.exchange, sim.log, keys=keys, funds=funds))
