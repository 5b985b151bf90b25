"""A REST conversation is a generator of requests: paging and checking are logic, so they are pure."""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

import msgspec

from core.domain.errors import CoreError

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True):
    """One HTTP call. `group` names the venue's rate-limit group that it counts against, and `weight` as how many.

    Its text shows neither query, body nor headers: they carry keys, tokens and account numbers.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    group: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    weight: int = 1

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"


class Response(msgspec.Struct, frozen=True):
    """What came back; header names are lower case."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


Flow = Generator[Request, Response, T]
"""Yields requests, is sent their responses, returns the answer; raises CoreError for what the venue refused."""


def run(flow: Flow[T], send: Callable[[Request], Response]) -> T:
    """Carry a flow out with any transport: requests, a recording, a fake."""
    try:
        request = next(flow)
        while True:
            request = flow.send(send(request))
    except StopIteration as done:
        result: T = done.value
        return result


def openings(flows: Iterable[Flow[object]]) -> list[Request]:
    """The first request of each flow, which nobody sends; one that makes none, or refuses its order, is left out."""
    return [request for flow in flows for request in _opening(flow)]


def _opening(flow: Flow[object]) -> list[Request]:
    try:
        return [next(flow)]
    except (StopIteration, CoreError):
        return []
    finally:
        flow.close()
