"""A venue's REST side for a program that must not wait: one call for all who ask at once, one flight a symbol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from core.domain.errors import CoreError, Refused
from core.domain.values import Instrument


class Told(Protocol):
    """Whatever a venue tells of one instrument."""

    @property
    def instrument(self) -> Instrument: ...


T = TypeVar("T", bound=Told)


class Asker(Generic[T]):
    """Many ask, the venue hears few: whoever asks for a symbol that is being asked for gets that same answer (D16).

    ask    (symbols) -> what the venue knows of them; blocking, so it runs in `thread`
    batch  most symbols of one call
    """

    def __init__(self, ask: Callable[[Sequence[str]], list[T]], batch: int, thread: ThreadPoolExecutor) -> None:
        self._ask, self._batch, self._thread = ask, max(batch, 1), thread
        self._flights: dict[str, asyncio.Future[T]] = {}
        self._waiting: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.shared = 0
        """Answers that came with somebody else's question."""

    async def one(self, symbol: str) -> T:
        """What the venue says of it now. Raises Refused where it knows no such symbol, or what the call raised."""
        flight = self._flights.get(symbol)
        if flight is None:
            flight = self._begin(symbol)
        else:
            self.shared += 1
        return await asyncio.shield(flight)

    async def many(self, symbols: Iterable[str]) -> list[T]:
        """Those that the venue answered; the others are left out."""
        answers = await asyncio.gather(*(self.one(symbol) for symbol in symbols), return_exceptions=True)
        odd = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, CoreError)]
        if odd:
            raise odd[0]
        return [one for one in answers if not isinstance(one, BaseException)]

    def _begin(self, symbol: str) -> asyncio.Future[T]:
        flight = self._flights[symbol] = asyncio.get_running_loop().create_future()
        flight.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to hear it
        if not self._waiting:
            task = asyncio.create_task(self._fly(), name="rest")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting.append(symbol)
        return flight

    async def _fly(self) -> None:
        """Everything that was asked for in this turn of the loop goes out together."""
        await asyncio.sleep(0)
        symbols, self._waiting = self._waiting, []
        for start in range(0, len(symbols), self._batch):
            await self._call(symbols[start : start + self._batch])

    async def _call(self, symbols: Sequence[str]) -> None:
        call = asyncio.get_running_loop().run_in_executor(self._thread, self._ask, symbols)
        (rows,) = await asyncio.gather(call, return_exceptions=True)
        if isinstance(rows, BaseException):  # whatever it is, those who wait for it must hear it
            for symbol in symbols:
                self._flights.pop(symbol).set_exception(rows)
            return
        found = {row.instrument.symbol: row for row in rows}
        for symbol in symbols:
            flight = self._flights.pop(symbol)
            if symbol in found:
                flight.set_result(found[symbol])
            else:
                flight.set_exception(Refused("the venue does not know this symbol", symbol=symbol))
